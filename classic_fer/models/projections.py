"""Fitted projections of features: PCA, ICA and LDA, each one mean and one matrix; their names."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.features._base import check_count
from classic_fer.models.discriminant import discriminant_directions
from classic_fer.models.known_params import set_known_params
from classic_fer.models.mirror_pca import MPCA

__all__ = ["ICA", "LDA", "PCA", "PROJECTIONS", "make_projection"]


_ROWS = 1024  # projected together, in the threads of joblib's context


class _LinearProjection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """``(x - mean_) @ components_.T`` in float32."""

    mean_: NDArray[np.float32]
    components_: NDArray[np.float32]

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Projected rows, float32, shape (n, n_components)."""
        check_is_fitted(self, "components_")
        rows: NDArray = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        if len(rows) <= _ROWS:
            return self._projected(rows)
        from joblib import Parallel, delayed

        parts = Parallel(require="sharedmem")(
            delayed(self._projected)(rows[start : start + _ROWS])
            for start in range(0, len(rows), _ROWS)
        )
        return np.concatenate(parts)

    def _projected(self, rows: NDArray) -> NDArray[np.float32]:
        return ((rows - self.mean_) @ self.components_.T).astype(np.float32, copy=False)

    def _validated(self, X: ArrayLike) -> NDArray:
        return validate_data(
            self, X, dtype=[np.float32, np.float64], ensure_min_samples=2, ensure_min_features=1
        )

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _principal_components(
    X: NDArray, n_components: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,), directions (k, d) and variances (k,) of rows, from the smaller Gram matrix."""
    whole = isinstance(n_components, (int, np.integer)) and not isinstance(n_components, bool)
    if not (n_components >= 1 if whole else 0 < n_components < 1):
        raise ParameterError(
            "n_components must be a whole number of at least 1, or the share of the variance to "
            f"keep, above 0 and below 1, got {n_components!r}"
        )
    n, d = X.shape
    mean = X.mean(axis=0, dtype=np.float64)
    centred = X - mean
    gram = centred @ centred.T if n < d else centred.T @ centred
    size = len(gram)
    wanted = min(int(n_components), size) if whole else size
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(size - wanted, size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    # Directions below the rounding of the Gram matrix are noise: the rank ends there.
    rank = max(int((values > values[0] * max(n, d) * np.finfo(np.float64).eps).sum()), 1)
    if whole:
        count = min(wanted, rank)
    else:
        shares = np.cumsum(np.maximum(values, 0)) / max(values.clip(0).sum(), 1e-300)
        count = min(int(np.searchsorted(shares, n_components)) + 1, rank)
    values, vectors = values[:count], vectors[:, :count]
    if n < d:
        lengths = np.sqrt(np.maximum(values, np.finfo(np.float64).tiny))
        vectors = centred.T @ (vectors / lengths)
    # The largest entry of each direction is positive, so that signs do not depend on LAPACK.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(count)] < 0, -1.0, 1.0)
    return mean, vectors.T, values / max(n - 1, 1)


class PCA(_LinearProjection):
    """Principal component analysis.

    Parameters
    ----------
    n_components : int or float
        Number of components, cut to the rank of the training rows; or the share of their
        variance that is kept, above 0 and below 1.
    whiten : bool
        Whether each component gets unit variance.
    n_samples : int
        Number of rows that are learned from where both the rows and their values are more, as
        with encodings; else all rows are.
    random_state : int
        Of these rows.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (d,)
    components_ : ndarray of float32, shape (n_components, d)
    explained_variance_ : ndarray of float64, shape (n_components,)

    Notes
    -----
    From the eigenvectors of the smaller of the two Gram matrices in float64; exact, if all rows
    are learned from: agrees with `sklearn.decomposition.PCA(svd_solver="full")`.
    """

    def __init__(
        self,
        n_components: float = 0.95,
        *,
        whiten: bool = False,
        n_samples: int = 6000,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.n_samples = n_samples
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> PCA:
        """Learn the components of rows, shape (n, d); `y` is not used."""
        rows = self._validated(X)
        n_samples = check_count("n_samples", self.n_samples, low=2, high=2**40)
        if min(rows.shape) > n_samples:
            order = np.random.default_rng(self.random_state).permutation(len(rows))
            rows = rows[np.sort(order[:n_samples])]
        mean, components, variances = _principal_components(rows, self.n_components)
        if self.whiten:
            components = components / np.sqrt(np.maximum(variances, 1e-300))[:, None]
        self.mean_, self.components_ = mean.astype(np.float32), components.astype(np.float32)
        self.explained_variance_ = variances
        return self


class ICA(_LinearProjection):
    """Independent component analysis (FastICA) of the leading principal components.

    Parameters
    ----------
    n_components : int
        Cut to the rank of the training rows.
    max_iter : int
        Iterations of FastICA; a warning says when they did not suffice.
    random_state : int
        For the start of the iterations.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (d,)
    components_ : ndarray of float32, shape (n_components, d)
        The unmixing matrix; components have unit variance.

    References
    ----------
    Hyvärinen, Oja (2000), Independent component analysis: algorithms and applications.
    """

    def __init__(
        self, n_components: int = 50, *, max_iter: int = 1000, random_state: int = 0
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> ICA:
        """Learn the unmixing of rows, shape (n, d); `y` is not used."""
        from sklearn.decomposition import FastICA

        rows = self._validated(X)
        if not isinstance(self.n_components, (int, np.integer)):
            raise ParameterError(
                f"n_components must be a whole number of at least 1, got {self.n_components!r}"
            )
        mean, components, variances = _principal_components(rows, self.n_components)
        whitening = components / np.sqrt(np.maximum(variances, 1e-300))[:, None]
        fast = FastICA(
            whiten=False, max_iter=self.max_iter, tol=1e-3, random_state=self.random_state
        )
        fast.fit((rows - mean) @ whitening.T)
        self.mean_ = mean.astype(np.float32)
        self.components_ = (fast.components_ @ whitening).astype(np.float32)
        self.n_iter_ = fast.n_iter_
        return self


class LDA(_LinearProjection):
    """Fisher's linear discriminants with a shrunken covariance within the classes.

    Parameters
    ----------
    n_components : int, optional
        At most the number of classes less one, which is the default.
    shrinkage : "auto" or float
        Weight, above 0 and at most 1, of the mean variance against the covariance; ``"auto"`` is
        Ledoit and Wolf's.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (d,)
    components_ : ndarray of float32, shape (n_components, d)
        The variance within the (shrunken) classes is 1 along each.
    """

    def __init__(self, n_components: int | None = None, *, shrinkage: str | float = 0.3) -> None:
        self.n_components = n_components
        self.shrinkage = shrinkage

    def fit(self, X: ArrayLike, y: ArrayLike) -> LDA:
        """Learn the directions from rows, shape (n, d), and their classes."""
        rows, labels = validate_data(
            self, X, y, dtype=[np.float32, np.float64], ensure_min_samples=2
        )
        directions = discriminant_directions(
            rows, labels, n_components=self.n_components, shrinkage=self.shrinkage
        )
        self.mean_ = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.components_ = directions.astype(np.float32)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


PROJECTIONS: dict[str, Any] = {"pca": PCA, "ica": ICA, "lda": LDA, "mpca": MPCA}


def make_projection(name: str, **params: Any) -> Any:
    """An unfitted projection by its name in `PROJECTIONS`.

    Raises
    ------
    ParameterError
        For an unknown name or parameter.
    """
    if name not in PROJECTIONS:
        raise unknown_name("projection", name, PROJECTIONS)
    made = PROJECTIONS[name]()
    set_known_params(made, params)
    return made
