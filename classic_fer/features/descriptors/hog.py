"""Dense HOG blocks: gradients by direction without sign, in 2 x 2 cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.features.descriptors.preparation import grey_image
from classic_fer.features.descriptors.sift import gradient_channels
from classic_fer.features.descriptors.windows import cell_sums, normalised, window_grid

__all__ = ["dense_hog"]

_CELLS, _DIRECTIONS, _CLIP = 2, 9, 0.2


def dense_hog(
    image: ArrayLike, *, window_sizes: tuple[int, ...] = (16, 24, 32, 48), step: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Histograms of oriented gradients of windows on a grid, each one block.

    Parameters
    ----------
    image, window_sizes, step
        See `classic_fer.features.descriptors.sift.dense_sift`.

    Returns
    -------
    descriptors : ndarray of float32, shape (n, 36)
        2 x 2 cells x 9 directions over 180 degrees, of Euclidean length 1, clipped at 0.2 and
        normalised again (L2-Hys).
    centres : ndarray of float32, shape (n, 2)

    References
    ----------
    N. Dalal, B. Triggs: Histograms of oriented gradients for human detection. CVPR 2005.
    """
    grey = grey_image(image)
    windows = window_grid(*grey.shape, window_sizes, step)
    rows = cell_sums(gradient_channels(grey, _DIRECTIONS, signed=False), windows, _CELLS)
    return normalised(np.clip(normalised(rows), 0, _CLIP)), windows.centres
