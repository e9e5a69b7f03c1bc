"""Figures of a benchmark: scores with intervals, leak gaps and mean ranks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classic_fer.evaluation.comparison import compare_results
from classic_fer.reports.comparison import rank_figure
from classic_fer.reports.cross import cross_figures
from classic_fer.reports.page_figures import gap_figure, score_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.benchmark_table import BenchmarkTable

__all__ = ["benchmark_figures", "leak_gap_figure", "rank_figures", "score_figures"]

_ENOUGH = 3  # runs that Friedman's test needs


def benchmark_figures(table: BenchmarkTable) -> dict[str, Figure]:
    """Every figure of a benchmark by the name of its file, such as ``scores-jaffe``.

    Where a data set has several figures of a kind, the second is ``scores-jaffe-2``.
    """
    named: dict[str, Figure] = {}
    for data in dict.fromkeys(row["data"] for row in table.rows):
        for kind, made in (
            ("scores", score_figures(table, data)),
            ("ranks", rank_figures(table, data)),
        ):
            for number, (figure, _) in enumerate(made, start=1):
                suffix = f"-{number}" if number > 1 else ""
                named[f"{kind}-{Path(data).name}{suffix}"] = figure
    gaps = leak_gap_figure(table)
    return named | ({} if gaps is None else {"leak-gap": gaps}) | cross_figures(table)


def leak_gap_figure(table: BenchmarkTable) -> Figure | None:
    """Leak gaps of all recognizers; None where none was measured."""
    gaps = [gap for gap in table.leak_gaps if gap["gap"] is not None]
    return gap_figure(gaps) if gaps else None


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
