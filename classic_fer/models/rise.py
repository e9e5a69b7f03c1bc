"""RISE: which pixels a recognizer needs, by how it answers where random parts are left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.faces.types import as_faces

__all__ = ["random_masks", "rise_maps"]

_BATCH = 256  # masked faces that are looked at together


def rise_maps(
    predict_proba: Callable[[NDArray], ArrayLike],
    faces: ArrayLike,
    column: ArrayLike,
    *,
    n_masks: int = 1000,
    cells: int = 7,
    keep: float = 0.5,
    random_state: int = 0,
) -> NDArray[np.float64]:
    """Saliency of each pixel for a class: the mean probability while that pixel is seen.

    Parameters
    ----------
    predict_proba : callable
        From Faces of shape (n,) to probabilities (n, n_classes); nothing else is asked of the
        recognizer.
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
    column : array_like of int, shape (n,)
        Which class of each face.
    n_masks, cells, keep, random_state
        See `random_masks`; all faces are seen through the same masks.

    Returns
    -------
    ndarray of float64, shape (n, H, W)
        Mean probability, weighted by how much of the pixel the mask leaves, less the mean
        probability over all masks: above 0 where seeing the pixel raises it.

    References
    ----------
    V. Petsiuk, A. Das, K. Saenko: RISE: Randomized input sampling for explanation of black-box
    models. BMVC 2018.

    Notes
    -----
    Two deviations. Hidden pixels take the mean grey of the face instead of black, as with
    occlusion, so that masks make no edges of their own on dark faces. The sum is divided by the
    masks' own sum at the pixel instead of its expectation, and the mean probability is taken off;
    with finitely many masks both remove noise and no signal.
    """
    if n_masks < 1:
        raise ParameterError(f"expected at least one mask, got {n_masks}")
    rows = as_faces(np.asarray(faces))
    columns = np.asarray(column, dtype=np.intp)
    height, width = rows["image"].shape[1:]
    sums = np.zeros((len(rows), height, width))
    scores = np.zeros(len(rows))
    weights = np.zeros((height, width))
    rng = np.random.default_rng(random_state)
    for start in range(0, n_masks, _BATCH):
        size = min(_BATCH, n_masks - start)
        masks = random_masks(size, (height, width), cells=cells, keep=keep, random_state=rng)
        weights += masks.sum(axis=0)
        for i, face in enumerate(rows):
            seen = _through(face, masks)
            answers = np.asarray(predict_proba(seen), dtype=np.float64)[:, columns[i]]
            sums[i] += np.tensordot(answers, masks, axes=1)
            scores[i] += answers.sum()
    return sums / np.maximum(weights, 1e-9) - (scores / n_masks)[:, None, None]


def random_masks(
    n: int,
    shape: tuple[int, int],
    *,
    cells: int = 7,
    keep: float = 0.5,
    random_state: int | np.random.Generator = 0,
) -> NDArray[np.float32]:
    """Smooth random masks: small random grids, enlarged bilinearly and shifted.

    Parameters
    ----------
    n : int
    shape : tuple of int
        Height and width.
    cells : int
        Cells of the grid across and down.
    keep : float
        Probability that a cell is left.
    random_state : int or Generator

    Returns
    -------
    ndarray of float32, shape (n, H, W)
        1 where the image is left, 0 where it is hidden.
    """
    import cv2

    height, width = shape
    if not 0 < keep < 1:
        raise ParameterError(f"the share of cells to keep must lie between 0 and 1, got {keep}")
    if not 1 <= cells <= min(shape):
        raise ParameterError(f"cells must lie between 1 and {min(shape)}, got {cells}")
    rng = np.random.default_rng(random_state)
    high, wide = -(-height // cells), -(-width // cells)
    grids = (rng.random((n, cells + 1, cells + 1)) < keep).astype(np.float32)
    tops, lefts = rng.integers(0, high, n), rng.integers(0, wide, n)
    masks = np.empty((n, height, width), dtype=np.float32)
    enlarged = ((cells + 1) * wide, (cells + 1) * high)
    for i, grid in enumerate(grids):
        mask = cv2.resize(grid, enlarged, interpolation=cv2.INTER_LINEAR)
        masks[i] = mask[tops[i] : tops[i] + height, lefts[i] : lefts[i] + width]
    return masks


def _through(face: NDArray, masks: NDArray[np.float32]) -> NDArray:
    """One face through many masks."""
    seen = np.repeat(np.asarray(face)[np.newaxis], len(masks))
    image = face["image"].astype(np.float32)
    grey = image.mean()
    seen["image"] = np.round(grey + masks * (image - grey))
    return seen
