"""New training faces out of old ones: simple variants, and expressions given to neutral faces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Frame
from classic_fer.faces.similarity import apply_similarity, warp_face
from classic_fer.faces.types import as_faces
from classic_fer.faces.warping import flip_faces
from classic_fer.models.expression_shapes import (
    NEUTRAL,
    ExpressionShapes,
    give_expression,
    with_landmarks,
)

__all__ = ["NewFaces", "expressive_faces", "simple_variants"]

_TURN = 10.0  # degrees
_SHIFT = 0.05  # of the width
_LIGHT = 0.2  # factor of contrast and share of the grey scale


class NewFaces(NamedTuple):
    """Faces that were made, with what they show.

    Attributes
    ----------
    faces : structured ndarray, shape (m,)
    y : ndarray of str, shape (m,)
        Class.
    source : ndarray of int, shape (m,)
        Row of the face that each was made of; its person.
    """

    faces: NDArray
    y: NDArray[np.str_]
    source: NDArray[np.intp]


def simple_variants(
    X: ArrayLike, y: ArrayLike, *, n_each: int = 1, random_state: int = 0
) -> NewFaces:
    """Each face mirrored (half of the time), shifted, turned and lit otherwise.

    Parameters
    ----------
    X : Faces of shape (n,), or array of uint8, shape (n, H, W)
    y : array_like of str, shape (n,)
    n_each : int
        Variants of each face. Shifts are up to 5 % of the width, turns up to 10 degrees, contrast
        and brightness up to 20 %, all drawn evenly.
    random_state : int
    """
    faces = as_faces(np.asarray(X))
    if n_each < 1:
        raise ParameterError(f"expected at least one variant of each face, got {n_each}")
    rng = np.random.default_rng(random_state)
    source = np.repeat(np.arange(len(faces)), n_each)
    made = faces[source].copy()
    size = made["image"].shape[2]
    for i in range(len(made)):
        if rng.random() < 0.5:
            made[i : i + 1] = flip_faces(made[i : i + 1])
        turn = np.radians(rng.uniform(-_TURN, _TURN))
        shift = rng.uniform(-_SHIFT, _SHIFT, 2) * size
        gain, offset = 1 + rng.uniform(-_LIGHT, _LIGHT), 255 * rng.uniform(-_LIGHT, _LIGHT)
        matrix = _about_centre(turn, shift, size)
        image = warp_face(made["image"][i], matrix, size).astype(np.float32)
        lit = gain * (image - image.mean()) + image.mean() + offset
        made["image"][i] = np.clip(np.round(lit), 0, 255)
        made["landmarks"][i] = apply_similarity(matrix, made["landmarks"][i])
    return NewFaces(made, np.asarray(y, dtype=str)[source], source)


def expressive_faces(
    shapes: ExpressionShapes,
    X: NDArray,
    y: ArrayLike,
    *,
    per_emotion: int = 2,
    frame: Frame | None = None,
    random_state: int = 0,
) -> NewFaces:
    """Neutral faces with sampled expressions: `per_emotion` new ones of each, for each emotion.

    Parameters
    ----------
    shapes : ExpressionShapes
        Fitted on people that may be learned from.
    X : Faces of shape (n,)
        Of which the neutral ones with landmarks are warped.
    y : array_like of str, shape (n,)
    per_emotion : int
    frame : Frame, optional
        See `give_expression`.
    random_state : int

    Raises
    ------
    DataError
        Without landmarks or neutral faces.
    """
    if per_emotion < 1:
        raise ParameterError(f"expected at least one new face of each emotion, got {per_emotion}")
    labels = np.asarray(y, dtype=str)
    with_landmarks(X, labels)
    known = np.isfinite(X["landmarks"]).all(axis=(1, 2))
    rows = np.flatnonzero((labels == NEUTRAL) & known)
    if not len(rows):
        raise DataError(f"no face labelled {NEUTRAL!r} has landmarks: there is nothing to warp")
    rng = np.random.default_rng(random_state)
    made, emotions, source = [], [], []
    for row in rows:
        for emotion in shapes.emotions_:
            for displacement in shapes.sample(emotion, per_emotion, random_state=rng):
                target = shapes.target(X[row]["landmarks"], displacement)
                mouth = shapes.mouths_[emotion]
                made.append(give_expression(X[row], target, mouth=mouth, frame=frame))
                emotions.append(emotion)
                source.append(row)
    return NewFaces(np.array(made, dtype=X.dtype), np.array(emotions), np.array(source))


def _about_centre(turn: float, shift: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """A rotation about the centre of the image, then a shift, (2, 3)."""
    c, s = np.cos(turn), np.sin(turn)
    linear = np.array([[c, -s], [s, c]])
    centre = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, centre - linear @ centre + shift])
