"""Local learning: for each face a classifier of its own, trained on the nearest training faces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import ParameterError
from classic_fer.models.kernels import checked_terms, kernel_distances, kernel_sum, kernel_terms
from classic_fer.models.ridge_systems import (
    FACTOR_ROWS,
    checked_alphas,
    class_targets,
    ridge_solutions,
)

__all__ = ["LocalRidgeClassifier"]

_BLOCK = 256  # rows whose distances to all training rows are in memory at a time


class LocalRidgeClassifier(ClassifierMixin, BaseEstimator):
    """Kernel ridge regression on the nearest training rows of each row that is predicted.

    Training keeps the rows. A prediction finds the `n_neighbors` nearest ones, solves the
    one-against-the-rest regression of `KernelRidgeClassifier` on them alone, and applies it.
    A class without a neighbour gets the decision value -1 (two classes: the one that all
    neighbours have decides).

    Parameters
    ----------
    n_neighbors : int
        At least 1; with as many as there are training rows it is `KernelRidgeClassifier`.
        At most 2,048 are taken.
    alpha : float
        Above 0; the larger, the more regularised.
    kernel : {"linear", "rbf"}
        Neighbours are the nearest rows by Euclidean distance, which for both is the order of
        distances in the space of the kernel.
    gamma : float or "scale"
        Of ``"rbf"``; ``"scale"`` is 2 over the mean distance of two training rows.

    Attributes
    ----------
    classes_ : ndarray
    X_fit_ : ndarray, shape (n, d)
        Training rows.
    targets_ : ndarray of float64, shape (n, n_classes), or (n, 1) for two classes
        1 for the class of the row, else -1.
    terms_ : list of tuple
        The kernel, with gamma as a number.

    Notes
    -----
    The papers train support vector machines; ridge regression takes one factorisation of
    n_neighbors x n_neighbors for all classes. Neighbours of equal distance are taken in the order
    of training.

    References
    ----------
    Bottou, Vapnik (1992), Local learning algorithms, Neural Computation 4. Ionescu, Popescu,
    Grozea (2013), Local learning to improve bag of visual words model for facial expression
    recognition, ICML workshop on challenges in representation learning.
    """

    def __init__(
        self,
        n_neighbors: int = 100,
        *,
        alpha: float = 0.3,
        kernel: str = "rbf",
        gamma: float | str = "scale",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma

    def check_params(self) -> None:
        """Refuse parameters that no training rows could be fitted with (`ParameterError`)."""
        count = self.n_neighbors
        if (
            not isinstance(count, int | np.integer)
            or isinstance(count, bool)
            or not 1 <= count <= FACTOR_ROWS
        ):
            raise ParameterError(
                f"n_neighbors must be an integer from 1 to {FACTOR_ROWS}, got {count!r}"
            )
        if self.kernel not in ("linear", "rbf"):
            raise ParameterError(f"kernel must be 'linear' or 'rbf', got {self.kernel!r}")
        checked_alphas([self.alpha])
        checked_terms(self.kernel, self.gamma)

    def fit(self, X: ArrayLike, y: ArrayLike) -> LocalRidgeClassifier:
        """Keep the rows, shape (n, d), and their classes."""
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(labels)
        self.check_params()
        self.classes_, self.targets_ = class_targets(labels)
        self.terms_ = [tuple(term) for term in kernel_terms(self.kernel, self.gamma, rows)]
        self.X_fit_ = rows
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values, shape (n, n_classes), or (n,) for two classes."""
        check_is_fitted(self, "targets_")
        rows: NDArray = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        count = min(int(self.n_neighbors), len(self.X_fit_))
        scores = np.empty((len(rows), self.targets_.shape[1]))
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            order = np.argsort(kernel_distances("rbf", block, self.X_fit_), axis=1, kind="stable")
            for i, nearest in enumerate(order[:, :count], start):
                scores[i] = self._local_decision(rows[i : i + 1], np.sort(nearest))
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def _local_decision(self, row: NDArray, nearest: NDArray[np.intp]) -> NDArray[np.float64]:
        """Decision values of one row (1, d) by a regression on the training rows `nearest`."""
        targets = self.targets_[nearest]
        if (targets == targets[0]).all():
            return targets[0]
        known: Any = self.X_fit_[nearest]
        duals, constants, _ = ridge_solutions(
            kernel_sum(self.terms_, known),
            targets,
            np.ones(len(nearest)),
            checked_alphas([self.alpha]),
            tol=0.0,
            max_iter=0,
        )
        return (kernel_sum(self.terms_, row, known) @ duals[0] + constants[0])[0]

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest decision value."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]
