"""Whether two images are copies of each other, judged by their pixels after alignment.

Images are compared by details (a band of frequencies divided by their local contrast), which
survive changes of brightness and compression, while the outline of a head, which all photos of a
session share, weighs no more than the mouth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MIN_CORRELATION",
    "MIN_LOCAL_CORRELATION",
    "are_copies",
    "details",
    "doubled",
    "similarity",
]

MIN_CORRELATION = 0.97
"""Of two copies, over the whole image."""

MIN_LOCAL_CORRELATION = 0.90
"""Of two copies, in all sixteen parts of the image but the two worst, which captions may cover."""

_WORTH_ALIGNING = 0.75  # best correlation under a shift, below which no alignment helps
_MARGIN = 1 / 12  # of the width: the largest shift, and what is left out at the borders
_FLAT = 0.25  # parts with less than this share of the usual contrast say nothing


def details(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Frequencies between 1 and 4 pixels, divided by their local contrast.

    Parameters
    ----------
    image : ndarray of uint8, shape (size, size)

    Returns
    -------
    ndarray of float32, shape (size, size)
    """
    import cv2

    pixels = image.astype(np.float32)
    band = cv2.GaussianBlur(pixels, (0, 0), 0.8) - cv2.GaussianBlur(pixels, (0, 0), 4)
    contrast = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 4))
    return band / (contrast + 0.3 * band.std() + 1e-3)


def similarity(
    a: NDArray[np.float32], b: NDArray[np.float32], *, warp: NDArray[np.float32] | None = None
) -> tuple[float, float, NDArray[np.float32]]:
    """How alike two images are after alignment.

    Parameters
    ----------
    a, b : ndarray of float32, shape (size, size)
        From `details`.
    warp : ndarray of float32, shape (2, 3), optional
        Where the alignment begins; at the best shift if not given.

    Returns
    -------
    whole, local : float
        Correlation from -1 to 1: over the whole image without its borders, and in the third worst
        of its sixteen parts (flat parts left out). `local` is -1 for images that were not aligned
        because their best correlation under a shift is below 0.75.
    warp : ndarray of float32, shape (2, 3)
        From x, y of `a` to x, y of `b`.

    Notes
    -----
    The alignment is affine and maximises the enhanced correlation coefficient (Evangelidis and
    Psarakis 2008). It is left out where the shift alone shows that these are copies.
    """
    import cv2

    size = len(a)
    margin = round(size * _MARGIN)
    inner = (slice(margin, -margin), slice(margin, -margin))
    template = np.ascontiguousarray(a[inner])
    whole = local = -1.0
    if warp is None:
        scores = cv2.matchTemplate(b, template, cv2.TM_CCOEFF_NORMED)
        y, x = (int(v) for v in np.unravel_index(int(scores.argmax()), scores.shape))
        whole = float(scores[y, x])
        warp = np.array([[1, 0, x - margin], [0, 1, y - margin]], dtype=np.float32)
        if whole < _WORTH_ALIGNING:
            return whole, local, warp
        local = _local_correlation(template, b[y : y + len(template), x : x + len(template)])
        if whole >= MIN_CORRELATION and local >= MIN_LOCAL_CORRELATION:
            return whole, local, warp
    everywhere = np.full((size, size), 255, dtype=np.uint8)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-3)
    try:
        _, fitted = cv2.findTransformECC(a, b, warp.copy(), cv2.MOTION_AFFINE, stop, everywhere, 1)
    except cv2.error:  # it does not converge: the images are too different
        return whole, local, warp
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpAffine(b, fitted, (size, size), flags=flags)[inner]
    found = np.asarray(fitted, dtype=np.float32)
    return _correlation(template, aligned), _local_correlation(template, aligned), found


def are_copies(
    a: NDArray[np.float32], b: NDArray[np.float32], *, warp: NDArray[np.float32] | None = None
) -> tuple[bool, NDArray[np.float32]]:
    """Whether `similarity`, with the same parameters, reaches both thresholds; and its warp."""
    whole, local, found = similarity(a, b, warp=warp)
    return whole >= MIN_CORRELATION and local >= MIN_LOCAL_CORRELATION, found


def doubled(warp: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same alignment for images of twice the size (centres of pixels have whole numbers)."""
    linear, shift = warp[:, :2], warp[:, 2]
    return np.column_stack([linear, 2 * shift + 0.5 - linear.sum(axis=1) / 2]).astype(np.float32)


def _correlation(a: NDArray, b: NDArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))


def _local_correlation(a: NDArray, b: NDArray) -> float:
    flat = _FLAT * a.std()
    scores = sorted(
        _correlation(part, other)
        for row, other_row in zip(np.array_split(a, 4), np.array_split(b, 4))
        for part, other in zip(np.array_split(row, 4, axis=1), np.array_split(other_row, 4, axis=1))
        if part.std() > flat
    )
    return scores[min(2, len(scores) - 1)] if scores else -1.0
