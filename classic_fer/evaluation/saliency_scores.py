"""Deletion and insertion: how good a saliency map is, by what the recognizer says without looks.

Conventions
-----------
Maps have the shape (n, H, W); only the order of their pixels counts. Curves run from no pixel to
all pixels changed, most salient first; a score is the mean height of a curve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import as_faces
from classic_fer.models.rise import random_masks

__all__ = ["MapScores", "deletion_insertion", "random_maps"]

_BLUR = 0.1  # standard deviation of the blur that insertion starts from, in widths of the face


@dataclass(frozen=True)
class MapScores:
    """Curves and scores of maps.

    Attributes
    ----------
    shares : ndarray of float64, shape (steps + 1,)
        Share of the pixels that was changed, 0 to 1.
    deletion_curves, insertion_curves : ndarray of float64, shape (n, steps + 1)
        Probability of the class.
    """

    shares: NDArray[np.float64]
    deletion_curves: NDArray[np.float64]
    insertion_curves: NDArray[np.float64]

    @property
    def deletion(self) -> NDArray[np.float64]:
        """Area under each deletion curve, shape (n,); the lower, the better the map."""
        return _area(self.deletion_curves, self.shares)

    @property
    def insertion(self) -> NDArray[np.float64]:
        """Area under each insertion curve, shape (n,); the higher, the better the map."""
        return _area(self.insertion_curves, self.shares)


def deletion_insertion(
    predict_proba: Callable[[NDArray], ArrayLike],
    faces: ArrayLike,
    maps: ArrayLike,
    column: ArrayLike,
    *,
    steps: int = 32,
) -> MapScores:
    """Deletion and insertion curves of saliency maps.

    Parameters
    ----------
    predict_proba : callable
        From Faces of shape (n,) to probabilities (n, n_classes).
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
    maps : array_like, shape (n, H, W)
    column : array_like of int, shape (n,)
        Which class of each face.
    steps : int
        Equal portions in which pixels are changed.

    Returns
    -------
    MapScores

    Raises
    ------
    DataError
        If maps and faces differ in shape, or maps are not finite.

    Notes
    -----
    Deletion covers pixels with the mean grey of the face, insertion uncovers them in a blurred
    face, as in the paper (which deletes to black).

    References
    ----------
    Petsiuk, Das, Saenko 2018 (see `classic_fer.models.rise`).
    """
    rows = as_faces(np.asarray(faces))
    heat = np.asarray(maps, dtype=np.float64)
    if heat.shape != rows["image"].shape:
        raise DataError(f"got maps of shape {heat.shape} for faces of {rows['image'].shape}")
    if not np.isfinite(heat).all():
        raise DataError("saliency maps hold NaN or infinity")
    if steps < 1:
        raise ParameterError(f"expected at least one step, got {steps}")
    columns = np.asarray(column, dtype=np.intp)
    deletion, insertion = np.empty((2, len(rows), steps + 1))
    for i, face in enumerate(rows):
        image = face["image"]
        first = _changed_at(heat[i], steps)
        gone = np.full(image.shape, np.uint8(round(float(image.mean()))))
        deletion[i] = _curve(predict_proba, face, image, gone, first, steps)[:, columns[i]]
        insertion[i] = _curve(predict_proba, face, _blurred(image), image, first, steps)[
            :, columns[i]
        ]
    return MapScores(np.linspace(0, 1, steps + 1), deletion, insertion)


def random_maps(
    n: int, shape: tuple[int, int], *, cells: int = 7, random_state: int = 0
) -> NDArray[np.float64]:
    """Smooth maps of chance, shape (n, H, W): what any method has to beat.

    As coarse as RISE's masks; pixels in random order would make edges everywhere, which alone
    disturbs a recognizer and so looks like a good map.
    """
    rng = np.random.default_rng(random_state)
    drawn = np.zeros((n, *shape))
    for weight in 2.0 ** -np.arange(8):  # distinct heights out of masks of 0 and 1
        drawn += weight * random_masks(n, shape, cells=cells, random_state=rng)
    return drawn


def _area(curves: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trapezoidal rule, shape (n,)."""
    return (curves[:, 1:] + curves[:, :-1]) @ np.diff(shares) / 2


def _changed_at(heat: NDArray[np.float64], steps: int) -> NDArray[np.intp]:
    """The step from which on each pixel is changed, 1 to `steps`, shape (H, W)."""
    order = np.argsort(-heat.ravel(), kind="stable")
    first = np.empty(heat.size, dtype=np.intp)
    first[order] = 1 + np.arange(heat.size) * steps // heat.size
    return first.reshape(heat.shape)


def _curve(
    predict_proba: Callable[[NDArray], ArrayLike],
    face: NDArray,
    start: NDArray[np.uint8],
    end: NDArray[np.uint8],
    first: NDArray[np.intp],
    steps: int,
) -> NDArray[np.float64]:
    """Probabilities on the way from one image to the other, (steps + 1, n_classes)."""
    between = np.repeat(np.asarray(face)[np.newaxis], steps + 1)
    for step in range(steps + 1):
        between["image"][step] = np.where(first <= step, end, start)
    return np.asarray(predict_proba(between), dtype=np.float64)


def _blurred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    soft = cv2.GaussianBlur(image, (0, 0), _BLUR * image.shape[1])
    return np.asarray(soft, dtype=np.uint8)
