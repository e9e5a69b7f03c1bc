"""What parts of a search cost, relative to each other: the unit is a millisecond on one core.

The figures were measured once; another machine is faster or slower by a common factor, which the
time that has gone by shows.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "extraction_cost",
    "fit_cost",
    "preparation_cost",
    "product_cost",
    "score_cost",
    "solve_cost",
]

_PIXEL = 1.0e-4  # of a stateless feature
_VALUE = 2.5e-5  # of a feature that is copied, scaled and checked
_PROJECTED_VALUE = 1.2e-7  # times the rank of a projection
_PRODUCT = 2.2e-8  # a multiplication and addition of a matrix product
_KERNEL_VALUE = 5.0e-6
_SOLVED_VALUE = 4.5e-6  # a kernel value of a problem of two classes, for one C
_FITTED_VALUE = 4.0e-4  # a feature value of a classifier that is fitted alone


def extraction_cost(n: int, pixels: int) -> float:
    """Stateless features of `n` faces."""
    return _PIXEL * n * pixels


def preparation_cost(n: int, width: int, *, projected: bool) -> float:
    """Projections and scaler of `n` rows."""
    rank = min(n, width) if projected else 0
    return n * width * (_VALUE + _PROJECTED_VALUE * rank)


def product_cost(n: int, m: int, width: int) -> float:
    """Inner products between `n` and `m` rows."""
    return _PRODUCT * n * m * width


def solve_cost(n: int, candidates: int) -> float:
    """A problem of two classes with `n` rows: its kernel, and the solution for each candidate."""
    return n * n * (_KERNEL_VALUE + _SOLVED_VALUE * candidates)


def score_cost(n: int, m: int, width: int, group_sizes: Sequence[int], n_pairs: int) -> float:
    """Decision values of `m` rows by machines of `n` rows, some for each kernel."""
    sums = sum(_KERNEL_VALUE + _PRODUCT * size * n_pairs for size in group_sizes)
    return product_cost(n, m, width) + n * m * sums


def fit_cost(n: int, width: int) -> float:
    """A classifier that shares nothing."""
    return _FITTED_VALUE * n * width
