"""Table and chart of what speed.py measured."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from grid_searches.ways import C_VALUES, GAMMAS, JOBS, N_FOLDS, OURS, WAYS

__all__ = ["draw", "ratio", "show", "spread"]


def ratio(pairs: list[dict[str, Any]]) -> dict[str, float]:
    """Median, least and greatest of the seconds of one way to both runs of ours around it."""
    each = [pair["seconds"] / ours for pair in pairs for ours in pair["ours"]]
    return {"median": statistics.median(each), "min": min(each), "max": max(each)}


def spread(of: dict[str, float]) -> str:
    """A ratio with its spread."""
    return f"{of['median']:.1f}, {of['min']:.1f} - {of['max']:.1f}"


def seconds(case: dict[str, Any], way: str) -> list[float]:
    """All runs of a way at one size."""
    if way == OURS:
        around = [
            ours for pairs in case["pairs"].values() for pair in pairs for ours in pair["ours"]
        ]
        return [*case["alone"], *around]
    return [pair["seconds"] for pair in case["pairs"].get(way, [])]


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console()
    table = Table("faces", *WAYS, "peak GB", title=f"Seconds (median), {JOBS} jobs")
    for case in result["cases"]:
        runs = [seconds(case, way) for way in WAYS]
        cells = [f"{statistics.median(each):.2f}" if each else "-" for each in runs]
        table.add_row(f"{case['n']:,}", *cells, f"{case['peak_gigabytes']:.2f}")
    console.print(table)
    columns = ("faces", "way", "rounds", "times classic_fer", "best parameters", "score difference")
    table = Table(*columns, title="Ratio: median, least - greatest")
    for case in result["cases"]:
        for way, pairs in case["pairs"].items():
            same = "same" if all(pair["same_best"] for pair in pairs) else "OTHER"
            difference = max(pair["largest_score_difference"] for pair in pairs)
            cells = str(len(pairs)), spread(ratio(pairs)), same, f"{difference:.2g}"
            table.add_row(f"{case['n']:,}", way, *cells)
    console.print(table)
    lbp = result["features"]
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in lbp["faces_per_second"].items())
    console.print(f"LBP, faces a second in one thread: {rates}; ratio {spread(lbp['ratio'])}")


def draw(cases: list[dict[str, Any]], path: Path) -> None:
    """Seconds by the number of faces, median and range, on logarithmic axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for way in WAYS:
        measured = [(case["n"], seconds(case, way)) for case in cases if seconds(case, way)]
        if not measured:
            continue
        middle = np.array([statistics.median(each) for _, each in measured])
        low = middle - [min(each) for _, each in measured]
        high = np.array([max(each) for _, each in measured]) - middle
        n = [n for n, _ in measured]
        axes.errorbar(n, middle, yerr=[low, high], marker="o", capsize=3, label=way)
    sizes = sorted({case["n"] for case in cases})
    axes.set(xscale="log", yscale="log", xlabel="faces", ylabel="seconds")
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    fits = N_FOLDS * len(C_VALUES) * len(GAMMAS)
    axes.set_title(f"{fits} fits of an SVM on LBP, and a refit, {JOBS} jobs")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=150)
