"""Kernel ridge classification that keeps its training rows as 8-bit integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from classic_fer.errors import ParameterError
from classic_fer.features._base import check_count
from classic_fer.models.compact_matrix import FEW, compact_columns, half_products, products
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernels import kernel_sum, kernel_terms
from classic_fer.models.landmark_ridge import landmark_solution
from classic_fer.models.ridge_systems import checked_alphas, class_targets, row_weights

__all__ = ["CompactKernelRidge"]

_KERNELS = ("rbf", "mirror-rbf")
_BLOCK = 2048  # training rows that are float32 at a time


class CompactKernelRidge(KernelRidgeClassifier):
    """`KernelRidgeClassifier` for large training sets: a byte a value, and fast for one face.

    Training rows are rounded to 255 steps of each column before the systems are solved, so that
    the solution is the one for the rows that are kept.

    Parameters
    ----------
    alpha, gamma, class_weight, tol, max_iter
        See `KernelRidgeClassifier`.
    kernel : {"rbf", "mirror-rbf"}
    n_landmarks : int, optional
        Number of training rows that are kept, drawn from all; the solution is the one of their
        kernels that fits all rows best (`landmark_solution`). All are kept where there are no
        more.
    random_state : int
        Of the landmarks.

    Attributes
    ----------
    X_fit_ : ndarray of int8, shape (n, d)
        Training rows, or landmarks, in steps of `scales_`.
    scales_ : ndarray of float32, shape (d,)
    norms_ : ndarray of float64, shape (n,)
        Squared lengths of the rounded training rows.
    """

    def __init__(
        self,
        alpha: float = 0.3,
        *,
        kernel: str = "rbf",
        gamma: float | str = "scale",
        class_weight: str | dict[Any, float] | None = None,
        tol: float = 1e-4,
        max_iter: int = 1000,
        n_landmarks: int | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            alpha,
            kernel=kernel,
            gamma=gamma,
            class_weight=class_weight,
            tol=tol,
            max_iter=max_iter,
        )
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def check_params(self) -> None:
        """Refuse parameters that no training rows could be fitted with (`ParameterError`)."""
        super().check_params()
        if self.n_landmarks is not None:
            check_count("n_landmarks", self.n_landmarks, low=1, high=2**31)
        if self.kernel not in _KERNELS:
            raise ParameterError(
                f"compact kernel ridge has the kernels {', '.join(_KERNELS)}, got "
                f"{self.kernel!r}; the classifier krr has others"
            )

    def fit(self, X: ArrayLike, y: ArrayLike) -> CompactKernelRidge:
        """Train on rows, shape (n, d)."""
        rows, labels = validate_data(self, X, y, dtype=np.float32)
        integers, scales = compact_columns(rows)
        rounded = integers * scales
        if self.n_landmarks is None or self.n_landmarks >= len(rows):
            super().fit(rounded, labels)
        else:
            order = np.random.default_rng(self.random_state).permutation(len(rows))
            chosen = np.sort(order[: self.n_landmarks])
            self._fit_landmarks(rounded, labels, chosen)
            integers, rounded = integers[chosen], rounded[chosen]
        self.X_fit_, self.scales_ = integers, scales
        # In double precision, which no model file halves: distances are differences of these.
        self.norms_ = np.einsum("ij,ij->i", rounded, rounded, dtype=np.float64)
        return self

    def _fit_landmarks(self, rows: NDArray, labels: NDArray, chosen: NDArray[np.intp]) -> None:
        """Everything but `X_fit_` from rounded rows (n, d)."""
        check_classification_targets(labels)
        self.check_params()
        self.classes_, targets = class_targets(labels)
        terms = kernel_terms(self.kernel, self.gamma, rows)
        dual, self.intercept_ = landmark_solution(
            lambda some: kernel_sum(terms, some, rows[chosen]),
            rows,
            rows[chosen],
            targets,
            row_weights(self.class_weight, labels),
            float(checked_alphas([self.alpha])[0]),
        )
        self.terms_, self.n_iter_ = [tuple(term) for term in terms], 1
        self.dual_coef_ = dual.astype(np.float32)

    def fitted_rows(self) -> NDArray[np.float32]:
        """The rounded training rows, float32, shape (n, d)."""
        return super().fitted_rows() * self.scales_

    def _kernel(self, rows: NDArray) -> NDArray[np.float32]:
        """Kernel of rows (m, d) with the training rows, (m, n)."""
        rows = rows.astype(np.float32, copy=False)
        if len(rows) <= FEW:
            return self._few(rows)
        out = np.empty((len(rows), len(self.X_fit_)), dtype=np.float32)
        for start in range(0, len(self.X_fit_), _BLOCK):
            block = slice(start, start + _BLOCK)
            out[:, block] = kernel_sum(self.terms_, rows, self.X_fit_[block] * self.scales_)
        return out

    def _few(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`_kernel` of a few rows, without making float32 of the training rows."""
        gamma = np.float32(self.terms_[0][2])
        steps = rows * self.scales_
        lengths = np.einsum("ij,ij->i", rows, rows)[:, np.newaxis] + self.norms_.astype(np.float32)
        if self.kernel == "rbf":
            return _near(gamma, lengths - 2 * products(steps, self.X_fit_))
        even, odd = half_products(steps, self.X_fit_)
        straight = _near(gamma, lengths - 2 * (even + odd))
        turned = _near(gamma, lengths - 2 * (even - odd))
        return np.multiply(straight + turned, 0.5, dtype=np.float32)


def _near(gamma: np.float32, distances: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.exp(-gamma * np.maximum(distances, 0))
