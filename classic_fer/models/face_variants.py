"""Variants of a test face whose decision values are averaged: mirrored, shifted by a pixel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.faces.types import as_faces
from classic_fer.faces.warping import flip_faces

__all__ = ["AVERAGINGS", "check_averaging", "face_variants", "shifted_faces"]

AVERAGINGS = ("mirror", "shift", "mirror+shift")
"""What may be averaged over; see `face_variants`."""

_SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def check_averaging(averaging: str | None) -> None:
    """Refuse what is neither None nor in `AVERAGINGS`.

    Raises
    ------
    ParameterError
        The message lists the choices.
    """
    if averaging is not None and averaging not in AVERAGINGS:
        raise unknown_name("averaging", str(averaging), AVERAGINGS)


def face_variants(X: ArrayLike, averaging: str) -> Iterator[NDArray]:
    """Variants of all faces, one after the other; the faces as they are come first.

    Parameters
    ----------
    X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        Not changed.
    averaging : {"mirror", "shift", "mirror+shift"}
        The mirror image, shifts by one pixel to each of the four sides, or these of both the face
        and its mirror image: 2, 5 or 10 variants.

    Yields
    ------
    structured ndarray, shape (n,)
        Faces.
    """
    check_averaging(averaging)
    faces = as_faces(X)
    sides = [faces, flip_faces(faces)] if "mirror" in averaging else [faces]
    for side in sides:
        for dx, dy in _SHIFTS if "shift" in averaging else _SHIFTS[:1]:
            yield shifted_faces(side, dx, dy)


def shifted_faces(faces: NDArray, dx: int, dy: int) -> NDArray:
    """Faces moved by whole pixels, their landmarks along with them; the border is repeated.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Faces; not changed.
    dx, dy : int
        To the right and down.

    Returns
    -------
    structured ndarray, shape (n,)
        `faces` itself for no shift. Landmarks may then lie outside of the image; those that are
        NaN stay so.

    Raises
    ------
    ParameterError
        For a shift that is not less than the image is wide or high.
    """
    if not dx and not dy:
        return faces
    height, width = faces["image"].shape[1:]
    if abs(dx) >= width or abs(dy) >= height:
        raise ParameterError(
            f"faces of {height}x{width} pixels cannot be shifted by {dx} and {dy} pixels"
        )
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    shifted = faces.copy()
    shifted["image"] = faces["image"][:, rows[:, None], columns]
    shifted["landmarks"] = faces["landmarks"] + np.array([dx, dy], dtype=np.float32)
    return shifted
