"""Search of nearby 64-bit hashes: the compiled kernel of `near_duplicates`."""

from __future__ import annotations

import numpy as np
from numba import int32, int64, njit, uint64, void
from numpy.typing import NDArray

from classic_fer.features._jit import compiled

__all__ = ["BAND_MASKS", "MAX_RADIUS", "band_tables", "nearest_hashes"]

_BANDS = 4
_BAND_BITS = 16
_BUCKETS = 1 << _BAND_BITS
_BAND_RADIUS = 2

MAX_RADIUS = _BANDS * (_BAND_RADIUS + 1) - 1
"""Two hashes at most this far apart differ by at most two bits in one of the four bands."""

BAND_MASKS = np.array(
    sorted(
        (mask for mask in range(_BUCKETS) if mask.bit_count() <= _BAND_RADIUS), key=int.bit_count
    ),
    dtype=np.int64,
)


def band_tables(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows by the value of each band of 16 bits.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)

    Returns
    -------
    rows : ndarray of int64, shape (4, n)
        Row numbers, ordered by the value of the band.
    starts : ndarray of int64, shape (4, 65537)
        The rows whose band has the value v are ``rows[band, starts[band, v]:starts[band, v + 1]]``.
    """
    rows = np.empty((_BANDS, len(hashes)), dtype=np.int64)
    starts = np.zeros((_BANDS, _BUCKETS + 1), dtype=np.int64)
    for band in range(_BANDS):
        shift = np.uint64(band * _BAND_BITS)
        values = ((hashes >> shift) & np.uint64(_BUCKETS - 1)).astype(np.int64)
        rows[band] = np.argsort(values, kind="stable")
        starts[band, 1:] = np.cumsum(np.bincount(values, minlength=_BUCKETS))
    return rows, starts


@njit(inline="always")
def _popcount(x: np.uint64) -> np.uint64:
    x = x - ((x >> uint64(1)) & uint64(0x5555555555555555))
    x = (x & uint64(0x3333333333333333)) + ((x >> uint64(2)) & uint64(0x3333333333333333))
    x = (x + (x >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return (x * uint64(0x0101010101010101)) >> uint64(56)


@njit(inline="always")
def _keep_nearest(distance: np.int64, row: np.int64, distances: NDArray, rows: NDArray) -> None:
    """Insert into a list sorted by distance; a row that is there keeps its smaller distance."""
    last = len(distances) - 1
    if distance >= distances[last]:
        return
    position = last
    for k in range(last + 1):
        if rows[k] == row:
            if distances[k] <= distance:
                return
            position = k
            break
    while position > 0 and distances[position - 1] > distance:
        distances[position] = distances[position - 1]
        rows[position] = rows[position - 1]
        position -= 1
    distances[position] = distance
    rows[position] = row


@compiled(
    void(
        uint64[:, ::1],
        int64,
        int64,
        uint64[::1],
        int64[:, ::1],
        int64[:, ::1],
        int64[::1],
        int64,
        int32[:, ::1],
        int32[:, ::1],
    )
)
def nearest_hashes(
    queries: NDArray[np.uint64],
    first: int,
    stop: int,
    hashes: NDArray[np.uint64],
    table_rows: NDArray[np.int64],
    table_starts: NDArray[np.int64],
    masks: NDArray[np.int64],
    radius: int,
    distances: NDArray[np.int32],
    rows: NDArray[np.int32],
) -> None:
    """For rows ``first`` to ``stop`` the nearest other rows within `radius` bits.

    Fills the rows of `distances` and `rows`, shape (n, k), which come filled with ``radius + 1``
    and -1. ``queries`` has shape (n, variants): the distance is that of the nearest variant.
    """
    for i in range(first, stop):
        for variant in range(queries.shape[1]):
            query = queries[i, variant]
            for band in range(4):
                value = int64((query >> uint64(16 * band)) & uint64(0xFFFF))
                for mask in masks:
                    bucket = value ^ mask
                    for k in range(table_starts[band, bucket], table_starts[band, bucket + 1]):
                        j = table_rows[band, k]
                        distance = int64(_popcount(query ^ hashes[j]))
                        if j != i and distance <= radius:
                            _keep_nearest(distance, j, distances[i], rows[i])
