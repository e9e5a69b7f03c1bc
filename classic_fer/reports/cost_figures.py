"""Accuracy, speed and size of several recognizers in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.errors import ParameterError
from classic_fer.evaluation.cost import BATCH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.cost import PredictionCost

__all__ = ["cost_figure"]

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")  # Okabe and Ito
_SMALLEST, _LARGEST = 40.0, 1500.0  # areas of markers in square points
_DPI = 150


def cost_figure(
    costs: Mapping[str, PredictionCost], accuracy: Mapping[str, Mapping[str, Any]]
) -> Figure:
    """Accuracy over milliseconds a face; the area of a marker is the size of the file.

    Parameters
    ----------
    costs : mapping of str to PredictionCost
        By name of the recognizer.
    accuracy : mapping of str to {"value", "ci95"}
        Of the same recognizers; the interval, if there is one, is drawn as a bar.

    Raises
    ------
    ParameterError
        If there is nothing to draw.
    """
    from matplotlib.figure import Figure

    if not costs:
        raise ParameterError("no costs to draw; compare models with --data")
    figure = Figure(figsize=(6.4, 4.2), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    largest = max(cost.megabytes for cost in costs.values())
    for place, (name, cost) in enumerate(costs.items()):
        score, colour = accuracy[name], _COLOURS[place % len(_COLOURS)]
        value = float(score["value"])
        if score.get("ci95") is not None:
            axes.vlines(cost.ms_batch, *score["ci95"], color=colour, linewidth=1)
        area = max(_SMALLEST, _LARGEST * cost.megabytes / largest)
        axes.scatter(
            cost.ms_batch,
            value,
            s=area,
            color=colour,
            alpha=0.6,
            edgecolors=colour,
        )
        axes.annotate(
            f"{name}\n{cost.megabytes:.2g} MB",
            (cost.ms_batch, value),
            xytext=(np.sqrt(area / np.pi) + 3, 2),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xscale("log")
    times = np.array([cost.ms_batch for cost in costs.values()])
    axes.set_xlim(times.min() / 3, times.max() * 6)
    axes.set_xlabel(f"CPU milliseconds a face, {BATCH} at once on one thread")
    axes.set_ylabel("accuracy, 95 % interval")
    axes.grid(True, which="major", alpha=0.3)
    axes.set_title("area of a marker: size of the file", fontsize=9)
    return figure
