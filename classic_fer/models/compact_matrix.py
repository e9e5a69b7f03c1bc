"""Matrices of float32 as 8-bit integers with scales, and products with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["compact_columns", "compact_rows", "products", "split_products"]

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
    if len(rows) <= FEW:
        return split_products(rows, integers, rows.shape[1])[0]
    out = np.empty((len(rows), len(integers)), dtype=np.float32)
    for start in range(0, len(integers), _BLOCK):
        block = slice(start, start + _BLOCK)
        np.matmul(rows, integers[block].astype(np.float32).T, out=out[:, block])
    return out


def split_products(
    rows: NDArray[np.float32], integers: NDArray[np.int8], split: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`products` of a few rows over the columns before `split`, and over the others."""
    from classic_fer.models._compact_loops import int8_products

    first = np.empty((len(rows), len(integers)), dtype=np.float32)
    second = np.empty_like(first)
    int8_products(integers, np.ascontiguousarray(rows, dtype=np.float32), split, first, second)
    return first, second
