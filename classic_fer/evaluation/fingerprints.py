"""Fingerprints: one pass over the photos of a data set, for everything that compares images."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.dataset import BOX_COLUMNS, Dataset
from classic_fer.datasets.sources import Unreadable
from classic_fer.errors import ImageError
from classic_fer.progress import Progress

__all__ = ["THUMBNAIL", "Fingerprints", "fingerprints", "read_image", "thumbnail"]

THUMBNAIL = 48
"""Height and width of the thumbnails in pixels."""

_BATCH = 128


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of each image.

    Attributes
    ----------
    content : ndarray of int, shape (n,)
        The same number for images whose decoded pixels are identical, numbered by first
        occurrence; every unreadable image has a number of its own.
    thumbnails : ndarray of uint8, shape (n, 48, 48)
        Grey; zero where unreadable.
    readable, constant, large : ndarray of bool, shape (n,)
        Whether the image can be decoded; whether all its pixels are equal; whether both its sides
        are at least twice as long as those of a thumbnail.
    unreadable : list of Unreadable
        In the order of the samples.
    """

    content: NDArray[np.intp]
    thumbnails: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    large: NDArray[np.bool_]
    unreadable: list[Unreadable]


def fingerprints(
    dataset: Dataset, *, n_jobs: int = 1, progress: Progress | None = None
) -> Fingerprints:
    """Decode each image once.

    Where samples have a box, the image is what lies inside it: several faces of one photo are
    several images. RGB images whose channels are equal are the same as grey ones.

    Parameters
    ----------
    dataset : Dataset
        Not changed.
    n_jobs : int
        Threads; -1 for one per core.
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    Fingerprints
    """
    n = len(dataset)
    digests: list[bytes] = []
    thumbnails = np.zeros((n, THUMBNAIL, THUMBNAIL), dtype=np.uint8)
    readable = np.ones(n, dtype=bool)
    constant = np.zeros(n, dtype=bool)
    large = np.zeros(n, dtype=bool)
    unreadable = []
    for i, outcome in enumerate(_outcomes(dataset, n_jobs)):
        if isinstance(outcome, Unreadable):
            unreadable.append(outcome)
            readable[i] = False
            digests.append(b"unreadable %d" % i)
        else:
            digest, constant[i], large[i], thumbnails[i] = outcome
            digests.append(digest)
        if progress is not None and ((i + 1) % _BATCH == 0 or i + 1 == n):
            progress(i + 1, n)
    numbers: dict[bytes, int] = {}
    content = np.array([numbers.setdefault(d, len(numbers)) for d in digests], dtype=np.intp)
    return Fingerprints(content, thumbnails, readable, constant, large, unreadable)


_Outcome = tuple[bytes, bool, bool, NDArray[np.uint8]] | Unreadable


def _outcomes(dataset: Dataset, n_jobs: int) -> Iterator[_Outcome]:
    from joblib import Parallel, delayed

    def batch(first: int) -> list[_Outcome]:
        rows = range(first, min(first + _BATCH, len(dataset)))
        return [_outcome(dataset, i) for i in rows]

    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    for outcomes in parallel(delayed(batch)(i) for i in range(0, len(dataset), _BATCH)):
        yield from outcomes


def _outcome(dataset: Dataset, i: int) -> _Outcome:
    try:
        image = read_image(dataset, i)
    except ImageError as error:
        return Unreadable(dataset.path(i), str(error))
    if image.ndim == 3 and (image == image[..., :1]).all():
        image = image[..., 0]
    image = np.ascontiguousarray(image)
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(image.data)
    constant = bool((image == image[:1, :1]).all())
    large = min(image.shape[:2]) >= 2 * THUMBNAIL
    return digest.digest(), constant, large, thumbnail(image)


def read_image(dataset: Dataset, i: int) -> NDArray[np.uint8]:
    """The photo of a sample, or what lies inside its box where it has one.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        The whole photo where the box lies outside it.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    photo = dataset.read_photo(i)
    if not set(BOX_COLUMNS) <= set(dataset.samples.columns):
        return photo
    x, y, width, height = (float(dataset.samples[column].iat[i]) for column in BOX_COLUMNS)
    if not np.isfinite([x, y, width, height]).all():
        return photo
    rows = slice(max(0, math.floor(y)), max(0, math.ceil(y + height)))
    columns = slice(max(0, math.floor(x)), max(0, math.ceil(x + width)))
    inside = photo[rows, columns]
    return inside if inside.size else photo


def thumbnail(image: NDArray[np.uint8], size: int = THUMBNAIL) -> NDArray[np.uint8]:
    """The image in grey, stretched to (size, size)."""
    import cv2

    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shrinks = min(grey.shape) >= size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(grey), (size, size), interpolation=how)
    return small.astype(np.uint8, copy=False)
