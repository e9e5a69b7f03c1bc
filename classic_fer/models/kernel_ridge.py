"""Kernel ridge classification (least-squares SVM)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.models.kernels import KernelTerm, checked_terms, kernel_sum, kernel_terms
from classic_fer.models.memory import available_bytes
from classic_fer.models.ridge_systems import (
    FACTOR_ROWS,
    checked_alphas,
    class_targets,
    ridge_solutions,
    row_weights,
)

__all__ = ["KernelRidgeClassifier", "TiledKernel", "training_kernel"]

_BLOCK = 1024  # rows whose kernel is in memory at a time when predicting


class TiledKernel:
    """Kernel of training rows that does not fit into memory: it is computed anew in each product.

    Parameters
    ----------
    terms : sequence of KernelTerm
        From `kernel_terms`.
    rows : ndarray, shape (n, d)
    """

    def __init__(self, terms: Sequence[KernelTerm], rows: NDArray) -> None:
        self._terms, self._rows = terms, rows
        self.dtype = rows.dtype

    def __matmul__(self, vectors: NDArray) -> NDArray:
        """Product with vectors, shape (n, k)."""
        out = np.empty_like(vectors)
        for start in range(0, len(out), _BLOCK):
            block = slice(start, start + _BLOCK)
            out[block] = kernel_sum(self._terms, self._rows[block], self._rows) @ vectors
        return out

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray:
        """Some of its columns: ``kernel[:, columns]``."""
        return kernel_sum(self._terms, self._rows, self._rows[key[1]])


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
        With a linear kernel the identity.
    intercept_ : ndarray of float64, shape (n_classes,) or (1,)
    n_iter_ : int
        Of the conjugate gradients; 1 for a factorisation.
    X_fit_ : ndarray, shape (n, d)
        Training rows; with a linear kernel the coefficients, one row a class.
    terms_ : list of tuple
        The kernel, with gamma as a number; see `KernelTerm`.

    Notes
    -----
    The kernel of n training rows is kept in memory, 4 n^2 bytes for float32; where there is less,
    it is computed in tiles, again in each iteration. Training runs in the threads of an enclosing
    ``joblib.parallel_config("threading", n_jobs=...)``; the result does not depend on their number.

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

    def check_params(self) -> None:
        """Refuse parameters that no training rows could be fitted with (`ParameterError`)."""
        checked_alphas([self.alpha])
        checked_terms(self.kernel, self.gamma)

    def fit(self, X: ArrayLike, y: ArrayLike) -> KernelRidgeClassifier:
        """Train on rows, shape (n, d)."""
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(labels)
        self.check_params()
        alphas = checked_alphas([self.alpha])
        classes, targets = class_targets(labels)
        terms = kernel_terms(self.kernel, self.gamma, rows)
        weights = row_weights(self.class_weight, labels)
        duals, constants, n_iter = ridge_solutions(
            training_kernel(terms, rows),
            targets,
            weights,
            alphas,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        return self._keep(classes, rows, terms, duals[0], constants[0], n_iter)

    def _keep(
        self,
        classes: NDArray,
        rows: NDArray,
        terms: Sequence[KernelTerm],
        dual: NDArray[np.float64],
        constant: NDArray[np.float64],
        n_iter: int,
    ) -> KernelRidgeClassifier:
        self.classes_, self.X_fit_, self.n_iter_ = classes, rows, n_iter
        self.terms_ = [tuple(term) for term in terms]
        self.intercept_ = constant
        if all(term.kernel == "linear" for term in terms):
            # Linear in the training rows: their weighted sums serve as well as all of them.
            self.X_fit_ = np.ascontiguousarray((rows.T @ dual).T, dtype=rows.dtype)
            dual = np.eye(dual.shape[1])
        self.dual_coef_ = dual.astype(rows.dtype)
        return self

    def fitted_rows(self) -> NDArray:
        """Rows whose kernel with a face, times `dual_coef_`, is its decision, shape (n, d)."""
        check_is_fitted(self, "dual_coef_")
        return self.X_fit_

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values, shape (n, n_classes), or (n,) for two classes."""
        check_is_fitted(self, "dual_coef_")
        rows: NDArray = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        scores = np.empty((len(rows), len(self.intercept_)))
        # Large terms of both signs: single precision would lose the fourth digit of the sum.
        dual = self.dual_coef_.astype(np.float64)
        for start in range(0, len(rows), _BLOCK):
            kernel = self._kernel(rows[start : start + _BLOCK]).astype(np.float64, copy=False)
            scores[start : start + _BLOCK] = kernel @ dual + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def _kernel(self, rows: NDArray) -> NDArray:
        """Kernel of rows (m, d) with the training rows, (m, n)."""
        return kernel_sum(self.terms_, rows, self.X_fit_)

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest decision value."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]


def training_kernel(terms: Sequence[KernelTerm], rows: NDArray) -> NDArray | TiledKernel:
    """Kernel of training rows (n, d): an array where there is memory for it."""
    n = len(rows)
    fits = n <= FACTOR_ROWS or rows.dtype.itemsize * n * n <= available_bytes()
    return kernel_sum(terms, rows) if fits else TiledKernel(terms, rows)
