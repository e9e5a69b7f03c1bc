"""Images as local descriptors take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = ["grey_image", "prepared"]


def grey_image(image: ArrayLike) -> NDArray[np.float32]:
    """`image` as float32 of shape (H, W).

    Raises
    ------
    ParameterError
        If it is not a grey image of at least one pixel.
    """
    array = np.asarray(image)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "uif":
        raise ParameterError(
            f"expected one grey image of shape (H, W), got {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array, dtype=np.float32)


def prepared(
    image: ArrayLike, *, size: int | None = None, blur: float = 0.0
) -> NDArray[np.float32]:
    """An image resized (bicubic; by areas where it shrinks) and blurred.

    Parameters
    ----------
    image : array_like, shape (H, W)
        Grey values.
    size : int, optional
        New height in pixels; the width follows in proportion.
    blur : float
        Standard deviation of the Gaussian in pixels of the resized image; 0 for none.

    Returns
    -------
    image : ndarray of float32, shape (size, round(size * W / H))
    """
    import cv2

    out = grey_image(image)
    height, width = out.shape
    if size is not None and size != height:
        shape = max(1, round(size * width / height)), int(size)
        how = cv2.INTER_CUBIC if size > height else cv2.INTER_AREA
        out = np.asarray(cv2.resize(out, shape, interpolation=how), dtype=np.float32)
    if blur:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), blur), dtype=np.float32)
    return out
