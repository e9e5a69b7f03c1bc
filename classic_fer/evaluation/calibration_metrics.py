"""Are the probabilities right? Calibration and proper scores.

Conventions
-----------
Probabilities have the shape (n, n_classes), each row sums to 1, and the columns are in the order
of `classes`. Confidence is the highest probability of a row; a row is right if that column is the
true class (the first one, where several are highest).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.resampling import (
    N_RESAMPLES,
    drawn_sums,
    percentile_interval,
    unit_name,
)

__all__ = [
    "CALIBRATION_METRICS",
    "ReliabilityBin",
    "brier_score",
    "calibration_scores",
    "expected_calibration_error",
    "log_loss",
    "reliability_bins",
    "top_k_accuracy",
]

CALIBRATION_METRICS = ("log_loss", "brier", "ece", "top2")

_N_BINS = 15
_SUM_TOLERANCE = 1e-4
_LEAST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose confidence lies in (low, high]; the first bin also holds 0.

    Attributes
    ----------
    low, high : float
    n : int
    confidence, accuracy : float
        Means over the rows; NaN in an empty bin.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def log_loss(proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str]) -> float:
    """Mean negative logarithm of the probability of the true class.

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
        0 counts as the smallest step of float64 from 1, 2.2e-16.
    y_true : array_like of str, shape (n,)
    classes : sequence of str

    Raises
    ------
    DataError
        If shapes, probabilities or names do not fit; so in all functions of this module.
    """
    rows, true = _checked(proba, y_true, classes)
    return float(_log_losses(rows, true).mean())


def brier_score(proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str]) -> float:
    """Mean squared distance of the probabilities from the truth, summed over classes (0 to 2).

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
    y_true : array_like of str, shape (n,)
    classes : sequence of str

    References
    ----------
    Brier 1950 (the original form, for several classes).
    """
    rows, true = _checked(proba, y_true, classes)
    return float(_brier_scores(rows, true).mean())


def top_k_accuracy(
    proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str], *, k: int = 2
) -> float:
    """Share of rows whose true class is among the `k` most probable.

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
        Of equal probabilities the first column counts as the more probable.
    y_true : array_like of str, shape (n,)
    classes : sequence of str
    k : int
        At least 1.
    """
    if k < 1:
        raise ParameterError(f"k must be at least 1, got {k}")
    rows, true = _checked(proba, y_true, classes)
    return float((_places(rows, true) < k).mean())


def reliability_bins(
    proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str], *, n_bins: int = _N_BINS
) -> list[ReliabilityBin]:
    """Confidence against accuracy in bins of equal width: the reliability diagram.

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
    y_true : array_like of str, shape (n,)
    classes : sequence of str
    n_bins : int

    Returns
    -------
    bins : list of ReliabilityBin, length n_bins

    References
    ----------
    DeGroot and Fienberg 1983; Niculescu-Mizil and Caruana 2005.
    """
    rows, true = _checked(proba, y_true, classes)
    n, confidence, right = _bin_sums(rows, true, n_bins).sum(axis=0).reshape(3, n_bins)
    edges = np.linspace(0, 1, n_bins + 1)
    means = [_ratio(values, n, np.nan).tolist() for values in (confidence, right)]
    return [
        ReliabilityBin(float(low), float(high), int(count), mean, accuracy)
        for low, high, count, mean, accuracy in zip(edges[:-1], edges[1:], n, *means)
    ]


def expected_calibration_error(
    proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str], *, n_bins: int = _N_BINS
) -> float:
    """Mean distance of confidence and accuracy over bins, weighted by their rows.

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
    y_true : array_like of str, shape (n,)
    classes : sequence of str
    n_bins : int
        Of equal width.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015; Guo, Pleiss, Sun and Weinberger 2017 (15 bins).
    """
    rows, true = _checked(proba, y_true, classes)
    return float(_ece(_bin_sums(rows, true, n_bins).sum(axis=0)))


def calibration_scores(
    proba: ArrayLike,
    y_true: ArrayLike,
    classes: Sequence[str],
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> dict[str, Any]:
    """All metrics of this module with bootstrap intervals, as plain data.

    Parameters
    ----------
    proba : array_like, shape (n, n_classes)
    y_true : array_like of str, shape (n,)
    classes : sequence of str
    groups : array_like, shape (n,), optional
        People, over which the intervals are resampled; over images if not given.
    n_resamples, random_state : int
        Of the bootstrap.

    Returns
    -------
    sheet : dict
        ``n``; ``scores`` {metric: {``value``, ``ci95``}} for `CALIBRATION_METRICS`;
        ``interval``, ``"people"`` or ``"images"``. Drawing rows again raises an expected
        calibration error; its interval is moved back by the mean of that.
    """
    rows, true = _checked(proba, y_true, classes)
    columns = [
        np.ones(len(rows)),
        _log_losses(rows, true),
        _brier_scores(rows, true),
        (_places(rows, true) < 2).astype(np.float64),
    ]
    sums = np.column_stack([*columns, _bin_sums(rows, true, _N_BINS)])
    total = sums.sum(axis=0)
    drawn = drawn_sums(sums, groups=groups, n_resamples=n_resamples, random_state=random_state)

    def ece(s: NDArray[np.float64]) -> NDArray[np.float64]:
        return _ece(s[..., len(columns) :])

    bias = 0.0 if drawn is None else float(ece(drawn).mean() - ece(total))
    functions: dict[str, Callable[[NDArray[np.float64]], NDArray[Any]]] = {
        "log_loss": lambda s: s[..., 1] / s[..., 0],
        "brier": lambda s: s[..., 2] / s[..., 0],
        "ece": lambda s: np.maximum(ece(s) - bias, 0),
        "top2": lambda s: s[..., 3] / s[..., 0],
    }
    values = {name: float(score(total)) for name, score in functions.items()} | {
        "ece": float(ece(total))
    }
    return {
        "n": len(rows),
        "scores": {
            name: {
                "value": values[name],
                "ci95": percentile_interval(functions[name], drawn),
            }
            for name in CALIBRATION_METRICS
        },
        "interval": unit_name(groups),
    }


def _checked(
    proba: ArrayLike, y_true: ArrayLike, classes: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Probabilities, and the column of the true class of each row."""
    rows, labels = np.asarray(proba, dtype=np.float64), np.asarray(y_true, dtype=str)
    if rows.ndim != 2 or rows.shape != (len(labels), len(classes)) or not len(labels):
        raise DataError(
            f"expected probabilities with a row for each of {len(labels)} labels (at least one) "
            f"and a column for each of {len(classes)} classes, got shape {rows.shape}"
        )
    if not ((rows >= 0) & (rows <= 1 + _SUM_TOLERANCE)).all():
        raise DataError("probabilities must be between 0 and 1, without NaN; found others")
    worst = float(np.abs(rows.sum(axis=1) - 1).max())
    if worst > _SUM_TOLERANCE:
        raise DataError(
            f"the probabilities of each row must sum to 1, one is off by {worst:.3g}; give "
            "probabilities, not decision values"
        )
    column = {name: i for i, name in enumerate(classes)}
    unknown = sorted(set(labels.tolist()) - set(column))
    if unknown:
        raise DataError(f"labels {unknown} are not among the classes {list(classes)}")
    return rows, np.array([column[name] for name in labels.tolist()], dtype=np.intp)


def _of_true(rows: NDArray[np.float64], true: NDArray[np.intp]) -> NDArray[np.float64]:
    return rows[np.arange(len(rows)), true]


def _log_losses(rows: NDArray[np.float64], true: NDArray[np.intp]) -> NDArray[np.float64]:
    return -np.log(np.clip(_of_true(rows, true), _LEAST, 1.0))


def _brier_scores(rows: NDArray[np.float64], true: NDArray[np.intp]) -> NDArray[np.float64]:
    return (rows**2).sum(axis=1) - 2 * _of_true(rows, true) + 1


def _places(rows: NDArray[np.float64], true: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many classes come before the true one, shape (n,)."""
    own = _of_true(rows, true)[:, None]
    earlier = np.arange(rows.shape[1])[None, :] < true[:, None]
    return ((rows > own) | ((rows == own) & earlier)).sum(axis=1)


def _bin_sums(
    rows: NDArray[np.float64], true: NDArray[np.intp], n_bins: int
) -> NDArray[np.float64]:
    """Count, confidence and rightness of each row in the columns of its bin, (n, 3 * n_bins)."""
    if n_bins < 1:
        raise ParameterError(f"expected at least 1 bin, got {n_bins}")
    confidence = np.minimum(rows.max(axis=1), 1.0)
    place = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    sums = np.zeros((len(rows), 3, n_bins))
    each = np.arange(len(rows))
    sums[each, 0, place] = 1
    sums[each, 1, place] = confidence
    sums[each, 2, place] = rows.argmax(axis=1) == true
    return sums.reshape(len(rows), 3 * n_bins)


def _ece(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected calibration error from sums of `_bin_sums`, shape (..., 3 * n_bins)."""
    n, confidence, right = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    return np.abs(confidence - right).sum(axis=-1) / n.sum(axis=-1)


def _ratio(numerator: NDArray, denominator: NDArray, otherwise: float) -> NDArray[np.float64]:
    out = np.full(np.shape(numerator), otherwise)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)
