"""Compiled sums over pairs of histograms; imported when first used."""

from __future__ import annotations

from numba import float32, types

from classic_fer.features._jit import compiled

__all__ = ["chi2_distances", "minima"]

_TILE = 32  # rows of the second operand that stay in the processor's cache
_LEAST = 1e-30  # keeps two empty bins from dividing 0 by 0

_SIGNATURE = types.void(
    types.Array(float32, 2, "C", readonly=True),
    types.Array(float32, 2, "C", readonly=True),
    float32[:, ::1],
)


@compiled(_SIGNATURE, fastmath=True)
def chi2_distances(left, right, out):
    """Write the sums of ``(x - y)^2 / (x + y)`` over the columns of each pair of rows."""
    for start in range(0, len(right), _TILE):
        stop = min(start + _TILE, len(right))
        for i in range(len(left)):
            for j in range(start, stop):
                total = float32(0)
                for column in range(left.shape[1]):
                    x, y = left[i, column], right[j, column]
                    difference = x - y
                    total += difference * difference / (x + y + float32(_LEAST))
                out[i, j] = total


@compiled(_SIGNATURE, fastmath=True)
def minima(left, right, out):
    """Write the sums of the smaller of two values over the columns of each pair of rows."""
    for start in range(0, len(right), _TILE):
        stop = min(start + _TILE, len(right))
        for i in range(len(left)):
            for j in range(start, stop):
                total = float32(0)
                for column in range(left.shape[1]):
                    x, y = left[i, column], right[j, column]
                    total += x if x < y else y
                out[i, j] = total
