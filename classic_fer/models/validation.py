"""Checks of rows that a fitted estimator is to work on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.models.tiled_rows import TiledRows

__all__ = ["check_fitted", "training_rows", "validated_rows"]


def check_fitted(estimator: BaseEstimator, attribute: str) -> None:
    """scikit-learn's `check_is_fitted`, which one face after another would wait for.

    Raises
    ------
    NotFittedError
        If the estimator lacks `attribute`.
    """
    if attribute not in vars(estimator):
        check_is_fitted(estimator, attribute)


def training_rows(estimator: BaseEstimator, X: ArrayLike | TiledRows) -> NDArray | TiledRows:
    """Rows that an estimator is fitted to, after scikit-learn's checks; sets ``n_features_in_``.

    Rows that are too many for memory stay where they are.
    """
    if isinstance(X, TiledRows):
        estimator.n_features_in_ = X.shape[1]
        return X
    rows: NDArray = validate_data(estimator, X, dtype=[np.float32, np.float64])
    return rows


def validated_rows(estimator: BaseEstimator, X: ArrayLike) -> NDArray:
    """Rows for a fitted estimator, after scikit-learn's checks.

    Contiguous float32 rows without feature names, which is what one part of a recognizer hands to
    the next, are found right at once: for a single face scikit-learn's own checks take longer
    than the classifier.

    Parameters
    ----------
    estimator : estimator
        Fitted; knows ``n_features_in_``.
    X : array_like, shape (n, d)

    Returns
    -------
    rows : ndarray of float32 or float64, shape (n, d)
        In C order; `X` itself where nothing had to be converted.

    Raises
    ------
    ValueError
        For rows that are not finite, or of another number of columns than in training.
    """
    if (
        type(X) is np.ndarray
        and X.dtype == np.float32
        and X.flags.c_contiguous
        and X.shape[1:] == (getattr(estimator, "n_features_in_", None),)
        and len(X)
        and not hasattr(estimator, "feature_names_in_")
        and _all_finite(X)
    ):
        return X
    check_is_fitted(estimator)
    rows: NDArray = validate_data(
        estimator, X, dtype=[np.float32, np.float64], order="C", reset=False
    )
    return rows


def _all_finite(rows: NDArray[np.float32]) -> bool:
    """Whether all values are surely finite: their sum shows it unless it overflows."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(rows.sum()))
