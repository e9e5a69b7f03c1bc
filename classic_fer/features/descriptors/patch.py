"""Raw patches: the grey values of windows, reduced to 8 x 8."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.features.descriptors.preparation import grey_image
from classic_fer.features.descriptors.windows import cell_sums, window_grid

__all__ = ["dense_patches"]

_CELLS = 8
_LEAST_CONTRAST = 10.0  # variance in grey values that is added to that of each patch


def dense_patches(
    image: ArrayLike, *, window_sizes: tuple[int, ...] = (16, 24, 32, 48), step: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Windows reduced to 8 x 8 values, of mean 0 and about unit variance.

    Parameters
    ----------
    image, window_sizes, step
        See `classic_fer.features.descriptors.sift.dense_sift`.

    Returns
    -------
    descriptors : ndarray of float32, shape (n, 64)
        Row by row. Encodings whiten their principal components.
    centres : ndarray of float32, shape (n, 2)

    References
    ----------
    A. Coates, H. Lee, A. Ng: An analysis of single-layer networks in unsupervised feature
    learning. AISTATS 2011.
    """
    grey = grey_image(image)
    windows = window_grid(*grey.shape, window_sizes, step)
    sums = cell_sums(grey[..., None], windows, _CELLS)
    areas = cell_sums(np.ones((*grey.shape, 1), dtype=np.float32), windows, _CELLS)
    rows = sums / np.maximum(areas, 1)
    rows -= rows.mean(axis=1, keepdims=True)
    variance = rows.var(axis=1, keepdims=True)
    return rows / np.sqrt(variance + np.float32(_LEAST_CONTRAST)), windows.centres
