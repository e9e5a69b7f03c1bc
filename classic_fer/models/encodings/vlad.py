"""VLAD: how the local descriptors of a face lie around the visual words, on the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.models.encodings._base import ImageEncoding
from classic_fer.models.encodings.pooling import Affinity
from classic_fer.models.encodings.vocabulary import nearest_word, visual_words

__all__ = ["VLAD"]


class VLAD(ImageEncoding):
    """Vectors of locally aggregated descriptors.

    For each word the sum of the differences to it of the descriptors that are nearest to it.

    Parameters
    ----------
    n_components, descriptor, size, blur, window_sizes, step, pca_components, position, pyramid, \
power, mirror, n_samples, n_jobs, random_state
        See `classic_fer.models.encodings._base.ImageEncoding`.

    Attributes
    ----------
    words_ : ndarray of float32, shape (n_components, d)

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, P. Pérez: Aggregating local descriptors into a compact image
    representation. CVPR 2010.
    """

    _n_moments = 1

    def _learn(self, rows: NDArray[np.float32]) -> None:
        self.words_, _ = visual_words(rows, int(self.n_components), random_state=self.random_state)

    def _affinity(self) -> Affinity:
        return nearest_word(self.words_)

    def _values(self, counts: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray:
        return (sums - counts[:, None] * self.words_).ravel()

    def _value_names(self) -> list[str]:
        k, d = self.words_.shape
        return [f"word{i}_dim{j}" for i in range(k) for j in range(d)]
