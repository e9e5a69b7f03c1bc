"""Photo: what a photo is inside the house, checked where it enters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ImageError, MissingFileError, ParameterError

if TYPE_CHECKING:
    from classic_fer.datasets.cards import Card

__all__ = ["Photos", "as_grey", "decode_item", "read_item"]


def as_grey(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo in grey (ITU-R BT.601 weights, as Pillow and OpenCV use them).

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        Contiguous; grey input is not copied if it is contiguous.

    Raises
    ------
    ParameterError
        If the array is of another shape or type, or has no pixels.
    """
    import cv2

    image = np.asarray(photo)
    is_photo = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not is_photo or image.dtype != np.uint8 or image.size == 0:
        raise ParameterError(
            "expected a photo as uint8 array of shape (H, W) or (H, W, 3) RGB, "
            f"got {image.dtype} of shape {image.shape}"
        )
    image = np.ascontiguousarray(image)
    if image.ndim == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return image


def read_item(photo: str | Path | NDArray[np.uint8]) -> bytes | NDArray[np.uint8]:
    """The bytes of a file, or the array itself.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ImageError
        If it cannot be read.
    """
    if isinstance(photo, np.ndarray):
        return photo
    path = Path(photo)
    if not path.exists():
        raise MissingFileError(f"{path}: there is no such photo")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}); expected an image") from error


def decode_item(item: bytes | NDArray[np.uint8], *, path: str) -> NDArray[np.uint8]:
    """The photo in the bytes of an image file, or the array itself.

    Raises
    ------
    ImageError
        If the bytes are no image; names `path`.
    """
    from classic_fer.datasets.images import decode

    return decode(item, path=path) if isinstance(item, bytes) else item


@dataclass(frozen=True)
class Photos:
    """Photos that wait to be aligned, wherever they are, with what is known about each.

    Attributes
    ----------
    name : str
        Name of the data set.
    paths : list of str, length n
        How errors name them.
    read : callable
        From a row number to the bytes of an image file, or to an array.
    boxes : ndarray of float32, shape (n, 4), or None
        x, y, width, height in pixels of the photo, where they come with the data.
    landmarks : ndarray of float32, shape (n, 68, 2), or None
        x, y in pixels of the photo, where they come with the data.
    card : Card or None
        The data card; None for a mere sequence of photos.
    split : ndarray of str, shape (n,), or None
        Part of each photo, where there are parts.
    """

    name: str
    paths: list[str]
    read: Callable[[int], bytes | NDArray[np.uint8]]
    boxes: NDArray[np.float32] | None = None
    landmarks: NDArray[np.float32] | None = None
    card: Card | None = None
    split: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, i: int) -> bytes | NDArray[np.uint8] | None:
        """Bytes or array of row `i`; None if it cannot be read."""
        try:
            return self.read(i)
        except (ImageError, OSError):
            return None

    def fault(self, i: int) -> str:
        """Why row `i` is no photo."""
        try:
            as_grey(decode_item(self.read(i), path=self.paths[i]))
        except (ImageError, ParameterError, OSError) as error:
            return str(error)
        return f"{self.paths[i]}: could not be read at first; run again"
