"""The pixels themselves: for eigenfaces (`pixels:pca`), and what encodings start from."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.features._base import ImageFeature, image_stack

__all__ = ["Pixels"]


class Pixels(ImageFeature):
    """Grey values of a batch of faces, row by row.

    In a feature expression the images stay as they are, of type uint8, where an encoding such as
    `classic_fer.models.encodings.fisher.Fisher` takes them.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width of the images seen by `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> Pixels().transform(np.full((1, 2, 2), 7, dtype=np.uint8))
    array([[7., 7., 7., 7.]], dtype=float32)
    """

    def images(self, X: ArrayLike) -> NDArray[np.uint8]:
        """The images of Faces, or of a plain stack, as uint8 of shape (n, H, W); not copied."""
        return image_stack(X)

    def _width(self, height: int, width: int) -> int:
        return height * width

    def _names(self, height: int, width: int) -> list[str]:
        return [f"pixels_row{row}_col{col}" for row, col in product(range(height), range(width))]

    def _extract(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        out[:] = images.reshape(len(images), -1)
