"""``classic-fer predict``: the expressions of the faces in photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, output_console, say
from classic_fer.models.bundled import DEFAULT_MODEL

if TYPE_CHECKING:
    from classic_fer.predictions import FacePrediction

__all__ = ["predict"]


def predict(
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)
    ],
    model: options.Model = DEFAULT_MODEL,
    spec: options.Spec = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a table, one row a face.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw",
            help="Write the photo with boxes, landmarks and labels; for several a folder of them.",
        ),
    ] = None,
    as_json: options.Json = False,
    jobs: options.Jobs = -1,
    debug: options.Debug = False,
) -> None:
    """Label every face in photos."""
    with guard(debug):
        import json

        from classic_fer.cli.outputs import check_writable
        from classic_fer.cli.progress import tracked
        from classic_fer.errors import ImageError
        from classic_fer.models.persistence import load_model
        from classic_fer.predictions import find_photos, predict_photos, predictions_frame
        from classic_fer.reports.content import generated_note, unreadable_line
        from classic_fer.reports.drawing import drawing_paths, save_drawings
        from classic_fer.reports.terminal import predictions_table

        paths = find_photos(photos)
        drawings = {} if draw is None else drawing_paths(paths, draw)
        recognizer = load_model(model, spec=spec, n_jobs=1)  # threads are for photos
        for file in [*([] if csv is None else [csv]), *drawings.values()]:
            check_writable(file)
        note = generated_note(recognizer)
        with tracked("labelling photos") as progress:
            predictions, unreadable = predict_photos(
                recognizer, paths, n_jobs=jobs, progress=progress
            )
        for each in unreadable:
            say("unreadable", unreadable_line(each.path, each.reason))
        if not predictions and unreadable:
            raise ImageError(f"none of the {len(paths)} photos can be read")
        if csv is not None:
            frame = predictions_frame(predictions)
            (frame.assign(note=note) if note else frame).to_csv(csv, index=False)
        save_drawings(predictions, drawings, note=note)
        if as_json:
            report = _as_dict(predictions, unreadable) | ({"note": note} if note else {})
            typer.echo(json.dumps(report, indent=1))
        else:
            output_console().print(predictions_table(predictions, note=note))


def _as_dict(predictions: list[FacePrediction], unreadable: list) -> dict:
    return {
        "predictions": [each.to_dict() for each in predictions],
        "unreadable": [{"path": each.path, "reason": each.reason} for each in unreadable],
    }
