"""Figures of the study of generated training faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classic_fer.reports.page_figures import BLUE, GREY, ORANGE, legend_below, small_axes
from classic_fer.reports.studies.figures import StudyFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["augment_figures"]

_DPI = 150


def augment_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """Accuracy of each kind of augmentation, what the judge says, and examples."""
    figures = {
        "accuracy": StudyFigure(
            _accuracy(result),
            "Accuracy of people held out, with no, simple and generated augmentation; lines are "
            "95 % intervals over people.",
        )
    }
    if "judge_agrees" in result.table("quality").columns:
        figures["judge"] = StudyFigure(
            _judged(result),
            "Share of generated faces, and of real faces of people held out, that the judge "
            f"({result.settings['judge']}) recognizes.",
        )
    figures["examples"] = StudyFigure(
        _examples(result), "Neutral training faces (top) and new faces made of them."
    )
    return figures


def _accuracy(result: StudyResult) -> Figure:
    rows = result.table("accuracy").rows
    figure, axes = small_axes(1.9)
    for place, row in enumerate(rows):
        score = row["accuracy"]
        if score["ci95"]:
            axes.plot(score["ci95"], [place, place], color=BLUE, linewidth=2)
        axes.plot(score["value"], place, "o", color=BLUE)
    most = result.dataset["majority"]
    if most is not None:
        axes.axvline(most["accuracy"], color=GREY, linestyle=":", label="most frequent class")
    axes.set_yticks(range(len(rows)), [row["augmentation"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("accuracy")
    axes.grid(axis="x", color="0.92")
    legend_below(figure)
    return figure


def _judged(result: StudyResult) -> Figure:
    rows = [r for r in result.table("quality").rows if r["judge_agrees"] is not None]
    figure, axes = small_axes(0.9 + 0.35 * len(rows))
    for place, row in enumerate(rows):
        axes.barh(place - 0.2, row["judge_agrees"], 0.36, color=ORANGE)
        axes.barh(place + 0.2, row["judge_right_on_real"] or 0.0, 0.36, color=BLUE)
    axes.barh(0, 0, color=ORANGE, label="generated")
    axes.barh(0, 0, color=BLUE, label="real")
    axes.set_yticks(range(len(rows)), [row["emotion"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share that the judge recognizes")
    legend_below(figure)
    return figure


def _examples(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    made, sources = result.arrays["examples"], result.arrays["example_sources"]
    names = ["neutral", *result.settings["emotions"]]
    rows = np.concatenate([sources[None], made])
    figure = Figure(figsize=(1.3 * rows.shape[1] + 0.5, 1.32 * len(rows)), dpi=_DPI)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(rows), rows.shape[1], squeeze=False)
    for (i, j), each in np.ndenumerate(axes):
        each.imshow(rows[i, j], cmap="gray", vmin=0, vmax=255)
        each.set_xticks([])
        each.set_yticks([])
        each.spines[:].set_visible(False)
        if j == 0:
            each.set_ylabel(names[i], fontsize=9)
    return figure
