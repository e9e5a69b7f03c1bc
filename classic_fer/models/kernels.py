"""Kernels between rows of features: linear, RBF, chi-squared, histogram intersection, and sums.

All take rows (n, d) and (m, d) and give their kernel, (n, m); without second rows that of the
first with themselves. Kernels are made a block of rows at a time, so that besides the result only
a few megabytes are needed. Linear and RBF kernels keep float64; all others are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError, unknown_name

__all__ = [
    "KERNELS",
    "KernelTerm",
    "chi2_kernel",
    "exponential_chi2_kernel",
    "intersection_kernel",
    "kernel_sum",
    "kernel_terms",
    "linear_kernel",
    "rbf_kernel",
    "scale_gamma",
]

_BLOCK = 512  # rows of a kernel made at a time
_SAMPLE = 1000  # rows from which the mean chi-squared distance is taken

_Loop = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], None]


class KernelTerm(NamedTuple):
    """One kernel of a sum.

    Attributes
    ----------
    kernel : str
        One of `KERNELS`.
    weight : float
        Factor, above 0.
    gamma : float or "scale"
        For RBF and exponential chi-squared; see `scale_gamma`.
    start, stop : int and int or None
        The columns it reads, as in ``X[:, start:stop]``.
    """

    kernel: str
    weight: float = 1.0
    gamma: float | str = "scale"
    start: int = 0
    stop: int | None = None


def linear_kernel(X: NDArray, Y: NDArray | None = None) -> NDArray:
    """Inner products of rows, shape (n, m)."""
    return X @ (X if Y is None else Y).T


def rbf_kernel(X: NDArray, Y: NDArray | None = None, *, gamma: float) -> NDArray:
    """``exp(-gamma * |x - y|^2)``, shape (n, m).

    Parameters
    ----------
    X : ndarray, shape (n, d)
    Y : ndarray, shape (m, d), optional
    gamma : float
        Above 0.
    """
    left = np.einsum("ij,ij->i", X, X)
    right = left if Y is None else np.einsum("ij,ij->i", Y, Y)
    kernel = linear_kernel(X, Y)
    for start in range(0, len(kernel), _BLOCK):
        block = kernel[start : start + _BLOCK]
        block *= 2
        block -= left[start : start + _BLOCK, np.newaxis]
        block -= right
        np.minimum(block, 0, out=block)
        block *= gamma
        np.exp(block, out=block)
    return kernel


def chi2_kernel(X: NDArray, Y: NDArray | None = None) -> NDArray[np.float32]:
    """Additive chi-squared kernel, sums of ``2 x y / (x + y)``, float32, shape (n, m).

    This is the positive definite form of Vedaldi and Zisserman; scikit-learn's
    `additive_chi2_kernel`, the negative of the distance, is twice this less the sums of both rows.

    Raises
    ------
    DataError
        For negative values.

    References
    ----------
    Vedaldi, Zisserman (2012), Efficient additive kernels via explicit feature maps.
    """
    kernel = _pairwise(_chi2_distances, X, Y)
    left = X.sum(axis=1, dtype=np.float64).astype(np.float32)
    right = left if Y is None else Y.sum(axis=1, dtype=np.float64).astype(np.float32)
    for start in range(0, len(kernel), _BLOCK):
        block = kernel[start : start + _BLOCK]
        np.subtract(right, block, out=block)
        block += left[start : start + _BLOCK, np.newaxis]
        block /= 2
    return kernel


def exponential_chi2_kernel(
    X: NDArray, Y: NDArray | None = None, *, gamma: float
) -> NDArray[np.float32]:
    """``exp(-gamma * sum((x - y)^2 / (x + y)))``, float32, shape (n, m).

    Raises
    ------
    DataError
        For negative values.

    References
    ----------
    Zhang, Marszałek, Lazebnik, Schmid (2007), Local features and kernels for classification of
    texture and object categories.
    """
    kernel = _pairwise(_chi2_distances, X, Y)
    kernel *= -gamma
    return np.exp(kernel, out=kernel)


def intersection_kernel(X: NDArray, Y: NDArray | None = None) -> NDArray[np.float32]:
    """Histogram intersection, sums of ``min(x, y)``, float32, shape (n, m).

    Raises
    ------
    DataError
        For negative values.

    References
    ----------
    Swain, Ballard (1991), Color indexing. Barla, Odone, Verri (2003), Histogram intersection
    kernel for image classification.
    """
    return _pairwise(_minima, X, Y)


_PLAIN: dict[str, Callable[[NDArray, NDArray | None], NDArray]] = {
    "linear": linear_kernel,
    "chi2": chi2_kernel,
    "intersection": intersection_kernel,
}
_EXPONENTIAL: dict[str, Callable[..., NDArray]] = {
    "rbf": rbf_kernel,
    "exp-chi2": exponential_chi2_kernel,
}
KERNELS = (*_PLAIN, *_EXPONENTIAL)


def scale_gamma(kernel: str, X: NDArray) -> float:
    """The gamma called ``"scale"``: 2 over the mean distance of two training rows.

    For the RBF kernel, whose distance is the squared one, this is what scikit-learn's SVC calls
    so, and 1 after `FeatureScaler`. For chi-squared, at most 1,000 evenly spaced rows are taken.
    """
    if kernel == "rbf":
        mean = 2 * float(X.var(axis=0, dtype=np.float64).sum())
    elif kernel == "exp-chi2":
        rows = X[:: -(-len(X) // _SAMPLE)]
        mean = float(_pairwise(_chi2_distances, rows, None).mean(dtype=np.float64))
    else:
        return 1.0
    return 2 / mean if mean > 0 else 1.0


def kernel_terms(
    kernel: str | Sequence[KernelTerm | tuple], gamma: float | str, X: NDArray
) -> list[KernelTerm]:
    """The terms of a kernel for these training rows, each with gamma as a number.

    Parameters
    ----------
    kernel : str or sequence of KernelTerm
        A name in `KERNELS`, or the terms of a sum, for which plain tuples do.
    gamma : float or "scale"
        For a name.
    X : ndarray, shape (n, d)
        Training rows.

    Raises
    ------
    ParameterError
        For an unknown name, a gamma or weight that is not above 0, or a term without columns.
    """
    terms = [KernelTerm(kernel, 1.0, gamma)] if isinstance(kernel, str) else list(kernel)
    if not terms:
        raise ParameterError("a sum of kernels needs at least one term, got none")
    numbered = []
    for term in (KernelTerm(*term) for term in terms):
        if term.kernel not in KERNELS:
            raise unknown_name("kernel", term.kernel, KERNELS)
        if not _above_zero(term.weight):
            raise ParameterError(
                f"the weight of a kernel must be a number above 0, got {term.weight!r}"
            )
        columns = X[:, term.start : term.stop]
        if not columns.shape[1]:
            raise ParameterError(
                f"kernel {term.kernel!r} reads no columns: {term.start}:{term.stop} of {X.shape[1]}"
            )
        if term.gamma == "scale":
            term = term._replace(gamma=scale_gamma(term.kernel, columns))
        elif not _above_zero(term.gamma):
            raise ParameterError(f"gamma must be 'scale' or a number above 0, got {term.gamma!r}")
        numbered.append(term)
    return numbered


def kernel_sum(
    terms: Sequence[KernelTerm | tuple], X: NDArray, Y: NDArray | None = None
) -> NDArray:
    """Weighted sum of kernels, shape (n, m).

    Parameters
    ----------
    terms : sequence of KernelTerm
        From `kernel_terms`.
    X : ndarray, shape (n, d)
    Y : ndarray, shape (m, d), optional
    """
    total = None
    for term in (KernelTerm(*term) for term in terms):
        left = X[:, term.start : term.stop]
        right = None if Y is None else Y[:, term.start : term.stop]
        if term.kernel in _PLAIN:
            values = _PLAIN[term.kernel](left, right)
        else:
            values = _EXPONENTIAL[term.kernel](left, right, gamma=term.gamma)
        if term.weight != 1:
            values *= term.weight
        total = values if total is None else np.add(total, values)
    if total is None:
        raise ParameterError("a sum of kernels needs at least one term, got none")
    return total


def _above_zero(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) < np.inf


def _chi2_distances(left: NDArray, right: NDArray, out: NDArray) -> None:
    from classic_fer.models._kernel_loops import chi2_distances

    chi2_distances(left, right, out)


def _minima(left: NDArray, right: NDArray, out: NDArray) -> None:
    from classic_fer.models._kernel_loops import minima

    minima(left, right, out)


def _pairwise(loop: _Loop, X: NDArray, Y: NDArray | None) -> NDArray[np.float32]:
    """A compiled sum over all pairs of rows; of a matrix with itself only one half is computed."""
    left = _histograms(X)
    right = left if Y is None else _histograms(Y)
    out = np.empty((len(left), len(right)), np.float32)
    for start in range(0, len(left), _BLOCK):
        stop = min(start + _BLOCK, len(left))
        first = start if Y is None else 0
        block = np.empty((stop - start, len(right) - first), np.float32)
        loop(left[start:stop], right[first:], block)
        out[start:stop, first:] = block
        if Y is None:
            out[start:, start:stop] = block.T
    return out


def _histograms(X: NDArray) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(X, dtype=np.float32)
    least = rows.min(initial=0)
    if least < 0:
        raise DataError(
            f"chi-squared and intersection kernels need values of 0 or more, found {least:.3g}; "
            "take scaler='none' and features that are histograms"
        )
    return rows
