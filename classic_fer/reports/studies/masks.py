"""Figures of the mask study: the matrix, and some faces of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classic_fer.reports.studies.axes import figure_and_axes, mark_generated
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from classic_fer.studies.result import StudyResult

__all__ = ["masks_figures"]


def masks_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """``matrix``: accuracy by training and test faces; ``examples``: faces of each kind."""
    return {"matrix": _matrix(result), "examples": _examples(result)}


def _matrix(result: StudyResult) -> StudyFigure:
    table = result.table("matrix")
    kinds = table.columns[1:]
    arms = table.column("train")
    values = np.array([table.column(kind) for kind in kinds]).T
    figure, axes = figure_and_axes(1.5 * len(kinds) + 1.8, 1.1 * len(arms) + 1.6)
    image = axes.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        low, high = table.rows[row][kinds[column]]["ci95"] or (None, None)
        spread = "" if low is None else f"\n[{low:.3f}, {high:.3f}]"
        axes.text(
            column,
            row,
            f"{value:.3f}{spread}",
            ha="center",
            va="center",
            fontsize=9,
            color="black" if value > 0.55 else "white",
        )
    axes.set_xticks(range(len(kinds)), kinds)
    axes.set_yticks(range(len(arms)), arms)
    axes.set_xlabel("asked about")
    axes.set_ylabel("trained on")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, label="accuracy")
    bar.ax.axhline(result.settings["majority"], color="white", linestyle="--")
    mark_generated(axes, result)
    return StudyFigure(
        figure,
        "Accuracy with 95 % intervals; the dashed line on the scale is always the largest class.",
    )


def _examples(result: StudyResult) -> StudyFigure:
    faces = result.arrays["examples"]
    n, kinds, height, width = faces.shape
    sheet = faces.transpose(1, 2, 0, 3).reshape(kinds * height, n * width)
    figure, axes = figure_and_axes(n * 1.1, kinds * 1.1 * height / width)
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
    return StudyFigure(figure, "Some faces as they are, with a drawn mask, and cut above it.")
