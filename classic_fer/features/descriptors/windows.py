"""Square windows on a grid over an image, and sums over their cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError

__all__ = ["LEAST_LENGTH", "Windows", "cell_sums", "normalised", "window_grid"]

LEAST_LENGTH = np.float32(1e-3)  # shorter rows are rounding errors of sums over flat windows


@dataclass(frozen=True)
class Windows:
    """Windows of an image, by size, row and column.

    Attributes
    ----------
    corners : ndarray of int64, shape (n, 2)
        Left and top pixel, x before y.
    sizes : ndarray of int64, shape (n,)
        Side in pixels.
    centres : ndarray of float32, shape (n, 2)
        x, y in fractions of width and height, from -0.5 to 0.5.
    """

    corners: NDArray[np.int64]
    sizes: NDArray[np.int64]
    centres: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sizes)


@lru_cache(maxsize=32)
def window_grid(height: int, width: int, sizes: tuple[int, ...], step: int) -> Windows:
    """All windows of `sizes` whose corners are `step` pixels apart, centred in the image.

    Parameters
    ----------
    height, width : int
        Of the image.
    sizes : tuple of int
        Sides of the windows in pixels; those that do not fit into the image are left out.
    step : int
        Pixels from one window to the next, down and across.

    Raises
    ------
    ParameterError
        If no window fits.
    """
    corners, sides = [], []
    for size in sizes:
        xs, ys = _places(width, size, step), _places(height, size, step)
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        corners.append(grid)
        sides.append(np.full(len(grid), size, dtype=np.int64))
    where, sides_all = np.concatenate(corners), np.concatenate(sides)
    if not len(where):
        raise ParameterError(
            f"no window of {', '.join(map(str, sizes))} pixels fits into an image of "
            f"{height} x {width} pixels; lower window_sizes or raise size"
        )
    centres = (where + sides_all[:, None] / 2) / (width, height) - 0.5
    return Windows(where, sides_all, centres.astype(np.float32))


def _places(length: int, size: int, step: int) -> NDArray[np.int64]:
    count = (length - size) // step + 1 if length >= size else 0
    first = (length - size - (count - 1) * step) // 2
    return first + step * np.arange(count, dtype=np.int64)


def cell_sums(channels: NDArray[np.float32], windows: Windows, cells: int) -> NDArray[np.float32]:
    """Sums of each channel over the cells of each window.

    Parameters
    ----------
    channels : ndarray of float32, shape (H, W, c)
    windows : Windows
    cells : int
        A window has `cells` x `cells` of them, of equal size but for rounding to whole pixels.

    Returns
    -------
    sums : ndarray of float32, shape (n, cells * cells * c)
        By cell row, cell column, channel.
    """
    from classic_fer.features.descriptors._kernels import box_sums, integral_image

    height, width, depth = channels.shape
    integral = np.empty((height + 1, width + 1, depth))
    integral_image(channels, integral)
    borders = np.rint(windows.sizes[:, None] * np.arange(cells + 1) / cells).astype(np.int64)
    out = np.empty((len(windows), cells * cells * depth), dtype=np.float32)
    box_sums(integral, windows.corners, borders, out)
    return out


def normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of Euclidean length 1; those of nothing but rounding errors become 0."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.where(lengths > LEAST_LENGTH, rows / np.maximum(lengths, LEAST_LENGTH), 0)
