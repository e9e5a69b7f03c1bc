"""``classic-fer benchmark``: many recognizers on many data sets, and one table."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classic_fer.cli import options
from classic_fer.cli.console import FAILED, guard, output_console, say

if TYPE_CHECKING:
    from classic_fer.evaluation.benchmark import Watcher

__all__ = ["benchmark"]

_MODEL = "Recognizers"
_PROTOCOL = "Protocol"


def benchmark(
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Folders, zips, CSVs or names, with commas between.",
            show_default="generated faces",
            rich_help_panel="Data",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="YAML with flags as keys; its data may be mappings with flags of their own.",
            show_default=False,
            rich_help_panel="Data",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="Label policy; see gridsearch.",
            show_default="keep",
            rich_help_panel="Data",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            help="Feature expressions, with commas between.",
            show_default="lbp",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    clf: Annotated[
        str | None,
        typer.Option(
            "--clf",
            help="Classifiers, with commas between.",
            show_default="svm",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Fix a parameter of all recognizers; may be repeated.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            help="Values to try for all recognizers; may be repeated.",
            show_default="the grids of the classifiers",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            "--scoring",
            help="What searches maximise; see gridsearch.",
            show_default="accuracy",
            rich_help_panel=_PROTOCOL,
        ),
    ] = None,
    cv: Annotated[
        str | None,
        typer.Option(
            "--cv",
            help="Protocols, with commas between, such as 10,random10.",
            show_default="official if the data have it, else 10",
            rich_help_panel=_PROTOCOL,
        ),
    ] = None,
    inner_cv: Annotated[
        int | None,
        typer.Option(
            "--inner-cv",
            help="Folds of the searches.",
            show_default="5",
            rich_help_panel=_PROTOCOL,
        ),
    ] = None,
    leak_gap: Annotated[
        bool,
        typer.Option(
            "--leak-gap",
            help="Run folds that ignore people, too, and say what they add.",
            rich_help_panel=_PROTOCOL,
        ),
    ] = False,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    size: options.Size = None,
    jobs: options.Jobs = -1,
    budget: options.Budget = None,
    memory: options.Memory = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            help="The same seed gives the same numbers.",
            show_default="0",
            rich_help_panel=options.RUN,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Benchmark folder; finished runs in it are kept.",
            rich_help_panel=options.RUN,
        ),
    ] = Path("runs/benchmark"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Run every feature with every classifier on all data; one failure stops no other run."""
    flags = {
        "labels": labels,
        "features": _several(features),
        "clf": _several(clf),
        "fixed": fixed or None,
        "grid": grid or None,
        "scoring": scoring,
        "cv": _several(cv),
        "inner_cv": inner_cv,
        "detector": detector,
        "landmarks": landmarks,
        "size": size,
        "budget": budget,
        "memory": memory,
        "seed": seed,
    }
    with guard(debug) as session:
        import json

        from classic_fer.evaluation.benchmark import benchmark as run_benchmark
        from classic_fer.evaluation.benchmark_plan import read_config
        from classic_fer.reports.benchmark import benchmark_view

        session.run_folder = out
        session.resume = shlex.join(["benchmark", *_given_words()])
        told: dict[str, Any] = {} if config is None else read_config(config)
        told |= {name: value for name, value in flags.items() if value is not None}
        if data is not None:
            told["data"] = _several(data)
        told["leak_gap"] = leak_gap or told.get("leak_gap", False)
        command = shlex.join(["classic-fer", "benchmark", *_given_words()])
        table = run_benchmark(**told, out=out, n_jobs=jobs, command=command, watcher=_watcher())
        if as_json:
            typer.echo(json.dumps(table.to_dict(), indent=1))
        else:
            output_console().print(benchmark_view(table))
        say("table", f"{out / 'table.json'}; a page: classic-fer report {out}", style="green")
        if table.failures:
            raise typer.Exit(FAILED)


def _several(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _given_words() -> list[str]:
    """The words after the command's name, as they were typed."""
    words = sys.argv[1:]
    return words[words.index("benchmark") + 1 :] if "benchmark" in words else []


def _watcher() -> Watcher:
    from classic_fer.cli.progress import tracked
    from classic_fer.evaluation.benchmark import Watcher
    from classic_fer.evaluation.result import Result
    from classic_fer.reports.content import headline

    class Messages(Watcher):
        @contextmanager
        def stage(self, what: str) -> Iterator[Any]:
            with tracked(what) as report:
                yield report

        def finished(self, run: str, result: Result, *, kept: bool) -> None:
            said = "was there already" if kept else f"{result.seconds:,.0f} s"
            say(run, f"{headline(result)} ({said})", style="green")

        def failed(self, run: str, error: str) -> None:
            say(f"failed {run}", error, style="bold red")

        def note(self, text: str) -> None:
            say("note", text)

    return Messages()
