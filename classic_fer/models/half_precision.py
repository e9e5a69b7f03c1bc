"""Half precision: the arrays of a fitted estimator at half their size, for small model files."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

__all__ = ["halved", "widened"]

_Value = TypeVar("_Value")
_FEWEST = 64  # shorter arrays are not worth the rounding
_PRECISION = 2.0**-11  # of float16


def halved(estimator: _Value) -> _Value:
    """A copy of a fitted estimator whose float32 arrays became float16 where that is harmless.

    Harmless means that no number changes by more than 2**-11 of the largest one of its array.
    The copy is to be stored; it works again after `widened`.
    """
    return _changed(deepcopy(estimator), _half)


def widened(estimator: _Value) -> _Value:
    """The same estimator with its float16 arrays as float32 again."""
    return _changed(estimator, _wide)


def _changed(value: Any, change: Callable[[NDArray], NDArray]) -> Any:
    """`value` with all arrays changed that its estimators, lists and dicts hold."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, BaseEstimator):
        for name, part in vars(value).items():
            setattr(value, name, _changed(part, change))
        return value
    if isinstance(value, dict):
        return {key: _changed(part, change) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_changed(part, change) for part in value)
    return value


def _half(array: NDArray) -> NDArray:
    if array.dtype != np.float32 or array.size < _FEWEST:
        return array
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16)
    error = np.abs(rounded.astype(np.float32) - array).max()
    return rounded if error <= _PRECISION * np.abs(array).max() else array


def _wide(array: NDArray) -> NDArray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
