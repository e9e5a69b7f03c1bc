"""Faces: the array that travels through the house, one row per sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = ["MIRRORED_LANDMARKS", "N_LANDMARKS", "as_faces", "faces_dtype", "is_faces", "make_faces"]

N_LANDMARKS = 68

MIRRORED_LANDMARKS: NDArray[np.intp] = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65),
    ]
)
"""The landmark on the other side of the face, in iBUG order."""


def faces_dtype(height: int, width: int) -> np.dtype:
    """The structured dtype of Faces whose images are `height` x `width` pixels.

    Fields: ``image`` (height, width) uint8 grey; ``landmarks`` (68, 2) float32, x before y in
    pixels of that image, NaN where there are none; ``box`` (4,) float32, x, y, width, height in
    pixels of the source photo, NaN where there is none; ``found`` bool, whether a face was found.
    """
    return np.dtype(
        [
            ("image", np.uint8, (height, width)),
            ("landmarks", np.float32, (N_LANDMARKS, 2)),
            ("box", np.float32, (4,)),
            ("found", np.bool_),
        ]
    )


def is_faces(X: object) -> bool:
    """Whether `X` is a Faces array (and not a plain stack of images)."""
    return isinstance(X, np.ndarray) and X.dtype.names is not None and "image" in X.dtype.names


def make_faces(
    images: ArrayLike,
    *,
    landmarks: ArrayLike | None = None,
    boxes: ArrayLike | None = None,
    found: ArrayLike | None = None,
) -> NDArray:
    """Faces from plain arrays.

    Parameters
    ----------
    images : array_like of uint8, shape (n, H, W)
        Grey images.
    landmarks : array_like of float, shape (n, 68, 2), optional
        x, y in pixels of the images; NaN where not given.
    boxes : array_like of float, shape (n, 4), optional
        x, y, width, height in pixels of the source photos; NaN where not given.
    found : array_like of bool, shape (n,), optional
        True where not given.

    Returns
    -------
    faces : structured ndarray, shape (n,)
        See `faces_dtype`.

    Raises
    ------
    ParameterError
        If `images` is not a (n, H, W) uint8 array.
    """
    images = np.asarray(images)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ParameterError(
            f"expected grey images as a uint8 array of shape (n, H, W), "
            f"got {images.dtype} of shape {images.shape}"
        )
    faces = np.empty(len(images), dtype=faces_dtype(*images.shape[1:]))
    faces["image"] = images
    faces["landmarks"] = np.nan if landmarks is None else landmarks
    faces["box"] = np.nan if boxes is None else boxes
    faces["found"] = True if found is None else found
    return faces


def as_faces(X: ArrayLike) -> NDArray:
    """`X` itself if it is Faces, else Faces made from a (n, H, W) uint8 array.

    Raises
    ------
    ParameterError
        If `X` is neither.
    """
    return X if is_faces(X) else make_faces(X)  # type: ignore[return-value]
