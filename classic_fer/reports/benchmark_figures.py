"""Figures of a benchmark: scores with intervals, and mean ranks that are told apart or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classic_fer.evaluation.comparison import compare_results
from classic_fer.reports.comparison import rank_figure
from classic_fer.reports.page_figures import score_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.benchmark_table import BenchmarkTable

__all__ = ["rank_figures", "score_figures"]

_ENOUGH = 3  # runs that Friedman's test needs


def score_figures(table: BenchmarkTable, data: str) -> list[tuple[Figure, str]]:
    """Accuracy of the runs on a data set, one figure and caption a protocol."""
    made = []
    rows = [row for row in table.rows if row["data"] == data]
    for cv in dict.fromkeys(row["cv"] for row in rows):
        leaks = " (people leak)" if cv.startswith("random") else ""
        caption = f"{data}, protocol {cv}{leaks}; lines: 95 % intervals; dashed: majority baseline"
        made.append((score_figure([row for row in rows if row["cv"] == cv]), caption))
    return made


def rank_figures(table: BenchmarkTable, data: str) -> list[tuple[Figure, str]]:
    """Critical-difference diagrams: one for each three or more runs with the same folds."""
    made = []
    rows = [row for row in table.rows if row["data"] == data]
    for cv, folds in dict.fromkeys((row["cv"], row["hash"]) for row in rows):
        runs = [row for row in rows if (row["cv"], row["hash"]) == (cv, folds)]
        if len(runs) < _ENOUGH:
            continue
        named = {f"{row['features']} + {row['clf']}": table.results[row["run"]] for row in runs}
        comparison = compare_results(named, n_resamples=1)  # its intervals are not shown
        if comparison.ranks is not None:
            caption = f"{data}, protocol {cv}: mean ranks over folds; bars join what is level."
            made.append((rank_figure(comparison), caption))
    return made
