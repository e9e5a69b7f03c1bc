"""Figures of the study of attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.reports.page_figures import BLUE, GREY, ORANGE, legend_below, small_axes
from classic_fer.reports.studies.figures import StudyFigure
from classic_fer.studies.attack_answers import column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["attack_figures"]

_GREEN = "#009E73"
_DPI = 150


def attack_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """Accuracy by strength for each attacked recognizer, and example faces."""
    figures = {}
    names = result.settings["names"]
    for number, name in enumerate(names):
        key = "accuracy" if len(names) == 1 else f"accuracy_{number + 1}"
        figures[key] = StudyFigure(
            _curves(result, name),
            f"Accuracy on faces attacked through {name}, by strength; bands are 95 % intervals"
            " over people where they are known.",
        )
    if "original" in result.arrays:
        figures["examples"] = StudyFigure(
            _examples(result),
            "Faces that were recognized, what was added to them (amplified; orange brighter, "
            "purple darker), and the same faces after it, which were not.",
        )
    return figures


def _curves(result: StudyResult, name: str) -> Figure:
    figure, axes = small_axes(3.2)
    names = result.settings["names"]
    rows = [row for row in result.table("strengths").rows if row["made_on"] == name]
    x = 100 * np.array([row["strength"] for row in rows])
    colours = [BLUE, ORANGE, _GREEN]
    for colour, other in zip(colours, names):
        label = f"{other}" if other == name else f"shown to {other}"
        _band(axes, x, [row[column("accuracy", other, names)] for row in rows], colour, label)
    own = [row[column("changed at random", name, names)] for row in rows[1:]]
    if all(own):
        _band(
            axes,
            x,
            [rows[0][column("accuracy", name, names)], *own],
            GREY,
            "changed at random",
            "--",
        )
    most = result.dataset["majority"]
    if most is not None:
        axes.axhline(most["accuracy"], color="black", linestyle=":", label="most frequent class")
    axes.set_ylim(0, 1)
    axes.set_xlabel("strength, % of the grey scale")
    axes.set_ylabel("accuracy")
    axes.grid(color="0.92")
    legend_below(figure)
    return figure


def _band(axes: Any, x: Any, scores: list[Any], colour: str, label: str, line: str = "-") -> None:
    y = np.array([score["value"] for score in scores])
    ends = np.array([score["ci95"] or (score["value"],) * 2 for score in scores])
    axes.fill_between(x, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, y, "o" + line, color=colour, label=label, markersize=4)


def _examples(result: StudyResult) -> Figure:
    from matplotlib.figure import Figure

    before = result.arrays["original"].astype(np.int16)
    after = result.arrays["attacked"].astype(np.int16)
    labels = result.arrays["example_labels"]
    change = after - before
    limit = float(np.abs(change).max()) or 1.0
    figure = Figure(figsize=(1.3 * len(before) + 0.4, 4.3), dpi=_DPI, layout="constrained")
    axes = figure.subplots(3, len(before), squeeze=False)
    for i, label in enumerate(labels):
        axes[0, i].imshow(before[i], cmap="gray", vmin=0, vmax=255)
        axes[1, i].imshow(change[i], cmap="PuOr_r", vmin=-limit, vmax=limit)
        axes[2, i].imshow(after[i], cmap="gray", vmin=0, vmax=255)
        axes[0, i].set_title(str(label), fontsize=9)
    for each in axes.flat:
        each.set_xticks([])
        each.set_yticks([])
        each.spines[:].set_visible(False)
    titles = ("before", f"change, up to {limit:.0f}/255", "after: not recognized")
    for row, title in enumerate(titles):
        axes[row, 0].set_ylabel(title, fontsize=8)
    return figure
