"""Kernels that fits of a fold share: one Gram matrix, one kernel a gamma, every C on it.

An SVC inside a grid search computes the same kernel values again in each fit, one row at a time.
Here the Gram matrix of a fold comes from one matrix product; kernels are made from it once and
handed to every fit that needs them through ``SVC(kernel="precomputed")``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

__all__ = ["KernelBank", "KernelKey", "Slots", "fit_precomputed", "kernel_key", "shares_kernel"]

KernelKey = tuple[str, float]

_KERNELS = ("rbf", "linear")
_BLOCK = 512  # rows of a kernel made at a time, so that they stay in the processor's cache

# Training rows up to which inner products are in double precision, as libsvm computes them.
# Beyond, single precision halves time and memory; libsvm rounds kernel values to it anyway.
_DOUBLE_ROWS = 2048


def shares_kernel(clf: BaseEstimator) -> bool:
    """Whether fits of `clf` can share kernels: an SVC with an RBF or linear kernel."""
    from sklearn.svm import SVC

    if type(clf) is not SVC or clf.kernel not in _KERNELS:
        return False
    plain = getattr(clf, "probability", False) in (False, "deprecated")
    if isinstance(clf.gamma, str):
        return plain and clf.gamma in ("scale", "auto")
    return plain and isinstance(clf.gamma, Real) and float(clf.gamma) >= 0


def kernel_key(clf: Any, train: NDArray[np.float32]) -> KernelKey:
    """Name of the kernel and its gamma on these training rows, shape (n, d), as SVC takes it."""
    if clf.kernel == "linear":
        return "linear", 0.0
    if clf.gamma == "auto":
        return "rbf", 1.0 / train.shape[1]
    if clf.gamma == "scale":
        variance = train.astype(np.float64).var()
        return "rbf", 1.0 / (train.shape[1] * variance) if variance != 0 else 1.0
    return "rbf", float(clf.gamma)


class Slots:
    """At most so many large matrices at a time; whoever needs one more waits.

    Parameters
    ----------
    n : int
        Number of matrices that fit into memory.
    """

    def __init__(self, n: int) -> None:
        self._free = max(1, n)
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self) -> None:
        """Wait for a slot.

        Raises
        ------
        InterruptedError
            If the search was given up meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0 or self._closed)
            if self._closed:
                raise InterruptedError("the search was stopped")
            self._free -= 1

    def release(self) -> None:
        """Give a slot back."""
        with self._changed:
            self._free += 1
            self._changed.notify()

    def close(self) -> None:
        """End all waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Kernel:
    """One kernel, the fits that still want it, and its matrices while they are in memory."""

    def __init__(self, users: int) -> None:
        self.users = users
        self.lock = threading.Lock()
        self.matrices: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None


class KernelBank:
    """Kernels between the rows of one fold, each made when first wanted and dropped after use.

    Parameters
    ----------
    train : ndarray of float32, shape (n_train, d)
    test : ndarray of float32, shape (n_test, d)
    wanted : iterable of KernelKey
        The kernel of each fit to come.
    slots : Slots
        Bounds the kernels that are in memory together.
    """

    def __init__(
        self,
        train: NDArray[np.float32],
        test: NDArray[np.float32],
        wanted: Iterable[KernelKey],
        slots: Slots,
    ) -> None:
        dtype = np.float64 if len(train) <= _DOUBLE_ROWS else np.float32
        train, test = train.astype(dtype, copy=False), test.astype(dtype, copy=False)
        self._gram_train = train @ train.T
        self._gram_test = test @ train.T
        self._norms_train = self._gram_train.diagonal().astype(np.float64)
        self._norms_test = np.einsum("ij,ij->i", test, test, dtype=np.float64)
        self._kernels = {key: _Kernel(users) for key, users in Counter(wanted).items()}
        self._slots = slots

    @contextmanager
    def kernel(self, key: KernelKey) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Kernels (n_train, n_train) and (n_test, n_train) for one fit."""
        kernel = self._kernels[key]
        with kernel.lock:
            if kernel.matrices is None:
                kernel.matrices = self._make(key)
        try:
            yield kernel.matrices
        finally:
            with kernel.lock:
                kernel.users -= 1
                if not kernel.users:
                    kernel.matrices = None
                    self._slots.release()

    def _make(self, key: KernelKey) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self._slots.acquire()
        try:
            return (
                _kernel_values(key, self._gram_train, self._norms_train, self._norms_train),
                _kernel_values(key, self._gram_test, self._norms_test, self._norms_train),
            )
        except MemoryError:
            self._slots.release()
            raise


def _kernel_values(
    key: KernelKey, gram: NDArray, left: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Kernel of a Gram matrix (n, m) and the squared norms of its rows (n,) and columns (m,)."""
    name, gamma = key
    if name == "linear":
        return gram.astype(np.float64)
    values = np.empty(gram.shape)
    for start in range(0, len(gram), _BLOCK):
        block = values[start : start + _BLOCK]
        np.multiply(gram[start : start + _BLOCK], 2.0, out=block)
        block -= left[start : start + _BLOCK, np.newaxis]
        block -= right
        block *= gamma
        np.exp(block, out=block)
    return values


def fit_precomputed(clf: Any, kernel: NDArray[np.float64], y: NDArray) -> Any:
    """A copy of the SVC `clf`, fitted on the kernel (n, n) between its training rows."""
    return clone(clf).set_params(kernel="precomputed").fit(kernel, y)
