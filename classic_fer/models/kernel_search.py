"""What fits of support vector machines share: inner products, kernels, parts of the solution.

libsvm trains k classes one against one: k (k - 1) / 2 problems of two classes each, for which it
computes the same kernel values again and again, a row at a time. Here the inner products of each
two classes come from one matrix product and are kept; a kernel is made from them for one pair of
classes at a time and serves every C; and a solution in which no multiplier reached its bound
serves every larger C.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

__all__ = [
    "ClassGram",
    "KernelKey",
    "PairSolution",
    "class_bounds",
    "kernel_key",
    "kernel_sums",
    "one_vs_rest",
    "pair_bytes",
    "pair_weights",
    "shares_kernel",
    "solve_pair",
    "squared_norms",
    "working_dtype",
]

KernelKey = tuple[str, float]

_KERNELS = ("rbf", "linear")
_TILE_BYTES = 2**20  # kernel values made at a time, so that they stay in the processor's cache
_TEST_ROWS = 256

# Training rows up to which inner products are in double precision, as libsvm computes them.
# Beyond, single precision halves time and memory; libsvm rounds kernel values to it anyway.
_DOUBLE_ROWS = 2048


def shares_kernel(clf: BaseEstimator) -> bool:
    """Whether fits of `clf` can share kernels: an SVC with an RBF or linear kernel."""
    from sklearn.svm import SVC

    from classic_fer.models.kernel_svc import KernelSVC

    if type(clf) not in (SVC, KernelSVC) or clf.kernel not in _KERNELS:
        return False
    plain = getattr(clf, "probability", False) in (False, "deprecated")
    if isinstance(clf.gamma, str):
        return plain and clf.gamma in ("scale", "auto")
    return plain and isinstance(clf.gamma, Real) and float(clf.gamma) >= 0


def kernel_key(clf: Any, train: NDArray) -> KernelKey:
    """Name of the kernel and its gamma on these training rows, shape (n, d), as SVC takes it."""
    if clf.kernel == "linear":
        return "linear", 0.0
    if clf.gamma == "auto":
        return "rbf", 1.0 / train.shape[1]
    if clf.gamma == "scale":
        variance = float(train.var(dtype=np.float64))
        return "rbf", 1.0 / (train.shape[1] * variance) if variance != 0 else 1.0
    return "rbf", float(clf.gamma)


def class_bounds(clf: Any, y: NDArray) -> NDArray[np.float64]:
    """Upper bound of the multipliers of each class, sorted: C times the weight of the class.

    Parameters
    ----------
    clf : SVC
    y : ndarray, shape (n,)
        Training labels.
    """
    from sklearn.utils.class_weight import compute_class_weight

    weights = compute_class_weight(clf.class_weight, classes=np.unique(y), y=y)
    return clf.C * np.asarray(weights, dtype=np.float64)


def working_dtype(n_train: int) -> type[np.floating]:
    """Precision of the inner products of a machine trained on so many rows."""
    return np.float64 if n_train <= _DOUBLE_ROWS else np.float32


def pair_bytes(sizes: ArrayLike) -> int:
    """Memory that the kernel of the two largest classes takes, given the sizes of all."""
    n = int(np.sort(np.asarray(sizes))[-2:].sum())
    return 4 * n * n + 8 * _TILE_BYTES


class ClassGram:
    """Inner products between training rows of each two classes, made when first wanted.

    Parameters
    ----------
    train : ndarray of float, shape (n, d)
    codes : ndarray of intp, shape (n,)
        Class number of each row, from 0.
    max_bytes : int
        Products beyond this are not kept, but made anew each time.

    Attributes
    ----------
    order : ndarray of intp, shape (n,)
        Row numbers sorted by class.
    slices : list of slice
        Place of each class in `order`.
    pairs : list of (int, int)
        Each two classes, in libsvm's order.

    Raises
    ------
    ValueError
        If a row has a value that is not finite.
    """

    def __init__(self, train: NDArray, codes: NDArray[np.intp], *, max_bytes: int) -> None:
        self.order = np.argsort(codes, kind="stable")
        self.rows = train[self.order].astype(working_dtype(len(train)), copy=False)
        self.norms = squared_norms(self.rows)
        if not np.isfinite(self.norms).all():
            raise ValueError("Input X contains NaN, infinity or a value too large.")
        ends = np.concatenate([[0], np.cumsum(np.bincount(codes))]).tolist()
        self.slices = [slice(start, stop) for start, stop in pairwise(ends)]
        self.pairs = list(combinations(range(len(self.slices)), 2))
        self._kept: dict[tuple[int, int], NDArray] = {}
        self._locks = {block: threading.Lock() for block in self.blocks}
        self._room = max_bytes
        self._room_lock = threading.Lock()

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """The products that there are: each class with itself, and each two classes."""
        return [(c, c) for c in range(len(self.slices))] + self.pairs

    def products(self, first: int, second: int) -> NDArray:
        """Inner products between the rows of two classes, shape (n_first, n_second)."""
        with self._locks[first, second]:
            found = self._kept.get((first, second))
            if found is None:
                left = self.rows[self.slices[first]]
                found = left @ (left if first == second else self.rows[self.slices[second]]).T
                with self._room_lock:
                    keep = found.nbytes <= self._room
                    self._room -= found.nbytes if keep else 0
                if keep:
                    self._kept[first, second] = found
            return found

    def kernel(
        self, key: KernelKey, pair: tuple[int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Kernel between the rows of two classes, and its diagonal in double precision.

        Returns
        -------
        kernel : ndarray of float32, shape (n, n)
            The rows of the first class before those of the second.
        diagonal : ndarray of float64, shape (n,)
        """
        first, second = pair
        norms = self.norms[self.slices[first]], self.norms[self.slices[second]]
        n = len(norms[0])
        size = n + len(norms[1])
        kernel = np.empty((size, size), dtype=np.float32)
        _write_kernel(key, self.products(first, first), norms[0], norms[0], kernel[:n, :n])
        _write_kernel(key, self.products(second, second), norms[1], norms[1], kernel[n:, n:])
        _write_kernel(key, self.products(first, second), *norms, kernel[:n, n:])
        kernel[n:, :n] = kernel[:n, n:].T
        diagonal = np.ones(size) if key[0] == "rbf" else np.concatenate(norms)
        np.fill_diagonal(kernel, diagonal)
        return kernel, diagonal


@dataclass(frozen=True)
class PairSolution:
    """Solution of one classifier on two classes.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (n_first + n_second,)
        The decision value of x is ``sum(coefficients * K(rows, x)) + intercept``; it is positive
        for the first class.
    intercept : float
    iterations : int
    bounded : bool
        Whether a multiplier ever reached its bound.
    bounds : tuple of float
        For the multipliers of the two classes.
    seconds : float
        Time it took.
    """

    coefficients: NDArray[np.float64]
    intercept: float
    iterations: int
    bounded: bool
    bounds: tuple[float, float]
    seconds: float


def solve_pair(
    gram: ClassGram,
    key: KernelKey,
    pair: tuple[int, int],
    clfs: Sequence[Any],
    bounds: Sequence[NDArray[np.float64]],
) -> list[PairSolution]:
    """Solutions of several SVC with the same kernel on two classes.

    Parameters
    ----------
    gram : ClassGram
    key : KernelKey
    pair : tuple of int
        One of ``gram.pairs``.
    clfs : sequence of SVC
        Their `tol`, `shrinking` and `max_iter` are used.
    bounds : sequence of ndarray, shape (n_classes,)
        `class_bounds` of each.
    """
    from classic_fer.models._smo import solve_two_classes

    kernel, diagonal = gram.kernel(key, pair)
    n_first = gram.slices[pair[0]].stop - gram.slices[pair[0]].start
    limits = [(float(bound[pair[0]]), float(bound[pair[1]])) for bound in bounds]
    made: dict[int, PairSolution] = {}
    last: dict[tuple[float, bool, int], PairSolution] = {}
    for number in sorted(range(len(clfs)), key=limits.__getitem__):
        clf, limit = clfs[number], limits[number]
        options = (float(clf.tol), bool(clf.shrinking), int(clf.max_iter))
        solution = last.get(options)
        if (
            solution is None
            or solution.bounded
            or solution.bounds[0] > limit[0]
            or solution.bounds[1] > limit[1]
        ):
            start = time.perf_counter()
            coefficients, intercept, iterations, bounded = solve_two_classes(
                kernel, diagonal, n_first, *limit, *options
            )
            seconds = time.perf_counter() - start
            solution = PairSolution(coefficients, intercept, iterations, bounded, limit, seconds)
            made[number] = last[options] = solution
        else:
            made[number] = replace(solution, seconds=0.0)
    return [made[number] for number in range(len(clfs))]


def squared_norms(rows: NDArray) -> NDArray[np.float64]:
    """Squared length of each row, shape (n,)."""
    return np.einsum("ij,ij->i", rows, rows, dtype=np.float64)


def kernel_sums(
    test: NDArray,
    train: NDArray,
    norms: NDArray[np.float64],
    weights: Sequence[tuple[KernelKey, NDArray[np.float64]]],
) -> list[NDArray[np.float64]]:
    """Weighted sums of the kernels between test and training rows.

    Parameters
    ----------
    test : ndarray of float, shape (m, d)
    train : ndarray of float, shape (n, d)
        Inner products are formed in its precision.
    norms : ndarray of float64, shape (n,)
        `squared_norms` of `train`.
    weights : sequence of (KernelKey, ndarray of float64 of shape (n, q))

    Returns
    -------
    sums : list of ndarray of float64, shape (m, q)
    """
    sums = [np.empty((len(test), w.shape[1])) for _, w in weights]
    kernel = np.empty((min(_TEST_ROWS, len(test)), len(train)))
    for start in range(0, len(test), _TEST_ROWS):
        tile = test[start : start + _TEST_ROWS].astype(train.dtype, copy=False)
        products, tile_norms = tile @ train.T, squared_norms(tile)
        made: KernelKey | None = None
        for (key, weight), out in zip(weights, sums):
            if key != made:
                _write_kernel(key, products, tile_norms, norms, kernel[: len(tile)])
                made = key
            np.matmul(kernel[: len(tile)], weight, out=out[start : start + _TEST_ROWS])
    return sums


def pair_weights(dual: NDArray[np.float64], n_support: NDArray) -> NDArray[np.float64]:
    """Weights of the support vectors in the decision of each two classes.

    Parameters
    ----------
    dual : ndarray, shape (n_classes - 1, n_support)
        Coefficients as libsvm keeps them; support vectors are sorted by class.
    n_support : ndarray of int, shape (n_classes,)

    Returns
    -------
    weights : ndarray of float64, shape (n_support, n_pairs)
        Pairs in libsvm's order; 0 where a vector is of neither class.
    """
    n_classes = len(dual) + 1
    n_pairs = n_classes * (n_classes - 1) // 2
    pair = np.zeros((n_classes, n_classes), dtype=np.intp)  # column of each two classes
    pair[np.triu_indices(n_classes, 1)] = np.arange(n_pairs)
    others = (pair + pair.T)[~np.eye(n_classes, dtype=bool)].reshape(n_classes, -1)
    own = np.repeat(np.arange(n_classes), n_support)
    weights = np.zeros((len(own), n_pairs))
    np.put_along_axis(weights, others[own], dual.T, axis=1)
    return weights


def _write_kernel(
    key: KernelKey,
    products: NDArray,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    out: NDArray,
) -> None:
    """Kernel of inner products (n, m) and the squared norms of their rows (n,) and columns (m,)."""
    name, gamma = key
    if name == "linear":
        out[...] = products
        return
    height = max(1, _TILE_BYTES // (8 * max(1, products.shape[1])))
    for start in range(0, len(products), height):
        rows = slice(start, start + height)
        distances = left[rows, np.newaxis] + right
        distances -= np.multiply(products[rows], 2.0, dtype=np.float64)
        distances *= -gamma
        np.exp(distances, out=distances)
        out[rows] = distances


def one_vs_rest(decisions: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Decision values of each class from those of each two classes, as SVC combines them.

    Parameters
    ----------
    decisions : ndarray of float64, shape (m, n_pairs)
        Positive for the first class of a pair.
    n_classes : int

    Returns
    -------
    scores : ndarray of float64, shape (m, n_classes)
        Votes, with the sum of the decisions, brought between -1/3 and 1/3, to break ties.
    """
    first, second = np.eye(n_classes)[np.array(np.triu_indices(n_classes, 1))]
    sums = decisions @ (first - second)
    votes = (decisions >= 0) @ first + (decisions < 0) @ second
    return votes + sums / (3 * (np.abs(sums) + 1))
