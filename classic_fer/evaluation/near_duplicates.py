"""Near duplicates: copies that were shifted, scaled, recompressed or changed in brightness.

Three stages, each cheaper for what the next one does not have to look at:

1. a perceptual hash of 64 bits from the low frequencies of the cosine transform (Zauner 2010);
2. all pairs of hashes within a radius, by multi-index hashing (Norouzi, Punjani, Fleet 2012), each
   image asked for with nine shifts;
3. the correlation of their details after alignment (`image_comparison`), for large images at two
   sizes, as other expressions of the same person differ by little in a thumbnail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from classic_fer.evaluation.image_comparison import are_copies, details, doubled
from classic_fer.progress import Progress

__all__ = ["Components", "near_pairs", "perceptual_hashes"]

Larger = Callable[[int], NDArray[np.uint8] | None] | None

RADIUS = 10
"""Bits in which the hashes of two candidates may differ."""

_SHIFT = 2  # pixels of a thumbnail
_NEIGHBOURS = 32  # candidates of an image that are compared
_CHUNK = 2048
_PRIOR = 100  # images that weigh as much as the assumption of a median of 0
_QUERIES = 4096


def near_pairs(
    thumbnails: NDArray[np.uint8],
    *,
    larger: Larger = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> NDArray[np.intp]:
    """Pairs of images that are copies of each other, enough of them to connect all copies.

    Parameters
    ----------
    thumbnails : ndarray of uint8, shape (n, 48, 48)
        Different images, none of them constant.
    larger : callable, optional
        Gives thumbnails of twice the size by row number, or None for images that are not so large;
        called from several threads.
    n_jobs : int
        Threads; -1 for one per core. The result does not depend on it.
    progress : callable, optional
        Called with (done, total) of the comparisons.

    Returns
    -------
    ndarray of intp, shape (pairs, 2)
        Pairs that other pairs connect already may be missing.
    """
    from joblib import Parallel, delayed

    candidates = _candidates(thumbnails, n_jobs)
    involved, positions = np.unique(candidates, return_inverse=True)
    positions = positions.reshape(-1, 2)
    patches = np.empty((len(involved), *thumbnails.shape[1:]), dtype=np.float16)
    for k, i in enumerate(involved):
        patches[k] = details(thumbnails[i])
    joined = Components(len(involved))
    found: list[NDArray] = []
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for first in range(0, len(positions), _CHUNK):
            chunk = positions[first : first + _CHUNK]
            chunk = chunk[[joined.root(i) != joined.root(j) for i, j in chunk]]
            parts = np.array_split(chunk, max(1, len(chunk) // 64))
            checked = parallel(delayed(_checked)(patches, part, involved, larger) for part in parts)
            copies = chunk[np.concatenate(list(checked))]
            joined.join(copies)
            found.append(copies)
            if progress is not None:
                progress(min(first + _CHUNK, len(positions)), len(positions))
    if not found:
        return np.empty((0, 2), dtype=np.intp)
    return involved[np.concatenate(found)].astype(np.intp)


class Components:
    """Connected components of n nodes, joined pair by pair (union-find)."""

    def __init__(self, n: int) -> None:
        self._parents = list(range(n))

    def root(self, i: int) -> int:
        """The smallest node of the component of `i`."""
        parents = self._parents
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    def join(self, pairs: Iterable[Iterable[int]]) -> None:
        """Join the components of the two nodes of each pair."""
        for i, j in pairs:
            a, b = self.root(i), self.root(j)
            self._parents[max(a, b)] = min(a, b)

    def labels(self) -> NDArray[np.intp]:
        """The root of each node, shape (n,)."""
        return np.array([self.root(i) for i in range(len(self._parents))], dtype=np.intp)


def perceptual_hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of each thumbnail as it is and under eight shifts of two pixels.

    Parameters
    ----------
    thumbnails : ndarray of uint8, shape (n, size, size)

    Returns
    -------
    ndarray of uint64, shape (n, 9)
        The first column belongs to the image as it is.

    Notes
    -----
    A bit says whether one of the 63 lowest frequencies is above its median over the images, as
    aligned faces all lie on the same side of 0; with few images the median is drawn towards 0,
    where copies of one image would else define it.
    """
    from scipy.fft import dct

    n, size = len(thumbnails), thumbnails.shape[1]
    cosines = dct(np.eye(size), axis=0, norm="ortho")[:8].astype(np.float32)
    padded = np.pad(thumbnails, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)), mode="edge")
    middle = [(_SHIFT, _SHIFT)]
    steps = (0, _SHIFT, 2 * _SHIFT)
    offsets = middle + [(y, x) for y in steps for x in steps if (y, x) != middle[0]]
    hashes = np.empty((n, len(offsets)), dtype=np.uint64)
    centre = np.zeros(63, dtype=np.float32)
    for column, (y, x) in enumerate(offsets):
        coefficients = np.empty((n, 63), dtype=np.float32)
        for first in range(0, n, _QUERIES):
            part = padded[first : first + _QUERIES, y : y + size, x : x + size]
            spectrum = cosines @ part.astype(np.float32) @ cosines.T
            coefficients[first : first + _QUERIES] = spectrum.reshape(-1, 64)[:, 1:]
        lengths = np.linalg.norm(coefficients, axis=1, keepdims=True)
        coefficients /= np.maximum(lengths, np.finfo(np.float32).tiny)
        if column == 0 and n:
            centre = np.median(coefficients, axis=0) * (n / (n + _PRIOR))
        bits = np.zeros((n, 64), dtype=bool)
        bits[:, 1:] = coefficients > centre
        hashes[:, column] = np.packbits(bits, axis=1).view(np.uint64).ravel()
    return hashes


def _candidates(thumbnails: NDArray[np.uint8], n_jobs: int) -> NDArray[np.intp]:
    """Pairs (i < j) with similar hashes, the most similar first, shape (pairs, 2)."""
    from joblib import Parallel, delayed

    from classic_fer.evaluation._hamming import BAND_MASKS, band_tables, nearest_hashes

    n = len(thumbnails)
    queries = perceptual_hashes(thumbnails)
    hashes = np.ascontiguousarray(queries[:, 0])
    tables = band_tables(hashes)
    distances = np.full((n, _NEIGHBOURS), RADIUS + 1, dtype=np.int32)
    rows = np.full((n, _NEIGHBOURS), -1, dtype=np.int32)
    Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(nearest_hashes)(
            *(queries, first, min(first + _QUERIES, n), hashes, *tables),
            *(BAND_MASKS, RADIUS, distances, rows),
        )
        for first in range(0, n, _QUERIES)
    )
    i, k = np.nonzero(rows >= 0)
    j = rows[i, k]
    pairs = np.column_stack([distances[i, k], np.minimum(i, j), np.maximum(i, j)])
    pairs = np.unique(pairs, axis=0)  # sorted by distance first
    _, first_of = np.unique(pairs[:, 1] * n + pairs[:, 2], return_index=True)
    return pairs[np.sort(first_of), 1:].astype(np.intp)


def _checked(
    patches: NDArray[np.float16], pairs: NDArray[np.intp], rows: NDArray[np.intp], larger: Larger
) -> NDArray[np.bool_]:
    """Which pairs are copies; large images have to look alike at twice the size too."""
    copies = np.zeros(len(pairs), dtype=bool)
    for k, (i, j) in enumerate(pairs):
        same, warp = are_copies(patches[i].astype(np.float32), patches[j].astype(np.float32))
        if same and larger is not None:
            first = larger(int(rows[i]))
            second = None if first is None else larger(int(rows[j]))
            if first is not None and second is not None:
                same, _ = are_copies(details(first), details(second), warp=doubled(warp))
        copies[k] = same
    return copies
