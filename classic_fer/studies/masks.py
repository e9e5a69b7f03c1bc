"""Face masks drawn through landmarks, and what is left of a face above one.

Conventions
-----------
Landmarks are x, y in pixels of the aligned face, iBUG order. A mask covers the face from the bridge
of the nose down to below the chin, between two points of the jaw; its shape, shade and light are
drawn for each face, so that a recognizer cannot learn one mask by heart. Masks are grey, as faces
are here: the shades are those that white, light blue, blue, pink and black cloth has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.faces.types import N_LANDMARKS

__all__ = [
    "CUT_GREY",
    "MASK_SHAPES",
    "MaskShape",
    "cut_faces",
    "draw_mask",
    "mask_outline",
    "masked_faces",
    "with_mean_landmarks",
]

CUT_GREY = 128
"""Grey value of what is cut off a face."""

SHADES = {"white": 225, "light blue": 190, "pink": 175, "blue": 130, "black": 45}
"""Grey values of cloth."""

_SHADE_SPREAD = 15  # grey values, to either side of these
_FINER = 4  # outlines are drawn on a grid so many times finer, against jagged edges
_BELOW_CHIN = 0.06  # of the height of the mask
_EDGE = 0.30  # how much darker the cloth is where it turns away at the sides


@dataclass(frozen=True)
class MaskShape:
    """Where a kind of mask begins and how its cloth falls.

    Attributes
    ----------
    nose : int
        Landmark of the nose (27 to 30) at which the upper edge lies.
    ears : int
        Landmarks `ears` and ``16 - ears`` of the jaw at which it ends at the sides.
    cheek : float
        How far the upper edge hangs below the straight line from nose to side, in the middle of
        each cheek, over the length of that line.
    pleats : int
        Dark folds across.
    seam : bool
        Whether a seam runs down the middle.
    """

    nose: int
    ears: int
    cheek: float = 0.0
    pleats: int = 0
    seam: bool = False


MASK_SHAPES = {
    "surgical": MaskShape(nose=28, ears=1, pleats=3),
    "respirator": MaskShape(nose=28, ears=3, cheek=0.12, seam=True),
    "cloth": MaskShape(nose=29, ears=2, cheek=0.06),
}
"""Shapes by name."""


def mask_outline(landmarks: ArrayLike, shape: str = "surgical") -> NDArray[np.float64]:
    """The closed outline of a mask.

    Parameters
    ----------
    landmarks : array_like, shape (68, 2)
        x, y, all known.
    shape : str
        A key of `MASK_SHAPES`.

    Returns
    -------
    outline : ndarray of float64, shape (m, 2)
        From the nose to the left side of the image, along the jaw (moved down and outwards from
        the nose by 6 %, as cloth stands off the chin), and back to the nose.

    Raises
    ------
    ParameterError
        For an unknown shape, or landmarks of another shape.
    DataError
        If a landmark is not known.
    """
    if shape not in MASK_SHAPES:
        raise unknown_name("mask shape", shape, MASK_SHAPES)
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (N_LANDMARKS, 2):
        raise ParameterError(f"expected landmarks of shape (68, 2), got {points.shape}")
    if not np.isfinite(points).all():
        raise DataError("a mask is drawn through landmarks, and some are not known")
    kind = MASK_SHAPES[shape]
    nose = points[kind.nose]
    jaw = points[kind.ears : 17 - kind.ears]
    outer = nose + (1 + _BELOW_CHIN) * (jaw - nose)
    outer[0], outer[-1] = jaw[0], jaw[-1]
    down = points[8] - nose
    down = down / max(float(np.hypot(*down)), 1e-9)

    def cheek(side: NDArray[np.float64]) -> NDArray[np.float64]:
        return (nose + side) / 2 + kind.cheek * np.hypot(*(side - nose)) * down

    return np.vstack([nose, cheek(jaw[0]), outer, cheek(jaw[-1])])


def draw_mask(
    image: NDArray[np.uint8],
    landmarks: ArrayLike,
    *,
    shape: str = "surgical",
    grey: int = 190,
    light: float = 0.0,
) -> NDArray[np.uint8]:
    """A face with a mask.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
    landmarks : array_like, shape (68, 2)
    shape : str
    grey : int
        Of the cloth where it faces the camera, 0 to 255.
    light : float
        From -1 (from the left of the image) to 1 (from the right): one side is up to a third
        darker.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        A new image; beyond the outline it is `image`.
    """
    if not 0 <= grey <= 255 or not -1 <= light <= 1:
        raise ParameterError(
            f"expected a grey value from 0 to 255 and light from -1 to 1, got {grey} and {light}"
        )
    points = np.asarray(landmarks, dtype=np.float64)
    outline = mask_outline(points, shape)
    kind = MASK_SHAPES[shape]
    cover = _coverage(outline, image.shape)
    height, width = image.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    nose, chin = points[kind.nose], points[8]
    left, right = points[kind.ears], points[16 - kind.ears]
    span = max(float(right[0] - left[0]), 1.0)
    across = np.clip(2 * (x - (left[0] + right[0]) / 2) / span, -1.2, 1.2)
    along = (y - nose[1]) / max(float(chin[1] - nose[1]), 1.0)
    shading = 1 - _EDGE * across**2 + 0.33 * light * across - 0.12 * np.clip(along, 0, 1)
    for number in range(kind.pleats):
        place = (number + 1) / (kind.pleats + 1)
        sag = place + 0.06 * (1 - across**2)
        shading -= 0.16 * np.exp(-(((along - sag) / 0.03) ** 2))
    if kind.seam:
        shading -= 0.18 * np.exp(-((across / 0.05) ** 2))
    cloth = np.clip(grey * shading, 0, 255)
    return np.rint(cover * cloth + (1 - cover) * image).astype(np.uint8)


def _coverage(outline: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Share of each pixel that lies within an outline, shape (H, W)."""
    import cv2

    height, width = shape
    fine = np.zeros((height * _FINER, width * _FINER), dtype=np.uint8)
    corners = np.rint((outline + 0.5) * _FINER - 0.5).astype(np.int32)
    cv2.fillPoly(fine, [corners], 1)
    cells = fine.reshape(height, _FINER, width, _FINER)
    return cells.mean(axis=(1, 3), dtype=np.float64)


def with_mean_landmarks(faces: NDArray) -> tuple[NDArray[np.float64], int]:
    """Landmarks of aligned faces; where some are missing, the mean over the others stands in.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Faces in one frame.

    Returns
    -------
    landmarks : ndarray of float64, shape (n, 68, 2)
    missing : int
        Faces that got the mean ones.

    Raises
    ------
    DataError
        If no face has landmarks.
    """
    points = faces["landmarks"].astype(np.float64)
    known = np.isfinite(points).all(axis=(1, 2))
    if not known.any():
        raise DataError(
            "masks are drawn through landmarks, and none of these faces has any; align them with "
            "68 landmarks (--landmarks 68)"
        )
    points[~known] = points[known].mean(axis=0)
    return points, int((~known).sum())


def masked_faces(faces: NDArray, *, random_state: int = 0) -> tuple[NDArray, int]:
    """The masked twin of each face.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Aligned.
    random_state : int
        Shape, shade and light of each mask are drawn; those of a row depend on its number alone.

    Returns
    -------
    masked : structured ndarray, shape (n,)
        Landmarks below the eyes, which nobody could find, are NaN.
    missing : int
        Faces whose mask lies where it would on the mean face, as they have no landmarks.
    """
    points, missing = with_mean_landmarks(faces)
    drawn = np.random.default_rng(random_state).random((len(faces), 4))
    shapes, shades = list(MASK_SHAPES), list(SHADES.values())
    masked = faces.copy()
    for face, landmarks, (kind, cloth, shade, light) in zip(masked, points, drawn):
        face["image"] = draw_mask(
            face["image"],
            landmarks,
            shape=shapes[int(kind * len(shapes))],
            grey=shades[int(cloth * len(shades))] + round(_SHADE_SPREAD * (2 * shade - 1)),
            light=2 * light - 1,
        )
    return _without_lower_landmarks(masked), missing


def cut_faces(faces: NDArray) -> tuple[NDArray, int]:
    """The part of each face above a mask; the rest is `CUT_GREY`.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Aligned, so that one row of pixels divides them all: the highest row that a mask reaches
        at the nose of the mean face.

    Returns
    -------
    cut : structured ndarray, shape (n,)
        Of the same size. Landmarks below the cut are NaN.
    row : int
        The first row that is cut off.
    """
    points, _ = with_mean_landmarks(faces)
    mean = points.mean(axis=0)
    top = min(mean[shape.nose, 1] for shape in MASK_SHAPES.values())
    row = int(np.clip(np.floor(top), 1, faces["image"].shape[1] - 1))
    cut = faces.copy()
    cut["image"][:, row:] = CUT_GREY
    return _without_lower_landmarks(cut), row


def _without_lower_landmarks(faces: NDArray) -> NDArray:
    """`faces` with only the landmarks of brows, upper nose and eyes (17 to 27, 36 to 47)."""
    hidden = np.ones(N_LANDMARKS, dtype=bool)
    hidden[17:28] = hidden[36:48] = False
    faces["landmarks"][:, hidden] = np.nan
    return faces
