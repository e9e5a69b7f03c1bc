"""What all encodings share: local descriptors, their projection, batches in threads."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import DataError, ParameterError
from classic_fer.features._base import check_count, check_number, image_stack
from classic_fer.models.encodings.local import LocalDescriptors, Reduction, counts, sampled
from classic_fer.models.encodings.pooling import Affinity, Pooled, pool, pyramid_regions
from classic_fer.models.interruption import check_interruption, interruption
from classic_fer.models.memory import available_bytes

__all__ = ["ImageEncoding", "of_length_1"]

_FACES_A_TASK = 16
_MOST_REGIONS = 64  # along a side


class ImageEncoding(TransformerMixin, BaseEstimator):
    """Base of the encodings of dense local descriptors.

    Sub-classes learn a vocabulary from a sample of local descriptors (`_learn`) and turn what the
    descriptors of a face add up to into numbers (`_values`).

    Parameters
    ----------
    n_components : int
        Number of Gaussians or visual words.
    descriptor : {"sift", "hog", "lbp", "patch"}
        See `classic_fer.features.descriptors`.
    size : int, optional
        Height in pixels to which faces are resized first; None leaves them as they are.
    blur : float
        Standard deviation of the Gaussian blur of the resized face in pixels; 0 for none.
    window_sizes : int or tuple of int
        Sides of the windows in pixels of the resized face. Windows of ``sift`` have 4 x 4 cells.
    step : int
        Pixels from one window to the next.
    pca_components : int
        Principal components that descriptors are reduced to (whitened for ``patch``).
    position : float
        Weight of the position of the window, which is appended to the descriptor: with 1 its two
        values vary as much as a mean principal component; 0 leaves it out.
    pyramid : int or tuple of int
        Levels of the spatial pyramid by their regions along each side, such as ``(1, 2)``.
    power : float
        Exponent, 0 to 1, of the power normalisation; 1 for none. Length 1 comes afterwards.
    mirror : bool
        Whether the mean is taken of the encodings of the face and of the mirrored face.
    n_samples : int
        Number of local descriptors that are learned from, at most 200 of a face.
    n_jobs : int, optional
        Threads; by default those of joblib's context, else one. The numbers are the same for any.
    random_state : int
        Of the sample and the start of what is learned.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (length,)
    components_ : ndarray of float32, shape (n, length)
        Principal components of the local descriptors.
    position_scale_ : float
        Factor of the positions.
    signs_ : ndarray of float32, shape (d,), or None
        What mirroring multiplies reduced descriptors by, if they are learned so.
    image_shape_ : tuple of int
        Height and width of the training faces.
    """

    mean_: NDArray[np.float32]
    components_: NDArray[np.float32]
    position_scale_: float
    signs_: NDArray[np.float32] | None = None  # also of models saved before there were any
    image_shape_: tuple[int, int]

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
        n_samples: int = 200_000,
        n_jobs: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.descriptor = descriptor
        self.size = size
        self.blur = blur
        self.window_sizes = window_sizes
        self.step = step
        self.pca_components = pca_components
        self.position = position
        self.pyramid = pyramid
        self.power = power
        self.mirror = mirror
        self.n_samples = n_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn projection and vocabulary from local descriptors of training faces.

        Parameters
        ----------
        X : Faces or array_like of uint8, shape (n, H, W)
        y : object
            Not used; here for scikit-learn's pipelines.

        Raises
        ------
        ParameterError
            If a parameter cannot be used, or there are fewer descriptors than words.
        DataError
            If there are no faces.
        """
        from threadpoolctl import threadpool_limits

        images = image_stack(X)
        describe = self._descriptors()
        if not len(images):
            raise DataError("expected at least one face to learn local descriptors from, got none")
        with threadpool_limits(limits=1):
            local, centres = sampled(
                images,
                describe,
                int(self.n_samples),
                n_jobs=self.n_jobs,
                random_state=self.random_state,
            )
            if len(local) < max(self.n_components, 2):
                raise ParameterError(
                    f"n_components={self.n_components} needs at least as many local descriptors, "
                    f"got {len(local)} from {len(images)} faces; lower n_components or step, or "
                    "give more faces"
                )
            reduction = Reduction.learned(
                local,
                centres,
                int(self.pca_components),
                whiten=describe.whitened,
                position=self.position,
                mirror=self._mirror_order(),
            )
            self.signs_ = reduction.signs
            self._learn(reduction(local, centres))
        self.mean_, self.components_ = reduction.mean, reduction.components
        self.position_scale_ = reduction.position_scale
        self.image_shape_ = (images.shape[1], images.shape[2])
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode faces.

        Parameters
        ----------
        X : Faces or array_like of uint8, shape (n, H, W)

        Returns
        -------
        features : ndarray of float32, shape (n, d)
            Rows of Euclidean length 1 (0 for a face without any contrast).

        Raises
        ------
        ParameterError
            If `X` is not a stack of grey images of the size of the training faces.
        DataError
            If the result does not fit into memory.
        """
        from joblib import Parallel, delayed

        check_is_fitted(self, "components_")
        images = image_stack(X)
        if images.shape[1:] != tuple(self.image_shape_):
            raise ParameterError(
                f"{type(self).__name__} was fitted on images of shape {tuple(self.image_shape_)}, "
                f"got {images.shape[1:]}; align both alike"
            )
        out = self._room(len(images))
        reduction = Reduction(self.mean_, self.components_, self.position_scale_)
        known = self._descriptors(), reduction, self._affinity()
        stop = interruption()

        def encode(start: int) -> None:
            if stop.is_set():
                return
            for i in range(start, min(start + _FACES_A_TASK, len(images))):
                out[i] = self._face(images[i], *known)

        starts = range(0, len(images), _FACES_A_TASK)
        n_jobs = self.n_jobs if len(starts) > 1 else 1
        with _thread_pools().limit(limits=1, user_api="blas"):
            Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(encode)(s) for s in starts)
        check_interruption()
        return out

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns."""
        check_is_fitted(self, "components_")
        key = type(self).__name__.lower()
        names = [
            f"{key}_region{region}_{value}"
            for region in range(self._n_regions)
            for value in self._value_names()
        ]
        return np.asarray(names, dtype=object)

    def width(self) -> int:
        """Number of values of a face, known before anything is learned."""
        return self._width(min(int(self.pca_components), self._descriptors().length))

    def multiplications(self, height: int, width: int) -> int:
        """Of encoding a face of that size, about; by which progress is weighed."""
        local, _ = self._descriptors()(np.zeros((height, width), dtype=np.uint8))
        reduced = min(int(self.pca_components), local.shape[1])
        each = reduced * (local.shape[1] + int(self.n_components) * max(self._n_moments, 1))
        return len(local) * each * (2 if self.mirror and self._mirror_order() is None else 1)

    # What a sub-class says: how many moments of the descriptors of a word it needs (0: their
    # number alone), and the methods below.
    _n_moments: int

    def _learn(self, rows: NDArray[np.float32]) -> None:
        """Learn a vocabulary from rows (n, d)."""
        raise NotImplementedError

    def _affinity(self) -> Affinity:
        """How rows are shared among words."""
        raise NotImplementedError

    def _values(self, counts: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray:
        """Numbers of a region from counts (k,) and sums (k, e), before normalisation."""
        raise NotImplementedError

    def _value_names(self) -> list[str]:
        raise NotImplementedError

    def _pooled_rows(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is summed and what the affinity takes, from rows (n, d)."""
        return rows

    def _mirror_order(self) -> NDArray[np.intp] | None:
        """`mirror_order` of the descriptor, if the vocabulary shall be its own mirror image."""
        return None

    def _face(
        self,
        image: NDArray[np.uint8],
        describe: LocalDescriptors,
        reduction: Reduction,
        affinity: Affinity,
    ) -> NDArray:
        """The row of one face."""
        row = self._encoded(image, describe, reduction, affinity)
        if not self.mirror:
            return row
        return of_length_1(row + self._encoded(image[:, ::-1], describe, reduction, affinity))

    def _encoded(
        self,
        image: NDArray[np.uint8],
        describe: LocalDescriptors,
        reduction: Reduction,
        affinity: Affinity,
    ) -> NDArray:
        """The row of one face as it is."""
        local, centres = describe(image)
        rows = reduction(local, centres)
        pooled = Pooled.empty(self._n_regions, len(affinity.bias), self._n_moments * rows.shape[1])
        regions = pyramid_regions(centres, self._pyramid)
        pool(self._pooled_rows(rows), regions, affinity, pooled)
        parts = [
            self._normalised(self._values(counts, sums))
            for counts, sums in zip(pooled.counts.astype(float), pooled.sums.astype(float))
        ]
        return np.concatenate(parts) / np.sqrt(len(parts))

    def _normalised(self, values: NDArray) -> NDArray:
        """Signed power, then Euclidean length 1."""
        return of_length_1(np.sign(values) * np.abs(values) ** self.power)

    def _room(self, n: int) -> NDArray[np.float32]:
        """An array for `n` encoded faces."""
        width = self._width(len(self.components_))
        needed, free = 4 * n * width, available_bytes()
        if needed > free:
            raise DataError(
                f"{type(self).__name__} encodings of {n} faces ({width} values each) need "
                f"{needed / 2**30:.1f} GB, {free / 2**30:.1f} GB are free; lower n_components "
                f"({self.n_components}) or pca_components, or take fewer faces"
            )
        return np.empty((n, width), dtype=np.float32)

    def _width(self, reduced: int) -> int:
        """Number of values of a face whose descriptors are reduced to so many."""
        d = reduced + 2 * (self.position > 0)
        return self._n_regions * int(self.n_components) * (self._n_moments * d or 1)

    @property
    def _pyramid(self) -> tuple[int, ...]:
        return counts("pyramid", self.pyramid, low=1, high=_MOST_REGIONS)

    @property
    def _n_regions(self) -> int:
        return sum(side**2 for side in self._pyramid)

    def _descriptors(self) -> LocalDescriptors:
        """The local descriptors, after checking all parameters."""
        check_count("n_components", self.n_components, low=1, high=1_000_000)
        check_count("pca_components", self.pca_components, low=1, high=1_000_000)
        check_count("n_samples", self.n_samples, low=1, high=2**40)
        check_number("position", self.position, low=0, high=1e6)
        check_number("power", self.power, low=0, high=1)
        counts("pyramid", self.pyramid, low=1, high=_MOST_REGIONS)
        return LocalDescriptors(self.descriptor, self.size, self.blur, self.window_sizes, self.step)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


@lru_cache(maxsize=1)
def _thread_pools() -> Any:
    """Those of the libraries; to find them takes longer than to encode a face."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def of_length_1(row: NDArray) -> NDArray:
    """`row` at Euclidean length 1; zeros stay."""
    length = np.linalg.norm(row)
    return row / length if length > 0 else row
