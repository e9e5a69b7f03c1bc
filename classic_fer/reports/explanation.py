"""Explanations drawn: a map over each face, and the measures of its shape that mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from classic_fer.models.explanations import CONTRIBUTIONS, OCCLUSION, Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["explanation_figure", "explanation_table", "mean_figure"]

# Orange speaks for the class, purple against it; both kinds of colour blindness tell them apart.
_COLOURS = "PuOr_r"
_FOR, _AGAINST = "#e08214", "#8073ac"
_DPI = 150
_AREA = 64  # pixels whose contributions a map shows together
_MEASURES = 10
_LEGEND = {
    CONTRIBUTIONS: f"part of the decision value, per {_AREA} pixels",
    OCCLUSION: "drop of the probability when hidden",
}
_MEASURED = {
    CONTRIBUTIONS: "part of the decision value",
    OCCLUSION: "drop of the probability at its mean",
}
_BANDS = (
    ("forehead and brows", 0.0, 0.25),
    ("eyes", 0.25, 0.4),
    ("nose and cheeks", 0.4, 0.65),
    ("mouth", 0.65, 0.9),
    ("chin", 0.9, 1.0),
)


def explanation_figure(explanation: Explanation, row: int, *, title: str = "") -> Figure:
    """One face, its map, and the measures of geometry, where there are such.

    Parameters
    ----------
    explanation : Explanation
    row : int
        Which face.
    title : str
        Such as the name of the photo.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    measures = explanation.measures(row)[:_MEASURES]
    panels = 1 + explanation.has_maps + bool(measures)
    figure = Figure(figsize=(3.4 * panels + 1.2, 4.3), dpi=_DPI, layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0].tolist()
    _show_face(axes[0], explanation.images[row])
    axes[0].set_title("aligned face", fontsize=9)
    if explanation.has_maps:
        heat = _shown_maps(explanation)[row]
        image = _show_map(axes[1], explanation.images[row], heat, _limit(heat))
        axes[1].set_title(f"for and against {explanation.explained[row]}", fontsize=9)
        figure.colorbar(image, ax=axes[1], shrink=0.7, label=_LEGEND[explanation.method])
    if measures:
        _show_measures(axes[-1], measures)
        axes[-1].set_xlabel(_MEASURED[explanation.method], fontsize=9)
    lines = ([title] if title else []) + [caption(explanation, row)]
    figure.suptitle("\n".join(lines), fontsize=10)
    return figure


def mean_figure(means: Explanation, *, counts: dict[str, int], title: str = "") -> Figure:
    """The mean map of each class over its mean face, with one scale for all.

    Parameters
    ----------
    means : Explanation
        From `Explanation.means`, with maps.
    counts : dict of str to int
        Faces of each class.
    title : str
    """
    from matplotlib.figure import Figure

    columns = min(4, len(means))
    rows = -(-len(means) // columns)
    figure = Figure(figsize=(2.6 * columns + 1.2, 2.9 * rows + 0.6), dpi=_DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    maps = _shown_maps(means)
    limit = _limit(maps)
    for each in axes.flat:
        each.set_axis_off()
    for i, each in enumerate(axes.flat[: len(means)]):
        image = _show_map(each, means.images[i], maps[i], limit)
        name = str(means.explained[i])
        each.set_title(f"{name} ({counts[name]:,} faces)", fontsize=9)
    figure.colorbar(image, ax=axes, shrink=0.7, label=_LEGEND[means.method])
    figure.suptitle(title, fontsize=10)
    return figure


def caption(explanation: Explanation, row: int) -> str:
    """What is explained, in one line."""
    explained, predicted = explanation.explained[row], explanation.predicted[row]
    text = f"{predicted} predicted"
    if explained != predicted:
        text += f"; {explained} explained"
    text += (
        f": probability {explanation.probabilities[row]:.0%}, "
        f"decision value {explanation.decisions[row]:+.2f}"
    )
    if explanation.method == CONTRIBUTIONS:
        text += f" (mean face {explanation.baselines[row]:+.2f})"
    return text


def explanation_table(explanation: Explanation, names: list[str]) -> Group:
    """One row a face, with the bands of the face that speak for the class, and its measures.

    Parameters
    ----------
    explanation : Explanation
    names : list of str
        Of the faces.
    """
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("face", "class", "probability", "decision"):
        table.add_column(column, justify="left" if column in ("face", "class") else "right")
    bands = _BANDS if explanation.has_maps else ()
    for name, _, _ in bands:
        table.add_column(name, justify="right")
    shares = _band_shares(explanation) if bands else np.zeros((len(explanation), 0))
    for i, name in enumerate(names):
        table.add_row(
            name,
            str(explanation.explained[i]),
            f"{explanation.probabilities[i]:.0%}",
            f"{explanation.decisions[i]:+.2f}",
            *(f"{share:.0%}" for share in shares[i]),
        )
    parts: list[RenderableType] = [table]
    if bands:
        parts.append(Text("bands: share of all that speaks for the class", style="dim"))
    for i, name in enumerate(names):
        if measures := explanation.measures(i)[:_MEASURES]:
            named = ", ".join(f"{text} {value:+.2f}" for text, value in measures)
            parts.append(Text(f"{name}, geometry: {named.replace('_', ' ')}"))
    return Group(*parts)


def _band_shares(explanation: Explanation) -> NDArray[np.float64]:
    """Share of each horizontal band in what speaks for the class, shape (n, n_bands)."""
    support = np.maximum(explanation.maps(), 0).sum(axis=2)
    height = support.shape[1]
    sums = np.column_stack(
        [
            support[:, round(top * height) : round(bottom * height)].sum(axis=1)
            for _, top, bottom in _BANDS
        ]
    )
    total = sums.sum(axis=1, keepdims=True)
    return sums / np.where(total > 0, total, 1)


def _shown_maps(explanation: Explanation) -> NDArray[np.float64]:
    maps = explanation.maps()
    return maps * _AREA if explanation.method == CONTRIBUTIONS else maps


def _limit(heat: NDArray[np.float64]) -> float:
    return float(np.abs(heat).max()) or 1.0


def _show_face(axes: Axes, image: NDArray[np.uint8]) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


def _show_map(axes: Axes, image: NDArray[np.uint8], heat: NDArray[np.float64], limit: float) -> Any:
    """The map over the face: the less a place counts, the more of the face is seen."""
    _show_face(axes, image)
    shown = axes.imshow(heat, cmap=_COLOURS, vmin=-limit, vmax=limit)
    shown.set_alpha(0.15 + 0.65 * np.abs(heat) / limit)
    return shown


def _show_measures(axes: Axes, measures: list[tuple[str, float]]) -> None:
    names = [name.replace("_", " ") for name, _ in measures]
    values = [value for _, value in measures]
    axes.barh(names, values, color=[_FOR if value > 0 else _AGAINST for value in values])
    axes.invert_yaxis()
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_title("landmark geometry", fontsize=9)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
