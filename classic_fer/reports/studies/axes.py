"""What figures of studies have in common: size, colours, the line of the majority baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["COLOURS", "figure_and_axes", "majority_line", "mark_generated"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Of Okabe and Ito, told apart by every kind of colour vision; figures tell by form as well."""

_GREY = "#666666"
_DPI = 150


def figure_and_axes(width: float = 6.4, height: float = 4.0, **subplots: Any) -> tuple[Figure, Any]:
    """An empty figure of this size in inches, and its axes (an array of them for several)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    axes = figure.subplots(**subplots)
    return figure, axes


def majority_line(axes: Any, accuracy: float, *, across: bool = True) -> None:
    """A dashed line at the accuracy of always guessing the most frequent class."""
    line = axes.axhline if across else axes.axvline
    line(accuracy, color=_GREY, linestyle="--", linewidth=1, label="always the largest class")


def mark_generated(axes: Any, result: StudyResult) -> None:
    """A title with the data, which says so if the faces are generated."""
    name = result.dataset["name"]
    axes.set_title(
        f"{name} faces (not of real people)" if name == "generated" else name, fontsize=10
    )
