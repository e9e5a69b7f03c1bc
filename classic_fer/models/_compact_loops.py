"""Compiled products with matrices of 8-bit integers; imported when first used."""

from __future__ import annotations

from numba import float32, int8, int64, types

from classic_fer.features._jit import compiled

__all__ = ["int8_products"]


@compiled(
    types.void(
        types.Array(int8, 2, "C", readonly=True),
        types.Array(float32, 2, "C", readonly=True),
        int64,
        float32[:, ::1],
        float32[:, ::1],
    ),
    fastmath=True,
)
def int8_products(matrix, rows, split, first, second):
    """Write the products of each row with each row of `matrix` over the columns before `split`.

    Those over the other columns go into `second`. The matrix is read once.
    """
    for j in range(len(matrix)):
        weights = matrix[j]
        for i in range(len(rows)):
            row = rows[i]
            total = float32(0)
            for column in range(split):
                total += float32(weights[column]) * row[column]
            first[i, j] = total
            total = float32(0)
            for column in range(split, len(row)):
                total += float32(weights[column]) * row[column]
            second[i, j] = total
