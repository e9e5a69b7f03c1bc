"""What can be measured on faces where the data say nothing: light, size, pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.faces.types import N_LANDMARKS

__all__ = ["FACE_COLUMNS", "FaceColumn", "brightness", "contrast", "face_size", "head_yaw"]

# Length of the nose over the distance from the eye line to the mouth (Gee and Cipolla 1994).
_NOSE = 0.6


def brightness(faces: NDArray) -> NDArray[np.float64]:
    """Mean grey value of each aligned face, 0 to 255, shape (n,)."""
    return faces["image"].mean(axis=(1, 2), dtype=np.float64)


def contrast(faces: NDArray) -> NDArray[np.float64]:
    """Root mean square contrast of each aligned face, shape (n,).

    The standard deviation of its grey values, 0 to 127.5.

    References
    ----------
    Peli 1990, Contrast in complex images.
    """
    return faces["image"].std(axis=(1, 2), dtype=np.float64)


def face_size(faces: NDArray) -> NDArray[np.float64]:
    """Side of the square with the area of each face's box, shape (n,), in pixels of the photo.

    NaN where there is no box.
    """
    return np.sqrt(faces["box"][:, 2].astype(np.float64) * faces["box"][:, 3])


def head_yaw(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Angle by which each head is turned to the side.

    Parameters
    ----------
    landmarks : array_like, shape (n, 68, 2)
        x, y in pixels, iBUG order.

    Returns
    -------
    yaw : ndarray of float64, shape (n,)
        In degrees; 0 is frontal, positive where the nose points to the right of the image; NaN
        where landmarks are missing or eyes and mouth coincide.

    Raises
    ------
    ParameterError
        If the shape is another one.

    Notes
    -----
    In a frontal face the nose tip lies on the line from the middle of the outer eye corners to
    the middle of the mouth corners, of length f. It stands out of the face by about 0.6 f, so
    that a turn by `yaw` moves it by ``0.6 f sin(yaw)`` away from that line (weak perspective).
    A head that also nods is foreshortened along the line, and its yaw comes out too large; 0.6
    is a mean over people. Good enough to sort faces by pose, not to measure one.

    References
    ----------
    Gee and Cipolla 1994, Determining the gaze of faces in images.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[1:] != (N_LANDMARKS, 2):
        raise ParameterError(f"expected landmarks of shape (n, 68, 2), got {points.shape}")
    eyes = points[:, [36, 45]].mean(axis=1)
    axis = points[:, [48, 54]].mean(axis=1) - eyes
    nose = points[:, 30] - eyes
    squared = (axis**2).sum(axis=1)
    across = axis[:, 1] * nose[:, 0] - axis[:, 0] * nose[:, 1]
    offset = np.divide(across, squared, out=np.full(len(points), np.nan), where=squared > 0)
    return np.degrees(np.arcsin(np.clip(offset / _NOSE, -1, 1)))


def _turn(faces: NDArray) -> NDArray[np.float64]:
    """How far each head is turned away from frontal, to either side, in degrees."""
    return np.abs(head_yaw(faces["landmarks"]))


@dataclass(frozen=True)
class FaceColumn:
    """A column that is measured on faces.

    Attributes
    ----------
    measure : callable
        Faces of shape (n,) to float64 of shape (n,).
    meaning : str
        What it measures, with the unit.
    """

    measure: Callable[[NDArray], NDArray[np.float64]]
    meaning: str


FACE_COLUMNS = {
    "brightness": FaceColumn(brightness, "mean grey value of the aligned face, 0 to 255"),
    "contrast": FaceColumn(contrast, "standard deviation of the grey values of the aligned face"),
    "face_size": FaceColumn(face_size, "side of the face's box in pixels of the photo"),
    "head_yaw": FaceColumn(_turn, "turn of the head to either side in degrees, roughly"),
}
"""Names that ``--by`` takes for any data."""
