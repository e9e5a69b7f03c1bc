"""Benchmarks: many recognizers on many data sets, each a run folder, and one table over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from classic_fer.errors import ParameterError
from classic_fer.evaluation.benchmark_plan import plan_benchmark
from classic_fer.evaluation.benchmark_runs import DataRuns, Watcher
from classic_fer.evaluation.benchmark_table import BenchmarkTable, benchmark_table, read_benchmark
from classic_fer.evaluation.cross_dataset import cross_runs
from classic_fer.evaluation.result import RESULT_FILE

__all__ = ["BenchmarkTable", "Watcher", "benchmark", "read_benchmark"]


def benchmark(
    data: str | Path | Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    out: str | Path,
    leak_gap: bool = False,
    cross: bool = False,
    n_jobs: int = 1,
    place: Callable[[], AbstractContextManager[object]] = nullcontext,
    command: str | None = None,
    watcher: Watcher | None = None,
    **settings: Any,
) -> BenchmarkTable:
    """Run every feature with every classifier under every protocol on every data set.

    Parameters
    ----------
    data : str, path, mapping or None, or a sequence of such
        See `classic_fer.evaluation.benchmark_plan.plan_benchmark`.
    out : path
        Gets a run folder ``<data>/<features>-<clf>-<cv>`` for each run, and ``table.json`` over
        all runs in it. Finished runs are kept, interrupted ones go on where they stopped.
    leak_gap : bool
        Run each recognizer that is scored under ``K`` folds under ``randomK``, too (and the other
        way round), where people are known.
    cross : bool
        Score each recognizer that is kept on the other data sets, too; see
        `classic_fer.evaluation.cross_dataset`.
    n_jobs : int
        Threads; results are the same for any number.
    place : callable, optional
        Makes the context in which each search runs, such as
        ``lambda: classic_fer.models.cluster.connect("tcp://10.0.0.1:8786")``.
    command : str, optional
        The command line, for ``table.json``.
    watcher : Watcher, optional
    **settings
        ``features``, ``clf``, ``cv`` (one or several each), and what else
        `classic_fer.evaluation.search_settings.SearchSettings` has.

    Returns
    -------
    BenchmarkTable
        Over all runs in `out`. Runs that failed are in its ``failures``; the others went on.

    Raises
    ------
    ParameterError
        For unknown settings, one data set where `cross` needs several, or if `out` is a file or
        a run folder itself.

    Examples
    --------
    >>> from classic_fer.evaluation.benchmark import benchmark
    >>> table = benchmark(
    ...     ["jaffe", {"data": "lfw-expressions", "labels": "3class"}],
    ...     features=["lbp", "hog"], clf=["svm", "knn"], cv="10", leak_gap=True, out="runs/paper",
    ... )  # doctest: +SKIP
    """
    plans = plan_benchmark(data, **settings)
    if cross and len({plan.name for plan in plans}) < 2:
        raise ParameterError(
            f"cross-data-set scores need at least two data sets, got {plans[0].name!r} alone"
        )
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"benchmark folder {folder} is a file; choose another --out")
    if (folder / RESULT_FILE).exists():
        raise ParameterError(f"{folder} holds a single run; choose another --out for the benchmark")
    watcher = watcher or Watcher()
    failures: list[dict[str, str]] = []
    earlier = read_benchmark(folder) if any(folder.glob(f"*/*/{RESULT_FILE}")) else None
    results = {} if earlier is None else earlier.results
    crossed = {} if earlier is None else earlier.cross_results
    parts = [
        DataRuns(plan, folder, leak_gap, n_jobs, place, watcher, results, failures)
        for plan in plans
    ]
    steps = [part.run for part in parts]
    if cross:
        steps.append(lambda: cross_runs(parts, crossed))
    for step in steps:
        try:
            step()
        finally:
            table = benchmark_table(
                results, cross_results=crossed, failures=failures, command=command
            )
            if results or failures:
                table.save(folder)
    return table
