"""Explanations: where in the face a decision comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.faces.types import as_faces
from classic_fer.features.geometry import Geometry
from classic_fer.models.blocks import Blocks, image_shape
from classic_fer.models.calibration import temperature_softmax
from classic_fer.models.discriminant import ShrinkageLDA
from classic_fer.models.face_parts import (
    FacePart,
    Place,
    feature_places,
    geometry_places,
    patches,
)
from classic_fer.models.recognizer import Recognizer
from classic_fer.models.scaler import FeatureScaler

__all__ = ["CONTRIBUTIONS", "OCCLUSION", "Explanation", "explain", "target_columns"]

CONTRIBUTIONS = "contributions"
OCCLUSION = "occlusion"

_BATCH = 512  # faces, or rows of features, that are looked at together


@dataclass(frozen=True)
class Explanation:
    """Where the decisions on some faces come from, as plain data.

    Attributes
    ----------
    method : {"contributions", "occlusion"}
    images : ndarray of uint8, shape (n, H, W)
        The aligned faces.
    explained : ndarray of str, shape (n,)
        The class that is explained.
    predicted : ndarray of str, shape (n,)
        The class of the highest decision value.
    decisions : ndarray of float64, shape (n,)
        Decision value of `explained`.
    probabilities : ndarray of float64, shape (n,)
        Calibrated probability of `explained`.
    baselines : ndarray of float64, shape (n,)
        Decision value of the mean features of training; only with contributions, else NaN.
    parts : tuple of FacePart
    contributions : ndarray of float64, shape (n, n_parts)
        With ``"contributions"``: by how much each part raises the decision value, compared to
        its mean in training; together with the baseline they sum up to the decision value. With
        ``"occlusion"``: by how much the probability drops when that part alone is hidden.
    """

    method: str
    images: NDArray[np.uint8]
    explained: NDArray[np.str_]
    predicted: NDArray[np.str_]
    decisions: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    baselines: NDArray[np.float64]
    parts: tuple[FacePart, ...]
    contributions: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def has_maps(self) -> bool:
        """Whether any part has a place in the face."""
        return any(part.box is not None for part in self.parts)

    def maps(self) -> NDArray[np.float64]:
        """Contribution of each pixel, shape (n, H, W).

        A contribution is spread evenly over the pixels of its cell, so that a map sums up to the
        contributions of all cells. Drops by occlusion are averaged over the patches that hide a
        pixel.
        """
        height, width = self.images.shape[1:]
        maps = np.zeros((len(self), height, width))
        hidden = np.zeros((height, width))
        for part, values in zip(self.parts, self.contributions.T):
            if part.box is not None:
                x, y, wide, high = part.box
                share = values if self.method == OCCLUSION else values / (wide * high)
                maps[:, y : y + high, x : x + wide] += share[:, None, None]
                hidden[y : y + high, x : x + wide] += 1
        return maps / np.maximum(hidden, 1) if self.method == OCCLUSION else maps

    def measures(self, row: int) -> list[tuple[str, float]]:
        """Name and contribution of the parts without a place, the weightiest first."""
        found = [
            (part.name, float(value))
            for part, value in zip(self.parts, self.contributions[row])
            if part.box is None
        ]
        return sorted(found, key=lambda each: -abs(each[1]))

    def means(self) -> Explanation:
        """One row a class: the mean of the faces of which that class is explained."""
        classes = list(dict.fromkeys(self.explained.tolist()))
        chosen = [self.explained == name for name in classes]

        def mean(values: NDArray) -> NDArray:
            return np.stack([values[rows].mean(axis=0) for rows in chosen])

        return replace(
            self,
            images=mean(self.images).round().astype(np.uint8),
            explained=np.array(classes),
            predicted=np.array(classes),
            decisions=mean(self.decisions),
            probabilities=mean(self.probabilities),
            baselines=mean(self.baselines),
            contributions=mean(self.contributions),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the images."""
        parts = [
            {"feature": p.feature, "name": p.name, "box": None if p.box is None else list(p.box)}
            for p in self.parts
        ]
        faces = [
            {
                "explained": str(self.explained[i]),
                "predicted": str(self.predicted[i]),
                "decision": float(self.decisions[i]),
                "probability": float(self.probabilities[i]),
                "baseline": float(self.baselines[i]) if self.method == CONTRIBUTIONS else None,
                "contributions": self.contributions[i].tolist(),
            }
            for i in range(len(self))
        ]
        return {"method": self.method, "parts": parts, "faces": faces}


def explain(
    recognizer: Any,
    faces: ArrayLike,
    *,
    target: str | ArrayLike | None = None,
    method: str | None = None,
) -> Explanation:
    """Which parts of each face speak for a class, and which against it.

    Parameters
    ----------
    recognizer : Recognizer
        Fitted; or any other with `predict_proba` and `classes_`, such as a network. Decision
        values of the latter are logarithms of its probabilities.
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
        Aligned as its training faces.
    target : str or array_like of str, shape (n,), optional
        The class to explain, one for all or one a face; by default the predicted one.
    method : {"contributions", "occlusion"}, optional
        By default contributions where they are exact, else occlusion.

    Returns
    -------
    Explanation
        Exact contributions where the decision is a linear function of features that have a place
        in the face (LBP and HOG cells, landmark geometry, also projected and scaled): each part
        is compared to its mean in training. Otherwise drops of the calibrated probability by
        occlusion: patches of a fifth of the face are covered by its mean grey, one by one
        (Zeiler and Fergus 2014), and named measures of geometry are set to their mean.

    Raises
    ------
    DataError
        For no faces, faces of another size, or targets of another number.
    ParameterError
        For a target that is no class of the recognizer, an unknown method, or contributions of a
        recognizer that is not linear.

    References
    ----------
    M. D. Zeiler, R. Fergus: Visualizing and understanding convolutional networks. ECCV 2014.
    """
    if method is not None and method not in (CONTRIBUTIONS, OCCLUSION):
        raise unknown_name("method", method, (CONTRIBUTIONS, OCCLUSION))
    if isinstance(recognizer, Recognizer):
        check_is_fitted(recognizer, "classes_")
    rows = as_faces(np.asarray(faces))
    if not len(rows):
        raise DataError("expected at least one face to explain, got none")
    decisions, chances = _answers(recognizer, rows)
    column = target_columns(recognizer.classes_, decisions, target)
    each = np.arange(len(rows))
    probabilities, baselines = chances[each, column], np.full(len(rows), np.nan)
    places = _linear_places(recognizer, rows) if method != OCCLUSION else None
    if places is not None:
        method = CONTRIBUTIONS
        parts, contributions, at_mean = _exact(recognizer, rows, column, places)
        baselines = at_mean[column]
    elif method == CONTRIBUTIONS:
        raise ParameterError(
            "this recognizer's decisions are no linear function of features with a place in the "
            "face, so that they have no exact contributions; choose occlusion"
        )
    else:
        method = OCCLUSION
        parts, left = _by_occlusion(recognizer, rows, column)
        contributions = probabilities[:, np.newaxis] - left
    return Explanation(
        method=method,
        images=rows["image"],
        explained=recognizer.classes_[column],
        predicted=recognizer.classes_[decisions.argmax(axis=1)],
        decisions=decisions[each, column],
        probabilities=probabilities,
        baselines=baselines,
        parts=tuple(parts),
        contributions=contributions,
    )


def target_columns(
    classes: ArrayLike, scores: NDArray[np.float64], target: str | ArrayLike | None = None
) -> NDArray[np.intp]:
    """Column of the class that is explained, for each face: that of `target`, or the highest.

    Raises
    ------
    DataError, ParameterError
        If targets are of another number, or no classes.
    """
    if target is None:
        return scores.argmax(axis=1)
    known = np.asarray(classes, dtype=str).tolist()
    wanted = np.asarray(target, dtype=str)
    names = wanted.tolist() if wanted.ndim else [str(target)] * len(scores)
    if len(names) != len(scores):
        raise DataError(f"got {len(names)} targets for {len(scores)} faces")
    for name in names:
        if name not in known:
            raise unknown_name("class", name, known)
    return np.array([known.index(name) for name in names], dtype=np.intp)


def _answers(recognizer: Any, faces: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Decision values and probabilities, (n, n_classes) each."""
    if isinstance(recognizer, Recognizer):
        decisions = recognizer.decision_function(faces)
        return decisions, temperature_softmax(decisions, recognizer.temperature_)
    chances = np.asarray(recognizer.predict_proba(faces), dtype=np.float64)
    return np.log(np.maximum(chances, np.finfo(np.float64).tiny)), chances


def _linear_places(recognizer: Any, faces: NDArray) -> Sequence[Place] | None:
    """The parts of features that decisions are a linear function of; None if they are not."""
    if not isinstance(recognizer, Recognizer) or not _is_linear(recognizer):
        return None
    if recognizer.averaging is not None:
        return None  # linear in the features of all variants
    return feature_places(recognizer.features_.leaves, *image_shape(faces))


def _is_linear(recognizer: Recognizer) -> bool:
    """Whether decision values are an affine function of the stateless features."""
    from sklearn.linear_model._base import LinearClassifierMixin

    return isinstance(recognizer.scaler_, FeatureScaler) and isinstance(
        recognizer.clf_, LinearClassifierMixin | ShrinkageLDA
    )


def _exact(
    recognizer: Recognizer,
    faces: NDArray,
    column: NDArray[np.intp],
    places: Sequence[Place],
) -> tuple[list[FacePart], NDArray[np.float64], NDArray[np.float64]]:
    """Parts, contributions (n, n_parts), and decision values of the mean features.

    As the decision is affine, the contribution of a part is what the decision value of the mean
    features gains when that part alone is taken from the face.
    """
    mean = recognizer.features_.fill_
    at_mean = recognizer.decision_from_blocks({k: v[np.newaxis] for k, v in mean.items()})[0]
    contributions = np.empty((len(faces), len(places)))
    for i in range(len(faces)):
        face = _without_nan(recognizer.features_.extract(faces[i : i + 1]), mean)
        for some in _batches(len(places)):
            mixed = {k: np.repeat(v[np.newaxis], len(some), axis=0) for k, v in mean.items()}
            for row, part in enumerate(some):
                where, columns = places[part]
                mixed[where.feature][row, columns] = face[where.feature][0, columns]
            gained = recognizer.decision_from_blocks(mixed)[:, column[i]] - at_mean[column[i]]
            contributions[i, some] = gained
    return [part for part, _ in places], contributions, at_mean


def _by_occlusion(
    recognizer: Any, faces: NDArray, column: NDArray[np.intp]
) -> tuple[list[FacePart], NDArray[np.float64]]:
    """Parts and the probability that is left without each, (n, n_parts)."""
    if not isinstance(recognizer, Recognizer):
        boxes = patches(*image_shape(faces))
        left = _underpatches(recognizer, faces, column, boxes)
        return [FacePart("image", box=box) for box in boxes], left
    leaves = recognizer.features_.leaves
    shapes = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, Geometry)}
    if shapes and recognizer.averaging is not None:
        raise ParameterError(
            f"measures of geometry cannot be left out of a mean over variants of the face "
            f"(averaging={recognizer.averaging!r}); use recognizer.set_params(averaging=None)"
        )
    places = [place for name, leaf in shapes.items() for place in geometry_places(name, leaf)]
    boxes = patches(*image_shape(faces)) if len(shapes) < len(leaves) else []
    left = np.hstack(
        [
            _without_measures(recognizer, faces, column, places),
            _underpatches(recognizer, faces, column, boxes),
        ]
    )
    parts = [part for part, _ in places] + [FacePart("image", box=box) for box in boxes]
    return parts, left


def _underpatches(
    recognizer: Any,
    faces: NDArray,
    column: NDArray[np.intp],
    boxes: Sequence[tuple[int, int, int, int]],
) -> NDArray[np.float64]:
    """Probability with each patch covered by the face's mean grey, (n, n_boxes)."""
    left = np.empty((len(faces), len(boxes)))
    for i, face in enumerate(faces):
        grey = np.uint8(round(float(face["image"].mean())))
        for some in _batches(len(boxes)):
            covered = np.repeat(faces[i : i + 1], len(some))
            for row, patch in enumerate(some):
                x, y, wide, high = boxes[patch]
                covered["image"][row, y : y + high, x : x + wide] = grey
            left[i, some] = recognizer.predict_proba(covered)[:, column[i]]
    return left


def _without_measures(
    recognizer: Recognizer, faces: NDArray, column: NDArray[np.intp], places: Sequence[Place]
) -> NDArray[np.float64]:
    """Probability with each part of the geometry set to its mean, (n, n_places)."""
    mean = recognizer.features_.fill_
    left = np.empty((len(faces), len(places)))
    for i in range(len(faces) if places else 0):
        face = _without_nan(recognizer.features_.extract(faces[i : i + 1]), mean)
        changed = {k: np.repeat(block, len(places), axis=0) for k, block in face.items()}
        for row, (part, columns) in enumerate(places):
            changed[part.feature][row, columns] = mean[part.feature][columns]
        decisions = recognizer.decision_from_blocks(changed)
        chances = temperature_softmax(decisions, recognizer.temperature_)
        left[i] = chances[:, column[i]]
    return left


def _without_nan(blocks: Blocks, mean: Blocks) -> Blocks:
    return {
        name: np.where(np.isnan(block), mean[name], block) if name in mean else block
        for name, block in blocks.items()
    }


def _batches(n: int) -> Iterator[NDArray[np.intp]]:
    for start in range(0, n, _BATCH):
        yield np.arange(start, min(start + _BATCH, n))
