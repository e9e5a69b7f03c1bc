"""Kernel ridge classification that keeps its training rows as 8-bit integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data

from classic_fer.errors import ParameterError
from classic_fer.models.compact_matrix import FEW, compact_columns, split_products
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernels import kernel_sum

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

    Attributes
    ----------
    X_fit_ : ndarray of int8, shape (n, d)
        Training rows in steps of `scales_`.
    scales_ : ndarray of float32, shape (d,)
    norms_ : ndarray of float32, shape (n,)
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
    ) -> None:
        super().__init__(
            alpha,
            kernel=kernel,
            gamma=gamma,
            class_weight=class_weight,
            tol=tol,
            max_iter=max_iter,
        )

    def check_params(self) -> None:
        """Refuse parameters that no training rows could be fitted with (`ParameterError`)."""
        super().check_params()
        if self.kernel not in _KERNELS:
            raise ParameterError(
                f"compact kernel ridge has the kernels {', '.join(_KERNELS)}, got "
                f"{self.kernel!r}; the classifier krr has others"
            )

    def fit(self, X: ArrayLike, y: ArrayLike) -> CompactKernelRidge:
        """Train on rows, shape (n, d)."""
        rows = validate_data(self, X, dtype=np.float32)
        integers, scales = compact_columns(rows)
        rounded = integers * scales
        super().fit(rounded, y)
        self.X_fit_, self.scales_ = integers, scales
        self.norms_ = np.einsum("ij,ij->i", rounded, rounded)
        return self

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
        half = rows.shape[1] // 2
        even, odd = split_products(rows * self.scales_, self.X_fit_, half)
        lengths = np.einsum("ij,ij->i", rows, rows)[:, np.newaxis] + self.norms_
        near = np.exp(-gamma * np.maximum(lengths - 2 * (even + odd), 0))
        if self.kernel == "rbf":
            return near
        return (near + np.exp(-gamma * np.maximum(lengths - 2 * (even - odd), 0))) / 2
