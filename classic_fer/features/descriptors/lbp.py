"""Dense histograms of local binary patterns, in 2 x 2 cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.features.descriptors.preparation import grey_image
from classic_fer.features.descriptors.windows import cell_sums, normalised, window_grid
from classic_fer.features.lbp import lbp_codes

__all__ = ["dense_lbp"]

_CELLS, _LABELS = 2, 59


def dense_lbp(
    image: ArrayLike, *, window_sizes: tuple[int, ...] = (16, 24, 32, 48), step: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Histograms of uniform local binary patterns of windows on a grid, square-rooted.

    Parameters
    ----------
    image, window_sizes, step
        See `classic_fer.features.descriptors.sift.dense_sift`. Grey values are rounded.

    Returns
    -------
    descriptors : ndarray of float32, shape (n, 236)
        2 x 2 cells x 59 labels of 8 neighbours at radius 1 (`nri_uniform`), of Euclidean length
        1: the distance of two of them is Hellinger's.
    centres : ndarray of float32, shape (n, 2)

    References
    ----------
    T. Ahonen, A. Hadid, M. Pietikäinen: Face description with local binary patterns. PAMI 28
    (2006).
    """
    grey = grey_image(image)
    windows = window_grid(*grey.shape, window_sizes, step)
    labels = lbp_codes(np.clip(np.rint(grey), 0, 255).astype(np.uint8), method="nri_uniform")
    channels = (labels[..., None] == np.arange(_LABELS)).astype(np.float32)
    return normalised(np.sqrt(cell_sums(channels, windows, _CELLS))), windows.centres
