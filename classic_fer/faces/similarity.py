"""Similarity transforms: estimated from points, applied to points, and to images without aliasing.

Points are x, y in pixels; whole numbers are pixel centres, so the left border of an image is at
-0.5. Matrices A are (2, 3) float64 and map a source x to ``A[:, :2] @ x + A[:, 2]``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = [
    "apply_similarity",
    "compose",
    "estimate_similarity",
    "invert_similarity",
    "is_identity",
    "warp_face",
    "whole_image",
]

_MAX_SUPERSAMPLING = 16


def estimate_similarity(source: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """The least-squares similarity (scale, rotation, shift; no reflection) between two point sets.

    Parameters
    ----------
    source, target : array_like, shape (n, 2)
        Corresponding points, x, y, n at least 2.

    Returns
    -------
    ndarray of float64, shape (2, 3)
        Minimises the sum of squared distances between the mapped source and the target.

    Raises
    ------
    ParameterError
        If the shapes differ, a value is not finite, or the points of one set coincide.

    References
    ----------
    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", IEEE PAMI 13(4), 1991.

    Notes
    -----
    In the plane the paper's solution needs no singular value decomposition: with points as complex
    numbers, scale times rotation is one factor, and linear least squares gives it.

    Examples
    --------
    >>> estimate_similarity([[0, 0], [1, 0]], [[5, 5], [5, 7]]).round(6) + 0.0
    array([[ 0., -2.,  5.],
           [ 2.,  0.,  5.]])
    """
    x, y = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 2 or x.shape[1] != 2 or len(x) < 2:
        raise ParameterError(
            f"expected two point sets of one shape (n, 2), n >= 2, got {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ParameterError("points to align must be finite, got NaN or infinity")
    z, w = x[:, 0] + 1j * x[:, 1], y[:, 0] + 1j * y[:, 1]
    mean_z, mean_w = z.mean(), w.mean()
    z, w = z - mean_z, w - mean_w
    square_z = np.vdot(z, z).real
    if min(square_z, np.vdot(w, w).real) < 1e-12 * len(z):
        raise ParameterError("points to align coincide; a similarity needs two distinct points")
    turn = np.vdot(z, w) / square_z
    shift = mean_w - turn * mean_z
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def apply_similarity(matrix: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float64]:
    """Map points of shape (..., 2) by a (2, 3) matrix; NaN stays NaN."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def compose(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) matrix that maps by `first`, then by `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def invert_similarity(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) matrix that undoes `matrix`."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def is_identity(matrix: NDArray[np.float64]) -> bool:
    """Whether the matrix moves no point of an ordinary image by a thousandth of a pixel."""
    return bool(np.abs(matrix - np.eye(2, 3)).max() < 1e-7)


def whole_image(shape: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """The similarity that fits an image of `shape` (height, width) centred into a square.

    Returns
    -------
    ndarray of float64, shape (2, 3)
        The longer side fills `size` pixels; what the shorter side leaves free is border.
    """
    height, width = shape[:2]
    scale = size / max(height, width)
    shift_x = (size - scale * width) / 2 + 0.5 * scale - 0.5
    shift_y = (size - scale * height) / 2 + 0.5 * scale - 0.5
    return np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]])


def warp_face(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
) -> NDArray[np.uint8]:
    """Warp a grey image into a square by a similarity, without aliasing.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
        Grey image; beyond its border the nearest pixel is repeated.
    matrix : ndarray of float64, shape (2, 3)
        Maps pixels of `image` to pixels of the result.
    size : int
        Height and width of the result.

    Returns
    -------
    ndarray of uint8, shape (size, size)
        A copy of `image`, bit by bit, if the matrix is the identity and the size fits.

    Notes
    -----
    Enlarging interpolates by cubic splines. Shrinking by a scale s < 1 samples the image
    bilinearly on a grid finer by k = ceil(1 / s) (at most 16) and averages blocks of k x k, which
    is what ``cv2.INTER_AREA`` does, for rotated grids too.
    """
    import cv2

    if image.shape == (size, size) and is_identity(matrix):
        return image.copy()
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    if scale >= 1 - 1e-9:
        larger = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(larger, dtype=np.uint8)
    k = min(math.ceil(1 / scale - 1e-9), _MAX_SUPERSAMPLING)
    finer = np.array([[k, 0.0, (k - 1) / 2], [0.0, k, (k - 1) / 2]])
    fine = cv2.warpAffine(
        image,
        compose(finer, matrix),
        (size * k, size * k),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    smaller = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=np.uint8)
