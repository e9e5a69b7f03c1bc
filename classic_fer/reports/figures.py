"""Figures of a report: the confusion matrix and the classes of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from classic_fer.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["classes_figure", "confusion_figure", "save_figure", "save_figures"]

# One hue from light to dark reads the same for every kind of colour vision, and in grey print.
_COLOURS = "Blues"
_BAR_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")  # Okabe and Ito
_DPI = 150


def confusion_figure(
    confusion: ArrayLike,
    classes: Sequence[str],
    *,
    predicted_classes: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Confusion matrix: counts as text, shares of each true class as colour.

    Parameters
    ----------
    confusion : array_like of int, shape (n_classes, n_predicted_classes)
        Rows are true classes, columns predicted ones.
    classes : sequence of str
        Names of the rows.
    predicted_classes : sequence of str, optional
        Names of the columns; those of the rows if not given.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        If the matrix does not have one row and column a name.
    """
    from matplotlib.figure import Figure

    columns = classes if predicted_classes is None else predicted_classes
    counts = np.asarray(confusion)
    if counts.shape != (len(classes), len(columns)):
        raise ParameterError(
            f"confusion matrix of shape {counts.shape} does not fit {len(classes)} true and "
            f"{len(columns)} predicted classes"
        )
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)

    side = 0.78
    width, height = side * len(columns) + 2.6, side * len(classes) + 1.9
    figure = Figure(figsize=(max(width, 5.0), height), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap=_COLOURS, vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        share = shares[row, column]
        axes.text(
            column,
            row,
            _cell(int(counts[row, column]), float(share)),
            ha="center",
            va="center",
            fontsize=9,
            color="white" if share > 0.7 else ("black" if counts[row, column] else "0.6"),
        )
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor")
    rows = [f"{name} ({int(n):,})" for name, n in zip(classes, totals[:, 0])]
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true (faces)")
    if title:
        axes.set_title(title, fontsize=10, wrap=True)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _cell(count: int, share: float) -> str:
    if not count:
        return "0"
    return f"{count:,}\n" + (f"{share:.0%}" if share >= 0.01 else "<1%")


def classes_figure(
    counts: Mapping[str, Mapping[str, int]], classes: Sequence[str], *, title: str = ""
) -> Figure:
    """Faces of each class as horizontal bars, stacked by split.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        For each split (one with an empty name where the data has none) faces by class.
    classes : sequence of str
        From top to bottom.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.42 * len(classes) + 1.6), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    ends = np.zeros(len(classes))
    for position, (split, by_class) in enumerate(counts.items()):
        values = np.array([by_class.get(name, 0) for name in classes], dtype=float)
        colour = _BAR_COLOURS[position % len(_BAR_COLOURS)]
        axes.barh(classes, values, left=ends, label=split or None, color=colour)
        ends += values
    for row, total in enumerate(ends):
        share = total / ends.sum() if ends.sum() else 0.0
        axes.text(total, row, f" {total:,.0f} ({share:.0%})", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, max(ends.max(initial=1), 1) * 1.2)
    axes.set_xlabel("faces")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if title:
        axes.set_title(title, fontsize=10)
    if len(counts) > 1:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def save_figures(figures: Mapping[str, Figure], folder: str | Path) -> None:
    """Write figures as ``<name>.png`` and ``<name>.svg`` into a folder."""
    for name, figure in figures.items():
        for form in ("png", "svg"):
            save_figure(figure, Path(folder) / f"{name}.{form}")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure; the extension chooses the form (PNG, SVG, PDF).

    Raises
    ------
    ParameterError
        If the extension is none that matplotlib writes.
    """
    path = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ParameterError(
            f"cannot write a figure to {path}: expected an extension out of "
            f"{', '.join('.' + name for name in sorted(known))}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
