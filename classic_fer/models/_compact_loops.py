"""Compiled products with matrices of 8-bit integers; imported when first used."""

from __future__ import annotations

from numba import float32, int8, types

from classic_fer.features._jit import compiled

__all__ = ["int8_half_products", "int8_products"]

_INTEGERS = types.Array(int8, 2, "C", readonly=True)
_ROWS = types.Array(float32, 2, "C", readonly=True)


@compiled(types.void(_INTEGERS, _ROWS, float32[:, ::1]), fastmath=True, error_model="numpy")
def int8_products(matrix, rows, out):
    """Write ``rows @ matrix.T`` for few rows. Four rows of the matrix are read at a time."""
    n, width = matrix.shape
    for i in range(len(rows)):
        row = rows[i]
        for j in range(0, n - 3, 4):
            a, b, c, d = float32(0), float32(0), float32(0), float32(0)
            for column in range(width):
                value = row[column]
                a += float32(matrix[j, column]) * value
                b += float32(matrix[j + 1, column]) * value
                c += float32(matrix[j + 2, column]) * value
                d += float32(matrix[j + 3, column]) * value
            out[i, j], out[i, j + 1], out[i, j + 2], out[i, j + 3] = a, b, c, d
        for j in range(n - n % 4, n):
            total = float32(0)
            for column in range(width):
                total += float32(matrix[j, column]) * row[column]
            out[i, j] = total


@compiled(
    types.void(_INTEGERS, _ROWS, float32[:, ::1], float32[:, ::1]),
    fastmath=True,
    error_model="numpy",
)
def int8_half_products(matrix, rows, first, second):
    """Write the products over the first half of the columns, and those over the second half."""
    half = matrix.shape[1] // 2
    for i in range(len(rows)):
        front, back = rows[i, :half], rows[i, half:]
        for j in range(len(matrix)):
            left, right = matrix[j, :half], matrix[j, half:]
            a, b = float32(0), float32(0)
            for column in range(half):
                a += float32(left[column]) * front[column]
                b += float32(right[column]) * back[column]
            first[i, j], second[i, j] = a, b
