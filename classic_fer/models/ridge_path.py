"""scikit-learn's RidgeClassifier for several alphas, from one Gram matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve

from classic_fer.models.kernels import above_zero
from classic_fer.models.ridge_systems import class_targets, row_weights

__all__ = ["ridge_path", "shares_gram"]


def shares_gram(clf: Any) -> bool:
    """Whether `ridge_path` gives what fitting `clf` gives: a RidgeClassifier that is factorised."""
    from sklearn.linear_model import RidgeClassifier

    factorised = type(clf) is RidgeClassifier and clf.solver in ("auto", "cholesky")
    return factorised and not clf.positive and above_zero(clf.alpha)


def ridge_path(
    X: NDArray,
    y: NDArray,
    alphas: Sequence[float],
    *,
    class_weight: str | dict[Any, float] | None = None,
    fit_intercept: bool = True,
) -> list[tuple[NDArray, NDArray]]:
    """Coefficients and intercepts that RidgeClassifier would have for each alpha.

    The steps, their order and their precision are those of scikit-learn, so that the numbers are
    the same to the last bit; but the Gram matrix (of the columns, or with more columns than rows of
    the rows) is computed once.

    Parameters
    ----------
    X : ndarray of float32 or float64, shape (n, d)
    y : ndarray, shape (n,)
    alphas : sequence of float
        Above 0.
    class_weight : "balanced", dict of class to weight, or None
    fit_intercept : bool

    Returns
    -------
    path : list of (ndarray of shape (k, d), ndarray of shape (k,))
        One for each alpha; k is the number of classes, 1 for two classes.
    """
    targets = class_targets(y)[1].astype(X.dtype)
    weights = row_weights(class_weight, y).astype(X.dtype)
    mean, centre = np.zeros(X.shape[1], X.dtype), np.zeros(targets.shape[1], X.dtype)
    if fit_intercept:
        mean = np.average(X, axis=0, weights=weights).astype(X.dtype, copy=False)
        centre = np.average(targets, axis=0, weights=weights)
    roots = np.sqrt(weights)[:, np.newaxis]
    rows, targets = (X - mean) * roots, (targets - centre) * roots
    by_rows = rows.shape[1] > rows.shape[0]
    gram, right = (rows @ rows.T, targets) if by_rows else (rows.T @ rows, rows.T @ targets)
    diagonal = gram.diagonal().copy()
    path = []
    for alpha in alphas:
        gram[np.diag_indices(len(gram))] = diagonal + gram.dtype.type(alpha)
        found = solve(gram, right, assume_a="pos")
        coef = (rows.T @ found if by_rows else found).T
        path.append((coef, centre - mean @ coef.T))
    return path
