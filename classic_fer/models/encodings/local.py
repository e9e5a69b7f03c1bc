"""Local descriptors of faces: how they are taken, sampled and reduced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.features._base import check_count, check_number
from classic_fer.features.descriptors import local_descriptor
from classic_fer.features.descriptors.preparation import prepared
from classic_fer.models.projections import PCA

__all__ = ["LocalDescriptors", "Reduction", "counts", "sampled"]

_MOST_FACES = 4000  # of which descriptors are learned from
_MOST_OF_A_FACE = 200  # descriptors: windows overlap, more of them tell little that is new


@dataclass(frozen=True)
class LocalDescriptors:
    """A kind of local descriptor with its parameters; see `ImageEncoding` for their meaning.

    Raises
    ------
    ParameterError
        If one cannot be used.
    """

    name: str
    size: int | None
    blur: float
    window_sizes: int | tuple[int, ...]
    step: int

    def __post_init__(self) -> None:
        local_descriptor(self.name)
        if self.size is not None:
            check_count("size", self.size, low=8, high=4096)
        check_number("blur", self.blur, low=0, high=100)
        object.__setattr__(
            self, "window_sizes", counts("window_sizes", self.window_sizes, low=4, high=4096)
        )
        check_count("step", self.step, low=1, high=1024)

    @property
    def length(self) -> int:
        """Number of values of a descriptor."""
        return local_descriptor(self.name).length

    @property
    def whitened(self) -> bool:
        """Whether principal components are brought to one variance."""
        return local_descriptor(self.name).whitened

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Descriptors (n, length) of a face and the places (n, 2) of their windows."""
        return local_descriptor(self.name).function(
            prepared(image, size=self.size, blur=self.blur),
            window_sizes=self.window_sizes,
            step=int(self.step),
        )


def sampled(
    images: NDArray[np.uint8],
    describe: LocalDescriptors,
    n: int,
    *,
    n_jobs: int | None = None,
    random_state: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """At most about `n` descriptors (n, length) and their places (n, 2), from drawn faces.

    Each face has a seed of its own, so that the sample is the same for any `n_jobs` (threads).
    """
    from joblib import Parallel, delayed

    rng = np.random.default_rng(random_state)
    faces = np.sort(rng.permutation(len(images))[:_MOST_FACES])
    seeds = rng.integers(2**63, size=len(faces))
    each = min(-(-n // len(faces)), _MOST_OF_A_FACE)

    def draw(face: int, seed: int) -> tuple[NDArray, NDArray]:
        local, centres = describe(images[face])
        drawn = np.random.default_rng(seed).permutation(len(local))[:each]
        return local[drawn], centres[drawn]

    parts = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(draw)(face, seed) for face, seed in zip(faces, seeds)
    )
    return np.concatenate([local for local, _ in parts]), np.concatenate([c for _, c in parts])


@dataclass(frozen=True)
class Reduction:
    """From local descriptors and places to the rows that words are made of.

    Attributes
    ----------
    mean : ndarray of float32, shape (length,)
    components : ndarray of float32, shape (n_components, length)
        Principal components of the descriptors.
    position_scale : float
        Factor of the places, which are appended; 0 if they are not.
    signs : ndarray of float32, shape (d,), or None
        What the values of a row are multiplied by when the face is mirrored, if they are learned
        so that no more happens to them.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    position_scale: float
    signs: NDArray[np.float32] | None = None

    @classmethod
    def learned(
        cls,
        local: NDArray,
        centres: NDArray,
        n_components: int,
        *,
        whiten: bool,
        position: float,
        mirror: NDArray[np.intp] | None = None,
    ) -> Reduction:
        """From a sample; with a `position` of 1 places vary as much as a mean component.

        With the order `mirror` of the values of mirrored descriptors, the sample stands for the
        mirrored faces as well.
        """
        if mirror is None:
            pca, signs = PCA(n_components, whiten=whiten).fit(local), None
        else:
            pca, signs = _mirrored_pca(local, mirror, n_components, whiten=whiten)
        spread = pca.transform(local).var(dtype=np.float64)
        deviation = centres.std(dtype=np.float64)
        scale = position * (np.sqrt(spread) or 1) / (deviation or 1)  # flat faces do not vary
        if signs is not None and scale:
            signs = np.append(signs, np.array([-1, 1], dtype=np.float32))  # x, y
        return cls(pca.mean_, pca.components_, float(scale), signs)

    def __call__(self, local: NDArray, centres: NDArray) -> NDArray[np.float32]:
        """Rows (n, d) of descriptors (n, length) and their places (n, 2)."""
        reduced = (local - self.mean) @ self.components.T
        if not self.position_scale:
            return reduced
        return np.hstack([reduced, centres * np.float32(self.position_scale)])


def _mirrored_pca(
    local: NDArray, mirror: NDArray[np.intp], n_components: int, *, whiten: bool
) -> tuple[PCA, NDArray[np.float32]]:
    """Principal components of descriptors and their mirror images, and the sign of each.

    Their covariance leaves sums of values that change places, and differences, by themselves:
    a component is made of either, and a mirrored descriptor has the same value, or the opposite.
    """
    mean = local.mean(axis=0, dtype=np.float64)
    mean = (mean + mean[mirror]) / 2
    centred = local - mean
    halves = (centred + centred[:, mirror]) / 2, (centred - centred[:, mirror]) / 2
    found = [np.linalg.eigh(half.T @ half / len(local)) for half in halves]
    variances = np.concatenate([values for values, _ in found])
    signs = np.repeat(np.array([1, -1], dtype=np.float32), len(mirror))
    rank = int((variances > variances.max() * len(mirror) * np.finfo(np.float32).eps).sum())
    order = np.argsort(-variances, kind="stable")[: max(1, min(n_components, rank))]
    components = np.hstack([vectors for _, vectors in found]).T[order]
    if whiten:
        components = components / np.sqrt(np.maximum(variances[order], 1e-300))[:, None]
    pca = PCA(n_components, whiten=whiten)
    pca.mean_, pca.components_ = mean.astype(np.float32), components.astype(np.float32)
    pca.n_features_in_ = len(mirror)
    return pca, signs[order]


def counts(name: str, value: Any, *, low: int, high: int) -> tuple[int, ...]:
    """`value`, one integer or several from `low` to `high`, as a tuple."""
    values = (value,) if isinstance(value, int | np.integer) else value
    if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
        raise ParameterError(f"{name} must be an integer or several of them, got {value!r}")
    return tuple(check_count(name, each, low=low, high=high) for each in values)
