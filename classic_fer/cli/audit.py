"""``classic-fer audit``: duplicates, leaks and other traps of a data set, before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, output_console, say

__all__ = ["audit"]


def audit(
    data: Annotated[
        str | None,
        typer.Argument(
            help="Folder, zip, CSV, or a name looked up in $CLASSIC_FER_DATA.",
            show_default="generated faces",
        ),
    ] = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: options.Labels = "keep",
    near: Annotated[
        bool, typer.Option("--near/--no-near", help="Look for near copies too.")
    ] = True,
    folds: Annotated[
        int, typer.Option("--folds", help="Name the classes that are too small for so many folds.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write a contact sheet of the worst copies and audit.json into this folder.",
            rich_help_panel=options.RUN,
        ),
    ] = None,
    jobs: options.Jobs = -1,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Copies, leaks across parts, conflicting labels and unreadable images, before training."""
    with guard(debug):
        import json

        from classic_fer.cli.progress import tracked_stages
        from classic_fer.datasets import load_dataset
        from classic_fer.evaluation.audit import audit as audit_dataset
        from classic_fer.reports.audit import audit_view, verdict
        from classic_fer.reports.contact_sheet import save_contact_sheet
        from classic_fer.reports.content import GENERATED, GENERATED_MARK

        dataset = load_dataset(data, format=data_format, root=root, labels=labels)
        with tracked_stages() as progress:
            found = audit_dataset(dataset, near=near, folds=folds, n_jobs=jobs, progress=progress)
        marked = {"note": GENERATED_MARK} if found.name == GENERATED else {}
        report = found.to_dict() | {"verdict": verdict(found)} | marked
        if out is not None:
            sheet = save_contact_sheet(found, dataset, out)
            out.mkdir(parents=True, exist_ok=True)
            written = out / "audit.json"
            written.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            say("contact sheet", str(sheet or "no copies to show"), style="green")
            say("audit", str(written), style="green")
        if as_json:
            typer.echo(json.dumps(report, indent=1))
        else:
            if marked:
                say("note", GENERATED_MARK)
            output_console().print(audit_view(found))
