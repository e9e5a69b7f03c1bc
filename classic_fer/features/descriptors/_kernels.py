"""Compiled kernels of the dense local descriptors; imported when first used."""

from __future__ import annotations

import numpy as np
from numba import boolean, float32, float64, int64, types

from classic_fer.features._jit import compiled

__all__ = ["box_sums", "direction_channels", "integral_image", "root_sift"]

_FLAT = 0.01  # grey values; shorter gradients are rounding errors of resizing a flat image
_FAST = {"contract", "reassoc", "nsz", "nnan", "ninf", "arcp"}


@compiled(types.void(float32[:, ::1], boolean, float32[:, :, ::1]), error_model="numpy")
def direction_channels(image, signed, out):
    """Share the length of each gradient between the two nearest directions of `out` (H, W, n).

    Directions are spread over 360 degrees if `signed`, else over 180, the first one to the right.
    Gradients are central differences; the border repeats.
    """
    height, width, n = out.shape
    per_radian = float32(n / (2 * np.pi) if signed else n / np.pi)
    out[:] = 0
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            dx = image[y, min(x + 1, width - 1)] - image[y, max(x - 1, 0)]
            dy = image[below, x] - image[above, x]
            length = np.sqrt(dx * dx + dy * dy)
            if length < _FLAT:
                continue
            place = np.arctan2(dy, dx) * per_radian
            if place < 0:
                place += n  # -pi, or without a sign the opposite direction, is n further
            low = int64(place)
            share = place - low
            out[y, x, low % n] += length * (1 - share)
            out[y, x, (low + 1) % n] += length * share


@compiled(types.void(float32[:, :, ::1], float64[:, :, ::1]))
def integral_image(channels, out):
    """Write the sums of all values above and to the left: out (H + 1, W + 1, c)."""
    height, width, depth = channels.shape
    row = np.empty(depth)
    out[0] = 0
    for y in range(height):
        row[:] = 0
        out[y + 1, 0] = 0
        for x in range(width):
            for c in range(depth):
                row[c] += channels[y, x, c]
                out[y + 1, x + 1, c] = out[y, x + 1, c] + row[c]


@compiled(types.void(float64[:, :, ::1], int64[:, ::1], int64[:, ::1], float32[:, ::1]))
def box_sums(integral, corners, borders, out):
    """Write the sums over the cells of windows; `borders` (n, cells + 1) count from the corner."""
    depth = integral.shape[2]
    cells = borders.shape[1] - 1
    for i in range(len(corners)):
        left, top = corners[i]
        first = 0
        for r in range(cells):
            above = integral[top + borders[i, r]]
            below = integral[top + borders[i, r + 1]]
            for q in range(cells):
                a, b = left + borders[i, q], left + borders[i, q + 1]
                for c in range(depth):
                    out[i, first + c] = below[b, c] - below[a, c] - above[b, c] + above[a, c]
                first += depth


@compiled(types.void(float32[:, ::1], float32, float32), fastmath=_FAST)
def root_sift(rows, clip, least):
    """Normalise histograms in place: Euclidean length 1, clip, sum 1, square roots.

    Those not longer than `least` become 0.
    """
    n, d = rows.shape
    for i in range(n):
        row = rows[i]
        squares = float32(0)
        for j in range(d):
            squares += row[j] * row[j]
        if squares <= least * least:
            row[:] = 0
            continue
        scale = float32(1) / np.sqrt(squares)
        total = float32(0)
        for j in range(d):
            # Differences of integral images may fall below 0 by rounding.
            row[j] = min(max(row[j] * scale, float32(0)), clip)
            total += row[j]
        scale = float32(1) / total
        for j in range(d):
            row[j] = np.sqrt(row[j] * scale)
