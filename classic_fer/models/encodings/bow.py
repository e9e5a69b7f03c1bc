"""Bag of visual words: how many local descriptors of a face belong to each word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.features._base import check_choice
from classic_fer.models.encodings._base import ImageEncoding
from classic_fer.models.encodings.pooling import Affinity
from classic_fer.models.encodings.vocabulary import nearest_word, visual_words

__all__ = ["BOW"]

_ASSIGNMENTS = ("hard", "soft")


class BOW(ImageEncoding):
    """Bag of visual words.

    Parameters
    ----------
    n_components : int
        Number of words.
    assignment : {"hard", "soft"}
        Whether a descriptor counts for the nearest word, or for near ones by a Gaussian of the
        distance whose variance is the mean squared distance, per value, to the nearest word.
    descriptor, size, blur, window_sizes, step, pca_components, position, pyramid, power, mirror, \
n_samples, n_jobs, random_state
        See `classic_fer.models.encodings._base.ImageEncoding`. With ``power=0.5`` the distance of
        two faces is Hellinger's; ``power=0`` keeps the presence of words alone.

    Attributes
    ----------
    words_ : ndarray of float32, shape (n_components, d)
    variance_ : float
        Of the Gaussian of soft assignment.

    References
    ----------
    J. Sivic, A. Zisserman: Video Google: a text retrieval approach to object matching in videos.
    ICCV 2003. (Without the weights by rarity.)
    J. van Gemert et al.: Visual word ambiguity. PAMI 32 (2010). (Soft assignment.)
    S. Lazebnik, C. Schmid, J. Ponce: Beyond bags of features. CVPR 2006. (Pyramid.)
    R. Ionescu, M. Popescu, C. Grozea: Local learning to improve bag of visual words model for
    facial expression recognition. ICML workshop 2013. (Presence vectors.)
    """

    _n_moments = 0

    def __init__(
        self,
        n_components: int = 1000,
        *,
        assignment: str = "hard",
        descriptor: str = "sift",
        size: int | None = 96,
        blur: float = 0.7,
        window_sizes: int | tuple[int, ...] = (16, 24, 32, 48),
        step: int = 4,
        pca_components: int = 64,
        position: float = 0.0,
        pyramid: int | tuple[int, ...] = (1, 2, 4),
        power: float = 0.5,
        mirror: bool = False,
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
        self.assignment = assignment

    def _learn(self, rows: NDArray[np.float32]) -> None:
        check_choice("assignment", self.assignment, _ASSIGNMENTS)
        words, nearest = visual_words(rows, int(self.n_components), random_state=self.random_state)
        self.words_ = words
        self.variance_ = float(np.mean((rows - words[nearest]) ** 2, dtype=np.float64))

    def _affinity(self) -> Affinity:
        soft = self.assignment == "soft" and self.variance_ > 0
        return nearest_word(self.words_, self.variance_ if soft else None)

    def _values(self, counts: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray:
        return counts / max(counts.sum(), 1)

    def _value_names(self) -> list[str]:
        return [f"word{k}" for k in range(len(self.words_))]
