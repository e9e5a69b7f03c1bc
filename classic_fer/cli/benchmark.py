"""``classic-fer benchmark``: many recognizers on many data sets, and one table."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from classic_fer.cli import options, search_options
from classic_fer.cli.console import FAILED, guard, output_console, say

if TYPE_CHECKING:
    from classic_fer.evaluation.benchmark import Watcher

__all__ = ["benchmark"]


def benchmark(
    data: search_options.ManyData = None,
    config: search_options.Config = None,
    labels: search_options.CommonLabels = None,
    features: search_options.ManyFeatures = None,
    clf: search_options.ManyClassifiers = None,
    fixed: search_options.CommonFixed = None,
    grid: search_options.CommonGrid = None,
    abstain: options.Abstain = None,
    averaging: search_options.Averaging = None,
    scoring: search_options.CommonScoring = None,
    cv: search_options.ManyProtocols = None,
    inner_cv: search_options.CommonInnerFolds = None,
    leak_gap: search_options.LeakGap = False,
    cross: search_options.Cross = False,
    dedup: options.Dedup = False,
    by: options.By = None,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    size: options.Size = None,
    jobs: options.Jobs = -1,
    budget: options.Budget = None,
    memory: options.Memory = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
    seed: search_options.CommonSeed = None,
    out: search_options.BenchmarkFolder = Path("runs/benchmark"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Run every feature with every classifier on all data; one failure stops no other run."""
    flags = {
        "labels": labels,
        "features": options.comma_separated(features),
        "clf": options.comma_separated(clf),
        "fixed": fixed or None,
        "grid": grid or None,
        "abstain": abstain,
        "averaging": averaging,
        "scoring": scoring,
        "cv": options.comma_separated(cv),
        "inner_cv": inner_cv,
        "dedup": dedup or None,
        "by": by,
        "detector": detector,
        "landmarks": landmarks,
        "size": size,
        "budget": budget,
        "memory": memory,
        "seed": seed,
    }
    with guard(debug) as session:
        import json

        from classic_fer.cli.backend import search_backend
        from classic_fer.evaluation.benchmark import benchmark as run_benchmark
        from classic_fer.evaluation.benchmark_config import read_config
        from classic_fer.reports.benchmark import benchmark_view
        from classic_fer.reports.benchmark_figures import benchmark_figures
        from classic_fer.reports.figures import save_figures

        session.run_folder = out
        session.resume = shlex.join(["benchmark", *_given_words()])
        place = partial(search_backend, backend, scheduler)
        place()  # refuses what cannot be used before any work
        told: dict[str, Any] = {} if config is None else read_config(config)
        told |= {name: value for name, value in flags.items() if value is not None}
        if data is not None:
            told["data"] = options.comma_separated(data)
        told["leak_gap"] = leak_gap or told.get("leak_gap", False)
        told["cross"] = cross or told.get("cross", False)
        command = shlex.join(["classic-fer", "benchmark", *_given_words()])
        table = run_benchmark(
            **told, out=out, n_jobs=jobs, place=place, command=command, watcher=_watcher()
        )
        save_figures(benchmark_figures(table), out)
        if as_json:
            typer.echo(json.dumps(table.to_dict(), indent=1))
        else:
            output_console().print(benchmark_view(table))
        say("table", f"{out / 'table.json'}; a page: classic-fer report {out}", style="green")
        if table.failures:
            raise typer.Exit(FAILED)


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
