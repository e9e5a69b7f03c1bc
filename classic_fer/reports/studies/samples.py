"""The figure of the samples study: a learning curve and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classic_fer.reports.studies.axes import (
    COLOURS,
    figure_and_axes,
    majority_line,
    mark_generated,
)
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from classic_fer.studies.result import StudyResult

__all__ = ["samples_figures"]


def samples_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """``curve``: accuracy by number of training faces, with the fitted power law."""
    rows = result.table("curve").rows
    n = np.array([row["training faces"] for row in rows], dtype=float)
    value = np.array([row["accuracy"]["value"] for row in rows])
    figure, axes = figure_and_axes()
    if "fit_n" in result.arrays:
        grid, fitted = result.arrays["fit_n"], result.arrays["fit_accuracy"]
        low, high = result.arrays["fit_low"], result.arrays["fit_high"]
        measured = grid <= n.max()
        ahead = grid >= grid[measured].max()
        axes.fill_between(grid, low, high, color=COLOURS[0], alpha=0.15, linewidth=0)
        axes.plot(grid[measured], fitted[measured], color=COLOURS[0], label="power law")
        axes.plot(
            grid[ahead],
            fitted[ahead],
            color=COLOURS[5],
            linestyle="--",
            label="extrapolated, not measured",
        )
        axes.axvspan(n.max(), grid.max(), color="black", alpha=0.04, linewidth=0)
    spread = [
        np.abs(np.array(row["accuracy"]["ci95"] or [v, v]) - v) for row, v in zip(rows, value)
    ]
    axes.errorbar(
        n, value, yerr=np.array(spread).T, fmt="o", color="black", capsize=3, label="measured"
    )
    majority_line(axes, result.settings["majority"])
    axes.set_xscale("log")
    axes.set_xticks(n, [f"{each:,.0f}" for each in n], rotation=30, ha="right")
    axes.set_xticks([], minor=True)
    axes.set_xlabel("training faces")
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    mark_generated(axes, result)
    return {
        "curve": StudyFigure(
            figure,
            "Accuracy on the same test faces, with 95 % intervals. The law is fitted to the "
            "measured points; to the right of them it is an extrapolation.",
        )
    }
