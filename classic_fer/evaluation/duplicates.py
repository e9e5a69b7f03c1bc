"""Duplicates: samples whose images are identical, or copies of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.datasets.dataset import Dataset
from classic_fer.evaluation.fingerprints import (
    THUMBNAIL,
    Fingerprints,
    fingerprints,
    read_image,
    thumbnail,
)
from classic_fer.evaluation.near_duplicates import Components, near_pairs
from classic_fer.progress import Progress, StageProgress

__all__ = [
    "duplicate_groups",
    "duplicate_labels",
    "find_duplicates",
    "leaked_rows",
    "rows_by_label",
]


@dataclass(frozen=True)
class Duplicates:
    """Images that occur more than once.

    Attributes
    ----------
    fingerprints : Fingerprints
    near : ndarray of int, shape (n,), or None
        As `fingerprints.content`, but near copies too have the same number; None where near
        copies were not looked for.
    """

    fingerprints: Fingerprints
    near: NDArray[np.intp] | None

    @property
    def labels(self) -> NDArray[np.intp]:
        """One number for all copies of an image, shape (n,)."""
        return self.fingerprints.content if self.near is None else self.near


def find_duplicates(
    dataset: Dataset, *, near: bool = True, n_jobs: int = 1, progress: StageProgress | None = None
) -> Duplicates:
    """Read every image once and find those that occur more than once.

    Parameters
    ----------
    dataset : Dataset
        Not changed.
    near : bool
        Look for near copies too: shifted by up to 6 % of the width, scaled or turned a little,
        recompressed, brighter, darker, or with a small caption; also neighbouring video frames.
    n_jobs : int
        Threads; -1 for one per core.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    Duplicates
    """

    def stage(name: str) -> Progress | None:
        if progress is None:
            return None
        return lambda done, total: progress(name, done, total)

    prints = fingerprints(dataset, n_jobs=n_jobs, progress=stage("reading images"))
    if not near:
        return Duplicates(prints, None)
    usable = prints.readable & ~prints.constant
    numbers, first = np.unique(prints.content[usable], return_index=True)
    rows = np.flatnonzero(usable)[first]

    def larger(k: int) -> NDArray[np.uint8] | None:
        i = int(rows[k])
        return thumbnail(read_image(dataset, i), 2 * THUMBNAIL) if prints.large[i] else None

    pairs = near_pairs(
        prints.thumbnails[rows],
        larger=larger,
        n_jobs=n_jobs,
        progress=stage("comparing similar images"),
    )
    joined = Components(int(prints.content.max(initial=-1)) + 1)
    joined.join(numbers[pairs])
    return Duplicates(prints, joined.labels()[prints.content])


def duplicate_labels(
    dataset: Dataset, *, near: bool = True, n_jobs: int = 1, progress: StageProgress | None = None
) -> NDArray[np.intp]:
    """One number per image: the same for all copies of it.

    To be used as groups where people are not known, so that copies stay in one fold.

    Parameters
    ----------
    dataset, near, n_jobs, progress
        See `find_duplicates`.

    Returns
    -------
    ndarray of intp, shape (n,)
        Unreadable images are alone.
    """
    return find_duplicates(dataset, near=near, n_jobs=n_jobs, progress=progress).labels


def duplicate_groups(
    dataset: Dataset, *, near: bool = False, n_jobs: int = 1, progress: StageProgress | None = None
) -> list[list[int]]:
    """Row numbers of images that occur more than once, one list per image.

    Parameters
    ----------
    dataset, near, n_jobs, progress
        See `find_duplicates`.

    Returns
    -------
    list of list of int
        By first occurrence, each sorted.
    """
    labels = duplicate_labels(dataset, near=near, n_jobs=n_jobs, progress=progress)
    return rows_by_label(labels)


def rows_by_label(labels: ArrayLike) -> list[list[int]]:
    """Rows that share a label with another row, by first occurrence.

    Examples
    --------
    >>> rows_by_label([7, 3, 7, 5, 3])
    [[0, 2], [1, 4]]
    """
    numbers = np.asarray(labels)
    order = np.argsort(numbers, kind="stable")
    ends = np.flatnonzero(np.diff(numbers[order])) + 1
    return sorted(part.tolist() for part in np.split(order, ends) if len(part) > 1)


def leaked_rows(labels: ArrayLike, train: ArrayLike, test: ArrayLike) -> NDArray[np.intp]:
    """Test rows that have a copy in training.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        From `duplicate_labels`.
    train, test : array_like of int
        Row numbers.

    Returns
    -------
    ndarray of intp
        The rows out of `test`, in its order.

    Examples
    --------
    >>> leaked_rows([7, 3, 7, 5], [0, 1], [2, 3])
    array([2])
    """
    numbers = np.asarray(labels)
    held_out = np.asarray(test, dtype=np.intp)
    learned = np.asarray(train, dtype=np.intp)
    return held_out[np.isin(numbers[held_out], numbers[learned])]
