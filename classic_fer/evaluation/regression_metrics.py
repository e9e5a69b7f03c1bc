"""Metrics of valence, arousal and other continuous ratings.

Conventions
-----------
True and predicted values have the shape (n,). Where a metric is not defined (no rows vary) it is
NaN, and None in `regression_scores`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError
from classic_fer.evaluation.resampling import (
    N_RESAMPLES,
    drawn_sums,
    percentile_interval,
    unit_name,
)

__all__ = ["REGRESSION_METRICS", "ccc", "pearson", "regression_scores", "rmse", "sagr"]

REGRESSION_METRICS = ("rmse", "pearson", "ccc", "sagr")

# A sum of squares below this share of what rounding leaves in it is that of constant values.
_ROUNDING = 1e-12


def rmse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Root of the mean squared error, in the unit of the values.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)

    Raises
    ------
    DataError
        If there are no values, lengths differ, or values are not finite; so in all functions of
        this module.
    """
    return float(_FUNCTIONS["rmse"](_row_values(y_true, y_pred).sum(axis=0)))


def pearson(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Pearson's correlation; NaN if either side is constant.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)
    """
    return float(_FUNCTIONS["pearson"](_row_values(y_true, y_pred).sum(axis=0)))


def ccc(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Concordance correlation: Pearson's, lowered by differences of mean and spread.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)

    Returns
    -------
    float
        ``2 cov / (var_true + var_pred + (mean_true - mean_pred)**2)`` with moments over n rows;
        NaN if both sides are the same constant.

    References
    ----------
    Lin 1989, A concordance correlation coefficient to evaluate reproducibility, Biometrics 45.

    Examples
    --------
    >>> ccc([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    0.5714285714285714
    """
    return float(_FUNCTIONS["ccc"](_row_values(y_true, y_pred).sum(axis=0)))


def sagr(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of rows whose signs agree; the sign of 0 is 0.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)

    References
    ----------
    Nicolaou, Gunes and Pantic 2011; Mollahosseini, Hasani and Mahoor 2017 (AffectNet).
    """
    return float(_FUNCTIONS["sagr"](_row_values(y_true, y_pred).sum(axis=0)))


def regression_scores(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> dict[str, Any]:
    """All metrics of one dimension, such as valence, with bootstrap intervals.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n,)
    groups : array_like, shape (n,), optional
        People, over which the intervals are resampled; over images if not given.
    n_resamples, random_state : int
        Of the bootstrap.

    Returns
    -------
    sheet : dict
        ``n``; ``scores`` {metric: {``value``, ``ci95``}} for `REGRESSION_METRICS`;
        ``interval``, ``"people"`` or ``"images"``.
    """
    values = _row_values(y_true, y_pred)
    drawn = drawn_sums(values, groups=groups, n_resamples=n_resamples, random_state=random_state)
    total = values.sum(axis=0)
    scores = {}
    for name in REGRESSION_METRICS:
        value = float(_FUNCTIONS[name](total))
        undefined = np.isnan(value)
        scores[name] = {
            "value": None if undefined else value,
            "ci95": None if undefined else percentile_interval(_FUNCTIONS[name], drawn),
        }
    return {"n": len(values), "scores": scores, "interval": unit_name(groups)}


def _row_values(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """The columns whose sums all metrics are made of, shape (n, 8)."""
    true, predicted = (np.asarray(values, dtype=np.float64) for values in (y_true, y_pred))
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise DataError(
            f"expected a predicted value for each of at least one true value, got shapes "
            f"{true.shape} and {predicted.shape}"
        )
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise DataError("values contain NaN or infinity; leave out rows without a rating")
    # About the common mean, so that squares lose no digits.
    middle = (true.mean() + predicted.mean()) / 2
    x, y = true - middle, predicted - middle
    agree = np.sign(true) == np.sign(predicted)
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y, (x - y) ** 2, agree])


def _moments(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Both means, both variances and the covariance, each of shape (...)."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)[:6]
    mean_x, mean_y = x / n, y / n
    var_x, var_y = xx / n - mean_x**2, yy / n - mean_y**2
    var_x = np.where(var_x > _ROUNDING * xx / n, var_x, 0.0)
    var_y = np.where(var_y > _ROUNDING * yy / n, var_y, 0.0)
    return mean_x, mean_y, var_x, var_y, xy / n - mean_x * mean_y


def _quotient(numerator: NDArray, denominator: NDArray) -> NDArray[np.float64]:
    out = np.full(np.shape(denominator), np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)


def _pearson(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    _, _, var_x, var_y, covariance = _moments(sums)
    return np.clip(_quotient(covariance, np.sqrt(var_x * var_y)), -1.0, 1.0)


def _ccc(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    mean_x, mean_y, var_x, var_y, covariance = _moments(sums)
    covariance = np.where((var_x > 0) & (var_y > 0), covariance, 0.0)
    return _quotient(2 * covariance, var_x + var_y + (mean_x - mean_y) ** 2)


_FUNCTIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[Any]]] = {
    "rmse": lambda sums: np.sqrt(sums[..., 6] / sums[..., 0]),
    "pearson": _pearson,
    "ccc": _ccc,
    "sagr": lambda sums: sums[..., 7] / sums[..., 0],
}
