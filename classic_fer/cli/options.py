"""Flags that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DATA = "Data"
_FACES = "Faces"
RUN = "Run"

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Folder, zip, CSV, or a name looked up in $CLASSIC_FER_DATA.",
        show_default="generated faces",
        rich_help_panel=_DATA,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Layout of the data, such as fer2013 or manifest.",
        show_default="recognised from the content",
        rich_help_panel=_DATA,
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        help="Folder that the paths of a manifest CSV are relative to.",
        show_default="the folder of the CSV",
        rich_help_panel=_DATA,
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        help="keep, merge7, drop7, 8class, 7class, 6class, 3class, or a CSV with from,to.",
        rich_help_panel=_DATA,
    ),
]
Detector = Annotated[
    str | None,
    typer.Option(
        "--detector",
        help="dlib, haar, data (boxes that come with the data), none, or a YuNet FILE.onnx.",
        show_default="by data card",
        rich_help_panel=_FACES,
    ),
]
Landmarks = Annotated[
    str | None,
    typer.Option(
        "--landmarks",
        help="68, 5, data or none.",
        show_default="by data card",
        rich_help_panel=_FACES,
    ),
]
NotFound = Annotated[
    str,
    typer.Option(
        "--not-found",
        help="A face that is not found: take the whole image, or abstain.",
        rich_help_panel=_FACES,
    ),
]
Abstain = Annotated[
    float | None,
    typer.Option(
        "--abstain",
        metavar="ERROR",
        help="Answer 'unsure' in doubt, so that about this share of the answers is wrong: 0.1.",
        show_default="every face is answered",
        rich_help_panel="Recognizer",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="Run folder, .skops or .onnx file, or a bundled model: default, fer-cnn.",
        rich_help_panel="Recognizer",
    ),
]
Spec = Annotated[
    str | None,
    typer.Option(
        "--spec",
        help="What an .onnx file of others takes and gives: ferplus, hsemotion, mini-xception, "
        "mobilefacenet, or a .yaml file.",
        show_default=False,
        rich_help_panel="Recognizer",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Run folder.", show_default="a new one in runs/", rich_help_panel=RUN
    ),
]


def _check_jobs(jobs: int) -> int:
    if jobs == 0:
        raise typer.BadParameter("expected a number of workers, or -1 for all cores, got 0")
    return jobs


Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        callback=_check_jobs,
        help="Workers; -1 takes all cores.",
        show_default="all cores",
        rich_help_panel=RUN,
    ),
]


def comma_separated(text: str | None) -> list[str] | None:
    """The names in a flag that takes several; None if it was not given."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        max=2**32 - 1,
        help="The same seed gives the same numbers.",
        rich_help_panel=RUN,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="The result as JSON on standard output.", rich_help_panel=RUN),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=RUN),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        help="Height and width of an aligned face in pixels.",
        show_default="64; crops keep their size",
        rich_help_panel=_FACES,
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        help="Share of the width left beside each eye centre of an aligned face.",
        show_default="0.27; crops keep their own",
        rich_help_panel=_FACES,
    ),
]
Dedup = Annotated[
    bool,
    typer.Option(
        "--dedup",
        help="Also score without faces that training has a copy of, identical or near.",
        rich_help_panel="Protocol",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="COLUMNS",
        help="Also score by group, commas between: columns of the data, brightness, contrast, "
        "face_size, head_yaw.",
        show_default=False,
        rich_help_panel="Protocol",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        help="About how long all searches may take, such as 10m; what is left out is listed.",
        show_default="no limit",
        rich_help_panel=RUN,
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        help="Where searches run: local, or dask, on the workers of --scheduler.",
        rich_help_panel=RUN,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Address of a Dask scheduler, such as tcp://10.0.0.1:8786.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        help="Memory that the process should stay below, such as 4G.",
        show_default="what is free",
        rich_help_panel=RUN,
    ),
]
