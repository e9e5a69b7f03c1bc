"""Groups: the rows that no fold may tear apart, because they show one person or one image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = ["FoldGroups", "fold_groups", "identical_images"]


@dataclass(frozen=True)
class FoldGroups:
    """What is kept together.

    Attributes
    ----------
    labels : ndarray, shape (n,), or None
        The same name or number for rows that belong together; None where nothing is known to.
    kept_together : str
        ``"people"``, ``"identical images"``, ``"people, identical images"`` or ``"nothing"``.
    """

    labels: NDArray | None
    kept_together: str


def identical_images(images: NDArray) -> NDArray[np.intp]:
    """One number per image: the same for images that are equal pixel by pixel.

    Parameters
    ----------
    images : ndarray, shape (n, ...)
        Such as the field ``image`` of Faces: equal photos are aligned to equal faces.

    Returns
    -------
    ndarray of intp, shape (n,)
        Numbered by first occurrence.

    Examples
    --------
    >>> identical_images(np.array([[[1, 2]], [[3, 4]], [[1, 2]]], dtype=np.uint8))
    array([0, 1, 0])
    """
    numbers: dict[bytes, int] = {}
    digests = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images)
    return np.array([numbers.setdefault(each, len(numbers)) for each in digests], dtype=np.intp)


def fold_groups(people: ArrayLike | None, images: ArrayLike | None) -> FoldGroups:
    """Connected components of rows that share a person or an image.

    Parameters
    ----------
    people : array_like, shape (n,), optional
        Who is shown.
    images : array_like of int, shape (n,), optional
        As `identical_images` gives them. They matter only where one occurs more than once.

    Raises
    ------
    ParameterError
        If the two differ in length.

    Examples
    --------
    >>> fold_groups(["ann", "ann", "bob", "eve"], [0, 1, 1, 2])
    FoldGroups(labels=array([0, 0, 0, 1]), kept_together='people, identical images')
    """
    shown = None if people is None else np.asarray(people)
    copies = None if images is None else np.asarray(images)
    if copies is not None and len(np.unique(copies)) == len(copies):
        copies = None
    if shown is None and copies is None:
        return FoldGroups(None, "nothing")
    if copies is None:
        return FoldGroups(shown, "people")
    if shown is None:
        return FoldGroups(copies, "identical images")
    if len(shown) != len(copies):
        raise ParameterError(f"got people for {len(shown)} rows and images for {len(copies)}")
    return FoldGroups(_components(shown, copies), "people, identical images")


def _components(people: NDArray, images: NDArray) -> NDArray[np.intp]:
    """Components of the graph of people and images whose edges are the rows."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = np.unique(people, return_inverse=True)[1]
    second = np.unique(images, return_inverse=True)[1]
    n = int(first.max()) + 1
    edges = (np.ones(len(first)), (first, n + second))
    size = n + int(second.max()) + 1
    _, labels = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    return np.unique(labels[first], return_inverse=True)[1]
