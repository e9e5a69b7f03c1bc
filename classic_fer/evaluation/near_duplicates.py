"""Near duplicates: copies that were shifted, scaled, recompressed or changed in brightness.

Three stages, each cheaper for what the next one does not have to look at:

1. a perceptual hash of 64 bits from the low frequencies of the cosine transform (Zauner 2010);
2. all pairs of hashes within a radius, by multi-index hashing (Norouzi, Punjani, Fleet 2012), each
   image asked for with nine shifts;
3. the correlation of locally normalised pixels after alignment, by the best shift and then by
   maximising the enhanced correlation coefficient (Evangelidis and Psarakis 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["near_pairs", "perceptual_hashes", "similarity"]

RADIUS = 10
"""Bits in which the hashes of two candidates may differ."""

MIN_CORRELATION = 0.97
"""Of two copies, after alignment. Other expressions of one person in one session reach 0.93."""

MIN_LOCAL_CORRELATION = 0.90
"""Of all sixteen parts of the image but the two worst, which captions may cover."""

_SHIFT = 2  # pixels of a thumbnail
_NEIGHBOURS = 32  # candidates of an image that are compared
_WORTH_ALIGNING = 0.75  # best correlation under a shift, below which no alignment helps
_MARGIN = 4  # pixels: the largest shift
_CHUNK = 2048
_PRIOR = 100  # images that weigh as much as the assumption of a median of 0
_QUERIES = 4096


def near_pairs(
    thumbnails: NDArray[np.uint8],
    *,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.intp]:
    """Pairs of images that are copies of each other, enough of them to connect all copies.

    Parameters
    ----------
    thumbnails : ndarray of uint8, shape (n, 48, 48)
        Different images, none of them constant.
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
        patches[k] = _normalised(thumbnails[i])
    joined = Components(len(involved))
    found: list[NDArray] = []
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for first in range(0, len(positions), _CHUNK):
            chunk = positions[first : first + _CHUNK]
            chunk = chunk[[joined.root(i) != joined.root(j) for i, j in chunk]]
            parts = np.array_split(chunk, max(1, len(chunk) // 64))
            checked = parallel(delayed(_are_copies)(patches, part) for part in parts)
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


def _normalised(thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Details of the image (a band of frequencies), divided by their local contrast."""
    import cv2

    pixels = thumbnail.astype(np.float32)
    band = cv2.GaussianBlur(pixels, (0, 0), 0.8) - cv2.GaussianBlur(pixels, (0, 0), 4)
    contrast = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 4))
    return band / (contrast + 0.3 * band.std() + 1e-3)


def _are_copies(patches: NDArray[np.float16], pairs: NDArray[np.intp]) -> NDArray[np.bool_]:
    copies = np.zeros(len(pairs), dtype=bool)
    for k, (i, j) in enumerate(pairs):
        whole, local = _compare(patches[i].astype(np.float32), patches[j].astype(np.float32))
        copies[k] = whole >= MIN_CORRELATION and local >= MIN_LOCAL_CORRELATION
    return copies


def similarity(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    """How alike two thumbnails are after alignment.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (48, 48)

    Returns
    -------
    whole, local : float
        Correlation of locally normalised pixels, from -1 to 1: over the whole image, and in the
        third worst of its sixteen parts (flat parts left out). The second is -1 for images whose
        best correlation under a shift is below 0.75.
    """
    return _compare(_normalised(a), _normalised(b))


def _compare(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[float, float]:
    import cv2

    inner = (slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
    scores = cv2.matchTemplate(b, np.ascontiguousarray(a[inner]), cv2.TM_CCOEFF_NORMED)
    y, x = (int(v) for v in np.unravel_index(int(scores.argmax()), scores.shape))
    best = float(scores[y, x])
    if best < _WORTH_ALIGNING:
        return best, -1.0
    height, width = a.shape
    inner_height, inner_width = height - 2 * _MARGIN, width - 2 * _MARGIN
    shifted = b[y : y + inner_height, x : x + inner_width]
    whole, local = best, _local_correlation(a[inner], shifted)
    if whole >= MIN_CORRELATION and local >= MIN_LOCAL_CORRELATION:
        return whole, local
    warp = np.array([[1, 0, x - _MARGIN], [0, 1, y - _MARGIN]], dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-3)
    try:
        _, warp = cv2.findTransformECC(a, b, warp, cv2.MOTION_AFFINE, stop, None, 1)
    except cv2.error:  # it does not converge: the images are too different
        return whole, local
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpAffine(b, warp, (width, height), flags=flags)[inner]
    return _correlation(a[inner], aligned), _local_correlation(a[inner], aligned)


def _correlation(a: NDArray, b: NDArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))


def _local_correlation(a: NDArray, b: NDArray) -> float:
    flat = 0.25 * a.std()
    scores = sorted(
        _correlation(part, other)
        for row, other_row in zip(np.array_split(a, 4), np.array_split(b, 4))
        for part, other in zip(np.array_split(row, 4, axis=1), np.array_split(other_row, 4, axis=1))
        if part.std() > flat
    )
    return scores[min(2, len(scores) - 1)] if scores else -1.0
