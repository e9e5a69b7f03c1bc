"""FeatureScaler: features of any kind and length brought to one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from classic_fer.errors import unknown_name
from classic_fer.models.tiled_rows import TiledRows, column_moments
from classic_fer.models.validation import training_rows, validated_rows

__all__ = ["SCALER_METHODS", "FeatureScaler"]

SCALER_METHODS = ("standard", "center", "none")

_LEAST_DEVIATION = 1e-30  # smaller standard deviations have no float32 reciprocal to scale by


class FeatureScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale features so that two training rows are sqrt(2) apart on the average (root mean square).

    The total variance of the training rows becomes 1. An RBF kernel's gamma and an SVM's C then
    mean the same for 18 columns of geometry and for 2,124 columns of LBP, so that one default
    grid serves all: ``gamma="scale"`` is gamma = 1.

    Parameters
    ----------
    method : {"standard", "center", "none"}
        ``"standard"`` subtracts the mean of each column and gives all columns the same variance,
        ``"center"`` only subtracts the mean, ``"none"`` does neither; after each comes one
        common factor. Columns that do not vary in training become 0 with ``"standard"``.

    Attributes
    ----------
    mean_, scale_ : ndarray of float32, shape (d,)
        A row ``x`` becomes ``(x - mean_) * scale_``.
    n_features_in_ : int

    Examples
    --------
    >>> X = np.array([[0.0, 5.0, 1.0], [2.0, 5.0, 3.0]])
    >>> FeatureScaler().fit_transform(X).tolist()
    [[-0.7071067690849304, 0.0, -0.7071067690849304], [0.7071067690849304, 0.0, 0.7071067690849304]]
    """

    def __init__(self, method: str = "standard") -> None:
        self.method = method

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> FeatureScaler:
        """Learn means and factors from training rows, shape (n, d); `y` is not used."""
        if self.method not in SCALER_METHODS:
            raise unknown_name("scaler method", self.method, SCALER_METHODS)
        mean, variance = column_moments(training_rows(self, X))
        # Below the rounding of float32 a column does not vary.
        rounding = 4 * np.finfo(np.float32).eps * np.abs(mean)
        variance[variance <= np.maximum(rounding, _LEAST_DEVIATION) ** 2] = 0
        varies = variance > 0
        if self.method == "standard":
            scale = np.zeros_like(mean)
            scale[varies] = 1 / np.sqrt(variance[varies] * varies.sum())
        else:
            total = variance.sum()
            scale = np.full_like(mean, 1 / np.sqrt(total) if total > 0 else 1.0)
        self.mean_ = (np.zeros_like(mean) if self.method == "none" else mean).astype(np.float32)
        self.scale_ = scale.astype(np.float32)
        return self

    def transform(self, X: ArrayLike | TiledRows) -> Any:
        """Scaled rows, float32, shape (n, d); `X` itself is not changed."""
        if isinstance(X, TiledRows):
            return X.map(self.transform)
        rows = validated_rows(self, X)
        scaled = (rows - self.mean_).astype(np.float32, copy=False)
        scaled *= self.scale_
        return scaled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
