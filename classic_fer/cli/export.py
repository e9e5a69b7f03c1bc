"""``classic-fer export``: a recognizer as one ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classic_fer.cli import options
from classic_fer.cli.console import FAILED, guard, output_console, say
from classic_fer.cli.outputs import check_writable

if TYPE_CHECKING:
    from classic_fer.models.recognizer import Recognizer
    from classic_fer.onnx.check import GraphCheck

__all__ = ["export"]


def export(
    model: Annotated[
        str,
        typer.Argument(
            help="Run folder, .skops file, or the name of a bundled model: default.",
            show_default=False,
        ),
    ],
    onnx: Annotated[
        Path,
        typer.Option("--onnx", metavar="FILE", help="The graph to write.", show_default=False),
    ],
    check: Annotated[
        str | None,
        typer.Option(
            "--check",
            metavar="DATA",
            help="Compare graph and recognizer on these faces; other answers exit with 1.",
            show_default=False,
            rich_help_panel="Data",
        ),
    ] = None,
    data_format: options.Format = None,
    root: options.Root = None,
    jobs: options.Jobs = -1,
    seed: options.Seed = 0,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write a recognizer as one ONNX graph: aligned faces in, label and probabilities out."""
    with guard(debug):
        import json

        from classic_fer.errors import ParameterError
        from classic_fer.models.persistence import load_model, model_file
        from classic_fer.models.recognizer import Recognizer
        from classic_fer.onnx.export import export_recognizer

        if check is None and (data_format or root):
            raise ParameterError("--format and --root belong to --check; give it, too")
        if model_file(model).suffix.lower() == ".onnx":
            raise ParameterError(
                f"{model} is an ONNX graph already; export takes a run folder, a .skops file or "
                "the name of a bundled model"
            )
        if onnx.suffix.lower() != ".onnx":
            raise ParameterError(f"expected --onnx with a name that ends in .onnx, got {onnx}")
        recognizer = load_model(model)
        assert isinstance(recognizer, Recognizer)
        check_writable(onnx)
        written = export_recognizer(recognizer, onnx)
        told: dict[str, Any] = {
            "file": str(written.file),
            "bytes": written.bytes,
            "opset": written.opset,
            "ir_version": written.ir_version,
            "operations": written.nodes,
            "inputs": list(written.inputs),
            "outputs": list(written.outputs),
            "classes": recognizer.classes_.tolist(),
        }
        verdict = None
        if check is not None:
            verdict, ids = _compared(recognizer, onnx, check, data_format, root, jobs, seed)
            told["check"] = {"data": check, **verdict.to_dict(), "worst_face": ids[verdict.worst]}
        if as_json:
            typer.echo(json.dumps(told, indent=1))
        else:
            output_console().print(_table(told))
        if verdict is not None and not verdict.passed:
            say("the graph differs", f"do not use {onnx} in the place of {model}", style="red")
            raise typer.Exit(FAILED)


def _compared(
    recognizer: Recognizer,
    file: Path,
    data: str,
    data_format: str | None,
    root: Path | None,
    jobs: int,
    seed: int,
) -> tuple[GraphCheck, list[str]]:
    """Graph and recognizer on the faces of a data set, and the names of these."""
    from joblib import parallel_config

    from classic_fer.cli.progress import tracked
    from classic_fer.datasets import load_dataset
    from classic_fer.faces.align import align_faces
    from classic_fer.onnx.check import check_graph

    dataset = load_dataset(data, format=data_format, root=root, seed=seed)
    with tracked("aligning faces") as report:
        aligned = align_faces(
            dataset, alignment=recognizer.alignment_, n_jobs=jobs, progress=report
        )
    assert aligned.faces is not None
    with parallel_config("threading", n_jobs=jobs):  # for encodings
        return check_graph(recognizer, file, aligned.faces), list(aligned.ids)


def _table(told: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_row("graph", told["file"])
    table.add_row("size", f"{told['bytes'] / 1e6:.2f} MB, {told['operations']} operations")
    table.add_row("opset", f"{told['opset']}, IR version {told['ir_version']}")
    table.add_row("inputs", ", ".join(told["inputs"]))
    table.add_row("outputs", f"{', '.join(told['outputs'])} of {', '.join(told['classes'])}")
    if check := told.get("check"):
        n = check["faces"]
        table.add_row("same label", f"{check['same_label']} of {n} faces of {check['data']}")
        table.add_row("same scores", f"{check['close_scores']} of {n}, to 0.0001")
        worst = f"{check['worst_difference']:.2g}, {check['worst_face']}"
        table.add_row("worst difference", worst)
    return table
