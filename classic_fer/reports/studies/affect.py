"""Figures of the study of valence, arousal and other ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.reports.page_figures import BLUE, GREY, ORANGE
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["affect_figures"]

_DPI = 150
_ARROWS = 150


def affect_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """Predicted against rated values; for two targets the circumplex."""
    targets = result.settings["targets"]
    name, predicted = _best(result)
    figures = {
        "predicted": StudyFigure(
            _scatter(result, predicted),
            f"Ratings and what {name} predicts for them, each face by a regressor that never saw "
            "its person; the line is where both agree.",
        )
    }
    if len(targets) == 2:
        figures["circumplex"] = StudyFigure(
            _circumplex(result, predicted),
            f"{targets[0]} and {targets[1]} of the faces (blue) and what {name} predicts (orange); "
            f"lines join the two of a face, of at most {_ARROWS} faces.",
        )
    return figures


def _best(result: StudyResult) -> tuple[str, Any]:
    """The regressor of the highest mean CCC, and its predictions (n, targets)."""
    names = result.settings["regressors"]
    rows = result.table("scores").rows
    means = [
        np.mean([row["ccc"]["value"] or 0.0 for row in rows if row["regressor"] == name])
        for name in names
    ]
    best = int(np.argmax(means))
    return names[best], result.arrays["predicted"][best]


def _scatter(result: StudyResult, predicted: Any) -> Figure:
    from matplotlib.figure import Figure

    targets, true = result.settings["targets"], result.arrays["true"]
    columns = min(3, len(targets))
    rows = -(-len(targets) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.7 * rows), dpi=_DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for each in axes.flat[len(targets) :]:
        each.set_axis_off()
    for t, (each, name) in enumerate(zip(axes.flat, targets)):
        low, high = true[:, t].min(), true[:, t].max()
        each.plot([low, high], [low, high], color=GREY, linestyle="--", linewidth=1)
        each.scatter(true[:, t], predicted[:, t], s=7, color=BLUE, alpha=0.6, linewidths=0)
        each.set_title(name.replace("_", " "), fontsize=9)
        each.tick_params(labelsize=8)
        each.spines[["top", "right"]].set_visible(False)
        each.set_aspect("equal", "datalim")
    figure.supxlabel("rated", fontsize=9)
    figure.supylabel("predicted", fontsize=9)
    return figure


def _circumplex(result: StudyResult, predicted: Any) -> Figure:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle

    targets, true = result.settings["targets"], result.arrays["true"]
    figure = Figure(figsize=(4.6, 4.6), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    middle = [result.table("scores").column("middle")[0], result.table("scores").rows[-1]["middle"]]
    axes.axvline(middle[0], color="0.8", linewidth=1)
    axes.axhline(middle[1], color="0.8", linewidth=1)
    if np.abs(true).max() <= 1:
        axes.add_patch(Circle((0, 0), 1, fill=False, color="0.8"))
    some = np.linspace(0, len(true) - 1, min(_ARROWS, len(true))).round().astype(int)
    lines = np.stack([true[some], predicted[some]], axis=1)
    axes.add_collection(LineCollection(list(lines), colors="0.7", linewidths=0.5))
    axes.scatter(true[some, 0], true[some, 1], s=10, color=BLUE, label="rated", linewidths=0)
    axes.scatter(
        predicted[some, 0], predicted[some, 1], s=10, color=ORANGE, label="predicted", linewidths=0
    )
    axes.set_xlabel(targets[0].replace("_", " "))
    axes.set_ylabel(targets[1].replace("_", " "))
    axes.set_aspect("equal", "datalim")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    return figure
