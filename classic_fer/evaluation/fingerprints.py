"""Fingerprints: one pass over the photos of a data set, for everything that compares images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.dataset import BOX_COLUMNS, Dataset
from classic_fer.datasets.sources import Unreadable
from classic_fer.errors import ImageError

__all__ = ["THUMBNAIL", "Fingerprints", "fingerprints"]

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
    readable, constant : ndarray of bool, shape (n,)
        Whether the image can be decoded; whether all its pixels are equal.
    unreadable : list of Unreadable
        In the order of the samples.
    """

    content: NDArray[np.intp]
    thumbnails: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    unreadable: list[Unreadable]


def fingerprints(
    dataset: Dataset, *, n_jobs: int = 1, progress: Callable[[int, int], None] | None = None
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
    unreadable = []
    for i, outcome in enumerate(_outcomes(dataset, n_jobs)):
        if isinstance(outcome, Unreadable):
            unreadable.append(outcome)
            readable[i] = False
            digests.append(b"unreadable %d" % i)
        else:
            digest, constant[i], thumbnails[i] = outcome
            digests.append(digest)
        if progress is not None and ((i + 1) % _BATCH == 0 or i + 1 == n):
            progress(i + 1, n)
    numbers: dict[bytes, int] = {}
    content = np.array([numbers.setdefault(d, len(numbers)) for d in digests], dtype=np.intp)
    return Fingerprints(content, thumbnails, readable, constant, unreadable)


_Outcome = tuple[bytes, bool, NDArray[np.uint8]] | Unreadable


def _outcomes(dataset: Dataset, n_jobs: int) -> Iterator[_Outcome]:
    from joblib import Parallel, delayed

    boxes = None
    if set(BOX_COLUMNS) <= set(dataset.samples.columns):
        boxes = dataset.samples[list(BOX_COLUMNS)].to_numpy(dtype=float)

    def batch(first: int) -> list[_Outcome]:
        rows = range(first, min(first + _BATCH, len(dataset)))
        return [_outcome(dataset, i, None if boxes is None else boxes[i]) for i in rows]

    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    for outcomes in parallel(delayed(batch)(i) for i in range(0, len(dataset), _BATCH)):
        yield from outcomes


def _outcome(dataset: Dataset, i: int, box: NDArray[np.float64] | None) -> _Outcome:
    import cv2

    try:
        image = _inside(dataset.read_photo(i), box)
    except ImageError as error:
        return Unreadable(dataset.path(i), str(error))
    if image.ndim == 3:
        if (image == image[..., :1]).all():
            image = np.ascontiguousarray(image[..., 0])
            grey = image
        else:
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    else:
        grey = image
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    shrinks = min(grey.shape) >= THUMBNAIL
    thumbnail = cv2.resize(
        np.ascontiguousarray(grey),
        (THUMBNAIL, THUMBNAIL),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    constant = bool((image == image[:1, :1]).all())
    return digest.digest(), constant, thumbnail.astype(np.uint8)


def _inside(photo: NDArray[np.uint8], box: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    """The part of a photo inside x, y, width, height; all of it where the box misses it."""
    if box is None or not np.isfinite(box).all():
        return photo
    left, top = np.maximum(np.floor(box[:2]), 0).astype(int)
    right, bottom = np.maximum(np.ceil(box[:2] + box[2:]), 0).astype(int)
    inside = photo[top:bottom, left:right]
    return inside if inside.size else photo
