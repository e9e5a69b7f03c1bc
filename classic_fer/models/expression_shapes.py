"""Expressions as displacements of landmarks: learned from faces, given to neutral ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, unknown_name
from classic_fer.faces.frame import Frame
from classic_fer.faces.landmarks import LANDMARK_GROUPS, eyes_and_mouth
from classic_fer.faces.similarity import (
    apply_similarity,
    estimate_similarity,
    invert_similarity,
)
from classic_fer.faces.types import is_faces
from classic_fer.faces.warping import blend_inside, warp_to_landmarks
from classic_fer.models.shape_model import PointDistributionModel, mean_shape

__all__ = ["NEUTRAL", "ExpressionShapes", "give_expression", "with_landmarks"]

NEUTRAL = "neutral"

# Landmarks above each other, from top to bottom: lips and lids may close but not cross.
_COLUMNS = np.array([(50, 61, 67, 58), (51, 62, 66, 57), (52, 63, 65, 56)])
_LIDS = np.array([(37, 41), (38, 40), (43, 47), (44, 46)])


class ExpressionShapes(BaseEstimator):
    """For each emotion the distribution of landmark displacements from the neutral face.

    A displacement is the difference between an expressive and a neutral shape of one person, both
    brought to the mean neutral shape by a similarity. Each emotion has a point distribution model
    of its displacements.

    Parameters
    ----------
    variance : float
        Share of the variance that each model keeps.

    Attributes
    ----------
    emotions_ : list of str
        All classes but neutral, in the one order.
    neutral_shape_ : ndarray of float64, shape (68, 2)
        Mean neutral shape, in pixels of the frame.
    models_ : dict of str to PointDistributionModel
        Of displacements.
    mouths_ : dict of str to (ndarray of uint8 (H, W), ndarray of float64 (68, 2))
        Mean texture of each emotion at its mean shape, for the inside of the mouth.
    n_faces_ : dict of str to int
        Faces that each model was fitted on.
    n_without_neutral_ : int
        Expressive faces of people without a neutral one, compared to the mean neutral shape.

    References
    ----------
    Cootes, Taylor, Cooper, Graham 1995 (see `classic_fer.models.shape_model`).
    """

    def __init__(self, variance: float = 0.95) -> None:
        self.variance = variance

    def fit(self, X: NDArray, y: ArrayLike, groups: ArrayLike | None = None) -> ExpressionShapes:
        """Learn from aligned faces with landmarks, of people that may be learned from.

        Parameters
        ----------
        X : Faces of shape (n,)
            Rows without landmarks are left out.
        y : array_like of str, shape (n,)
        groups : array_like of str, shape (n,), optional
            People, so that a face is compared to the neutral face of its own person.

        Raises
        ------
        DataError
            Without landmarks, neutral faces, another emotion, or with a single face of one.
        """
        faces, labels, people = with_landmarks(X, y, groups)
        neutral = labels == NEUTRAL
        if not neutral.any():
            raise DataError(
                f"no face is labelled {NEUTRAL!r}, but expressions are displacements from the "
                f"neutral face; the labels are {', '.join(order_classes(np.unique(labels)))}: "
                "choose data with neutral faces, such as JAFFE"
            )
        self.emotions_ = [name for name in order_classes(np.unique(labels)) if name != NEUTRAL]
        if not self.emotions_:
            raise DataError(f"all {len(labels)} faces are {NEUTRAL!r}; expected another emotion")
        points = faces["landmarks"].astype(np.float64)
        self.neutral_shape_ = (
            mean_shape(points[neutral]) if neutral.sum() > 1 else points[neutral][0]
        )
        shapes = np.stack([apply_similarity(self.to_mean(each), each) for each in points])
        own: dict[str, NDArray] = {}
        if people is not None:
            for person in np.unique(people[neutral]).tolist():
                own[person] = shapes[neutral & (people == person)].mean(axis=0)
        start = np.stack(
            [own.get(p, self.neutral_shape_) for p in people.tolist()]
            if people is not None
            else [self.neutral_shape_] * len(shapes)
        )
        known = np.zeros(len(labels), dtype=bool) if people is None else np.isin(people, list(own))
        self.n_without_neutral_ = int((~neutral & ~known).sum())
        self.models_: dict[str, PointDistributionModel] = {}
        self.mouths_: dict[str, tuple[NDArray[np.uint8], NDArray[np.float64]]] = {}
        self.n_faces_: dict[str, int] = {}
        for emotion in self.emotions_:
            rows = np.flatnonzero(labels == emotion)
            if len(rows) < 2:
                raise DataError(
                    f"only one face with landmarks is labelled {emotion!r}; expected at least two "
                    "to learn how it varies; leave the class out with --labels"
                )
            model = PointDistributionModel(self.variance, align=False)
            self.models_[emotion] = model.fit(shapes[rows] - start[rows])
            self.mouths_[emotion] = _mean_texture(faces[rows])
            self.n_faces_[emotion] = len(rows)
        return self

    def to_mean(self, landmarks: ArrayLike) -> NDArray[np.float64]:
        """The similarity that brings a shape to the mean neutral shape, (2, 3)."""
        return estimate_similarity(landmarks, self.neutral_shape_)

    def target(
        self, landmarks: ArrayLike, displacement: ArrayLike, *, strength: float = 1.0
    ) -> NDArray[np.float64]:
        """Landmarks of a neutral face after a displacement, shape (68, 2).

        Parameters
        ----------
        landmarks : array_like, shape (68, 2)
            Of a neutral face, in pixels of any frame.
        displacement : array_like, shape (68, 2)
            In the frame of the mean neutral shape.
        strength : float
            Factor of the displacement; 1 is the full expression.
        """
        check_is_fitted(self, "models_")
        matrix = self.to_mean(landmarks)
        moved = apply_similarity(matrix, landmarks) + strength * np.asarray(displacement)
        moved = _uncrossed(moved)
        return apply_similarity(invert_similarity(matrix), moved)

    def displacement(self, emotion: str) -> NDArray[np.float64]:
        """The mean displacement of an emotion, shape (68, 2)."""
        return self._model(emotion).mean_

    def sample(
        self, emotion: str, n: int, *, random_state: int | np.random.Generator = 0
    ) -> NDArray[np.float64]:
        """Random displacements of an emotion, shape (n, 68, 2)."""
        return self._model(emotion).sample(n, random_state=random_state)

    def _model(self, emotion: str) -> PointDistributionModel:
        check_is_fitted(self, "models_")
        if emotion not in self.models_:
            raise unknown_name("emotion", emotion, self.emotions_)
        return self.models_[emotion]


def give_expression(
    face: Any,
    target: ArrayLike,
    *,
    mouth: tuple[NDArray[np.uint8], NDArray] | None = None,
    frame: Frame | None = None,
    strength: float = 1.0,
) -> Any:
    """A face whose landmarks were moved, with the inside of the mouth of another.

    Parameters
    ----------
    face : one row of Faces
        With landmarks.
    target : array_like, shape (68, 2)
        Where they are to lie, in pixels of the face.
    mouth : (image, landmarks), optional
        A face whose open mouth is blended in, as a closed mouth holds no teeth to warp. Brightness
        is adjusted by the mean grey of both faces.
    frame : Frame, optional
        If given, the result is aligned to it by its new eyes and mouth, as faces in photos are;
        with one interpolation for both.
    strength : float
        Of blending, 0 to 1.

    Returns
    -------
    one row of Faces
        `landmarks` are the (aligned) target.
    """
    points = np.asarray(target, dtype=np.float64)
    if frame is not None:
        matrix = estimate_similarity(eyes_and_mouth(points), frame.points - 0.5)
        points = apply_similarity(matrix, points)
    image = warp_to_landmarks(face["image"], face["landmarks"], points)
    if mouth is not None:
        texture, at = mouth
        other = warp_to_landmarks(texture, at, points).astype(np.float64)
        other = np.clip(other + float(image.mean()) - float(texture.mean()), 0, 255)
        inside = points[LANDMARK_GROUPS["inner_lips"]]
        image = blend_inside(image, other.round().astype(np.uint8), inside, strength=strength)
    made = face.copy()
    made["image"], made["landmarks"] = image, points
    return made


def with_landmarks(
    X: NDArray, y: ArrayLike, groups: ArrayLike | None = None
) -> tuple[NDArray, NDArray[np.str_], NDArray[np.str_] | None]:
    """The faces that have landmarks, with their labels and people.

    Raises
    ------
    DataError
        If none has any; says what to do.
    """
    labels = np.asarray(y, dtype=str)
    people = None if groups is None else np.asarray(groups, dtype=str)
    known = np.isfinite(X["landmarks"]).all(axis=(1, 2)) if is_faces(X) else np.zeros(len(X), bool)
    if not known.any():
        raise DataError(
            f"none of the {len(X)} faces has 68 landmarks, which are needed to move them; align "
            "the data with --landmarks 68 (for crops: --detector dlib)"
        )
    return X[known], labels[known], None if people is None else people[known]


def _uncrossed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lips and lids that would cross meet instead; the face is upright."""
    from sklearn.isotonic import isotonic_regression

    for column in (*_COLUMNS, *_LIDS):
        points[column, 1] = isotonic_regression(points[column, 1])
    return points


def _mean_texture(faces: NDArray) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Mean of faces that were warped to their mean landmarks."""
    mean = faces["landmarks"].mean(axis=0, dtype=np.float64)
    warped = [warp_to_landmarks(each["image"], each["landmarks"], mean) for each in faces]
    return np.mean(warped, axis=0).round().astype(np.uint8), mean
