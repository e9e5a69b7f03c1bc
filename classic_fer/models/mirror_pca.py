"""MPCA: principal components of symmetric Fisher vectors, compact in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import ParameterError
from classic_fer.features._base import check_count
from classic_fer.models.compact_matrix import compact_rows, products

__all__ = ["MPCA"]

_POWERS = 2  # iterations of the randomised decomposition
_ROWS = 1024  # projected together, in the threads of joblib's context


class MPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components of rows and mirrored rows.

    For rows of which mirroring the face turns the sign of the second half (``fisher`` with
    ``symmetric=True``). Each half is projected by itself to half of the components, so that the
    projected rows are mirrored likewise.

    Parameters
    ----------
    n_components : int
        Even; cut to twice the rank of a half of the learned rows.
    n_samples : int
        Number of rows that are learned from, drawn from all.
    random_state : int
        Of these rows, and of the decomposition.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (d / 2,)
        Of the first half; that of the second is 0 over rows and mirrored rows.
    components_ : ndarray of int8, shape (2, n_components / 2, d / 2)
        The directions, times `scales_`.
    scales_ : ndarray of float32, shape (2, n_components / 2)

    Notes
    -----
    A direction is rounded to 255 steps, before anything is projected. Many rows are decomposed by
    a randomised method (Halko, Martinsson and Tropp 2011, Finding structure with randomness).
    """

    def __init__(
        self, n_components: int = 2048, *, n_samples: int = 6000, random_state: int = 0
    ) -> None:
        self.n_components = n_components
        self.n_samples = n_samples
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> MPCA:
        """Learn the components of rows, shape (n, d); `y` is not used."""
        rows: NDArray = validate_data(
            self, X, dtype=np.float32, ensure_min_samples=2, ensure_min_features=2
        )
        n_components = check_count("n_components", self.n_components, low=2, high=2**20)
        n_samples = check_count("n_samples", self.n_samples, low=2, high=2**40)
        width = rows.shape[1]
        if n_components % 2 or width % 2:
            raise ParameterError(
                "mpca needs an even n_components and rows of two halves, got "
                f"n_components={n_components} and {width} columns"
            )
        order = np.random.default_rng(self.random_state).permutation(len(rows))[:n_samples]
        some = rows[np.sort(order)]
        self.mean_ = some[:, : width // 2].mean(axis=0, dtype=np.float64).astype(np.float32)
        found = [
            _directions(some[:, : width // 2] - self.mean_, n_components // 2, self.random_state),
            _directions(some[:, width // 2 :], n_components // 2, self.random_state),
        ]
        kept = min(map(len, found))
        rounded = [compact_rows(directions[:kept]) for directions in found]
        self.components_ = np.stack([integers for integers, _ in rounded])
        self.scales_ = np.stack([scales for _, scales in rounded])
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Projected rows, float32, shape (n, n_components)."""
        check_is_fitted(self, "components_")
        rows: NDArray = validate_data(self, X, dtype=np.float32, reset=False)
        if len(rows) <= _ROWS:
            return self._projected(rows)
        from joblib import Parallel, delayed

        parts = Parallel(require="sharedmem")(
            delayed(self._projected)(rows[start : start + _ROWS])
            for start in range(0, len(rows), _ROWS)
        )
        return np.concatenate(parts)

    def dense(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (d,) and components (n_components, d) of whole rows, float32."""
        check_is_fitted(self, "components_")
        zeros = np.zeros_like(self.components_[0], dtype=np.float32)
        even, odd = self.components_ * self.scales_[:, :, None]
        return np.append(self.mean_, zeros[0]), np.block([[even, zeros], [zeros, odd]])

    def _projected(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        width = len(self.mean_)
        even = products(rows[:, :width] - self.mean_, self.components_[0])
        odd = products(rows[:, width:], self.components_[1])
        return np.hstack([even * self.scales_[0], odd * self.scales_[1]])

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0] * self.components_.shape[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _directions(centred: NDArray[np.float32], n: int, random_state: int) -> NDArray[np.float32]:
    """At most n directions of the greatest variance, shape (k, d)."""
    if n > min(centred.shape) // 2:
        _, values, directions = np.linalg.svd(centred, full_matrices=False)
    else:
        _, values, directions = randomized_svd(
            centred, n, n_iter=_POWERS, power_iteration_normalizer="LU", random_state=random_state
        )
    rank = int((values > max(centred.shape) * np.finfo(np.float32).eps * values[0]).sum())
    return directions[: max(min(n, rank), 1)]
