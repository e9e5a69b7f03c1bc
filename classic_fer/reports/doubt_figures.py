"""Figures of calibration and doubt: the reliability diagram and the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from classic_fer.evaluation.calibration_metrics import ReliabilityBin, reliability_bins
from classic_fer.evaluation.predictions_table import probabilities_of, score_classes
from classic_fer.models.abstention import RiskCoverage, risk_coverage
from classic_fer.reports.page_figures import BLUE, GREY, ORANGE, legend_below, small_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.result import Result

__all__ = ["DOUBT_CAPTIONS", "doubt_figures", "reliability_figure", "risk_coverage_figure"]

DOUBT_CAPTIONS = {
    "reliability": "Reliability: below the diagonal the recognizer is too sure of itself, above it "
    "not sure enough.",
    "risk_coverage": "Risk and coverage: the error that is left if only the surest answers count.",
}

_N_BINS = 10


def doubt_figures(result: Result) -> dict[str, Figure]:
    """The figures by the name of their file, as in `DOUBT_CAPTIONS`; none without probabilities."""
    if "ece" not in result.scores or not len(result.predictions):
        return {}
    rows, chances = probabilities_of(result.predictions)
    true = result.predictions["true"].to_numpy(dtype=str)[rows]
    classes = score_classes(result.predictions)
    bins = reliability_bins(chances, true, classes, n_bins=_N_BINS)
    named = [classes[column] for column in chances.argmax(axis=1)]
    curve = risk_coverage(chances.max(axis=1), true == named)
    return {
        "reliability": reliability_figure(bins),
        "risk_coverage": risk_coverage_figure(curve, answered=result.answered),
    }


def reliability_figure(bins: Sequence[ReliabilityBin]) -> Figure:
    """Accuracy against confidence, and how many faces have which confidence."""
    figure, axes = small_axes(3.6)
    filled = [each for each in bins if each.n]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect")
    most = max(each.n for each in filled)
    axes.bar(
        [each.low for each in filled],
        [0.25 * each.n / most for each in filled],
        width=[each.high - each.low for each in filled],
        align="edge",
        color=GREY,
        alpha=0.35,
        linewidth=0,
        label=f"faces (highest bar: {most:,})",
    )
    axes.plot(
        [each.confidence for each in filled],
        [each.accuracy for each in filled],
        "o-",
        color=BLUE,
        label="this recognizer",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")
    legend_below(figure)
    return figure


def risk_coverage_figure(curve: RiskCoverage, *, answered: dict[str, Any] | None = None) -> Figure:
    """Error among the answered faces against their share.

    Parameters
    ----------
    curve : RiskCoverage
    answered : dict, optional
        See `classic_fer.evaluation.selective.answer_scores`: the point at which a recognizer
        worked, and the error that was wished for.
    """
    figure, axes = small_axes(3.0)
    axes.plot(
        curve.coverage,
        curve.risk,
        drawstyle="steps-pre",
        color=BLUE,
        label=f"the surest (area {curve.area:.3f})",
    )
    if answered is not None and answered["wished_error"] is not None:
        wished = answered["wished_error"]
        axes.axhline(wished, color=ORANGE, linestyle="--", label="wished error")
    if answered is not None and answered["error"] is not None:
        share, error = answered["share"]["value"], answered["error"]
        if error["ci95"]:
            axes.plot([share, share], error["ci95"], color=ORANGE, linewidth=2)
        axes.plot(share, error["value"], "D", color=ORANGE, markersize=6, label="answered")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share of faces answered")
    axes.set_ylabel("share of errors among them")
    legend_below(figure)
    return figure
