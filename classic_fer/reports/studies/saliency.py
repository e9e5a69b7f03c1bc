"""Figures of the study of saliency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classic_fer.reports.page_figures import BLUE, GREY, ORANGE, legend_below
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["saliency_figures"]

_DPI = 150
_INKS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00")


def saliency_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """Mean maps of each method and class, and the curves of deletion and insertion."""
    return {
        "maps": StudyFigure(
            _maps(result),
            "Mean maps over the faces for which each class was predicted, on their mean face: "
            "orange speaks for the class, purple against it. Each row has a scale of its own.",
        ),
        "curves": StudyFigure(
            _curves(result),
            "Mean probability of the predicted class while the most salient pixels are deleted "
            "(left; the faster it falls, the better the map) and inserted (right; the faster it "
            "rises, the better).",
        ),
    }


def _maps(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    methods, classes = result.settings["methods"], result.settings["classes"]
    figure = Figure(
        figsize=(1.35 * len(classes) + 0.4, 1.4 * len(methods) + 0.4),
        dpi=_DPI,
        layout="constrained",
    )
    axes = figure.subplots(len(methods), len(classes), squeeze=False)
    for row, method in enumerate(methods):
        maps = result.arrays["maps"][row]
        limit = float(np.abs(maps).max()) or 1.0
        for column, name in enumerate(classes):
            each = axes[row, column]
            each.imshow(result.arrays["mean_faces"][column], cmap="gray", vmin=0, vmax=255)
            shown = each.imshow(maps[column], cmap="PuOr_r", vmin=-limit, vmax=limit)
            shown.set_alpha(0.1 + 0.7 * np.abs(maps[column]) / limit)
            each.set_xticks([])
            each.set_yticks([])
            each.spines[:].set_visible(False)
            if row == 0:
                each.set_title(f"{name} ({result.arrays['counts'][column]})", fontsize=8)
        axes[row, 0].set_ylabel(method, fontsize=8)
    return figure


def _curves(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.0), dpi=_DPI, layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    shares, methods = 100 * result.arrays["shares"], result.settings["methods"]
    for each, title, curves in zip(axes, ("deletion", "insertion"), result.arrays["curves"]):
        for ink, method, curve in zip(_INKS, methods, curves):
            each.plot(shares, curve, color=ink, label=method if title == "deletion" else None)
        chance = "chance" if title == "deletion" else None
        each.plot(shares, curves[-1], color=GREY, linestyle="--", label=chance)
        each.set_title(title, fontsize=9)
        each.set_xlabel("% of the pixels")
        each.set_ylim(0, 1)
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(labelsize=8)
    axes[0].set_ylabel("probability")
    legend_below(figure)
    return figure
