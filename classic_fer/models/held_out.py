"""Exact held-out decision values of kernel ridge and ridge classifiers, without refits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, eigh

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.models.folds import Fold
from classic_fer.models.ridge_systems import (
    FACTOR_ROWS,
    centred_gram,
    checked_alphas,
    class_targets,
    ridge_solutions,
    row_weights,
)

__all__ = ["HELD_OUT_METHODS", "held_out_path", "ridge_held_out_path"]

HELD_OUT_METHODS = ("auto", "eigen", "folds")

# What an eigendecomposition costs, in Cholesky factorisations of as many rows, and in rows of the
# systems that conjugate gradients solve.
_EIGEN_FACTORS = 60
_EIGEN_ROWS = 20


def held_out_path(
    gram: NDArray,
    y: ArrayLike,
    folds: Sequence[Fold],
    alphas: Sequence[float],
    *,
    class_weight: str | dict[Any, float] | None = None,
    method: str = "auto",
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> NDArray[np.float64]:
    """Decision values of rows by kernel ridge classifiers that did not train on them.

    What fitting a `KernelRidgeClassifier` on the training part of each fold with each alpha
    would give, at little more than the cost of one fit.

    Parameters
    ----------
    gram : ndarray of float32 or float64, shape (n, n)
        Kernel of all rows.
    y : array_like, shape (n,)
    folds : sequence of (train, test)
        Row numbers; to keep people together is up to the splitter. Of the folds that test a row
        the last one counts.
    alphas : sequence of float
    class_weight : "balanced", dict of class to weight, or None
        ``"balanced"`` weights are those of the training part.
    method : {"auto", "eigen", "folds"}
        ``"eigen"``: one eigendecomposition in double precision for all alphas and folds. Each
        fold must train on all rows it does not test, with weights that do not depend on the fold.
        ``"folds"``: the systems of each fold, as `KernelRidgeClassifier` solves them, for all
        alphas and classes at once. ``"auto"``: what is possible and cheaper.
    tol, max_iter
        Of the conjugate gradients; see `KernelRidgeClassifier`.

    Returns
    -------
    scores : ndarray of float64, shape (n_alphas, n, n_classes)
        Columns in the sorted order of classes, also two for two classes; -inf for classes that
        a fold's training part lacks, NaN for rows that no fold tests.

    References
    ----------
    An, Liu, Venkatesh (2007), Fast cross-validation algorithms for least squares support vector
    machine and kernel ridge regression (``"eigen"``).
    """
    labels = np.asarray(y)
    shifts = checked_alphas(alphas)
    classes, targets = class_targets(labels)
    complete = class_weight != "balanced" and all(
        len(train) + len(test) == len(labels) and not np.isin(test, train).any()
        for train, test in folds
    )
    everywhere = row_weights(class_weight, labels)
    possible = complete and bool((everywhere > 0).all())
    if method not in HELD_OUT_METHODS:
        raise unknown_name("method", method, HELD_OUT_METHODS)
    if method == "eigen" and not possible:
        raise ParameterError(
            "method='eigen' needs folds that train on all rows they do not test, and positive "
            "weights that do not depend on the fold; take method='folds'"
        )
    scores = np.full((len(shifts), len(labels), targets.shape[1]), np.nan)
    if method == "eigen" or (
        method == "auto" and possible and len(labels) <= _eigen_rows(len(folds), len(shifts))
    ):
        _eigen_scores(gram, targets, everywhere, folds, shifts, scores)
    else:
        for train, test in folds:
            weights = row_weights(class_weight, labels[train])
            duals, constants, _ = ridge_solutions(
                gram[np.ix_(train, train)],
                targets[train],
                weights,
                shifts,
                tol=tol,
                max_iter=max_iter,
            )
            across = gram[np.ix_(test, train)]
            for number, (dual, constant) in enumerate(zip(duals, constants)):
                scores[number, test] = across @ dual.astype(gram.dtype) + constant
    return _complete_columns(scores, labels, classes, folds)


def ridge_held_out_path(
    X: NDArray,
    y: ArrayLike,
    folds: Sequence[Fold],
    alphas: Sequence[float],
    *,
    class_weight: str | dict[Any, float] | None = None,
) -> NDArray[np.float64]:
    """Decision values of rows by ridge classifiers that did not train on them.

    What fitting scikit-learn's RidgeClassifier on the training part of each fold with each alpha
    would give. The Gram matrix of the columns is computed once; that of a training part is what
    is left of it without the test part. With more columns than rows it is `held_out_path` on the
    linear kernel.

    Parameters
    ----------
    X : ndarray of float32 or float64, shape (n, d)
    y, folds, alphas, class_weight
        See `held_out_path`.

    Returns
    -------
    scores : ndarray of float64, shape (n_alphas, n, n_classes)
        As from `held_out_path`.
    """
    labels = np.asarray(y)
    shifts = checked_alphas(alphas)
    if X.shape[1] > min(len(train) for train, _ in folds):
        tol = 1e-9 if X.dtype == np.float64 else 1e-5
        return held_out_path(X @ X.T, labels, folds, alphas, class_weight=class_weight, tol=tol)
    classes, targets = class_targets(labels)
    codes = np.searchsorted(classes, labels)
    signs = np.stack([targets[codes == code][0] for code in range(len(classes))])
    whole = _class_sums(X, codes, len(classes))
    scores = np.full((len(shifts), len(labels), targets.shape[1]), np.nan)
    for train, test in folds:
        if len(train) + len(test) == len(labels) and not np.isin(test, train).any():
            held_out = _class_sums(X[test], codes[test], len(classes))
            grams, sums, counts = (all_ - out for all_, out in zip(whole, held_out))
        else:
            grams, sums, counts = _class_sums(X[train], codes[train], len(classes))
        weights = np.zeros(len(classes))
        weights[codes[train]] = row_weights(class_weight, labels[train])
        total = weights @ counts
        mean, centre = weights @ sums / total, (weights * counts) @ signs / total
        inner = np.tensordot(weights.astype(X.dtype), grams, axes=1).astype(np.float64)
        inner -= total * np.outer(mean, mean)
        right = (weights[:, np.newaxis] * sums).T @ signs - total * np.outer(mean, centre)
        for number, alpha in enumerate(shifts):
            system = inner.copy()
            system[np.diag_indices(len(system))] += alpha
            coef = cho_solve(cho_factor(system, overwrite_a=True, check_finite=False), right)
            scores[number, test] = X[test] @ coef + (centre - mean @ coef)
    return _complete_columns(scores, labels, classes, folds)


def _eigen_rows(n_folds: int, n_alphas: int) -> int:
    """Up to how many rows one eigendecomposition costs less than the systems of all folds."""
    if n_folds * n_alphas > _EIGEN_FACTORS:
        return max(FACTOR_ROWS, _EIGEN_ROWS * n_folds)
    return 0


def _eigen_scores(
    gram: NDArray,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    folds: Sequence[Fold],
    alphas: NDArray[np.float64],
    scores: NDArray[np.float64],
) -> None:
    """Write held-out decision values by the block form of leave-one-out.

    With C the inverse of the regularised kernel (restricted to what the intercept leaves), held
    out rows T are off their targets by ``C[T, T]^-1 (C t)[T]``.
    """
    centred, unit = centred_gram(gram.astype(np.float64), weights)
    values, vectors = eigh(centred, overwrite_a=True)
    values = np.maximum(values, 0)
    roots = np.sqrt(weights)[:, np.newaxis]
    right = roots * targets
    right -= np.outer(unit, unit @ right)
    rotated = vectors.T @ right
    for number, alpha in enumerate(alphas):
        inverse = 1 / (values + alpha)
        # The roots of the weights on both sides of C cancel but for one.
        solved = vectors @ (inverse[:, np.newaxis] * rotated)
        for _, test in folds:
            rows = vectors[test]
            block = (rows * inverse) @ rows.T - np.outer(unit[test], unit[test]) / alpha
            off = cho_solve(cho_factor(block, overwrite_a=True), solved[test])
            scores[number, test] = targets[test] - off / roots[test]


def _class_sums(X: NDArray, codes: NDArray, n_classes: int) -> tuple[NDArray, NDArray, NDArray]:
    """For each class the Gram matrix of its columns, their sums, and its number of rows."""
    grams = np.empty((n_classes, X.shape[1], X.shape[1]), X.dtype)
    sums = np.empty((n_classes, X.shape[1]))
    for code in range(n_classes):
        rows = X[codes == code]
        np.matmul(rows.T, rows, out=grams[code])
        sums[code] = rows.sum(axis=0, dtype=np.float64)
    return grams, sums, np.bincount(codes, minlength=n_classes)


def _complete_columns(
    scores: NDArray[np.float64], y: NDArray, classes: NDArray, folds: Sequence[Fold]
) -> NDArray[np.float64]:
    """One column for each class; -inf for classes that a fold did not train on."""
    if len(classes) == 2:
        scores = np.concatenate([-scores, scores], axis=2)
    for train, test in folds:
        lacking = np.flatnonzero(~np.isin(classes, y[train]))
        scores[:, np.asarray(test)[:, np.newaxis], lacking] = -np.inf
    return scores
