"""Figures and the interactive page of the study of embeddings."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.reports.studies.figures import StudyFigure
from classic_fer.studies.embedding import ANSWER, EMOTION, PERSON, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["embedding_figures", "embedding_page", "save_embedding_page"]

_DPI = 150
# Okabe and Ito, told apart with every kind of colour vision; yellow is too light on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8a8a8a")
_LEGEND = 16


def embedding_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """For each colour one figure with all planes."""
    figures = {}
    for colour in (EMOTION, PERSON, ANSWER):
        if colour in result.arrays:
            figures[f"by_{colour}"] = StudyFigure(
                _planes(result, colour),
                f"Faces in the plane, coloured by {colour}; above each its trustworthiness. Hollow "
                "points of LDA are faces whose labels it was fitted on.",
            )
    return figures


def embedding_page(result: StudyResult, *, note: str = "") -> str:
    """An interactive page that loads nothing from anywhere: faces show where the pointer is.

    Parameters
    ----------
    result : StudyResult
        Of the study ``embedding``.
    note : str
        On which terms the faces may be shown.

    Returns
    -------
    str
        HTML with the pictures inside.
    """
    from jinja2 import Environment, StrictUndefined

    from classic_fer import __version__

    source = files("classic_fer.reports") / "templates" / "embedding.html"
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        source.read_text(encoding="utf-8")
    )
    trust = result.table("planes").column("trustworthiness")
    colours = [name for name in (EMOTION, PERSON, ANSWER) if name in result.arrays]
    data = {
        "methods": [
            {"name": name, "trust": trust[i], "points": _scaled(result.arrays["points"][i])}
            for i, name in enumerate(result.settings["methods"])
        ],
        "colours": [_coloured(result.arrays[name], name) for name in colours],
        "ids": result.arrays["ids"].tolist(),
        "fitted": result.arrays["fitted"].astype(int).tolist(),
        "faces": [_png(face) for face in result.arrays["faces"]],
    }
    return page.render(
        title=result.title,
        sentences=result.conclusions,
        limits=result.limits,
        data=data,
        note=note,
        version=__version__,
    )


def save_embedding_page(result: StudyResult, path: str | Path, *, note: str = "") -> Path:
    """Write `embedding_page`."""
    path = Path(path)
    path.write_text(embedding_page(result, note=note), encoding="utf-8")
    return path


def _planes(result: StudyResult, colour: str) -> Figure:
    from matplotlib.figure import Figure

    methods, labels = result.settings["methods"], result.arrays[colour]
    trust = result.table("planes").column("trustworthiness")
    figure = Figure(figsize=(3.3 * len(methods), 3.9), dpi=_DPI, layout="constrained")
    axes = figure.subplots(1, len(methods), squeeze=False)[0]
    names = _ordered(labels, colour)
    ink_of = {name: _colour(k, len(names)) for k, name in enumerate(names)}
    inks = np.array([ink_of[label] for label in labels.tolist()])
    for i, (each, method) in enumerate(zip(axes, methods)):
        points = result.arrays["points"][i]
        hollow = result.arrays["fitted"] if method == "lda" else np.zeros(len(points), bool)
        full = ~hollow
        each.scatter(points[full, 0], points[full, 1], s=9, c=inks[full].tolist(), linewidths=0)
        each.scatter(
            *(points[hollow, 0], points[hollow, 1]),
            s=9,
            facecolors="none",
            edgecolors=inks[hollow].tolist(),
            linewidths=0.5,
        )
        name = "t-SNE" if method == "tsne" else method.upper()
        each.set_title(f"{name} ({trust[i]:.3f})", fontsize=9)
        each.set_xticks([])
        each.set_yticks([])
        each.spines[:].set_color("0.8")
    if len(names) <= _LEGEND:
        for name in names:
            axes[0].scatter([], [], s=9, color=ink_of[name], label=name)
        columns = min(len(names), 4 * len(methods))
        figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    return figure


def _ordered(labels: NDArray[np.str_], colour: str) -> list[str]:
    found = np.unique(labels).tolist()
    return order_classes(found) if colour == EMOTION else found


def _colour(k: int, n: int) -> str:
    """The k-th of n colours: eight that are told apart, or a wheel of hues."""
    if n <= len(_COLOURS):
        return _COLOURS[k]
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb(k / n, 0.75, 0.55 if k % 2 else 0.8)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def _coloured(labels: NDArray[np.str_], name: str) -> dict[str, Any]:
    order = _ordered(labels, name)
    if name == ANSWER:
        order = [each for each in (RIGHT, WRONG, "not asked") if each in order]
    inks = [_colour(k, len(order)) for k in range(len(order))]
    codes = [order.index(label) for label in labels.tolist()]
    return {"name": name, "labels": order, "inks": inks, "codes": codes}


def _scaled(points: NDArray[np.float64]) -> list[list[float]]:
    """Points in the unit square, one scale for both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    centred = (points - (low + high) / 2) / extent + 0.5
    return centred.round(4).tolist()


def _png(image: NDArray[np.uint8]) -> str:
    from classic_fer.datasets.images import encode_png

    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode()
