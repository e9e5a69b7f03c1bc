"""Point distribution model: how shapes of landmarks vary around their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.similarity import apply_similarity, estimate_similarity

__all__ = ["MAX_DEVIATIONS", "PointDistributionModel", "mean_shape"]

MAX_DEVIATIONS = 3.0
"""Sampled shapes stay within so many standard deviations of the mean along each component, as
Cootes et al. recommend."""

_ROUNDS = 100
_CONVERGED = 1e-6  # of the size of the shape


class PointDistributionModel(TransformerMixin, BaseEstimator):
    """Principal components of shapes that were aligned to their mean.

    Parameters
    ----------
    variance : float
        Share of the variance that the components keep, above 0 and up to 1.
    align : bool
        Whether shapes are brought together by similarities (generalised Procrustes analysis).
        Displacements, which are no shapes, are taken as they are with False.

    Attributes
    ----------
    mean_ : ndarray of float64, shape (k, 2)
        In the size and place of the training shapes.
    components_ : ndarray of float64, shape (m, k, 2)
        Orthonormal, the one of most variance first.
    variances_ : ndarray of float64, shape (m,)
        Of the training shapes along each component, in square pixels.

    References
    ----------
    T. F. Cootes, C. J. Taylor, D. H. Cooper, J. Graham: Active shape models - their training and
    application. Computer Vision and Image Understanding 61(1), 1995.
    """

    def __init__(self, variance: float = 0.95, *, align: bool = True) -> None:
        self.variance = variance
        self.align = align

    def fit(self, X: ArrayLike, y: object = None) -> PointDistributionModel:
        """Learn from shapes of people that may be learned from.

        Parameters
        ----------
        X : array_like, shape (n, k, 2)
            x, y of k landmarks.

        Raises
        ------
        DataError
            For fewer than two shapes, or points that are not finite.
        """
        shapes = _checked(X)
        if not 0 < self.variance <= 1:
            raise ParameterError(
                f"variance must be a share above 0 and up to 1, got {self.variance}"
            )
        if len(shapes) < 2:
            raise DataError(f"expected at least two shapes, got {len(shapes)}")
        self.mean_ = mean_shape(shapes) if self.align else shapes.mean(axis=0)
        deviations = (self._aligned(shapes) - self.mean_).reshape(len(shapes), -1)
        # The mean of a Procrustes analysis is that of the aligned shapes but for its tolerance.
        _, singular, components = np.linalg.svd(
            deviations - deviations.mean(axis=0), full_matrices=False
        )
        variances = singular**2 / (len(shapes) - 1)
        total = variances.sum()
        kept = 0
        if total > 0:
            shares = np.cumsum(variances) / total
            kept = int(np.searchsorted(shares, self.variance - 1e-12) + 1)
        self.components_ = components[:kept].reshape(kept, *self.mean_.shape)
        self.variances_ = variances[:kept]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Weights of the components, shape (n, m), in pixels."""
        check_is_fitted(self, "components_")
        deviations = self._aligned(_checked(X)) - self.mean_
        return np.einsum("nkd,mkd->nm", deviations, self.components_)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Shapes of these weights, shape (n, k, 2), around the mean shape."""
        check_is_fitted(self, "components_")
        return self.mean_ + np.einsum("nm,mkd->nkd", np.asarray(X), self.components_)

    def sample(self, n: int, *, random_state: int | np.random.Generator = 0) -> NDArray[np.float64]:
        """New shapes: normal weights, cut at `MAX_DEVIATIONS`, shape (n, k, 2)."""
        check_is_fitted(self, "components_")
        rng = np.random.default_rng(random_state)
        drawn = rng.standard_normal((n, len(self.variances_)))
        weights = np.clip(drawn, -MAX_DEVIATIONS, MAX_DEVIATIONS) * np.sqrt(self.variances_)
        return self.inverse_transform(weights)

    def _aligned(self, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
        return _to(shapes, self.mean_) if self.align else shapes


def mean_shape(shapes: ArrayLike) -> NDArray[np.float64]:
    """The mean of generalised Procrustes analysis, shape (k, 2).

    Parameters
    ----------
    shapes : array_like, shape (n, k, 2)

    Notes
    -----
    Shapes are brought to the mean by least-squares similarities and averaged until the mean stays
    (Gower 1975). The mean is held in the size and place of the plain mean of the shapes, so that
    weights are in pixels of the frame.
    """
    shapes = _checked(shapes)
    anchor = mean = shapes.mean(axis=0)
    extent = np.sqrt(((anchor - anchor.mean(axis=0)) ** 2).sum())
    for _ in range(_ROUNDS):
        average = _to(shapes, mean).mean(axis=0)
        new = apply_similarity(estimate_similarity(average, anchor), average)
        moved = np.sqrt(((new - mean) ** 2).sum())
        mean = new
        if moved <= _CONVERGED * extent:
            break
    return mean


def _to(shapes: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([apply_similarity(estimate_similarity(s, mean), s) for s in shapes])


def _checked(shapes: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(shapes, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] != 2 or not len(values):
        raise DataError(f"expected landmarks of shape (n, k, 2), got {values.shape}")
    if not np.isfinite(values).all():
        raise DataError("shapes hold NaN: leave out faces without landmarks")
    return values
