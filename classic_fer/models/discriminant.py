"""Linear discriminant analysis with a shrunken covariance, for any number of columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import DataError, ParameterError

__all__ = [
    "ShrinkageLDA",
    "discriminant_directions",
    "ledoit_wolf_shrinkage",
    "within_class_solver",
]

Solver = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def ledoit_wolf_shrinkage(residuals: NDArray) -> float:
    """Ledoit and Wolf's shrinkage of the covariance of centred rows, shape (n, d), in 0..1.

    Equal to `sklearn.covariance.ledoit_wolf_shrinkage(..., assume_centered=True)`; computed from
    the smaller of the two Gram matrices, so that 33,000 columns of 200 rows are no burden.

    References
    ----------
    Ledoit, Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices.
    """
    n, d = residuals.shape
    squares = np.einsum("ij,ij->i", residuals, residuals).astype(np.float64)
    gram = residuals @ residuals.T if n < d else residuals.T @ residuals
    second = float(np.einsum("ij,ij->", gram, gram, dtype=np.float64)) / n**2
    mean_variance = squares.sum() / (n * d)
    noise = (float((squares**2).sum()) / n - second) / (d * n)
    distance = second / d - mean_variance**2
    noise = min(noise, distance)
    return 0.0 if noise <= 0 else noise / distance


def within_class_solver(
    residuals: NDArray, shrinkage: str | float, *, least_ridge: float = 0.0
) -> tuple[Solver, float]:
    """Solver of linear systems in the shrunken covariance within the classes.

    Parameters
    ----------
    residuals : ndarray, shape (n, d)
        Rows less the mean of their class.
    shrinkage : "auto" or float
        Weight, above 0 and at most 1, of the mean variance against the covariance.
    least_ridge : float
        Least variance that is added to each column, for classes without any spread.

    Returns
    -------
    solve : callable
        Maps (d, k) to (d, k).
    shrinkage : float
        The number used.
    """
    if shrinkage == "auto":
        weight = ledoit_wolf_shrinkage(residuals)
    elif isinstance(shrinkage, str) or not 0 < shrinkage <= 1:
        raise ParameterError(
            f"shrinkage must be 'auto' or a number above 0 and at most 1, got {shrinkage!r}"
        )
    else:
        weight = float(shrinkage)
    n, d = residuals.shape
    mean_variance = float(np.einsum("ij,ij->", residuals, residuals, dtype=np.float64)) / (n * d)
    # A floor keeps the matrix regular where rows repeat or classes have no spread.
    floor = max(1e-6 * mean_variance, least_ridge, np.finfo(np.float64).tiny ** 0.5)
    ridge = max(weight * mean_variance, floor)
    factor = max(1 - weight, 0.0) / n
    if d <= n:
        covariance = (residuals.T @ residuals).astype(np.float64) * factor
        covariance[np.diag_indices(d)] += ridge
        whole = cho_factor(covariance, overwrite_a=True)
        return lambda right: cho_solve(whole, right), weight
    # Fewer rows than columns: Woodbury's identity, with a matrix of n x n.
    gram = (residuals @ residuals.T).astype(np.float64) * (factor / ridge)
    gram[np.diag_indices(n)] += 1
    small = cho_factor(gram, overwrite_a=True)

    def solve(right: NDArray[np.float64]) -> NDArray[np.float64]:
        inner = cho_solve(small, residuals @ right)
        return (right - (factor / ridge) * (residuals.T @ inner)) / ridge

    return solve, weight


def _class_means(
    X: NDArray, y: ArrayLike
) -> tuple[NDArray, NDArray[np.float64], NDArray[np.float64], NDArray]:
    """Classes, their shares, their means (n_classes, d), and the rows less their class mean."""
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"linear discriminant analysis needs at least two classes, found one class: "
            f"{classes.tolist()}"
        )
    means = np.stack([X[codes == k].mean(axis=0, dtype=np.float64) for k in range(len(classes))])
    shares = np.bincount(codes) / len(codes)
    return classes, shares, means, X - means.astype(X.dtype)[codes]


def _least_ridge(shares: NDArray[np.float64], between: NDArray[np.float64]) -> float:
    """A millionth of the mean variance between classes, whose means (n_classes, d) are centred.

    With one row a class nothing varies within the classes, and dividing by that leaves float32.
    """
    return 1e-6 * float(shares @ np.einsum("ij,ij->i", between, between)) / between.shape[1]


def discriminant_directions(
    X: NDArray, y: ArrayLike, *, n_components: int | None, shrinkage: str | float
) -> NDArray[np.float64]:
    """Fisher's directions: most variance between classes for unit (shrunken) variance within.

    Parameters
    ----------
    X : ndarray, shape (n, d)
    y : array_like, shape (n,)
    n_components : int or None
        At most the number of classes less one, which None stands for.
    shrinkage : "auto" or float
        See `within_class_solver`.

    Returns
    -------
    directions : ndarray of float64, shape (n_components, d)
        The best first.
    """
    _, shares, means, residuals = _class_means(X, y)
    centred = means - shares @ means
    solve, _ = within_class_solver(residuals, shrinkage, least_ridge=_least_ridge(shares, centred))
    most = len(means) - 1
    count = most if n_components is None else n_components
    if not 1 <= count <= most:
        raise ParameterError(
            f"n_components must lie between 1 and {most} (classes less one), got {n_components}"
        )
    # Columns sqrt(share) * (class mean - mean): the problem shrinks to n_classes x n_classes.
    between = (np.sqrt(shares)[:, None] * centred).T
    solved = solve(between)
    values, vectors = np.linalg.eigh(between.T @ solved)
    order = np.argsort(values)[::-1][:count]
    norms = np.sqrt(np.maximum(values[order], np.finfo(np.float64).tiny ** 0.5))
    return (solved @ vectors[:, order] / norms).T


class ShrinkageLDA(ClassifierMixin, BaseEstimator):
    """Linear discriminant analysis with a shrunken common covariance.

    Gives what `sklearn.discriminant_analysis.LinearDiscriminantAnalysis` with
    ``solver="lsqr"`` gives for the same number as shrinkage, but solves an n x n system where
    there are fewer rows than columns, and a d x d Cholesky factorisation otherwise.

    Parameters
    ----------
    shrinkage : "auto" or float
        Weight, above 0 and at most 1, of the mean variance against the covariance; ``"auto"`` is
        Ledoit and Wolf's, of the pooled rows less their class mean.

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray of float64, shape (n_classes, d)
    intercept_ : ndarray of float64, shape (n_classes,)
    shrinkage_ : float
        The number used.

    Notes
    -----
    The default is a fixed number: Ledoit and Wolf's minimises the error of the covariance itself
    and is too small for classification where columns are nearly as many as rows.

    Deviation from scikit-learn: with ``"auto"`` it estimates one shrinkage a class, of columns
    standardised within the class; here it is one for all, since `FeatureScaler` comes before.
    """

    def __init__(self, shrinkage: str | float = 0.3) -> None:
        self.shrinkage = shrinkage

    def fit(self, X: ArrayLike, y: ArrayLike) -> ShrinkageLDA:
        """Train on rows, shape (n, d)."""
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(labels)
        self.classes_, shares, means, residuals = _class_means(rows, labels)
        mean = shares @ means
        between = means - mean
        solve, self.shrinkage_ = within_class_solver(
            residuals, self.shrinkage, least_ridge=_least_ridge(shares, between)
        )
        self.coef_ = solve(between.T).T
        self.intercept_ = (
            np.log(shares) - 0.5 * np.einsum("ij,ij->i", between, self.coef_) - self.coef_ @ mean
        )
        return self

    def _log_posterior(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self, "coef_")
        rows: NDArray = validate_data(self, X, dtype=[np.float32, np.float64], reset=False)
        return rows @ self.coef_.T + self.intercept_

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log posterior up to a constant, shape (n, n_classes); for two classes the difference."""
        scores = self._log_posterior(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest posterior probability."""
        scores = self._log_posterior(X)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Posterior probabilities under normal classes of one covariance, (n, n_classes)."""
        return softmax(self._log_posterior(X), axis=1)
