"""How reports write scores, metrics, parameters and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classic_fer.evaluation.metrics import ABSTAINED
from classic_fer.models.abstention import UNSURE

__all__ = ["answer_name", "metric_name", "number", "shortened", "value_text", "with_interval"]

_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "kappa": "Cohen's kappa",
    "mcc": "Matthews correlation",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "top2": "right among the first two",
}


def with_interval(score: Mapping[str, Any], *, sign: str = "") -> str:
    """A score and its 95 % interval, as far as they are known.

    Parameters
    ----------
    score : mapping
        ``value`` and ``ci95``.
    sign : {"", "+"}
        ``"+"`` for differences.
    """
    interval = score.get("ci95")
    if interval is None or interval[0] is None:
        return number(score["value"], sign=sign)
    low, high = interval
    return f"{number(score['value'], sign=sign)} [{low:{sign}.3f}, {high:{sign}.3f}]"


def number(value: float | None, *, sign: str = "") -> str:
    """A score with three decimals."""
    return "not known" if value is None else f"{value:{sign}.3f}"


def metric_name(name: str | None) -> str:
    """A metric as people call it."""
    plain = (name or "").replace("-", "_")
    return _METRICS.get(plain, plain.replace("_", " "))


def value_text(value: Any) -> str:
    """A parameter, numbers without superfluous digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def answer_name(predicted: str) -> str:
    """A predicted class as people read it: ``unsure`` where the recognizer abstained."""
    return UNSURE if predicted == ABSTAINED else predicted


def shortened(names: Sequence[str], length: int = 5) -> list[str]:
    """The first letters of each name: as few as tell them apart, at least `length`."""
    short = [name[:length] for name in names]
    if len(set(short)) == len(set(names)):
        return short
    return shortened(names, length + 1)
