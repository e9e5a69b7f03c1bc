"""Landmark geometry: normalised points, named distances and angles of 68 landmarks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from classic_fer.errors import ParameterError
from classic_fer.faces.landmarks import LANDMARK_GROUPS
from classic_fer.faces.types import N_LANDMARKS, is_faces
from classic_fer.features._base import check_choice

__all__ = ["GEOMETRY_PARTS", "Geometry", "geometry", "geometry_names", "normalise_landmarks"]

GEOMETRY_PARTS = ("all", "points", "measures")

# Points by their number in iBUG order. Right and left are the person's.
_DISTANCES: dict[str, tuple[int, int]] = {
    "inner_brow_distance": (21, 22),
    "nose_length": (27, 33),
    "nose_width": (31, 35),
    "nose_to_upper_lip": (33, 51),
    "nose_to_chin": (33, 8),
    "mouth_width": (48, 54),
    "mouth_height": (51, 57),
    "upper_lip_thickness": (51, 62),
    "lower_lip_thickness": (66, 57),
    "lower_lip_to_chin": (57, 8),
    "jaw_width": (4, 12),
}
# End, vertex, end.
_ANGLES: dict[str, tuple[int, int, int]] = {
    "right_brow_arch": (17, 19, 21),
    "left_brow_arch": (22, 24, 26),
    "right_mouth_corner_angle": (51, 48, 57),
    "left_mouth_corner_angle": (51, 54, 57),
    "upper_lip_angle": (48, 51, 54),
    "lower_lip_angle": (48, 57, 54),
    "jaw_angle": (4, 8, 12),
}
# Outer and inner end of each brow, corner of the mouth, by side.
_BROW_ENDS = {"right": (17, 21), "left": (26, 22)}
_MOUTH_CORNERS = {"right": 48, "left": 54}
_LIP_MIDDLES = [51, 57]
_INNER_UPPER_LIP, _INNER_LOWER_LIP = [61, 62, 63], [67, 66, 65]


def normalise_landmarks(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Move, turn and scale faces so that the eye centres lie at (-0.5, 0) and (0.5, 0).

    Parameters
    ----------
    landmarks : array_like of float, shape (..., 68, 2)
        x, y in pixels, iBUG order, y downwards.

    Returns
    -------
    points : ndarray of float64, shape (..., 68, 2)
        In units of the distance between the eye centres, origin between the eyes; the person's
        right eye on the left. NaN for faces with a point that is not finite, or whose eye centres
        coincide.

    Raises
    ------
    ParameterError
        If the shape is another one.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim < 2 or points.shape[-2:] != (N_LANDMARKS, 2):
        raise ParameterError(
            f"expected landmarks of shape (..., {N_LANDMARKS}, 2), got {points.shape}"
        )
    right = points[..., LANDMARK_GROUPS["right_eye"], :].mean(axis=-2)
    left = points[..., LANDMARK_GROUPS["left_eye"], :].mean(axis=-2)
    # As complex numbers, division by the vector between the eyes turns and scales at once.
    centred = points - ((right + left) / 2)[..., np.newaxis, :]
    axis = left - right
    with np.errstate(invalid="ignore", divide="ignore"):
        turned = (centred[..., 0] + 1j * centred[..., 1]) / (axis[..., :1] + 1j * axis[..., 1:])
    normalised = np.stack([turned.real, turned.imag], axis=-1)
    normalised[~np.isfinite(normalised).all(axis=(-2, -1))] = np.nan
    return normalised


def geometry(landmarks: ArrayLike, *, parts: str = "all") -> NDArray[np.float32]:
    """Shape of faces from their landmarks, free of position, size and rotation in the plane.

    Parameters
    ----------
    landmarks : array_like of float, shape (68, 2) or (n, 68, 2)
        x, y in pixels, iBUG order, y downwards.
    parts : {"all", "points", "measures"}
        The 136 normalised coordinates, the named distances and angles, or both.

    Returns
    -------
    features : ndarray of float32, shape (d,) or (n, d)
        Columns as in `geometry_names`. Coordinates and distances are in units of the distance
        between the eye centres, angles in radians. Rows of faces without landmarks, or with
        coinciding eye centres or eye corners, are NaN.

    Raises
    ------
    ParameterError
        If `landmarks` has another shape or `parts` is unknown.

    Notes
    -----
    Eye openness is the eye aspect ratio of Soukupová and Čech; brow raise, brow slope, corner
    lift and asymmetry follow the action units that they show (AU 1, 2, 4, 12, 14, 15) after
    Ekman and Friesen. Slopes are positive where the inner end of a brow is the higher one, lifts
    where a mouth corner lies above the middle of the lips.

    References
    ----------
    T. Soukupová, J. Čech: Real-time eye blink detection using facial landmarks. CVWW 2016.
    P. Ekman, W. V. Friesen: Facial Action Coding System. Consulting Psychologists Press, 1978.
    C. Sagonas et al.: 300 faces in-the-wild challenge. ICCV workshops 2013 (order of the points).

    Examples
    --------
    >>> import numpy as np
    >>> geometry(np.full((68, 2), np.nan)).shape
    (168,)
    """
    check_choice("parts", parts, GEOMETRY_PARTS)
    points = normalise_landmarks(landmarks)
    columns = []
    if parts != "measures":
        columns.append(points.reshape(*points.shape[:-2], 2 * N_LANDMARKS))
    if parts != "points":
        columns.append(np.stack(list(_measures(points).values()), axis=-1))
    features = np.concatenate(columns, axis=-1)
    features[~np.isfinite(features).all(axis=-1)] = np.nan
    return features.astype(np.float32)


def geometry_names(*, parts: str = "all") -> list[str]:
    """Names of the columns of `geometry`.

    Parameters
    ----------
    parts : {"all", "points", "measures"}
        See `geometry`.
    """
    check_choice("parts", parts, GEOMETRY_PARTS)
    points = [f"{axis}{i}" for i in range(N_LANDMARKS) for axis in "xy"]
    measures = list(_measures(np.full((N_LANDMARKS, 2), np.nan)))
    return (points if parts != "measures" else []) + (measures if parts != "points" else [])


def _measures(points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Named distances and angles of normalised points (..., 68, 2)."""
    x, y = points[..., 0], points[..., 1]

    def distance(i: int, j: int) -> NDArray[np.float64]:
        return np.hypot(x[..., i] - x[..., j], y[..., i] - y[..., j])

    measures: dict[str, NDArray[np.float64]] = {}
    lips = y[..., _LIP_MIDDLES].mean(axis=-1)
    for side in ("right", "left"):
        first = LANDMARK_GROUPS[f"{side}_eye"].start
        lids = distance(first + 1, first + 5) + distance(first + 2, first + 4)
        with np.errstate(invalid="ignore", divide="ignore"):
            measures[f"{side}_eye_openness"] = lids / (2 * distance(first, first + 3))
        outer, inner = _BROW_ENDS[side]
        # The eye centres lie at height 0.
        measures[f"{side}_brow_raise"] = -y[..., LANDMARK_GROUPS[f"{side}_brow"]].mean(axis=-1)
        measures[f"{side}_inner_brow_raise"] = -y[..., inner]
        measures[f"{side}_outer_brow_raise"] = -y[..., outer]
        measures[f"{side}_brow_slope"] = np.arctan2(
            y[..., outer] - y[..., inner], np.abs(x[..., inner] - x[..., outer])
        )
        measures[f"{side}_mouth_corner_lift"] = lips - y[..., _MOUTH_CORNERS[side]]
    measures["mouth_corner_asymmetry"] = np.abs(
        measures["left_mouth_corner_lift"] - measures["right_mouth_corner_lift"]
    )
    measures["mouth_openness"] = np.mean(
        [distance(i, j) for i, j in zip(_INNER_UPPER_LIP, _INNER_LOWER_LIP)], axis=0
    )
    measures.update({name: distance(i, j) for name, (i, j) in _DISTANCES.items()})
    measures.update({name: _angle(points, *ends) for name, ends in _ANGLES.items()})
    return measures


def _angle(points: NDArray[np.float64], i: int, vertex: int, j: int) -> NDArray[np.float64]:
    """Angle at `vertex` between points `i` and `j`, 0 to pi."""
    a = points[..., i, :] - points[..., vertex, :]
    b = points[..., j, :] - points[..., vertex, :]
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.arctan2(np.abs(cross), (a * b).sum(axis=-1))


class Geometry(TransformerMixin, BaseEstimator):
    """Landmark geometry of a batch of faces: `geometry` as a transformer.

    Parameters
    ----------
    parts : {"all", "points", "measures"}
        See `geometry`.

    Examples
    --------
    >>> import numpy as np
    >>> from classic_fer.faces.types import make_faces
    >>> faces = make_faces(np.zeros((3, 96, 96), dtype=np.uint8))
    >>> Geometry(parts="points").fit_transform(faces).shape
    (3, 136)
    """

    def __init__(self, *, parts: str = "all") -> None:
        self.parts = parts

    def fit(self, X: NDArray, y: Any = None) -> Self:
        """Check parameters and faces; learn nothing.

        Parameters
        ----------
        X : Faces, shape (n,)
            With 68 landmarks, NaN where there are none.
        y : object
            Not used; here for scikit-learn's pipelines.

        Raises
        ------
        ParameterError
            If `X` is a plain array of images or `parts` is unknown.
        """
        _landmarks(X)
        check_choice("parts", self.parts, GEOMETRY_PARTS)
        return self

    def transform(self, X: NDArray) -> NDArray[np.float32]:
        """Compute the feature of each face; `fit` need not have been called.

        Parameters
        ----------
        X : Faces, shape (n,)
            With 68 landmarks, NaN where there are none.

        Returns
        -------
        features : ndarray of float32, shape (n, d)
            Rows of faces without landmarks are NaN.

        Raises
        ------
        ParameterError
            If `X` is a plain array of images or `parts` is unknown.
        """
        return geometry(_landmarks(X), parts=self.parts)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, such as ``geometry_mouth_openness``."""
        names = [f"geometry_{name}" for name in geometry_names(parts=self.parts)]
        return np.asarray(names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags


def _landmarks(X: Any) -> NDArray[np.float32]:
    if not is_faces(X):
        found = f"{X.dtype} of shape {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        raise ParameterError(
            f"landmark geometry needs Faces with 68 landmarks, got {found}; "
            "make them with align_faces(..., landmarks='68')"
        )
    return X["landmarks"]
