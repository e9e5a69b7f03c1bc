"""Bootstrap of any score that is a function of sums over rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = [
    "N_RESAMPLES",
    "drawn_sums",
    "percentile_interval",
    "quantile_interval",
    "unit_name",
]

N_RESAMPLES = 2000

_WEIGHTS_AT_ONCE = 4_000_000  # resamples are drawn in blocks of at most 32 MB


def unit_name(groups: ArrayLike | None) -> str:
    """What an interval was resampled over: ``"people"``, or ``"images"`` without groups."""
    return "images" if groups is None else "people"


def drawn_sums(
    values: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> NDArray[np.float64] | None:
    """Column sums of bootstrap samples of the rows.

    Scores such as accuracy, RMSE, correlation or calibration error are functions of sums over
    rows, so their bootstrap needs nothing else, and one matrix product for many resamples.

    Parameters
    ----------
    values : array_like, shape (n, m)
    groups : array_like, shape (n,), optional
        People. Whole people are drawn, since faces of one person are not independent; without
        them, single rows are.
    n_resamples : int
    random_state : int

    Returns
    -------
    sums : ndarray of float64, shape (n_resamples, m), or None
        None where there are fewer than two people (or rows) to draw from.

    Raises
    ------
    ParameterError
        If `groups` has another length, or `n_resamples` is below 1.

    References
    ----------
    Efron 1979; Field and Welsh 2007 (bootstrap of clusters).
    """
    rows = np.asarray(values, dtype=np.float64)
    if n_resamples < 1:
        raise ParameterError(f"expected at least 1 resample, got {n_resamples}")
    if groups is not None:
        people, unit = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        if len(unit) != len(rows):
            raise ParameterError(f"got {len(unit)} groups for {len(rows)} rows")
        sums = np.zeros((len(people), rows.shape[1]))
        np.add.at(sums, unit, rows)
        rows = sums
    n = len(rows)
    if n < 2:
        return None
    rng = np.random.default_rng(random_state)
    block = max(1, _WEIGHTS_AT_ONCE // n)
    parts = []
    for start in range(0, n_resamples, block):
        size = min(block, n_resamples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        parts.append(times.astype(np.float64) @ rows)
    return np.concatenate(parts)


def percentile_interval(
    score: Callable[[NDArray[np.float64]], NDArray[Any]], sums: NDArray[np.float64] | None
) -> list[float] | None:
    """95 % percentile interval of a score over drawn sums.

    Parameters
    ----------
    score : callable
        Sums of shape (..., m) to scores of shape (...); NaN where a score is not defined.
    sums : ndarray, shape (n_resamples, m), or None
        Of `drawn_sums`.

    Returns
    -------
    interval : [low, high] or None
        Over the resamples in which the score is defined; None where fewer than half are.
    """
    return None if sums is None else quantile_interval(score(sums))


def quantile_interval(drawn: ArrayLike) -> list[float] | None:
    """95 % interval of scores of bootstrap samples, shape (n_resamples,).

    As in `percentile_interval`.
    """
    values = np.asarray(drawn, dtype=np.float64)
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values):
        return None
    return np.quantile(defined, [0.025, 0.975]).tolist()
