"""Compiled batch kernels of the local binary patterns; imported when first used.

The value of a neighbour that falls between pixels is bilinear in double precision, and in flat
parts of an image the sign of neighbour minus centre hangs on how that sum was rounded. So the
arithmetic is that of the definition, in its order; the speed comes from interpolating along rows
once for all neighbours at the same horizontal distance, and from loops that the compiler turns
into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, int64, types, uint8, uint16, uint32

from classic_fer.features._jit import compiled

__all__ = ["cell_histograms", "pattern_labels"]


def _readonly(dtype: types.Type, ndim: int) -> types.Array:
    return types.Array(dtype, ndim, "C", readonly=True)


@compiled(types.void(float64[::1], float64[::1], float64, uint8[::1], uint8[::1], int64))
def _threshold(above, below, fraction, centre, codes, bit):
    """Set `bit` of `codes` where the value between two rows is at least the centre."""
    one = uint8(1) << uint8(bit)
    for k in range(len(codes)):
        value = (1 - fraction) * above[k] + fraction * below[k]
        codes[k] |= one if value >= centre[k] else uint8(0)


@compiled(types.void(uint8[:, ::1], float64[::1], int64, int64, _readonly(float64, 1)))
def _interpolate(padded, columns, left, right, fractions):
    """Write the values between the columns at `left` and `right` of each pixel of `padded`."""
    stride = padded.shape[1]
    margin = (stride - len(fractions)) // 2
    for r in range(len(padded)):
        a = padded[r, margin + left :]
        b = padded[r, margin + right :]
        row = columns[r * stride + margin :]
        for c in range(len(fractions)):
            row[c] = (1 - fractions[c]) * a[c] + fractions[c] * b[c]


@compiled(
    types.void(
        _readonly(uint8, 3),
        _readonly(int64, 2),
        _readonly(float64, 2),
        _readonly(float64, 2),
        _readonly(uint16, 1),
        uint16[:, :, ::1],
    )
)
def pattern_labels(images, samples, row_fractions, col_fractions, table, labels):
    """Write the label of each pixel's pattern.

    `samples` (points, 5): bit of the code, then top, bottom, left and right pixel around the
    sample, relative to the centre; samples in the same columns follow each other. The fractions
    (points, height) and (points, width) place it between these pixels. `table` maps a code (bit
    set: the sample is at least the centre) to its label. Outside of the image is 0.
    """
    n, height, width = images.shape
    margin = np.abs(samples[:, 1:]).max()
    stride = width + 2 * margin
    # Loops run over whole rows of the padded image; what they find in the margins is not used.
    size = (height - 1) * stride + width
    origin = margin * stride + margin
    padded = np.zeros((height + 2 * margin, stride), dtype=np.uint8)
    pixels = padded.reshape(-1)
    columns = np.zeros(padded.size, dtype=np.float64)
    codes = np.empty((3, size), dtype=np.uint8)
    for image in range(n):
        for r in range(height):
            for c in range(width):
                padded[margin + r, margin + c] = images[image, r, c]
        codes[:] = 0
        centre = pixels[origin : origin + size]
        interpolated = -1  # the last sample whose columns were interpolated
        for i in range(len(samples)):
            bit, top, bottom, left, right = samples[i]
            code = codes[bit // 8]
            bit = bit % 8
            if top == bottom and left == right:
                direct = pixels[origin + top * stride + left :]
                one = uint8(1) << uint8(bit)
                for k in range(size):
                    code[k] |= one if direct[k] >= centre[k] else uint8(0)
                continue
            if (
                interpolated < 0
                or samples[interpolated, 3] != left
                or col_fractions[interpolated, 0] != col_fractions[i, 0]
            ):
                _interpolate(padded, columns, left, right, col_fractions[i])
                interpolated = i
            # Rows whose fraction was rounded alike are consecutive.
            start = 0
            while start < height:
                stop = start + 1
                while stop < height and row_fractions[i, stop] == row_fractions[i, start]:
                    stop += 1
                first, last = start * stride, min(stop * stride, size)
                _threshold(
                    columns[origin + first + top * stride :],
                    columns[origin + first + bottom * stride :],
                    row_fractions[i, start],
                    centre[first:],
                    code[first:last],
                    bit,
                )
                start = stop
        for r in range(height):
            low, middle, high = codes[:, r * stride : r * stride + width]
            if len(samples) <= 8:
                for c in range(width):
                    labels[image, r, c] = table[low[c]]
            else:
                for c in range(width):
                    index = uint32(middle[c]) << uint32(8) | uint32(high[c]) << uint32(16)
                    labels[image, r, c] = table[uint32(low[c]) | index]


@compiled(
    types.void(_readonly(uint16, 3), _readonly(int64, 2), int64, int64, int64, float32[:, ::1])
)
def cell_histograms(labels, cells, bins, norm, first, out):
    """Write the normalised label counts of `cells` (top, bottom, left, right) from column `first`.

    `norm`: 0 counts, 1 frequencies, 2 their square roots, 3 counts of Euclidean length 1.
    """
    for image in range(len(labels)):
        start = first
        for cell in range(len(cells)):
            top, bottom, left, right = cells[cell]
            histogram = out[image, start : start + bins]  # counts below 2**24 are exact
            histogram[:] = 0
            for r in range(top, bottom):
                row = labels[image, r, left:right]
                for c in range(len(row)):
                    histogram[row[c]] += 1
            scale = float32(1)
            if norm == 1 or norm == 2:
                scale = float32(1 / ((bottom - top) * (right - left)))
            elif norm == 3:
                total = 0
                for b in range(bins):
                    total += int64(histogram[b]) ** 2
                scale = float32(1 / np.sqrt(total))
            for b in range(bins):
                histogram[b] *= scale
            if norm == 2:
                for b in range(bins):
                    histogram[b] = np.sqrt(histogram[b])
            start += bins
