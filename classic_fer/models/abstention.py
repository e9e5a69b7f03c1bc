"""Selective classification: which faces a recognizer answers, and what its doubt is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError

__all__ = [
    "UNSURE",
    "OperatingPoint",
    "RiskCoverage",
    "check_wished_error",
    "risk_coverage",
    "threshold_for_error",
]

UNSURE = "unsure"
"""What a recognizer answers where it does not name a class."""


@dataclass(frozen=True)
class RiskCoverage:
    """Error among the rows that are answered, for every threshold on the confidence.

    Attributes
    ----------
    threshold : ndarray of float64, shape (m,)
        Distinct confidences from the highest down; rows with at least this one are answered.
    coverage : ndarray of float64, shape (m,)
        Share of rows that are answered; the last is 1.
    risk : ndarray of float64, shape (m,)
        Share of errors among them.
    area : float
        Mean risk over all coverages (AURC; Geifman, Uziel and El-Yaniv 2019), lower is better.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    area: float


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the confidence, and what it gave where it was chosen.

    Attributes
    ----------
    threshold : float
        Rows with a lower confidence are not answered; infinite if none may be.
    coverage : float
    error : float
        NaN if no row is answered.
    """

    threshold: float
    coverage: float
    error: float


def check_wished_error(error: float) -> None:
    """Refuse a wished error that is no share.

    Raises
    ------
    ParameterError
        If it is not between 0 and 1.
    """
    if not 0 <= error <= 1:
        raise ParameterError(
            f"the wished error among answered faces must be between 0 and 1, got {error}"
        )


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> RiskCoverage:
    """Error among the most confident rows, for every share of rows that is answered.

    Parameters
    ----------
    confidence : array_like, shape (n,)
    right : array_like of bool, shape (n,)

    Returns
    -------
    RiskCoverage
        Rows of equal confidence are answered together.

    References
    ----------
    El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017.
    """
    values, correct = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    if values.ndim != 1 or values.shape != correct.shape or not len(values):
        raise DataError(
            f"expected one confidence for each of at least one answer, got shapes "
            f"{values.shape} and {correct.shape}"
        )
    if np.isnan(values).any():
        raise DataError("confidences contain NaN; leave out rows without an answer")
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    errors = np.cumsum(~correct[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    risk = errors[last] / (last + 1)
    steps = np.diff(last + 1, prepend=0) / len(ranked)
    return RiskCoverage(ranked[last], (last + 1) / len(ranked), risk, float((risk * steps).sum()))


def threshold_for_error(
    confidence: ArrayLike, right: ArrayLike, *, wished_error: float
) -> OperatingPoint:
    """The threshold that answers most rows with at most the wished error among them.

    Parameters
    ----------
    confidence : array_like, shape (n,)
        Of rows that were not trained on, such as the out-of-fold rows of a training part.
    right : array_like of bool, shape (n,)
    wished_error : float
        Between 0 and 1.

    Returns
    -------
    OperatingPoint
        On new rows the error is about the wished one, not at most that.
    """
    check_wished_error(wished_error)
    curve = risk_coverage(confidence, right)
    fitting = np.flatnonzero(curve.risk <= wished_error)
    if not len(fitting):
        return OperatingPoint(float("inf"), 0.0, float("nan"))
    best = fitting[-1]
    return OperatingPoint(
        float(curve.threshold[best]), float(curve.coverage[best]), float(curve.risk[best])
    )
