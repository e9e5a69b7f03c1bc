"""Accuracy of answers to the same faces under several conditions, and whether it drops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError
from classic_fer.evaluation.resampling import drawn_sums, percentile_interval
from classic_fer.studies.result import score

__all__ = [
    "N_PERMUTATIONS",
    "mean_score",
    "paired_drop",
    "quartile_outliers",
    "sign_flip_p_value",
]

N_PERMUTATIONS = 9999


def mean_score(
    values: ArrayLike, groups: ArrayLike | None = None, *, random_state: int = 0
) -> dict[str, Any]:
    """Mean of a value per face with its 95 % bootstrap interval.

    Parameters
    ----------
    values : array_like, shape (n,)
        Such as whether each answer is right, or in how many of the repeats.
    groups : array_like, shape (n,), optional
        People, who are drawn as a whole.
    random_state : int

    Returns
    -------
    dict
        ``value`` and ``ci95``.
    """
    column = np.asarray(values, dtype=np.float64)
    if not len(column):
        raise DataError("no answers to average")
    rows = np.column_stack([column, np.ones(len(column))])
    sums = drawn_sums(rows, groups=groups, random_state=random_state)
    interval = percentile_interval(lambda drawn: drawn[..., 0] / drawn[..., 1], sums)
    return score(float(column.mean()), interval)


def paired_drop(
    before: ArrayLike,
    after: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> tuple[dict[str, Any], float]:
    """How much lower `after` is than `before` on the same faces, and whether that is chance.

    Parameters
    ----------
    before, after : array_like, shape (n,)
        As `mean_score` takes them.
    groups : array_like, shape (n,), optional
    random_state : int

    Returns
    -------
    drop : dict
        Mean of ``before - after`` with its interval.
    p_value : float
        Of `sign_flip_p_value` over people, over faces where people are not known.
    """
    differences = np.asarray(before, dtype=np.float64) - np.asarray(after, dtype=np.float64)
    drop = mean_score(differences, groups, random_state=random_state)
    if groups is not None:
        _, unit = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        differences = np.bincount(unit, weights=differences).astype(np.float64)
    return drop, sign_flip_p_value(differences, random_state=random_state)


def sign_flip_p_value(differences: ArrayLike, *, random_state: int = 0) -> float:
    """Two-sided p-value of the sum of differences that are symmetric about 0 if nothing changed.

    Parameters
    ----------
    differences : array_like, shape (n,)
        Of independent units, such as people.
    random_state : int
        For more units than can be gone through (2 ** n signs): `N_PERMUTATIONS` are drawn.

    References
    ----------
    Fisher 1935; Phipson and Smyth 2010 (drawn permutations never give 0).

    Examples
    --------
    >>> sign_flip_p_value([1, 1, 1, 1])  # 2 of 16 signs give a sum as far from 0
    0.125
    """
    from scipy import stats

    values = np.asarray(differences, dtype=np.float64)
    values = values[values != 0]
    if not len(values):
        return 1.0
    if len(values) == 1:
        return 1.0  # both signs lie as far from 0

    def total(x: NDArray, axis: int) -> NDArray:
        return x.sum(axis=axis)

    test = stats.permutation_test(
        (values,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=N_PERMUTATIONS,
        batch=max(1, 2_000_000 // len(values)),
        random_state=np.random.default_rng(random_state),
    )
    return float(test.pvalue)


def quartile_outliers(values: Sequence[float]) -> list[float]:
    """Values further than 1.5 interquartile ranges from the quartiles (Tukey 1977)."""
    numbers = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(numbers, [0.25, 0.75])
    reach = 1.5 * (high - low)
    return numbers[(numbers < low - reach) | (numbers > high + reach)].tolist()
