"""The figure of the sizes study: accuracy against time a face, with the size of the file."""

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

__all__ = ["sizes_figures"]


def sizes_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """``sizes``: a point for each recognizer; its area grows with the file."""
    rows = result.table("sizes").rows
    figure, axes = figure_and_axes(6.8, 4.4)
    for number, row in enumerate(rows):
        value, interval = row["accuracy"]["value"], row["accuracy"]["ci95"]
        x, colour = row["ms a face"], COLOURS[number % len(COLOURS)]
        if interval:
            axes.plot([x, x], interval, color=colour, linewidth=1)
        axes.scatter(
            x,
            value,
            s=20 + 60 * np.sqrt(row["MB on disk"]),
            color=colour,
            alpha=0.7,
            edgecolor="black",
            linewidth=0.5,
            label=f"{row['recognizer']} ({row['MB on disk']:.2g} MB)",
        )
    majority_line(axes, result.settings["majority"])
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    axes.set_xlabel("milliseconds for one face, one thread")
    axes.set_ylabel("accuracy")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    mark_generated(axes, result)
    caption = "Accuracy with 95 % intervals against time; points grow with the size of the file."
    return {"sizes": StudyFigure(figure, caption)}
