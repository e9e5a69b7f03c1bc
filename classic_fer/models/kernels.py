"""Kernels between rows of features: linear, RBF, chi-squared, histogram intersection, and sums.

The kernel ``"mirror-rbf"`` is for rows of which mirroring the face turns the sign of the second
half, as of symmetric Fisher vectors: the mean of the RBF kernels of a row with another row and
with its mirror image. To train with it is to train on mirrored copies as well, and to average
over the mirrored test face (Haasdonk, Vossen and Burkhardt 2005, Invariance in kernel methods by
Haar integration kernels).

All take rows (n, d) and (m, d) and give their kernel, (n, m); without second rows that of the
first with themselves, of which one half is computed. Kernels are made a tile at a time, so that
besides the result only a few megabytes are needed, in the threads of an enclosing
``joblib.parallel_config("threading", n_jobs=...)``; values do not depend on their number. Linear
and RBF kernels keep float64; all others are float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.models.kernel_tiles import (
    TILES,
    exponential,
    mirrored_exponential,
    tile_rows,
    tiled,
)

__all__ = [
    "EXPONENTIAL_KERNELS",
    "KERNELS",
    "KernelTerm",
    "above_zero",
    "checked_terms",
    "chi2_kernel",
    "each_kernel",
    "exponential_chi2_kernel",
    "intersection_kernel",
    "kernel_distances",
    "kernel_sum",
    "kernel_terms",
    "linear_kernel",
    "rbf_kernel",
    "scale_gamma",
]

KERNELS = tuple(TILES)
EXPONENTIAL_KERNELS = ("rbf", "exp-chi2")

_SAMPLE = 1000  # rows from which the mean chi-squared distance is taken


class KernelTerm(NamedTuple):
    """One kernel of a sum.

    Attributes
    ----------
    kernel : str
        One of `KERNELS`.
    weight : float
        Factor, above 0.
    gamma : float or "scale"
        For the RBF kernels and exponential chi-squared; see `scale_gamma`.
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
    return kernel_sum([KernelTerm("linear")], X, Y)


def rbf_kernel(X: NDArray, Y: NDArray | None = None, *, gamma: float) -> NDArray:
    """``exp(-gamma * |x - y|^2)``, shape (n, m).

    Parameters
    ----------
    X : ndarray, shape (n, d)
    Y : ndarray, shape (m, d), optional
    gamma : float
        Above 0.
    """
    return kernel_sum([KernelTerm("rbf", gamma=gamma)], X, Y)


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
    return kernel_sum([KernelTerm("chi2")], X, Y)


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
    return kernel_sum([KernelTerm("exp-chi2", gamma=gamma)], X, Y)


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
    return kernel_sum([KernelTerm("intersection")], X, Y)


def scale_gamma(kernel: str, X: NDArray) -> float:
    """The gamma called ``"scale"``: 2 over the mean distance of two training rows.

    For the RBF kernel, whose distance is the squared one, this is what scikit-learn's SVC calls
    so, and 1 after `FeatureScaler`. For chi-squared, at most 1,000 evenly spaced rows are taken.
    """
    if kernel in ("rbf", "mirror-rbf"):
        mean = 2 * float(X.var(axis=0, dtype=np.float64).sum())
    elif kernel == "exp-chi2":
        rows = X[:: -(-len(X) // _SAMPLE)]
        mean = float(kernel_distances(kernel, rows).mean(dtype=np.float64))
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
    numbered = []
    for term in checked_terms(kernel, gamma):
        columns = X[:, term.start : term.stop]
        if not columns.shape[1]:
            raise ParameterError(
                f"kernel {term.kernel!r} reads no columns: {term.start}:{term.stop} of {X.shape[1]}"
            )
        if term.kernel == "mirror-rbf" and columns.shape[1] % 2:
            raise ParameterError(
                "kernel 'mirror-rbf' needs rows of two halves (fisher with symmetric=true, then "
                f"mpca), got {columns.shape[1]} columns"
            )
        if term.gamma == "scale":
            term = term._replace(gamma=scale_gamma(term.kernel, columns))
        numbered.append(term)
    return numbered


def checked_terms(
    kernel: str | Sequence[KernelTerm | tuple], gamma: float | str
) -> list[KernelTerm]:
    """The terms of a kernel, as far as they can be known without training rows.

    Parameters
    ----------
    kernel, gamma
        See `kernel_terms`.

    Raises
    ------
    ParameterError
        For an unknown name, or a gamma or weight that is not above 0.
    """
    terms = [KernelTerm(kernel, 1.0, gamma)] if isinstance(kernel, str) else list(kernel)
    if not terms:
        raise ParameterError("a sum of kernels needs at least one term, got none")
    made = [KernelTerm(*term) for term in terms]
    for term in made:
        if term.kernel not in KERNELS:
            raise unknown_name("kernel", term.kernel, KERNELS)
        if not above_zero(term.weight):
            raise ParameterError(
                f"the weight of a kernel must be a number above 0, got {term.weight!r}"
            )
        if term.gamma != "scale" and not above_zero(term.gamma):
            raise ParameterError(f"gamma must be 'scale' or a number above 0, got {term.gamma!r}")
    return made


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
    made = [KernelTerm(*term) for term in terms]
    if not made:
        raise ParameterError("a sum of kernels needs at least one term, got none")
    parts = [slice(term.start, term.stop) for term in made]
    left = [tile_rows(term.kernel, X[:, part]) for term, part in zip(made, parts)]
    right = left
    if Y is not None:
        right = [tile_rows(term.kernel, Y[:, part]) for term, part in zip(made, parts)]

    def tile(place: tuple[slice, slice]) -> NDArray:
        total: NDArray | None = None
        for term, these, those in zip(made, left, right):
            values = TILES[term.kernel](these[place[0]], those[place[1]])
            if term.kernel in EXPONENTIAL_KERNELS:
                exponential(values, float(term.gamma), out=values)
            elif term.kernel == "mirror-rbf":
                mirrored_exponential(values, these[place[0]], those[place[1]], float(term.gamma))
            if term.weight != 1:
                values *= term.weight
            total = values if total is None else np.add(total, values)
        assert total is not None
        return total

    dtype = np.result_type(*(rows.dtype for rows in left))
    return tiled(tile, len(X), None if Y is None else len(Y), dtype)


def kernel_distances(kernel: str, X: NDArray, Y: NDArray | None = None) -> NDArray:
    """What an exponential kernel takes the exponential of, but for gamma, shape (n, m).

    Parameters
    ----------
    kernel : str
        One of `EXPONENTIAL_KERNELS`.
    X : ndarray, shape (n, d)
    Y : ndarray, shape (m, d), optional
    """
    left = tile_rows(kernel, X)
    right = left if Y is None else tile_rows(kernel, Y)

    def tile(place: tuple[slice, slice]) -> NDArray:
        return TILES[kernel](left[place[0]], right[place[1]])

    return tiled(tile, len(X), None if Y is None else len(Y), left.dtype)


def each_kernel(
    many: Sequence[Sequence[KernelTerm | tuple]], X: NDArray, Y: NDArray | None = None
) -> Iterator[NDArray]:
    """`kernel_sum` of each of several kernels; distances serve as many gammas as follow.

    Parameters
    ----------
    many : sequence of sequences of KernelTerm
    X : ndarray, shape (n, d)
    Y : ndarray, shape (m, d), optional
    """
    known: KernelTerm | None = None
    for terms in many:
        term = KernelTerm(*terms[0])
        if len(terms) > 1 or term.kernel not in EXPONENTIAL_KERNELS:
            yield kernel_sum(terms, X, Y)
            continue
        if term._replace(gamma=0.0, weight=1.0) != known:
            known = term._replace(gamma=0.0, weight=1.0)
            part = slice(term.start, term.stop)
            distances = kernel_distances(term.kernel, X[:, part], None if Y is None else Y[:, part])
        kernel = exponential(distances, float(term.gamma))
        yield kernel if term.weight == 1 else kernel * distances.dtype.type(term.weight)


def above_zero(value: object) -> bool:
    """Whether a value is a finite number above 0."""
    return isinstance(value, Real) and 0 < float(value) < np.inf
