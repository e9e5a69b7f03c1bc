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
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    position_scale: float

    @classmethod
    def learned(
        cls, local: NDArray, centres: NDArray, n_components: int, *, whiten: bool, position: float
    ) -> Reduction:
        """From a sample; with a `position` of 1 places vary as much as a mean component."""
        pca = PCA(n_components, whiten=whiten).fit(local)
        spread = pca.transform(local).var(dtype=np.float64)
        deviation = centres.std(dtype=np.float64)
        scale = position * (np.sqrt(spread) or 1) / (deviation or 1)  # flat faces do not vary
        return cls(pca.mean_, pca.components_, float(scale))

    def __call__(self, local: NDArray, centres: NDArray) -> NDArray[np.float32]:
        """Rows (n, d) of descriptors (n, length) and their places (n, 2)."""
        reduced = (local - self.mean) @ self.components.T
        if not self.position_scale:
            return reduced
        return np.hstack([reduced, centres * np.float32(self.position_scale)])


def counts(name: str, value: Any, *, low: int, high: int) -> tuple[int, ...]:
    """`value`, one integer or several from `low` to `high`, as a tuple."""
    values = (value,) if isinstance(value, int | np.integer) else value
    if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
        raise ParameterError(f"{name} must be an integer or several of them, got {value!r}")
    return tuple(check_count(name, each, low=low, high=high) for each in values)
