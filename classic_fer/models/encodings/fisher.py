"""Fisher vectors: how a mixture of Gaussians would have to change to fit a face better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.features.descriptors.mirroring import mirror_order
from classic_fer.models.encodings._base import ImageEncoding, of_length_1
from classic_fer.models.encodings.local import LocalDescriptors, Reduction
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
    symmetric : bool
        Whether the mixture is its own mirror image, Gaussian ``i + n_components / 2`` being that
        of Gaussian ``i``. A Fisher vector then has two halves: mirroring the face leaves the
        first as it is and turns the sign of the second, so that the mirrored face need not be
        encoded. With `mirror` the first half alone is given. Windows have to lie symmetrically:
        their sides and the resized width differ by multiples of `step`, or nearly so.

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
    symmetric: bool = False  # also of models that were saved before there was a choice

    def __init__(
        self,
        n_components: int = 256,
        *,
        descriptor: str = "sift",
        size: int | None = 96,
        blur: float = 0.7,
        window_sizes: int | tuple[int, ...] = (16, 24, 32, 48),
        step: int = 4,
        pca_components: int = 64,
        position: float = 1.0,
        pyramid: int | tuple[int, ...] = (1,),
        power: float = 0.5,
        mirror: bool = False,
        symmetric: bool = False,
        n_samples: int = 200_000,
        n_jobs: int | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(
            n_components,
            descriptor=descriptor,
            size=size,
            blur=blur,
            window_sizes=window_sizes,
            step=step,
            pca_components=pca_components,
            position=position,
            pyramid=pyramid,
            power=power,
            mirror=mirror,
            n_samples=n_samples,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        self.symmetric = symmetric

    def _mirror_order(self) -> NDArray[np.intp] | None:
        if not self.symmetric:
            return None
        if self.n_components % 2 or self._n_regions > 1:
            raise ParameterError(
                "symmetric needs an even n_components and pyramid=1, got "
                f"n_components={self.n_components}, pyramid={self.pyramid}"
            )
        return mirror_order(self.descriptor)

    def _learn(self, rows: NDArray[np.float32]) -> None:
        mixture = fit_mixture(
            rows,
            int(self.n_components),
            signs=self.signs_,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self.weights_ = mixture.weights
        self.means_, self.variances_ = mixture.means, mixture.variances

    def _face(
        self,
        image: NDArray[np.uint8],
        describe: LocalDescriptors,
        reduction: Reduction,
        affinity: Affinity,
    ) -> NDArray:
        if self.signs_ is None:
            return super()._face(image, describe, reduction, affinity)
        row = self._encoded(image, describe, reduction, affinity)
        means, deviations = row.reshape(2, 2, -1, len(self.signs_))  # each by side
        turned = means[1] * self.signs_, deviations[1]
        even = np.concatenate([(means[0] + turned[0]).ravel(), (deviations[0] + turned[1]).ravel()])
        even /= np.sqrt(2)
        if self.mirror:
            return of_length_1(even)
        odd = np.concatenate([(means[0] - turned[0]).ravel(), (deviations[0] - turned[1]).ravel()])
        return np.concatenate([even, odd / np.sqrt(2)])

    def _width(self, reduced: int) -> int:
        width = super()._width(reduced)
        return width // 2 if self.symmetric and self.mirror else width

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
        halves, n = [""], k
        if self.signs_ is not None:
            halves, n = (["even_"] if self.mirror else ["even_", "odd_"]), k // 2
        return [
            f"{half}{part}{i}_dim{j}"
            for half in halves
            for part in ("mean", "deviation")
            for i in range(n)
            for j in range(d)
        ]
