"""Small figures of the report page: they stay readable at the width of a phone."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.result import Result

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "data_uri",
    "fold_figure",
    "gap_figure",
    "legend_below",
    "score_figure",
    "small_axes",
    "surface_figure",
]

_WIDTH = 4.6  # inches; 440 pixels of a page
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8a8a"  # Okabe and Ito
_SURFACE = "cividis"  # made for colour-blind readers (Nuñez, Anderton and Renslow 2018)


def data_uri(figure: Figure) -> str:
    """A figure as the address of an SVG image that holds the image itself."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "classic_fer"}):  # the same figure, the same bytes
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def fold_figure(result: Result) -> Figure:
    """Accuracy of each fold beside the pooled accuracy, its interval and the baseline."""
    figure, axes = small_axes(1.5)
    values = np.array(result.fold_accuracies)
    score = result.scores["accuracy"]
    if score["ci95"]:
        axes.axvspan(*score["ci95"], color=BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    axes.axvline(score["value"], color=BLUE, linewidth=2, label="all folds together")
    # Folds of equal accuracy lie above each other.
    heights = pd.Series(values.round(3)).groupby(values.round(3)).cumcount().to_numpy()
    axes.plot(values, heights, "o", color="black", markersize=5, alpha=0.7, label="a fold")
    if result.majority_baseline is not None:
        axes.axvline(
            result.majority_baseline, color=ORANGE, linestyle="--", label="majority baseline"
        )
    axes.set_yticks([])
    axes.set_ylim(-0.8, heights.max() + 0.8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("accuracy")
    legend_below(figure)
    return figure


def surface_figure(candidates: pd.DataFrame) -> tuple[Figure, str] | None:
    """Score of the search over its most telling parameters.

    Parameters
    ----------
    candidates : DataFrame
        ``cv_results.csv``: columns ``param_...`` and ``mean_test_score``.

    Returns
    -------
    figure, caption
        None if no parameter was searched.
    """
    score = candidates["mean_test_score"]
    names = [
        name
        for name in candidates.columns
        if name.startswith("param_") and candidates[name].nunique(dropna=False) > 1
    ]
    if not names or score.isna().all():
        return None

    def influence(name: str) -> float:
        best = score.groupby(candidates[name].astype(str)).max()
        return float(best.max() - best.min())

    names = sorted(sorted(names), key=influence, reverse=True)
    shown = names[:2]
    caption = "Mean score of the last search, inside the training data: a selection score."
    if len(names) > 2:
        rest = ", ".join(_short(name) for name in names[2:])
        caption += f" For each cell the best over {rest}."
    if len(shown) == 1:
        return _line(candidates, shown[0]), caption
    return _heatmap(candidates, *shown), caption


def _line(candidates: pd.DataFrame, name: str) -> Figure:
    figure, axes = small_axes(2.4)
    best = candidates.groupby(name, dropna=False)["mean_test_score"].max()
    axes.plot(range(len(best)), best.to_numpy(), "o-", color=BLUE)
    axes.set_xticks(range(len(best)), [_tick(value) for value in best.index])
    axes.set_xlabel(_short(name))
    axes.set_ylabel("score")
    return figure


def _heatmap(candidates: pd.DataFrame, first: str, second: str) -> Figure:
    table = candidates.pivot_table(
        index=first, columns=second, values="mean_test_score", aggfunc="max", dropna=False
    )
    if table.shape[0] > table.shape[1]:
        table = table.T
    figure, axes = small_axes(0.9 + 0.38 * len(table))
    values = table.to_numpy(dtype=float)
    image = axes.imshow(values, cmap=_SURFACE, aspect="auto")
    if values.size <= 64:
        middle = (np.nanmin(values) + np.nanmax(values)) / 2
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                colour = "white" if value < middle else "black"
                axes.text(
                    column, row, f"{value:.2f}", ha="center", va="center", color=colour, size=8
                )
    axes.set_xticks(range(table.shape[1]), [_tick(v) for v in table.columns], rotation=35)
    axes.set_yticks(range(table.shape[0]), [_tick(v) for v in table.index])
    axes.set_xlabel(_short(str(table.columns.name)))
    axes.set_ylabel(_short(str(table.index.name)))
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.9)
    return figure


def score_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Accuracy of runs with the same folds as points with intervals, and the baseline."""
    names = [f"{row['features']} + {row['clf']}" for row in rows]
    figure, axes = small_axes(0.9 + 0.28 * len(rows))
    for place, row in enumerate(rows):
        score = row["scores"]["accuracy"]
        if score["ci95"]:
            axes.plot(score["ci95"], [place, place], color=BLUE, linewidth=2)
        axes.plot(score["value"], place, "o", color=BLUE, markersize=6)
    axes.axvline(rows[0]["majority_baseline"], color=ORANGE, linestyle="--", label="baseline")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("accuracy")
    axes.grid(axis="x", color="0.92")
    return figure


def gap_figure(gaps: Sequence[Mapping[str, Any]]) -> Figure:
    """Leak gap of each recognizer in points, with its interval, beside no gap."""
    names = [f"{gap['data']}: {gap['features']} + {gap['clf']}" for gap in gaps]
    figure, axes = small_axes(0.9 + 0.28 * len(gaps))
    axes.axvline(0, color=GREY, linestyle="--")
    for place, gap in enumerate(gaps):
        if gap["ci95"]:
            axes.plot([100 * end for end in gap["ci95"]], [place] * 2, color=ORANGE, linewidth=2)
        axes.plot(100 * gap["gap"], place, "D", color=ORANGE, markersize=6)
    axes.set_yticks(range(len(gaps)), names)
    axes.set_ylim(len(gaps) - 0.5, -0.5)
    axes.set_xlabel("points of accuracy that random folds add")
    axes.grid(axis="x", color="0.92")
    return figure


def small_axes(height: float) -> tuple[Figure, Any]:
    """An empty figure of the width of a phone, and its axes; `height` is in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    return figure, axes


def legend_below(figure: Figure) -> None:
    """The legend below the axes, in two columns."""
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)


def _short(name: str) -> str:
    """A parameter without ``param_`` and the name of its step."""
    return name.removeprefix("param_").removeprefix("clf__").removeprefix("features__")


def _tick(value: Any) -> str:
    try:
        return f"{float(value):.3g}"
    except (TypeError, ValueError):
        return "default" if value is None else str(value)
