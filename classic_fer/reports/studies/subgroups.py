"""The figure of the subgroups study: accuracy by group, before and after counter-measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classic_fer.reports.studies.axes import COLOURS, figure_and_axes
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from classic_fer.studies.result import StudyResult

__all__ = ["subgroups_figures"]

_MARKERS = "osD"


def subgroups_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """``groups``: a panel for each column, a row for each group."""
    rows = result.table("groups").rows
    columns = list(dict.fromkeys(row["column"] for row in rows))
    arms = list(dict.fromkeys(row["recognizer"] for row in rows))
    groups = {
        name: list(dict.fromkeys(row["group"] for row in rows if row["column"] == name))
        for name in columns
    }
    heights = [len(each) + 1.2 for each in groups.values()]
    figure, axes = figure_and_axes(
        6.8,
        0.5 * sum(heights) + 1.0,
        nrows=len(columns),
        squeeze=False,
        sharex=True,
        height_ratios=heights,
    )
    for panel, name in zip(axes[:, 0], columns):
        for number, arm in enumerate(arms):
            mine = [row for row in rows if row["column"] == name and row["recognizer"] == arm]
            y = np.array([groups[name].index(row["group"]) for row in mine])
            y = y + 0.22 * (number - (len(arms) - 1) / 2)
            value = np.array([row["accuracy"]["value"] for row in mine])
            ends = [row["accuracy"]["ci95"] or [v, v] for row, v in zip(mine, value)]
            panel.errorbar(
                value,
                y,
                xerr=np.abs(np.array(ends) - value[:, None]).T,
                fmt=_MARKERS[number % len(_MARKERS)],
                color=COLOURS[number],
                capsize=2,
                markersize=5,
                label=arm,
            )
        panel.set_yticks(range(len(groups[name])), groups[name])
        panel.set_ylim(len(groups[name]) - 0.4, -0.6)
        panel.set_title(name.replace("_", " "), fontsize=10, loc="left")
        panel.set_xlim(0, 1)
        panel.grid(axis="x", color="0.9")
    axes[-1, 0].set_xlabel("accuracy")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    data = result.dataset["name"]
    figure.suptitle(
        f"{data} faces (not of real people)" if data == "generated" else data, fontsize=10
    )
    return {"groups": StudyFigure(figure, "Accuracy of each group with 95 % intervals.")}
