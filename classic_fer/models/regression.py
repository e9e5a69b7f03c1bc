"""Regression on faces: valence, arousal and other ratings from the features of expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, unknown_name
from classic_fer.models.expression import FeatureExpression, image_shape, make_features
from classic_fer.models.scaler import FeatureScaler

__all__ = ["REGRESSORS", "FaceRegressor", "make_regressor", "regressor_grid"]

REGRESSORS: Mapping[str, str] = {
    "ridge": "ridge regression",
    "svr": "support vector regression, Gaussian kernel",
    "krr": "kernel ridge regression, Gaussian kernel",
}

_WIDTHS = (0.1, 1.0, 10.0)  # of the Gaussian kernel, relative to 1 / (number of features)


def regressor_grid(name: str) -> dict[str, list[Any]]:
    """The parameters that are searched for a regressor.

    Values fit features of variance 1 and targets of variance 1; `gamma` is relative to one over
    the number of features.
    """
    if name not in REGRESSORS:
        raise unknown_name("regressor", name, REGRESSORS)
    return {
        "ridge": {"alpha": [10.0**k for k in range(0, 7)]},
        "svr": {"C": [0.1, 1.0, 10.0, 100.0], "gamma": list(_WIDTHS), "epsilon": [0.1]},
        "krr": {"alpha": [0.01, 0.1, 1.0, 10.0], "gamma": list(_WIDTHS)},
    }[name]


class FaceRegressor(RegressorMixin, BaseEstimator):
    """Features, scaler and a regressor for each target, with parameters from an inner search.

    Parameters
    ----------
    features : FeatureExpression
    regressor : {"ridge", "svr", "krr"}
    inner_cv : int
        Folds of the search inside the training faces; people stay together.
    random_state : int

    Attributes
    ----------
    best_params_ : list of dict
        For each target.
    features_, scaler_, regressors_
        The fitted parts.

    Notes
    -----
    Features, scaler and targets are fitted (and standardised) anew in the training part of each
    inner fold; the parameters of the smallest mean squared error win, for each target alone.
    """

    def __init__(
        self,
        features: FeatureExpression,
        regressor: str = "ridge",
        *,
        inner_cv: int = 5,
        random_state: int = 0,
    ) -> None:
        self.features = features
        self.regressor = regressor
        self.inner_cv = inner_cv
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> FaceRegressor:
        """Train.

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        y : array_like of float, shape (n, t)
            Targets, t of each face.
        groups : array_like, shape (n,), optional
            People.
        """
        faces = np.asarray(X)
        blocks = self.features.extract(faces)
        return self.fit_blocks(blocks, y, image_shape=image_shape(faces), groups=groups)

    def fit_blocks(
        self,
        blocks: Mapping[str, NDArray],
        y: ArrayLike,
        *,
        image_shape: tuple[int, int],
        groups: ArrayLike | None = None,
    ) -> FaceRegressor:
        """Train on features that were extracted before (``features.extract(X)``)."""
        from sklearn.model_selection import ParameterGrid

        candidates = list(ParameterGrid(regressor_grid(self.regressor)))
        targets = _targets(y)
        self.image_shape_ = image_shape
        errors = np.zeros((len(candidates), targets.shape[1]))
        for train, test in _inner_folds(len(targets), groups, self.inner_cv, self.random_state):
            features, scaler = self._prepared(_rows(blocks, train))
            known = _matrix(features, scaler, _rows(blocks, train))
            asked = _matrix(features, scaler, _rows(blocks, test))
            width = known.shape[1]
            known, asked = _compressed(known, asked)
            for i, candidate in enumerate(candidates):
                for t in range(targets.shape[1]):
                    model = _make(self.regressor, candidate, width)
                    predicted = model.fit(known, targets[train, t]).predict(asked)
                    errors[i, t] += ((predicted - targets[test, t]) ** 2).sum()
        self.best_params_ = [dict(candidates[i]) for i in errors.argmin(axis=0)]
        self.features_, self.scaler_ = self._prepared(blocks)
        matrix = _matrix(self.features_, self.scaler_, blocks)
        self.regressors_ = [
            _make(self.regressor, params, matrix.shape[1]).fit(matrix, targets[:, t])
            for t, params in enumerate(self.best_params_)
        ]
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Values of each target, shape (n, t)."""
        check_is_fitted(self, "regressors_")
        return self.predict_blocks(self.features_.extract(np.asarray(X)))

    def predict_blocks(self, blocks: Mapping[str, NDArray]) -> NDArray[np.float64]:
        """`predict` from features that were extracted before."""
        check_is_fitted(self, "regressors_")
        matrix = _matrix(self.features_, self.scaler_, blocks)
        return np.column_stack([each.predict(matrix) for each in self.regressors_])

    def _prepared(self, blocks: Mapping[str, NDArray]) -> tuple[FeatureExpression, FeatureScaler]:
        features = clone(self.features)
        matrix = features.fit_transform_blocks(dict(blocks), image_shape=self.image_shape_)
        return features, FeatureScaler(method="standard").fit(matrix)


def make_regressor(
    features: str | Any = "lbp", regressor: str = "ridge", *, random_state: int = 0, **params: Any
) -> FaceRegressor:
    """An unfitted regressor for an expression of features, such as ``"hog:pca"``.

    Parameters
    ----------
    features : str, transformer or sequence of transformers
        See `classic_fer.models.expression.make_features`; projections that need classes cannot
        be used.
    regressor : {"ridge", "svr", "krr"}
    random_state : int
    **params
        ``features__hog__pixels_per_cell=8``, ``inner_cv=5`` ...
    """
    if regressor not in REGRESSORS:
        raise unknown_name("regressor", regressor, REGRESSORS)
    made = FaceRegressor(make_features(features), regressor, random_state=random_state)
    return made.set_params(**params)


def _rows(blocks: Mapping[str, NDArray], rows: NDArray[np.intp]) -> dict[str, NDArray]:
    return {name: block[rows] for name, block in blocks.items()}


def _matrix(
    features: FeatureExpression, scaler: FeatureScaler, blocks: Mapping[str, NDArray]
) -> NDArray[np.float64]:
    return scaler.transform(features.transform_blocks(dict(blocks))).astype(np.float64)


def _compressed(
    known: NDArray[np.float64], asked: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same points in as many dimensions as there are known ones, and one more.

    Distances to the known points and products with them stay, so that every linear or Gaussian
    regressor answers alike; the last dimension is how far a point lies from the space they span.
    """
    if known.shape[1] <= len(known):
        return known, asked
    axes = np.linalg.svd(known, full_matrices=False)[2]
    inside = asked @ axes.T
    beyond = np.linalg.norm(asked - inside @ axes, axis=1)
    return np.column_stack([known @ axes.T, np.zeros(len(known))]), np.column_stack(
        [inside, beyond]
    )


def _make(name: str, params: Mapping[str, Any], width: int) -> Any:
    """A regressor of standardised targets."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    chosen = dict(params)
    if "gamma" in chosen:
        chosen["gamma"] /= width
    inner = {
        "ridge": lambda: Ridge(**chosen),
        "svr": lambda: SVR(**chosen),
        "krr": lambda: KernelRidge(kernel="rbf", **chosen),
    }[name]()
    return TransformedTargetRegressor(inner, transformer=StandardScaler())


def _inner_folds(
    n: int, groups: ArrayLike | None, k: int, random_state: int
) -> Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Folds by people where they are known."""
    from sklearn.model_selection import GroupKFold, KFold

    units = np.arange(n) if groups is None else np.asarray(groups, dtype=str)
    people = len(np.unique(units))
    if people < 2:
        raise DataError(
            "the training faces are of one person, so that no parameters can be chosen on "
            "other people; give more people"
        )
    k = min(k, people)
    rows = np.zeros(n)
    if groups is None:
        return list(KFold(k, shuffle=True, random_state=random_state).split(rows))
    folds = GroupKFold(k, shuffle=True, random_state=random_state)
    return list(folds.split(rows, groups=units))


def _targets(y: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(y, dtype=np.float64)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or not len(values):
        raise DataError(f"expected targets of shape (n, t), got {values.shape}")
    if not np.isfinite(values).all():
        raise DataError("targets hold NaN or infinity; leave out faces without a rating")
    return values
