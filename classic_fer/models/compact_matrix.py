"""Matrices of float32 as 8-bit integers with scales, and products with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["compact_columns", "compact_rows", "half_products", "products"]

FEW = 8
"""So many rows are multiplied without making float32 of the matrix."""

_BLOCK = 2048  # rows of the matrix that are float32 at a time
_MOST = 127


def compact_rows(matrix: NDArray) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers of `matrix` (m, d) and the scale of each row (m,): ``integers * scales[:, None]``.

    Rounded to 127 steps on each side of 0.
    """
    integers, scales = compact_columns(matrix.T)
    return np.ascontiguousarray(integers.T), scales


def compact_columns(matrix: NDArray) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers of `matrix` (n, d) and the scale of each column (d,): ``integers * scales``."""
    scales = np.abs(matrix).max(axis=0, initial=0) / _MOST
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


def products(rows: NDArray[np.float32], integers: NDArray[np.int8]) -> NDArray[np.float32]:
    """``rows @ integers.T``, float32, shape (n, m).

    For a few rows the time is that of reading the integers once; for many, blocks of them become
    float32 for the matrix product of the library.
    """
    out = np.empty((len(rows), len(integers)), dtype=np.float32)
    if len(rows) <= FEW:
        from classic_fer.models._compact_loops import int8_products

        int8_products(integers, np.ascontiguousarray(rows, dtype=np.float32), out)
        return out
    for start in range(0, len(integers), _BLOCK):
        block = slice(start, start + _BLOCK)
        np.matmul(rows, integers[block].astype(np.float32).T, out=out[:, block])
    return out


def half_products(
    rows: NDArray[np.float32], integers: NDArray[np.int8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`products` of a few rows over the first half of the columns, and over the second half."""
    from classic_fer.models._compact_loops import int8_half_products

    first = np.empty((len(rows), len(integers)), dtype=np.float32)
    second = np.empty_like(first)
    int8_half_products(integers, np.ascontiguousarray(rows, dtype=np.float32), first, second)
    return first, second
