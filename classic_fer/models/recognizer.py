"""Recognizer: features, scaler and classifier as one estimator over faces."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.faces.frame import Alignment
from classic_fer.models.calibration import (
    calibration_folds,
    fit_temperature,
    temperature_softmax,
)
from classic_fer.models.classifiers import make_classifier
from classic_fer.models.decisions import class_scores, ordered_classes
from classic_fer.models.expression import (
    Blocks,
    FeatureExpression,
    image_shape,
    make_features,
    set_known_params,
)
from classic_fer.models.scaler import SCALER_METHODS, FeatureScaler
from classic_fer.predictions import FacePrediction, predictions_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CALIBRATIONS", "Recognizer", "make_recognizer"]

CALIBRATIONS = ("temperature", None)


class Recognizer(ClassifierMixin, BaseEstimator):
    """A classical recognizer: faces in, expressions out.

    Parameters
    ----------
    features : FeatureExpression
        See `classic_fer.models.expression.make_features`.
    scaler : transformer
        `FeatureScaler`, or any scikit-learn scaler.
    clf : classifier
    calibration : {"temperature", None}
        How decision values become probabilities; None leaves softmax as it is.
    calibration_cv : int
        Folds from which `fit` takes decision values of faces (and people) not trained on.
    random_state : int
        For these folds.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
        In the one order of emotions; columns of scores and probabilities have this order.
    features_, scaler_, clf_
        The fitted parts.
    temperature_ : float
    image_shape_ : tuple of int
        Height and width of the training faces.
    bundle_ : dict
        Plain data that is saved with the model: alignment, data card, label policy.

    Examples
    --------
    >>> make_recognizer("hog:pca", "linear-svm", clf__C=1.0).get_params()["clf__C"]
    1.0
    """

    def __init__(
        self,
        features: FeatureExpression,
        scaler: BaseEstimator,
        clf: BaseEstimator,
        *,
        calibration: str | None = "temperature",
        calibration_cv: int = 5,
        random_state: int = 0,
    ) -> None:
        self.features = features
        self.scaler = scaler
        self.clf = clf
        self.calibration = calibration
        self.calibration_cv = calibration_cv
        self.random_state = random_state

    def set_params(self, **params: Any) -> Recognizer:
        """Set ``features__lbp__radius``, ``scaler__method``, ``clf__C`` ...

        An unknown name raises a ParameterError that lists the known ones.
        """
        set_known_params(self, params)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Recognizer:
        """Train.

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        y : array_like of str, shape (n,)
        groups : array_like, shape (n,), optional
            People; the calibration never scores a face of a person it trained on.

        Raises
        ------
        DataError
            For no faces, labels of another length, or fewer than two classes.
        """
        X = np.asarray(X)
        shape = image_shape(X)
        if not len(X) or len(X) != len(np.asarray(y)):
            raise DataError(
                f"expected one label for each face and at least one face, "
                f"got {len(X)} faces and {len(np.asarray(y))} labels"
            )
        return self.fit_blocks(self.features.extract(X), y, image_shape=shape, groups=groups)

    def fit_blocks(
        self,
        blocks: Blocks,
        y: ArrayLike,
        *,
        image_shape: tuple[int, int],
        groups: ArrayLike | None = None,
        oof_scores: ArrayLike | None = None,
    ) -> Recognizer:
        """Train on features that were extracted before (``features.extract(X)``).

        Parameters
        ----------
        blocks : dict of str to ndarray of float32, shape (n, d)
        y : array_like of str, shape (n,)
        image_shape : tuple of int
            Height and width of the faces.
        groups : array_like, shape (n,), optional
            People.
        oof_scores : array_like, shape (n, n_classes), optional
            Out-of-fold decision values in the order of `classes_`, if the caller has them from
            its search: the calibration takes them instead of training again.
        """
        if self.calibration not in CALIBRATIONS:
            raise ParameterError(
                f"calibration must be 'temperature' or None, got {self.calibration!r}"
            )
        y = _labels(y)
        classes = ordered_classes(y)
        if len(classes) < 2:
            raise DataError(f"expected at least two classes, found only {classes.tolist()}")
        self.classes_ = classes
        self.image_shape_ = image_shape
        self.bundle_: dict[str, Any] = {}
        self.features_, self.scaler_, self.clf_ = self._fit_parts(blocks, y)
        self.temperature_ = 1.0
        if self.calibration == "temperature":
            if oof_scores is None:
                oof_scores = self._out_of_fold(blocks, y, groups)
            if oof_scores is not None:
                self.calibrate(oof_scores, y)
        return self

    def calibrate(self, scores: ArrayLike, y: ArrayLike) -> Recognizer:
        """Set `temperature_` from decision values of faces that were not trained on.

        Parameters
        ----------
        scores : array_like, shape (n, n_classes)
            In the order of `classes_`.
        y : array_like of str, shape (n,)
        """
        check_is_fitted(self, "classes_")
        column = {label: i for i, label in enumerate(self.classes_.tolist())}
        self.temperature_ = fit_temperature(scores, [column[v] for v in _labels(y).tolist()])
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values, shape (n, n_classes), also for two classes.

        Raises
        ------
        DataError
            If the faces have another size than the training faces.
        """
        check_is_fitted(self, "classes_")
        X = np.asarray(X)
        if image_shape(X) != tuple(self.image_shape_):
            height, width = self.image_shape_
            found_height, found_width = image_shape(X)
            raise DataError(
                f"faces of {found_height}x{found_width} pixels, but this recognizer was trained "
                f"on {height}x{width}; align them with its alignment_"
            )
        return self.decision_from_blocks(self.features_.extract(X))

    def decision_from_blocks(self, blocks: Blocks) -> NDArray[np.float64]:
        """`decision_function` of features that were extracted before."""
        check_is_fitted(self, "classes_")
        features = self.scaler_.transform(self.features_.transform_blocks(blocks))
        return class_scores(self.clf_, features, self.classes_)

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest decision value of each face, shape (n,)."""
        decisions = self.decision_function(X)
        return self.classes_[decisions.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, n_classes); the order is that of decisions."""
        decisions = self.decision_function(X)
        return temperature_softmax(decisions, self.temperature_)

    @property
    def alignment_(self) -> Alignment | None:
        """How the training faces were found and aligned; None for plain images."""
        stored = self.bundle_.get("alignment")
        return None if stored is None else Alignment.from_dict(stored)

    def set_bundle(self, *, alignment: Alignment | None = None, **metadata: Any) -> Recognizer:
        """Note what is saved with the model.

        Parameters
        ----------
        alignment : Alignment, optional
            Used by `predict_photo`.
        **metadata
            Plain data for JSON, such as ``card=...`` and ``label_policy=...``.
        """
        check_is_fitted(self, "classes_")
        stored = None if alignment is None else alignment.to_dict()
        self.bundle_ = {"alignment": stored, **metadata}
        return self

    def predict_faces(
        self,
        faces: NDArray,
        *,
        landmarks: Sequence[NDArray[np.float32] | None] | None = None,
        photo: str = "",
    ) -> list[FacePrediction]:
        """Predictions of the faces of one photo, as plain data.

        Parameters
        ----------
        faces : structured ndarray, shape (k,)
            Faces; boxes are in pixels of the photo.
        landmarks : sequence of ndarray or None, length k, optional
            Passed on: points of each face in pixels of the photo, as `FoundFaces` has them.
        photo : str
            Passed on: path of the photo.
        """
        alignment = self.alignment_
        abstain = alignment is not None and alignment.not_found == "abstain"
        points = [None] * len(faces) if landmarks is None else landmarks
        predictions: list[FacePrediction] = []
        if not len(faces):
            return predictions
        for face, marks, chances in zip(faces, points, self.predict_proba(faces)):
            silent = abstain and not face["found"]
            box = None if np.isnan(face["box"]).any() else tuple(face["box"].tolist())
            predictions.append(
                FacePrediction(
                    label=None if silent else str(self.classes_[chances.argmax()]),
                    confidence=float("nan") if silent else float(chances.max()),
                    probabilities=dict(zip(map(str, self.classes_), chances.tolist())),
                    box=box,
                    landmarks=marks,
                    found=bool(face["found"]),
                    photo=photo,
                )
            )
        return predictions

    def predict_photo(self, photo: str | Path | NDArray) -> list[FacePrediction]:
        """Find all faces of a photo, align them as in training, and label them.

        Parameters
        ----------
        photo : path, or array of uint8, shape (H, W) or (H, W, 3) RGB

        Returns
        -------
        predictions : list of FacePrediction
            The largest face first. Without a face: one prediction of the whole image, or one
            without a label if the model abstains.

        Raises
        ------
        DataError
            If the recognizer was trained on plain images, so that their alignment is not known.
        ImageError, MissingFileError
            If the photo cannot be read.
        """
        from classic_fer.faces.align import find_faces

        check_is_fitted(self, "classes_")
        alignment = self.alignment_
        if alignment is None:
            raise DataError(
                "this recognizer was trained on plain images and does not know how to find and "
                "align faces in a photo; give set_bundle(alignment=...) or use predict on "
                "aligned faces"
            )
        found = find_faces(photo, alignment, largest=False)
        path = "" if isinstance(photo, np.ndarray) else str(photo)
        return self.predict_faces(found.faces, landmarks=found.landmarks, photo=path)

    def predict_frame(self, photos: Iterable[str | Path | NDArray]) -> pd.DataFrame:
        """`predict_photo` of each photo as one table, one row a face."""
        return predictions_frame(face for photo in photos for face in self.predict_photo(photo))

    def _fit_parts(self, blocks: Blocks, y: NDArray) -> tuple[FeatureExpression, Any, Any]:
        features, scaler = clone(self.features), clone(self.scaler)
        raw = features.fit_transform_blocks(blocks, y, image_shape=self.image_shape_)
        scaled = scaler.fit_transform(raw)
        return features, scaler, clone(self.clf).fit(scaled, y)

    def _out_of_fold(
        self, blocks: Blocks, y: NDArray, groups: ArrayLike | None
    ) -> NDArray[np.float64] | None:
        """Decision values of each row by parts that saw neither it nor its person."""
        scores = np.full((len(y), len(self.classes_)), -np.inf)
        scored = False
        for train, test in calibration_folds(y, groups, self.calibration_cv, self.random_state):
            known = np.unique(y[train])
            if len(known) < 2 or not np.isin(y[test], known).any():
                continue
            scored = True
            training = {name: block[train] for name, block in blocks.items()}
            features, scaler, clf = self._fit_parts(training, y[train])
            held_out = features.transform_blocks({n: block[test] for n, block in blocks.items()})
            scores[test] = class_scores(clf, scaler.transform(held_out), self.classes_)
        if not scored:
            warnings.warn(
                "probabilities are not calibrated: the faces (or people) of each class are too "
                "few to hold some out",
                UserWarning,
                stacklevel=4,
            )
        return scores if scored else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _labels(y: ArrayLike) -> NDArray:
    """Labels as a flat array; text as a string array."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise DataError(f"expected labels of shape (n,), got shape {labels.shape}")
    return labels.astype(str) if labels.dtype == object else labels


def make_recognizer(
    features: str | Any = "lbp",
    clf: str | BaseEstimator = "svm",
    *,
    scaler: str | BaseEstimator = "standard",
    class_weight: str | dict[str, float] | None = None,
    calibration: str | None = "temperature",
    random_state: int = 0,
    **params: Any,
) -> Recognizer:
    """An unfitted recognizer.

    Parameters
    ----------
    features : str, transformer or sequence of transformers
        An expression such as ``"lbp+hog:pca"``, or ``LBP(radius=2)``.
    clf : str or classifier
        A name in `classic_fer.models.classifiers.CLASSIFIERS`, or any scikit-learn classifier.
    scaler : str or transformer
        A method of `FeatureScaler`, or any scikit-learn scaler.
    class_weight : "balanced", dict of class to weight, or None
        For imbalanced classes.
    calibration : {"temperature", None}
    random_state : int
    **params
        ``features__lbp__radius=2``, ``clf__C=10`` ...

    Raises
    ------
    ParameterError
        For an unknown name or value; the message lists the choices.

    Examples
    --------
    >>> make_recognizer("lbp", "knn", clf__n_neighbors=3).clf
    KNeighborsClassifier(algorithm='brute', n_neighbors=3)
    """
    if isinstance(scaler, str):
        if scaler not in SCALER_METHODS:
            raise unknown_name("scaler", scaler, SCALER_METHODS)
        scaler = FeatureScaler(method=scaler)
    recognizer = Recognizer(
        make_features(features),
        scaler,
        make_classifier(clf, class_weight=class_weight, random_state=random_state),
        calibration=calibration,
        random_state=random_state,
    )
    return recognizer.set_params(**params)
