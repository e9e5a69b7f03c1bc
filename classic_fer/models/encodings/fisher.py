"""Fisher vectors: how a mixture of Gaussians would have to change to fit a face better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.models.encodings._base import ImageEncoding
from classic_fer.models.encodings.pooling import Affinity
from classic_fer.models.encodings.vocabulary import Mixture, fit_mixture, with_squares

__all__ = ["Fisher"]


class Fisher(ImageEncoding):
    """Fisher vectors of dense local descriptors.

    The gradient of the log-likelihood of the descriptors of a face in the means and standard
    deviations of a mixture of Gaussians, in units of its own variation (the square root of the
    inverse Fisher information).

    Parameters
    ----------
    n_components, descriptor, size, blur, window_sizes, step, pca_components, position, pyramid, \
power, mirror, n_samples, n_jobs, random_state
        See `classic_fer.models.encodings._base.ImageEncoding`.

    Attributes
    ----------
    weights_ : ndarray of float64, shape (n_components,)
    means_, variances_ : ndarray of float64, shape (n_components, d)
        Of the Gaussians.

    Notes
    -----
    The gradient in the weights is left out, as in the paper's experiments. Posteriors below
    6e-6 of the largest of a descriptor count as 0. scikit-image's `fisher_vector` has the
    opposite sign in the part of the deviations, which no distance shows.

    References
    ----------
    F. Perronnin, J. Sánchez, T. Mensink: Improving the Fisher kernel for large-scale image
    classification. ECCV 2010.
    J. Sánchez, F. Perronnin, T. de Campos: Modeling the spatial layout of images beyond spatial
    pyramids. Pattern Recognition Letters 33 (2012). (Position appended.)
    """

    _n_moments = 2

    def _learn(self, rows: NDArray[np.float32]) -> None:
        mixture = fit_mixture(
            rows, int(self.n_components), n_jobs=self.n_jobs, random_state=self.random_state
        )
        self.weights_ = mixture.weights
        self.means_, self.variances_ = mixture.means, mixture.variances

    def _affinity(self) -> Affinity:
        return Mixture(self.weights_, self.means_, self.variances_).affinity()

    def _pooled_rows(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return with_squares(rows)

    def _values(self, counts: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray:
        n = max(counts.sum(), 1)
        counts = counts[:, None]
        root_weights = np.sqrt(self.weights_)[:, None]
        first, second = np.hsplit(sums, 2)
        means = (first - counts * self.means_) / np.sqrt(self.variances_)
        squares = second - 2 * self.means_ * first + counts * self.means_**2
        deviations = (squares / self.variances_ - counts) / np.sqrt(2)
        return np.concatenate([(g / (n * root_weights)).ravel() for g in (means, deviations)])

    def _value_names(self) -> list[str]:
        k, d = self.means_.shape
        return [
            f"{part}{i}_dim{j}"
            for part in ("mean", "deviation")
            for i in range(k)
            for j in range(d)
        ]
