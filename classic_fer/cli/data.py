"""``classic-fer data``: what a data set holds, and its manifest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, output_console, say

__all__ = ["app", "describe", "manifest"]

app = typer.Typer(name="data", help="Look at data sets.", no_args_is_help=True)

_DataArgument = Annotated[
    str | None,
    typer.Argument(
        help="Folder, zip, CSV, or a name looked up in $CLASSIC_FER_DATA.",
        show_default="generated faces",
    ),
]


@app.command()
def describe(
    data: _DataArgument = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: options.Labels = "keep",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the chart of the classes (PNG, SVG).")
    ] = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Classes, people, splits and the majority baseline, with a chart."""
    with guard(debug):
        import json

        from classic_fer.datasets import load_dataset
        from classic_fer.datasets.describe import describe as describe_dataset
        from classic_fer.reports.content import GENERATED, GENERATED_MARK
        from classic_fer.reports.description import description_figure, description_view
        from classic_fer.reports.figures import save_figure

        dataset = load_dataset(data, format=data_format, root=root, labels=labels)
        description = describe_dataset(dataset)
        if out is not None:
            say("chart", str(save_figure(description_figure(description), out)), style="green")
        if as_json:
            marked = {"note": GENERATED_MARK} if description.name == GENERATED else {}
            typer.echo(json.dumps(description.to_dict() | marked, indent=1))
        else:
            output_console().print(description_view(description))


@app.command()
def manifest(
    data: Annotated[
        str,
        typer.Argument(
            help="Folder, zip, CSV, or a name looked up in $CLASSIC_FER_DATA.", show_default=False
        ),
    ],
    data_format: options.Format = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            help="Folder that the paths are made relative to.",
            show_default="the working directory if the data lie below it, else their folder",
        ),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write path,label,subject,split,sha256 as CSV: edit it, then --data faces.csv."""
    with guard(debug):
        from classic_fer.datasets import load_dataset
        from classic_fer.datasets.manifest import write_manifest
        from classic_fer.reports.content import unreadable_line

        dataset = data if data_format is None else load_dataset(data, format=data_format)
        report = write_manifest(dataset, sys.stdout, root=root)
        for each in report.unreadable:
            say("unreadable", unreadable_line(each.path, each.reason))
        say(
            "manifest",
            f"{report.rows:,} rows; their paths are relative to {report.root}: keep the CSV there, "
            "or read it with --root",
            style="green",
        )
