"""Sums of local descriptors over the visual words (or Gaussians) that they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Affinity", "Pooled", "pool", "pyramid_regions"]

_ROWS = 512  # whose logits stay in the second-level cache of a core


@dataclass(frozen=True)
class Affinity:
    """How local descriptors are shared among k words: softmax of ``rows @ weights + bias``.

    Attributes
    ----------
    weights : ndarray of float32, shape (d, k)
    bias : ndarray of float32, shape (k,)
    floor : float
        At most 0. Logits further below the largest of a row count as none; with 0 the whole row
        goes to the largest.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    floor: float


@dataclass(frozen=True)
class Pooled:
    """What the descriptors of an image add up to.

    Attributes
    ----------
    counts : ndarray of float32, shape (regions, k)
        Descriptors of each word.
    sums : ndarray of float32, shape (regions, k, e)
        Sums of their first e values.
    """

    counts: NDArray[np.float32]
    sums: NDArray[np.float32]

    @classmethod
    def empty(cls, regions: int, k: int, e: int) -> Pooled:
        """Of no descriptors."""
        return cls(np.zeros((regions, k), np.float32), np.zeros((regions, k, e), np.float32))


def pool(
    rows: NDArray[np.float32], regions: NDArray[np.int64], affinity: Affinity, into: Pooled
) -> None:
    """Add local descriptors to `into`.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    regions : ndarray of int64, shape (n, levels)
        Regions of `into` that each row belongs to.
    affinity : Affinity
    into : Pooled
    """
    from classic_fer.models.encodings._pooling_kernel import add_soft_sums

    floor = np.float32(affinity.floor)
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS]
        logits = block @ affinity.weights
        logits += affinity.bias
        add_soft_sums(logits, block, regions[start : start + _ROWS], floor, into.counts, into.sums)


def pyramid_regions(centres: NDArray[np.float32], levels: tuple[int, ...]) -> NDArray[np.int64]:
    """Regions of a spatial pyramid that points lie in.

    Parameters
    ----------
    centres : ndarray of float32, shape (n, 2)
        x, y from -0.5 to 0.5.
    levels : tuple of int
        Regions along each side: ``(1, 2)`` is the whole and its quarters, 5 regions, level by
        level and row by row.

    Returns
    -------
    regions : ndarray of int64, shape (n, len(levels))

    References
    ----------
    S. Lazebnik, C. Schmid, J. Ponce: Beyond bags of features: spatial pyramid matching for
    recognizing natural scene categories. CVPR 2006.
    """
    columns, first = [], 0
    for side in levels:
        cell = np.clip(((centres + 0.5) * side).astype(np.int64), 0, side - 1)
        columns.append(first + cell[:, 1] * side + cell[:, 0])
        first += side * side
    return np.stack(columns, axis=1)
