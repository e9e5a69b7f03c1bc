"""What all stateless features share: reading Faces or plain images, batches, checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import ParameterError
from classic_fer.faces.types import is_faces

__all__ = [
    "ImageFeature",
    "check_choice",
    "check_count",
    "check_image",
    "check_number",
    "image_stack",
    "pair",
]

# Pixels of a batch: its intermediate arrays stay in the second-level cache of a core.
_BATCH_PIXELS = 1 << 18


def image_stack(X: ArrayLike) -> NDArray[np.uint8]:
    """The images of Faces, or of a plain stack, as a (n, H, W) uint8 array; not copied.

    Raises
    ------
    ParameterError
        If `X` is neither, or an image has no pixels.
    """
    try:
        images: NDArray[Any] = np.asarray(X)
    except ValueError as error:
        raise ParameterError(
            "expected images of one size, got a list of different ones; align them first"
        ) from error
    if is_faces(images):
        images = images["image"]
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape[1:]:
        hint = "; put X[np.newaxis] for one image" if images.ndim == 2 else ""
        raise ParameterError(
            "expected Faces or grey images as a uint8 array of shape (n, H, W), "
            f"got {images.dtype} of shape {images.shape}{hint}"
        )
    return images


def check_image(image: ArrayLike) -> NDArray[np.uint8]:
    """`image` as a stack of one, after checking that it is a (H, W) uint8 array."""
    array: NDArray[Any] = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 2 or 0 in array.shape:
        raise ParameterError(
            "expected one grey image as a uint8 array of shape (H, W), "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array[np.newaxis]


def check_count(name: str, value: Any, *, low: int, high: int) -> int:
    """`value` if it is an integer from `low` to `high`."""
    if (
        not isinstance(value, int | np.integer)
        or isinstance(value, bool)
        or not low <= value <= high
    ):
        raise ParameterError(f"{name} must be an integer from {low} to {high}, got {value!r}")
    return int(value)


def check_number(name: str, value: Any, *, low: float, high: float) -> float:
    """`value` if it is a number from `low` to `high`."""
    if (
        not isinstance(value, int | float | np.number)
        or isinstance(value, bool)
        or not low <= value <= high
    ):
        raise ParameterError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """`value` if it is one of `choices`."""
    if value not in choices:
        raise ParameterError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return str(value)


def pair(name: str, value: Any, *, high: int = 1024) -> tuple[int, int]:
    """Rows and columns from a positive integer (both) or a pair of them."""
    values = (value, value) if isinstance(value, int | np.integer) else value
    if isinstance(values, str) or not hasattr(values, "__len__") or len(values) != 2:
        raise ParameterError(f"{name} must be an integer or a pair (rows, columns), got {value!r}")
    rows, cols = (check_count(name, v, low=1, high=high) for v in values)
    return rows, cols


class ImageFeature(TransformerMixin, BaseEstimator):
    """Base of the features that are computed from the pixels of each face alone.

    Sub-classes say how many values an image of a given size yields (`_names`) and fill rows of
    the output (`_extract`). Nothing is learned: `fit` checks parameters and images and keeps the
    image size, by which the values are named.
    """

    image_shape_: tuple[int, int]

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check parameters and images; learn nothing.

        Parameters
        ----------
        X : Faces or array_like of uint8, shape (n, H, W)
            Grey images.
        y : object
            Not used; here for scikit-learn's pipelines.

        Returns
        -------
        self
            With `image_shape_`, the (height, width) of the images.
        """
        images = image_stack(X)
        self._width(*images.shape[1:])
        self.image_shape_ = (images.shape[1], images.shape[2])
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Compute the feature of each image; `fit` need not have been called.

        Parameters
        ----------
        X : Faces or array_like of uint8, shape (n, H, W)
            Grey images; memory-mapped arrays are read batch by batch.

        Returns
        -------
        features : ndarray of float32, shape (n, d)

        Raises
        ------
        ParameterError
            If a parameter cannot be used, `X` is not a stack of grey images, or its images have
            another size than those of `fit`.
        """
        images = image_stack(X)
        height, width = images.shape[1:]
        if getattr(self, "image_shape_", (height, width)) != (height, width):
            raise ParameterError(
                f"{type(self).__name__} was fitted on images of shape {self.image_shape_}, "
                f"got {(height, width)}; align both alike"
            )
        out = np.empty((len(images), self._width(height, width)), dtype=np.float32)
        for rows, batch in _batches(images):
            self._extract(batch, out[rows])
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns for images of the size seen by `fit`."""
        check_is_fitted(self, "image_shape_")
        return np.asarray(self._names(*self.image_shape_), dtype=object)

    def _width(self, height: int, width: int) -> int:
        """Number of values per image; checks the parameters."""
        raise NotImplementedError

    def _names(self, height: int, width: int) -> list[str]:
        raise NotImplementedError

    def _extract(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        """Fill `out` (n, d) from a contiguous batch (n, H, W)."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags


def _batches(images: NDArray[np.uint8]) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Contiguous batches of a bounded number of pixels, with the rows they come from."""
    step = max(1, _BATCH_PIXELS // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), step):
        rows = slice(start, min(start + step, len(images)))
        yield rows, np.ascontiguousarray(images[rows])
