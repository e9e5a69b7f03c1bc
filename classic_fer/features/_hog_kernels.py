"""Compiled batch kernels of the histograms of oriented gradients; imported when first used."""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int64, types, uint8

from classic_fer.features._jit import compiled

__all__ = ["block_histograms", "gradients", "root_gradients"]

# Distance from a border's direction below which rounding matters: borders are rounded to single
# precision, 1e-5 degrees, and differences of roots reach 16.
_ON_BORDER = 1e-4


@compiled(
    types.void(
        types.Array(uint8, 3, "C", readonly=True),
        types.Array(uint8, 2, "C", readonly=True),
        uint8[:, :, ::1],
        float32[:, :, ::1],
    )
)
def gradients(images, bin_table, bins, magnitudes):
    """Write orientation bin and magnitude of the centred differences of each pixel.

    `bin_table` (511, 511) holds the bin of each pair of row and column difference plus 255.
    Differences across the border of the image are 0.
    """
    n, height, width = images.shape
    for image in range(n):
        for r in range(height):
            inside = 0 < r < height - 1
            row = images[image, r]
            above = images[image, r - 1] if inside else row
            below = images[image, r + 1] if inside else row
            for c in range(width):
                down = int64(below[c]) - int64(above[c])
                right = int64(0)
                if 0 < c < width - 1:
                    right = int64(row[c + 1]) - int64(row[c - 1])
                bins[image, r, c] = bin_table[down + 255, right + 255]
                magnitudes[image, r, c] = np.sqrt(float64(down * down + right * right))


@compiled(
    types.void(
        types.Array(uint8, 3, "C", readonly=True),
        types.Array(float64, 1, "C", readonly=True),
        uint8[:, :, ::1],
        float32[:, :, ::1],
    )
)
def root_gradients(images, borders, bins, magnitudes):
    """As `gradients`, of the square roots of the images.

    `borders` holds the borders of the bins in degrees, from 0. A gradient is sorted in by the
    side of each border's direction on which it lies; on the border itself the angle decides.
    """
    n, height, width = images.shape
    orientations = len(borders) - 1
    cosines, sines = np.cos(np.deg2rad(borders)), np.sin(np.deg2rad(borders))
    roots = np.sqrt(np.arange(256).astype(np.float64))
    for image in range(n):
        for r in range(height):
            inside = 0 < r < height - 1
            row = images[image, r]
            above = images[image, r - 1] if inside else row
            below = images[image, r + 1] if inside else row
            for c in range(width):
                down = roots[below[c]] - roots[above[c]]
                right = 0.0
                if 0 < c < width - 1:
                    right = roots[row[c + 1]] - roots[row[c - 1]]
                magnitudes[image, r, c] = np.sqrt(down * down + right * right)
                up, along = down, right
                if down < 0 or (down == 0 and right < 0):
                    up, along = -down, -right
                low, high = 0, orientations
                while high - low > 1 and up > 0:
                    middle = (low + high) // 2
                    side = cosines[middle] * up - sines[middle] * along
                    if abs(side) < _ON_BORDER:
                        degrees = np.rad2deg(np.arctan2(down, right)) % 180
                        side = degrees - borders[middle]
                    if side >= 0:
                        low = middle
                    else:
                        high = middle
                bins[image, r, c] = low


@compiled(
    types.void(
        uint8[:, :, ::1],
        float32[:, :, ::1],
        types.Array(int64, 2, "C", readonly=True),
        int64,
        int64,
        float32[:, ::1],
    )
)
def block_histograms(bins, magnitudes, layout, orientations, norm, out):
    """Write the normalised histograms of all blocks.

    `layout` has the rows: pixels of a patch, patches of a cell, patches of a step, cells of a
    block, blocks; each down and across. Patches are the largest tiles of which cells and steps
    are multiples. `norm`: 0 L1, 1 L1-sqrt, 2 L2, 3 L2-Hys.
    """
    patch_r, patch_c = layout[0]
    cell_r, cell_c = layout[1]
    step_r, step_c = layout[2]
    block_r, block_c = layout[3]
    n_r, n_c = layout[4]
    rows = (n_r - 1) * step_r + block_r * cell_r
    cols = (n_c - 1) * step_c + block_c * cell_c
    patches = np.empty((rows, cols, orientations), dtype=np.float32)
    area = float64(patch_r * cell_r * patch_c * cell_c)
    length = block_r * block_c * orientations
    block = np.empty(length, dtype=np.float64)
    eps = 1e-5
    for image in range(len(bins)):
        patches[:] = 0
        for r in range(rows * patch_r):
            for pc in range(cols):
                patch = patches[r // patch_r, pc]
                for c in range(pc * patch_c, (pc + 1) * patch_c):
                    patch[bins[image, r, c]] += magnitudes[image, r, c]
        start = 0
        for block_index in range(n_r * n_c):
            top = block_index // n_c * step_r
            left = block_index % n_c * step_c
            k = 0
            for i in range(block_r):
                for j in range(block_c):
                    for o in range(orientations):
                        total = float32(0)
                        for r in range(top + i * cell_r, top + (i + 1) * cell_r):
                            for c in range(left + j * cell_c, left + (j + 1) * cell_c):
                                total += patches[r, c, o]
                        block[k] = total / area
                        k += 1
            amount = 0.0
            for k in range(length):
                amount += block[k] if norm < 2 else block[k] * block[k]
            scale = 1 / (amount + eps) if norm < 2 else 1 / np.sqrt(amount + eps * eps)
            if norm == 3:
                amount = 0.0
                for k in range(length):
                    block[k] = min(block[k] * scale, 0.2)
                    amount += block[k] * block[k]
                scale = 1 / np.sqrt(amount + eps * eps)
            for k in range(length):
                value = block[k] * scale
                out[image, start + k] = np.sqrt(value) if norm == 1 else value
            start += length
