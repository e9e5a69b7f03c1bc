"""Recognizer: features, scaler and classifier as one estimator over faces."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.faces.frame import Alignment
from classic_fer.models.abstention import UNSURE, check_wished_error
from classic_fer.models.blocks import Blocks, image_shape
from classic_fer.models.calibration import (
    calibration_folds,
    fit_temperature,
    temperature_softmax,
)
from classic_fer.models.classifiers import make_classifier
from classic_fer.models.decisions import class_scores, ordered_classes
from classic_fer.models.expression import FeatureExpression, make_features
from classic_fer.models.face_variants import check_averaging, face_variants
from classic_fer.models.known_params import set_known_params
from classic_fer.models.mirrored_halves import check_halves
from classic_fer.models.out_of_fold import Parts, out_of_fold_scores, out_of_fold_threshold
from classic_fer.models.photo_predictions import PhotoPredictionsMixin
from classic_fer.models.presets import expand_presets
from classic_fer.models.scaler import SCALER_METHODS, FeatureScaler
from classic_fer.models.transfer import Transfer
from classic_fer.models.validation import check_fitted

__all__ = ["CALIBRATIONS", "Recognizer", "make_recognizer"]

CALIBRATIONS = ("temperature", None)


class Recognizer(PhotoPredictionsMixin, ClassifierMixin, BaseEstimator):
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
    wished_error : float, optional
        Share of errors among the faces that are answered. The recognizer then answers ``unsure``
        where its highest probability is below `threshold_`.
    averaging : {None, "mirror", "shift", "mirror+shift"}
        Decision values of a face are the means over its variants: with its mirror image, with
        shifts by one pixel (`classic_fer.models.face_variants.face_variants`). It takes 2, 5 or
        10 times as long. Training sees faces as they are, and so do calibration and threshold
        (fitted on held-out values that are not averaged) and the search, unless scikit-learn's
        GridSearchCV has to do it.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
        In the one order of emotions; columns of scores and probabilities have this order.
    features_, scaler_, clf_
        The fitted parts.
    temperature_ : float
    threshold_ : float
        On the highest probability; chosen on the same held-out faces, 0 without a `wished_error`,
        infinite if none of them may be answered.
    image_shape_ : tuple of int
        Height and width of the training faces.
    bundle_ : dict
        Plain data that is saved with the model: alignment, data card, label policy.

    Examples
    --------
    >>> make_recognizer("hog:pca", "linear-svm", clf__C=1.0).get_params()["clf__C"]
    1.0
    """

    averaging: str | None = None  # also of models that were saved before there was a choice

    def __init__(
        self,
        features: FeatureExpression,
        scaler: BaseEstimator,
        clf: BaseEstimator,
        *,
        calibration: str | None = "temperature",
        calibration_cv: int = 5,
        random_state: int = 0,
        wished_error: float | None = None,
        averaging: str | None = None,
    ) -> None:
        self.features = features
        self.scaler = scaler
        self.clf = clf
        self.calibration = calibration
        self.calibration_cv = calibration_cv
        self.random_state = random_state
        self.wished_error = wished_error
        self.averaging = averaging

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
            For no faces, labels of another length, fewer than two classes, or a wished error
            where the faces are too few to choose a threshold.
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
            its search: the calibration (and the threshold) takes them instead of training again.
        """
        if self.calibration not in CALIBRATIONS:
            raise ParameterError(
                f"calibration must be 'temperature' or None, got {self.calibration!r}"
            )
        if self.wished_error is not None:
            check_wished_error(self.wished_error)
        check_averaging(self.averaging)
        check_halves(self.features, self.clf)
        y = _labels(y)
        classes = ordered_classes(y)
        if len(classes) < 2:
            raise DataError(f"expected at least two classes, found only {classes.tolist()}")
        self.classes_ = classes
        self.image_shape_ = image_shape
        self.bundle_: dict[str, Any] = {}
        self.features_, self.scaler_, self.clf_ = self._fit_parts(blocks, y)
        self.temperature_, self.threshold_ = 1.0, 0.0
        if self.calibration == "temperature" or self.wished_error is not None:
            if oof_scores is None:
                folds = calibration_folds(y, groups, self.calibration_cv, self.random_state)
                oof_scores = out_of_fold_scores(self._fit_parts, blocks, y, folds, classes)
            if oof_scores is not None:
                self.calibrate(oof_scores, y)
            else:
                self._report_uncalibrated()
        return self

    def calibrate(self, scores: ArrayLike, y: ArrayLike) -> Recognizer:
        """Set `temperature_` and `threshold_` by decision values of faces not trained on.

        Parameters
        ----------
        scores : array_like, shape (n, n_classes)
            In the order of `classes_`.
        y : array_like of str, shape (n,)
        """
        check_fitted(self, "classes_")
        column = {label: i for i, label in enumerate(self.classes_.tolist())}
        true = np.array([column[label] for label in _labels(y).tolist()])
        if self.calibration == "temperature":
            self.temperature_ = fit_temperature(scores, true)
        if self.wished_error is not None:
            self.threshold_ = out_of_fold_threshold(
                scores, true, temperature=self.temperature_, wished_error=self.wished_error
            )
        return self

    def _report_uncalibrated(self) -> None:
        """Say that no face can be held out for the calibration."""
        if self.wished_error is not None:
            raise DataError(
                "no threshold can be chosen for the wished error: the faces (or people) of "
                "each class are too few to hold some out; leave it out, or give more faces"
            )
        warnings.warn(
            "probabilities are not calibrated: the faces (or people) of each class are too "
            "few to hold some out",
            UserWarning,
            stacklevel=4,
        )

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values, shape (n, n_classes), also for two classes; means with `averaging`.

        Raises
        ------
        DataError
            If the faces have another size than the training faces.
        """
        check_fitted(self, "classes_")
        X = np.asarray(X)
        if image_shape(X) != tuple(self.image_shape_):
            height, width = self.image_shape_
            found_height, found_width = image_shape(X)
            raise DataError(
                f"faces of {found_height}x{found_width} pixels, but this recognizer was trained "
                f"on {height}x{width}; align them with its alignment_"
            )
        return self.decision_by(self.features_.extract, X)

    def decision_by(self, extract: Callable[[NDArray], Blocks], X: NDArray) -> NDArray[np.float64]:
        """`decision_function` of faces whose features ``extract(faces)`` gives.

        Parameters
        ----------
        extract : callable
            Does what ``features_.extract`` does; called for each variant of the faces.
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        """
        if self.averaging is None:
            return self.decision_from_blocks(extract(X))
        decisions = [
            self.decision_from_blocks(extract(faces)) for faces in face_variants(X, self.averaging)
        ]
        return np.mean(decisions, axis=0)

    def decision_from_blocks(self, blocks: Blocks) -> NDArray[np.float64]:
        """Decision values of features that were extracted before, (n, n_classes), not averaged."""
        check_fitted(self, "classes_")
        features = self.scaler_.transform(self.features_.transform_blocks(blocks))
        return class_scores(self.clf_, features, self.classes_)

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest decision value of each face, shape (n,).

        ``unsure`` where the recognizer abstains: its probability is below `threshold_`, or no
        face was found and its alignment says so.
        """
        decisions = self.decision_function(X)
        labels = self.classes_[decisions.argmax(axis=1)]
        silent = self._abstains(X, temperature_softmax(decisions, self.temperature_))
        return np.where(silent, UNSURE, labels) if silent.any() else labels

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, n_classes); the order is that of decisions."""
        decisions = self.decision_function(X)
        return temperature_softmax(decisions, self.temperature_)

    @property
    def alignment_(self) -> Alignment | None:
        """How the training faces were found and aligned; None for plain images."""
        check_fitted(self, "classes_")
        return super().alignment_

    def set_bundle(self, *, alignment: Alignment | None = None, **metadata: Any) -> Recognizer:
        """Note what is saved with the model.

        Parameters
        ----------
        alignment : Alignment, optional
            Used by `predict_photo`.
        **metadata
            Plain data for JSON, such as ``card=...`` and ``label_policy=...``.
        """
        check_fitted(self, "classes_")
        stored = None if alignment is None else alignment.to_dict()
        self.bundle_ = {"alignment": stored, **metadata}
        return self

    def _fit_parts(self, blocks: Blocks, y: NDArray) -> Parts:
        features, scaler = clone(self.features), clone(self.scaler)
        raw = features.fit_transform_blocks(blocks, y, image_shape=self.image_shape_)
        scaled = scaler.fit_transform(raw)
        return features, scaler, clone(self.clf).fit(scaled, y)

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
    scaler: str | BaseEstimator = "auto",
    class_weight: str | dict[str, float] | None = None,
    calibration: str | None = "temperature",
    wished_error: float | None = None,
    averaging: str | None = None,
    random_state: int = 0,
    **params: Any,
) -> Recognizer:
    """An unfitted recognizer.

    Parameters
    ----------
    features : str, transformer or sequence of transformers
        An expression such as ``"lbp+hog:pca"``, or ``LBP(radius=2)``, or a preset.
    clf : str or classifier
        A name in `classic_fer.models.classifiers.CLASSIFIERS`, any scikit-learn classifier, or a
        preset (`classic_fer.models.presets`).
    scaler : str or transformer
        A method of `FeatureScaler`, or any scikit-learn scaler. ``"auto"`` is ``"standard"``, but
        ``"center"`` where features hold an encoding or ``transfer``, whose power and length
        normalisation ``"standard"`` would undo.
    class_weight : "balanced", dict of class to weight, or None
        For imbalanced classes.
    calibration : {"temperature", None}
    wished_error : float, optional
        Share of errors among the faces that are answered; the others are ``unsure``.
    averaging : {None, "mirror", "shift", "mirror+shift"}
        Whether decision values of a face are means over its mirror image, and over small shifts.
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
    check_averaging(averaging)
    recipe = expand_presets(features, clf, params)
    expression = make_features(recipe.features)
    if isinstance(scaler, str):
        if scaler not in ("auto", *SCALER_METHODS):
            raise unknown_name("scaler", scaler, ("auto", *SCALER_METHODS))
        if scaler == "auto":
            transferred = any(isinstance(leaf, Transfer) for leaf in expression.leaves.values())
            scaler = "center" if expression.encodings or transferred else "standard"
        scaler = FeatureScaler(method=scaler)
    recognizer = Recognizer(
        expression,
        scaler,
        make_classifier(recipe.clf, class_weight=class_weight, random_state=random_state),
        calibration=calibration,
        wished_error=wished_error,
        averaging=averaging,
        random_state=random_state,
    )
    return recognizer.set_params(**recipe.params)
