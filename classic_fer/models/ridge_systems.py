"""Systems of kernel ridge regression with a free intercept, for several alphas at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.kernels import above_zero

__all__ = [
    "FACTOR_ROWS",
    "Gram",
    "centred_gram",
    "checked_alphas",
    "class_targets",
    "ridge_solutions",
    "row_weights",
]

# Up to here systems are solved by a Cholesky factorisation in double precision.
FACTOR_ROWS = 2048

_PRODUCT_ROWS = 2048  # rows of the kernel that are multiplied at a time

# Rows whose kernel makes the preconditioner: one of so many, but no more than so many.
_SAMPLED = 16
_MOST_SAMPLED = 1024


class Gram(Protocol):
    """Kernel of the training rows, (n, n): an array, or what does these things like one."""

    @property
    def dtype(self) -> np.dtype:
        """Precision of its values."""

    def __matmul__(self, vectors: Any, /) -> NDArray:
        """Product with vectors, shape (n, k)."""

    def __getitem__(self, key: Any, /) -> NDArray:
        """Some of its columns, shape (n, m)."""


def checked_alphas(alphas: Sequence[float]) -> NDArray[np.float64]:
    """Values of alpha as an array, shape (n_alphas,).

    Raises
    ------
    ParameterError
        If one is not above 0.
    """
    wrong = [alpha for alpha in alphas if not above_zero(alpha)]
    if wrong or not len(alphas):
        raise ParameterError(f"alpha must be above 0, got {wrong[0] if wrong else 'none'!r}")
    return np.asarray(alphas, dtype=np.float64)


def class_targets(y: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
    """Sorted classes, and a column of 1 and -1 for each (one for two classes).

    Raises
    ------
    DataError
        For a single class.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        raise DataError(
            f"kernel ridge needs at least two classes, found one class: {classes.tolist()}"
        )
    positive = classes[1:] if len(classes) == 2 else classes
    return classes, np.where(y[:, np.newaxis] == positive, 1.0, -1.0)


def row_weights(class_weight: str | dict[Any, float] | None, y: NDArray) -> NDArray[np.float64]:
    """The weight of the class of each row, shape (n,); `y` may lack classes of `class_weight`."""
    classes, codes = np.unique(y, return_inverse=True)
    if isinstance(class_weight, dict):
        class_weight = {k: v for k, v in class_weight.items() if k in classes}
    return compute_class_weight(class_weight, classes=classes, y=y)[codes]


def ridge_solutions(
    gram: Gram,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    alphas: NDArray[np.float64],
    *,
    tol: float,
    max_iter: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Dual coefficients and intercepts of kernel ridge regressions on the same rows.

    Up to 2,048 rows each alpha takes a factorisation. Beyond, conjugate gradients solve for all
    alphas and targets together, with one matrix product an iteration; a column leaves the product
    as soon as it has converged, so that it does not depend on the others.

    Parameters
    ----------
    gram : ndarray of float32 or float64, shape (n, n), or Gram
    targets : ndarray of float64, shape (n, k)
    weights : ndarray of float64, shape (n,)
        Of the rows; rows of weight 0 take no part.
    alphas : ndarray of float64, shape (n_alphas,)
    tol, max_iter
        See `classic_fer.models.kernel_ridge.KernelRidgeClassifier`.

    Returns
    -------
    duals : ndarray of float64, shape (n_alphas, n, k)
    intercepts : ndarray of float64, shape (n_alphas, k)
    n_iter : int
        Of the conjugate gradients; 1 for a factorisation.
    """
    if len(targets) <= FACTOR_ROWS:
        wide = np.asarray(gram, dtype=np.float64)
        duals = np.stack([_factor_solve(wide, weights, targets, alpha) for alpha in alphas])
        n_iter = 1
    else:
        duals, n_iter = _conjugate_gradients(gram, targets, weights, alphas, tol, max_iter)
    side_by_side = np.hstack(list(duals)).astype(gram.dtype)
    residuals = np.tile(targets, len(alphas)) - _product(gram, side_by_side)
    means = weights @ residuals / weights.sum()
    return duals, means.reshape(len(alphas), -1), n_iter


def centred_gram(
    gram: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The kernel scaled by the roots of the weights and free of the unit vector of these roots.

    To project that vector out is to fit an intercept that is not penalised.
    """
    roots = np.sqrt(weights)
    unit = roots / np.linalg.norm(roots)
    centred = gram * roots * roots[:, np.newaxis]
    image = centred @ unit
    centred -= np.outer(unit, image) + np.outer(image - (unit @ image) * unit, unit)
    return centred, unit


def _factor_solve(
    gram: NDArray[np.float64], weights: NDArray, targets: NDArray, alpha: float
) -> NDArray[np.float64]:
    """Dual coefficients, shape (n, k), by a Cholesky factorisation."""
    centred, unit = centred_gram(gram, weights)
    centred[np.diag_indices(len(centred))] += alpha
    roots = np.sqrt(weights)[:, np.newaxis]
    right = roots * targets
    right -= np.outer(unit, unit @ right)
    return roots * cho_solve(cho_factor(centred, overwrite_a=True), right)


def _conjugate_gradients(
    gram: Gram,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    alphas: NDArray[np.float64],
    tol: float,
    max_iter: int,
) -> tuple[NDArray[np.float64], int]:
    """Dual coefficients, (n_alphas, n, k), and the number of iterations.

    The systems are ``P R K R P + alpha``, R being the roots of the weights and P the projection
    that stands for the intercept.
    """
    n, k = targets.shape
    roots = np.sqrt(weights)[:, np.newaxis]
    unit = roots / np.linalg.norm(roots)

    def project(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return vectors - unit * (unit.T @ vectors)

    precondition = _nystrom(gram, roots, project)
    live, shifts = np.arange(len(alphas) * k), np.repeat(alphas, k)
    solution = np.zeros((n, len(live)))
    residual = np.tile(project(roots * targets), len(alphas))
    goal = tol**2 * np.tile(((roots * targets) ** 2).sum(axis=0), len(alphas))
    direction, square = np.zeros_like(residual), np.ones(len(live))
    n_iter = 0
    while True:
        going = (residual**2).sum(axis=0) > goal
        if not going.all():
            residual, direction = residual[:, going], direction[:, going]
            live, shifts, goal, square = live[going], shifts[going], goal[going], square[going]
        if not live.size or n_iter >= max_iter:
            break
        n_iter += 1
        better = precondition(residual, shifts)
        last, square = square, (residual * better).sum(axis=0)
        direction = better + square / last * direction
        image = project(roots * _product(gram, (roots * direction).astype(gram.dtype)))
        image += shifts * direction
        length = square / (direction * image).sum(axis=0)
        solution[:, live] += length * direction
        residual = residual - length * image
    if live.size:
        warnings.warn(
            f"kernel ridge has not converged in {max_iter} iterations (alpha={shifts.min():g}, "
            f"tol={tol:g}); raise alpha, tol or max_iter",
            ConvergenceWarning,
            stacklevel=4,
        )
    duals = (roots * solution).reshape(n, len(alphas), k)
    return np.ascontiguousarray(duals.transpose(1, 0, 2)), n_iter


def _product(gram: Gram, vectors: NDArray) -> NDArray:
    """Product with vectors, shape (n, k), in the threads of an enclosing ``parallel_config``."""
    if not isinstance(gram, np.ndarray):
        return gram @ vectors
    from joblib import Parallel, delayed

    out = np.empty_like(vectors)

    def multiply(start: int) -> None:
        rows = slice(start, start + _PRODUCT_ROWS)
        np.matmul(gram[rows], vectors, out=out[rows])

    starts = range(0, len(vectors), _PRODUCT_ROWS)
    Parallel(require="sharedmem")(delayed(multiply)(start) for start in starts)
    return out


def _nystrom(
    gram: Gram, roots: NDArray[np.float64], project: Callable[[NDArray], NDArray]
) -> Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]:
    """Near inverse of ``P R K R P + alpha`` for any alpha, from the kernel of a sample of rows.

    The kernel is replaced by its Nyström approximation ``U diag(values) U'`` (Frangella, Tropp and
    Udell 2023, Randomized Nyström preconditioning), of evenly spaced rows.
    """
    sample = slice(None, None, max(_SAMPLED, -(-len(roots) // _MOST_SAMPLED)))
    columns = np.ascontiguousarray(gram[:, sample])
    values, vectors = _positive_part(columns[sample])
    root = (vectors / np.sqrt(values)).astype(columns.dtype)
    half = project(roots * (columns @ root)).astype(columns.dtype)
    values, vectors = _positive_part(half.T @ half)
    basis = half @ (vectors / np.sqrt(values)).astype(columns.dtype)
    values = values[:, np.newaxis]

    def precondition(
        vectors: NDArray[np.float64], shifts: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        inside = basis.T @ vectors.astype(basis.dtype)
        return project(vectors - basis @ (values / (values + shifts) * inside).astype(basis.dtype))

    return precondition


def _positive_part(matrix: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues above rounding, and their vectors."""
    values, vectors = eigh(matrix.astype(np.float64))
    kept = values > np.finfo(matrix.dtype).eps * len(values) * values[-1]
    return values[kept], vectors[:, kept]
