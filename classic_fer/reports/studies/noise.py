"""The figure of the noise study: a box plot of the repeats at each level."""

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

__all__ = ["noise_figures"]

_MARKERS = "os^D"


def noise_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """``levels``: accuracy of the repeats at each level, a box for each recognizer."""
    levels, repeats = result.settings["levels"], result.table("repeats")
    arms = list(dict.fromkeys(repeats.column("recognizer")))
    figure, axes = figure_and_axes(max(6.4, 0.5 * len(levels) * len(arms) + 2.4))
    width = 0.8 / len(arms)
    for number, arm in enumerate(arms):
        colour = COLOURS[number]
        boxes = [
            [
                row["accuracy"]
                for row in repeats.rows
                if row["recognizer"] == arm and row["level"] == level
            ]
            for level in levels
        ]
        places = np.arange(len(levels)) + (number - (len(arms) - 1) / 2) * width
        drawn = axes.boxplot(
            boxes,
            positions=places,
            widths=0.8 * width,
            patch_artist=True,
            manage_ticks=False,
            flierprops={"marker": "x", "markeredgecolor": colour},
            medianprops={"color": "black"},
        )
        for box in drawn["boxes"]:
            box.set(facecolor=colour, alpha=0.5)
        axes.plot(
            places,
            [np.median(each) for each in boxes],
            marker=_MARKERS[number],
            color=colour,
            linewidth=1,
            markersize=4,
            label=arm,
        )
        whole = next(
            row["accuracy"]["value"]
            for row in result.table("levels").rows
            if row["recognizer"] == arm and row["level"] == "undamaged"
        )
        axes.axhline(whole, color=colour, linestyle=":", linewidth=1)
    majority_line(axes, result.settings["majority"])
    axes.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    axes.set_xlabel(result.settings["level"])
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=9)
    mark_generated(axes, result)
    caption = (
        "Accuracy of each repeat: median, quartiles, whiskers to the last value within 1.5 "
        "interquartile ranges, outliers as crosses; dotted: without damage."
    )
    return {"levels": StudyFigure(figure, caption)}
