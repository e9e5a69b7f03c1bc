"""Dense SIFT: histograms of gradient directions around each point of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.features.descriptors.preparation import grey_image
from classic_fer.features.descriptors.windows import LEAST_LENGTH, cell_sums, window_grid

__all__ = ["dense_sift", "gradient_channels"]

_CELLS, _DIRECTIONS, _CLIP = 4, 8, 0.2


def dense_sift(
    image: ArrayLike, *, window_sizes: tuple[int, ...] = (16, 24, 32, 48), step: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """SIFT descriptors, square-rooted, of windows on a grid.

    Parameters
    ----------
    image : array_like, shape (H, W)
        Grey values.
    window_sizes : tuple of int
        Sides of the square windows in pixels; those that do not fit are left out.
    step : int
        Pixels from one window to the next, down and across.

    Returns
    -------
    descriptors : ndarray of float32, shape (n, 128)
        4 x 4 cells x 8 directions of the gradient (with its sign), of Euclidean length 1; zeros
        where the image is flat.
    centres : ndarray of float32, shape (n, 2)
        x, y of the windows in fractions of width and height, from -0.5 to 0.5.

    Raises
    ------
    ParameterError
        If `image` is not a grey image, or no window fits.

    Notes
    -----
    Stages as in Lowe's paper, with these deviations: upright, of fixed sizes, all pixels of a
    window weigh the same (no Gaussian), votes are shared between directions but not between
    cells; after clipping at 0.2 the values are divided by their sum and square-rooted
    (RootSIFT), instead of normalised again.

    References
    ----------
    D. Lowe: Distinctive image features from scale-invariant keypoints. IJCV 60 (2004).
    A. Vedaldi, B. Fulkerson: VLFeat, an open and portable library of computer vision algorithms.
    ACM Multimedia 2010.
    R. Arandjelović, A. Zisserman: Three things everyone should know to improve object retrieval.
    CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> descriptors, centres = dense_sift(np.zeros((48, 48)), window_sizes=(16,), step=8)
    >>> descriptors.shape, centres[0].tolist()
    ((25, 128), [-0.3333333432674408, -0.3333333432674408])
    """
    from classic_fer.features.descriptors._kernels import root_sift

    grey = grey_image(image)
    windows = window_grid(*grey.shape, window_sizes, step)
    rows = cell_sums(gradient_channels(grey, _DIRECTIONS, signed=True), windows, _CELLS)
    root_sift(rows, np.float32(_CLIP), LEAST_LENGTH)
    return rows, windows.centres


def gradient_channels(
    image: NDArray[np.float32], directions: int, *, signed: bool
) -> NDArray[np.float32]:
    """Length of the gradient of each pixel, shared between the two nearest directions.

    Parameters
    ----------
    image : ndarray of float32, shape (H, W)
    directions : int
        Over 360 degrees if `signed`, else over 180; the first is that of a gradient to the right.
    signed : bool

    Returns
    -------
    channels : ndarray of float32, shape (H, W, directions)
    """
    from classic_fer.features.descriptors._kernels import direction_channels

    channels = np.empty((*image.shape, directions), dtype=np.float32)
    direction_channels(image, signed, channels)
    return channels
