"""Kernel ridge classification (least-squares SVM), and its exact held-out decision values."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.models.folds import Fold
from classic_fer.models.kernels import KernelTerm, kernel_sum, kernel_terms

__all__ = ["HELD_OUT_METHODS", "KernelRidgeClassifier", "held_out_path", "ridge_held_out_path"]

HELD_OUT_METHODS = ("auto", "eigen", "krylov")

# Up to here systems are solved by a Cholesky factorisation in double precision.
_FACTOR_ROWS = 2048
_BLOCK = 2048  # rows whose kernel is in memory at a time when predicting
_MOST_COLUMNS = 64  # right-hand sides solved together
# Rows for each right-hand side above which conjugate gradients cost less than eigenvectors.
_EIGEN_ROWS = 12


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    """Ridge regression on targets of 1 and -1 in the space of a kernel, one class against the rest.

    Minimises ``sum(weight * (t - f(x) - b)^2) + alpha * |f|^2`` for each class: the least-squares
    SVM, with gamma of that paper as ``1 / alpha``. With the linear kernel it is scikit-learn's
    RidgeClassifier.

    Parameters
    ----------
    alpha : float
        Above 0; the larger, the more regularised.
    kernel : str or sequence of KernelTerm
        ``"rbf"``, ``"linear"``, ``"chi2"`` (additive), ``"exp-chi2"``, ``"intersection"``, or the
        terms of a sum, as `KernelTerm` or plain tuples ``(kernel, weight, gamma, start, stop)``.
        Chi-squared and intersection kernels need values of 0 or more (``scaler="none"``).
    gamma : float or "scale"
        Of ``"rbf"`` and ``"exp-chi2"``; ``"scale"`` is 2 over the mean distance of two rows.
    class_weight : "balanced", dict of class to weight, or None
    tol : float
        Beyond 2,048 rows conjugate gradients solve the systems, until residuals are below `tol`
        times the norm of the targets, which bounds the error of training decisions likewise.
    max_iter : int

    Attributes
    ----------
    classes_ : ndarray
    dual_coef_ : ndarray, shape (n, n_classes), or (n, 1) for two classes
    intercept_ : ndarray of float64, shape (n_classes,) or (1,)
    n_iter_ : int
        Of the conjugate gradients; 1 for a factorisation.
    X_fit_ : ndarray, shape (n, d)
    terms_ : list of tuple
        The kernel, with gamma as a number; see `KernelTerm`.

    References
    ----------
    Suykens, Vandewalle (1999), Least squares support vector machine classifiers. Rifkin, Yeo,
    Poggio (2003), Regularized least-squares classification.
    """

    def __init__(
        self,
        alpha: float = 0.3,
        *,
        kernel: str | Sequence[KernelTerm | tuple] = "rbf",
        gamma: float | str = "scale",
        class_weight: str | dict[Any, float] | None = None,
        tol: float = 1e-4,
        max_iter: int = 1000,
    ) -> None:
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike) -> KernelRidgeClassifier:
        """Train on rows, shape (n, d)."""
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(labels)
        alphas = _checked_alphas([self.alpha])
        classes, targets = _targets(labels)
        terms = kernel_terms(self.kernel, self.gamma, rows)
        weights = _row_weights(self.class_weight, labels)
        gram = kernel_sum(terms, rows)
        if len(rows) <= _FACTOR_ROWS:
            dual = _factor_solve(gram.astype(np.float64), weights, targets, float(self.alpha))
            self.n_iter_ = 1
        else:
            fold = [(np.arange(len(rows)), np.arange(0))]
            duals, self.n_iter_ = _krylov(
                gram, targets, fold, [weights], alphas, self.tol, self.max_iter
            )
            dual = duals[0, 0]
        self.classes_ = classes
        self.X_fit_ = rows
        self.terms_ = [tuple(term) for term in terms]
        self.dual_coef_ = dual.astype(rows.dtype)
        self.intercept_ = _intercepts(targets - gram @ dual.astype(gram.dtype), weights)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values, shape (n, n_classes), or (n,) for two classes."""
        check_is_fitted(self, "dual_coef_")
        rows: NDArray = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        scores = np.empty((len(rows), len(self.intercept_)))
        for start in range(0, len(rows), _BLOCK):
            kernel = kernel_sum(self.terms_, rows[start : start + _BLOCK], self.X_fit_)
            scores[start : start + _BLOCK] = kernel @ self.dual_coef_ + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest decision value."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]


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
    method : {"auto", "eigen", "krylov"}
        ``"eigen"``: one eigendecomposition in double precision for all alphas and folds. Each
        fold must train on all rows it does not test, with weights that do not depend on the fold.
        ``"krylov"``: conjugate gradients in the precision of `gram` for all folds and classes at
        once, one Krylov space for all alphas. ``"auto"``: what is possible and cheaper.
    tol : float
        For ``"krylov"``: residuals in units of the norm of the targets.
    max_iter : int

    Returns
    -------
    scores : ndarray of float64, shape (n_alphas, n, n_classes)
        Columns in the sorted order of classes, also two for two classes; -inf for classes that
        a fold's training part lacks, NaN for rows that no fold tests.

    References
    ----------
    An, Liu, Venkatesh (2007), Fast cross-validation algorithms for least squares support vector
    machine and kernel ridge regression (``"eigen"``). Jegerlehner (1996), Krylov space solvers
    for shifted linear systems (``"krylov"``).
    """
    labels = np.asarray(y)
    shifts = _checked_alphas(alphas)
    classes, targets = _targets(labels)
    weights = [_row_weights(class_weight, labels[train]) for train, _ in folds]
    complete = class_weight != "balanced" and all(
        len(train) + len(test) == len(labels) and not np.isin(test, train).any()
        for train, test in folds
    )
    everywhere = _row_weights(class_weight, labels)
    possible = complete and bool((everywhere > 0).all())
    if method not in HELD_OUT_METHODS:
        raise unknown_name("method", method, HELD_OUT_METHODS)
    if method == "eigen" and not possible:
        raise ParameterError(
            "method='eigen' needs folds that train on all rows they do not test, and positive "
            "weights that do not depend on the fold; take method='krylov'"
        )
    columns = len(folds) * targets.shape[1]
    scores = np.full((len(shifts), len(labels), targets.shape[1]), np.nan)
    if method == "eigen" or (
        method == "auto" and possible and len(labels) <= _EIGEN_ROWS * columns
    ):
        _eigen_scores(gram, targets, everywhere, folds, shifts, scores)
    else:
        together = max(1, _MOST_COLUMNS // targets.shape[1])
        for first in range(0, len(folds), together):
            part = slice(first, first + together)
            duals, _ = _krylov(gram, targets, folds[part], weights[part], shifts, tol, max_iter)
            for number, (train, test) in enumerate(folds[part]):
                for alpha, dual in enumerate(duals[:, number]):
                    fitted = gram @ dual.astype(gram.dtype)
                    constant = _intercepts(targets[train] - fitted[train], weights[first + number])
                    scores[alpha, test] = fitted[test] + constant
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
    shifts = _checked_alphas(alphas)
    if X.shape[1] > min(len(train) for train, _ in folds):
        tol = 1e-9 if X.dtype == np.float64 else 1e-5
        return held_out_path(X @ X.T, labels, folds, alphas, class_weight=class_weight, tol=tol)
    classes, targets = _targets(labels)
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
        weights[codes[train]] = _row_weights(class_weight, labels[train])
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


def _checked_alphas(alphas: Sequence[float]) -> NDArray[np.float64]:
    shifts = np.asarray(alphas, dtype=np.float64)
    if not shifts.size or not (shifts > 0).all():
        raise ParameterError(f"alpha must be above 0, got {list(alphas)}")
    return shifts


def _targets(y: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
    """Sorted classes, and a column of 1 and -1 for each (one for two classes)."""
    classes = np.unique(y)
    if len(classes) < 2:
        raise DataError(
            f"kernel ridge needs at least two classes, found one class: {classes.tolist()}"
        )
    positive = classes[1:] if len(classes) == 2 else classes
    return classes, np.where(y[:, np.newaxis] == positive, 1.0, -1.0)


def _row_weights(class_weight: str | dict[Any, float] | None, y: NDArray) -> NDArray[np.float64]:
    classes, codes = np.unique(y, return_inverse=True)
    if isinstance(class_weight, dict):
        class_weight = {k: v for k, v in class_weight.items() if k in classes}
    return compute_class_weight(class_weight, classes=classes, y=y)[codes]


def _intercepts(residuals: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return weights @ residuals / weights.sum()


def _centred_gram(
    gram: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The kernel scaled by the roots of the weights and free of the unit vector of these roots.

    To project that vector out is to fit an intercept that is not penalised.
    """
    roots = np.sqrt(weights)
    unit = roots / np.linalg.norm(roots)
    centred = gram * roots * roots[:, np.newaxis]
    image = centred @ unit
    centred -= np.outer(unit, image) + np.outer(image - (unit @ image) * unit, unit)
    return centred, unit


def _factor_solve(
    gram: NDArray[np.float64], weights: NDArray, targets: NDArray, alpha: float
) -> NDArray[np.float64]:
    """Dual coefficients, shape (n, k), by a Cholesky factorisation."""
    centred, unit = _centred_gram(gram, weights)
    centred[np.diag_indices(len(centred))] += alpha
    roots = np.sqrt(weights)[:, np.newaxis]
    right = roots * targets
    right -= np.outer(unit, unit @ right)
    return roots * cho_solve(cho_factor(centred, overwrite_a=True), right)


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
    centred, unit = _centred_gram(gram.astype(np.float64), weights)
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


def _krylov(
    gram: NDArray,
    targets: NDArray[np.float64],
    folds: Sequence[Fold],
    weights: Sequence[NDArray[np.float64]],
    alphas: NDArray[np.float64],
    tol: float,
    max_iter: int,
) -> tuple[NDArray[np.float64], int]:
    """Dual coefficients of alphas, folds and targets, (n_alphas, n_folds, n, k); iterations.

    Conjugate gradients on ``P R K R P + alpha``, R being the roots of the fold's weights (0 for
    rows that it does not train on) and P the projection that stands for the intercept. They run
    for the least alpha; those of the others follow from the same vectors (Jegerlehner 1996).
    """
    n, k = targets.shape
    roots = np.zeros((len(folds), n, 1))
    for root, (train, _), weight in zip(roots, folds, weights):
        root[train, 0] = np.sqrt(weight)
    units = roots / np.linalg.norm(roots, axis=1, keepdims=True)

    def project(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return vectors - units * np.einsum("fni,fnk->fik", units, vectors)

    def product(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = (roots * vectors).astype(gram.dtype).transpose(1, 0, 2).reshape(n, -1)
        image = (gram @ flat).reshape(n, len(folds), k).transpose(1, 0, 2)
        return project(roots * image)

    least = float(alphas.min())
    ahead = (alphas - least)[:, np.newaxis, np.newaxis, np.newaxis]
    residual = project(roots * targets)
    goal = tol**2 * ((roots * targets) ** 2).sum(axis=1, keepdims=True)
    direction = residual.copy()
    solution = np.zeros((len(alphas), *residual.shape))
    directions = np.repeat(residual[np.newaxis], len(alphas), axis=0)
    square = (residual**2).sum(axis=1, keepdims=True)
    zeta = last_zeta = np.ones((len(alphas), len(folds), 1, k))
    last_length, turn = np.ones_like(square), np.zeros_like(square)
    n_iter = 0
    while (going := square > goal).any() and n_iter < max_iter:
        n_iter += 1
        image = product(direction) + least * direction
        bend = (direction * image).sum(axis=1, keepdims=True)
        length = np.where(going, square / np.where(going, bend, 1), 0)
        bottom = length * turn * (last_zeta - zeta) + last_zeta * last_length * (1 + ahead * length)
        # A shifted system whose residual has vanished stays where it is.
        alive = going & (np.abs(zeta) * np.sqrt(square) > 1e-3 * np.sqrt(goal))
        next_zeta = np.where(alive, zeta * last_zeta * last_length / np.where(alive, bottom, 1), 0)
        ratio = np.where(alive, next_zeta / np.where(alive, zeta, 1), 0)
        solution += length * ratio * directions
        residual = residual - length * image
        new_square = (residual**2).sum(axis=1, keepdims=True)
        turn = np.where(going, new_square / np.where(going, square, 1), 0)
        directions = next_zeta * residual + turn * ratio**2 * directions
        direction = residual + turn * direction
        zeta, last_zeta = next_zeta, zeta
        last_length, square = np.where(going, length, 1), new_square
    if going.any():
        warnings.warn(
            f"kernel ridge has not converged in {max_iter} iterations (alpha={least:g}, "
            f"tol={tol:g}); raise alpha, tol or max_iter",
            ConvergenceWarning,
            stacklevel=3,
        )
    return roots * solution, n_iter


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
