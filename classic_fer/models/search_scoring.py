"""What the metrics of a search read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.metrics import get_scorer

__all__ = ["reads_decisions", "reads_probabilities"]


def _scorers(scoring: Any) -> list[Any]:
    """The scorers behind the `scoring` of a GridSearchCV; None for the estimator's own score."""
    if isinstance(scoring, Mapping):
        return [get_scorer(each) for each in scoring.values()]
    if scoring is None or isinstance(scoring, str) or callable(scoring):
        return [] if scoring is None else [get_scorer(scoring)]
    return [get_scorer(each) for each in scoring]


def reads_decisions(scoring: Any) -> bool:
    """Whether decision values are enough: these are scorers of scikit-learn, no other functions.

    A function ``scorer(estimator, X, y)`` may look at the faces, and at parts of the estimator.
    """
    return all(hasattr(scorer, "_score_func") for scorer in _scorers(scoring))


def reads_probabilities(scoring: Any) -> bool:
    """Whether some metric is one of probabilities, such as ``neg_log_loss``."""
    methods = [scorer._response_method for scorer in _scorers(scoring)]
    # Of several methods the first one that the estimator has is taken.
    return any((m if isinstance(m, str) else m[0]) == "predict_proba" for m in methods)
