"""What parts of a search cost, relative to each other: the unit is a millisecond on one core.

The figures were measured once; another machine is faster or slower by a common factor, which the
time that has gone by shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from classic_fer.models.ridge_systems import FACTOR_ROWS

__all__ = [
    "encoding_cost",
    "extraction_cost",
    "fit_cost",
    "kernel_ridge_cost",
    "preparation_cost",
    "product_cost",
    "ridge_cost",
    "score_cost",
    "solve_cost",
]

_PIXEL = 1.0e-4  # of a stateless feature
_ENCODED_PRODUCT = 7.0e-8  # a multiplication of an encoding, with all that goes with it
_LEARNED_FACES = 4000  # whose encoding takes as long as learning what faces are encoded by
_VALUE = 2.5e-5  # of a feature that is copied, scaled and checked
_PROJECTED_VALUE = 1.2e-7  # times the rank of a projection
_PRODUCT = 2.2e-8  # a multiplication and addition of a matrix product
_KERNEL_VALUE = 5.0e-6
_SOLVED_VALUE = 4.5e-6  # a kernel value of a problem of two classes, for one C
_DOUBLE_PRODUCT = 4.5e-8
_ITERATIONS = 20  # of conjugate gradients
_FITTED_VALUE = 1.0e-4  # a feature value of a classifier that is fitted alone


def extraction_cost(n: int, pixels: int) -> float:
    """Stateless features of `n` faces."""
    return _PIXEL * n * pixels


def encoding_cost(n: int, multiplications: int) -> float:
    """Encodings of `n` faces with so many multiplications each, learned on some of them."""
    return _ENCODED_PRODUCT * multiplications * (n + _LEARNED_FACES)


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


def kernel_ridge_cost(n: int, width: int, candidates: int, targets: int) -> float:
    """A kernel of `n` rows (and inner products, unless `width` is 0), and its systems."""
    if n <= FACTOR_ROWS:
        systems = candidates * (2 * _KERNEL_VALUE + _DOUBLE_PRODUCT * n / 3)
    else:
        systems = _PRODUCT * _ITERATIONS * candidates * targets
    return n * n * (_KERNEL_VALUE + _PRODUCT * width / 2 + systems)


def ridge_cost(n: int, width: int, candidates: int) -> float:
    """Gram matrix of `n` rows, and its factorisation for each candidate."""
    least, most = sorted((n, width))
    return _PRODUCT * least * least * (most / 2 + candidates * least)


def score_cost(n: int, m: int, width: int, group_sizes: Sequence[int], n_pairs: int) -> float:
    """Decision values of `m` rows by machines of `n` rows, some for each kernel."""
    sums = sum(_KERNEL_VALUE + _PRODUCT * size * n_pairs for size in group_sizes)
    return product_cost(n, m, width) + n * m * sums


def fit_cost(n: int, width: int) -> float:
    """A classifier that shares nothing."""
    return _FITTED_VALUE * n * width
