"""Minimisation of the L2-regularised squared hinge for several binary problems on the same rows.

Being piecewise quadratic, the objective allows exact line searches; conjugate gradients run on it
directly. Two spaces hold the coefficients: that of the columns, and, where there are at least as
many columns as rows, that of combinations of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.memory import available_bytes
from classic_fer.models.tiled_rows import TiledRows

__all__ = ["SquaredHinge", "minimise"]

_Solve = Callable[[NDArray, NDArray], NDArray]

# Without a preconditioner from here on: numbers in all Gram matrices, rows of one factorisation.
_MOST_GRAM = 2**27
_MOST_FACTOR = 8192
_TILED_WORK = 2**25  # bytes for tiles
_KEPT_OF_ROWS = 16  # arrays over classes and rows that `minimise` holds
_CHANGED = 0.005  # share of rows that must have changed sides for a new preconditioner


class SquaredHinge:
    """Rows, targets, and the space in which the coefficients are sought.

    Arrays over classes and rows have shape (k, n), k being the number of binary problems.
    """

    def __init__(self, X: NDArray | TiledRows, y: NDArray) -> None:
        check_classification_targets(y)
        self.X = X
        self.classes, self.codes = np.unique(y, return_inverse=True)
        if len(self.classes) < 2:
            raise DataError(
                f"LinearSVM needs at least two classes, found one class: {self.classes.tolist()}"
            )
        positive = np.arange(len(self.classes)) if len(self.classes) > 2 else np.array([1])
        self.signs = np.where(self.codes == positive[:, np.newaxis], 1, -1).astype(X.dtype)
        n, d = X.shape
        columns = n > d or isinstance(X, TiledRows)
        self.space: _Space = _ColumnSpace(self) if columns else _RowSpace(self)

    def start(self, coef: ArrayLike | None, intercept: ArrayLike | None) -> NDArray[np.float64]:
        start = np.zeros((len(self.signs), self.X.shape[1] + 1))
        for part, given, name in (
            (start[:, :-1], coef, "coef_init"),
            (start[:, -1], intercept, "intercept_init"),
        ):
            if given is None:
                continue
            if np.shape(given) != part.shape:
                raise ParameterError(f"{name} must have shape {part.shape}, got {np.shape(given)}")
            part[...] = given
        return start

    def weights(self, class_weight: str | dict[Any, float] | None) -> NDArray:
        """Weight of each row in each problem, shape (k, n)."""
        weight = compute_class_weight(
            class_weight, classes=self.classes, y=self.classes[self.codes]
        ).astype(self.X.dtype)
        if len(self.signs) == 1:
            return weight[self.codes][np.newaxis]
        return np.where(self.signs > 0, weight[self.codes], self.X.dtype.type(1))


class _Space(Protocol):
    """Vectors of coefficients, k at a time, and their products with the rows."""

    refresh: frozenset[int]  # iterations at which the preconditioner is made anew

    def encode(
        self, coefs: NDArray, problem: SquaredHinge, slack: NDArray
    ) -> tuple[NDArray, NDArray]:
        """Vectors and scores of coefficients (k, d + 1), or of better ones."""

    def decode(self, vectors: NDArray) -> NDArray:
        """Coefficients of vectors, (k, d + 1)."""

    def scores(self, vectors: NDArray) -> NDArray:
        """Scores of all rows, (k, n)."""

    def adjoint(self, residuals: NDArray) -> NDArray:
        """Vectors of the sums of rows with these factors (k, n)."""

    def dual(self, vectors: NDArray, scores: NDArray | None = None) -> NDArray:
        """What to multiply other vectors by for their inner products with these."""

    def preconditioner(self, active: NDArray, slack: NDArray) -> list[_Solve]:
        """For each problem the (near) inverse of its Hessian, of a vector and its dual."""


class _ColumnSpace:
    """Vectors are coefficients and intercept, (k, d + 1): fewer columns than rows."""

    refresh = frozenset({2, 7, 20})

    def __init__(self, problem: SquaredHinge) -> None:
        self._X, self._codes = problem.X, problem.codes
        self._n_classes = len(problem.classes)
        self._work = _TILED_WORK + _KEPT_OF_ROWS * problem.signs.nbytes

    def encode(
        self, coefs: NDArray, problem: SquaredHinge, slack: NDArray
    ) -> tuple[NDArray, NDArray]:
        return coefs.copy(), self.scores(coefs)

    def decode(self, vectors: NDArray) -> NDArray:
        return vectors

    def scores(self, vectors: NDArray) -> NDArray:
        cast = vectors.astype(self._X.dtype)
        return (self._X @ cast[:, :-1].T).T + cast[:, -1:]

    def adjoint(self, residuals: NDArray) -> NDArray:
        intercepts = residuals.sum(axis=1, keepdims=True, dtype=np.float64)
        return np.hstack([(residuals @ self._X).astype(np.float64), intercepts])

    def dual(self, vectors: NDArray, scores: NDArray | None = None) -> NDArray:
        return vectors

    @cached_property
    def _grams(self) -> NDArray | None:
        """Gram matrix of the columns and a column of ones, for the rows of each class."""
        size = self._X.shape[1] + 1
        values = self._n_classes * size**2
        if values > _MOST_GRAM or size > _MOST_FACTOR:
            return None
        if isinstance(self._X, TiledRows):
            # Matrices that have room: Gram matrices, a factor for each problem, and work.
            room = (available_bytes() - self._work) // (self._X.dtype.itemsize * size**2)
            if room < 4 + self._n_classes:
                return None
            if room < 3 + 2 * self._n_classes:
                self._codes = np.zeros_like(self._codes)  # one for all classes
            grams = np.zeros((self._codes.max() + 1, size, size), self._X.dtype)
            for place, tile in self._X.tiles():
                for code in np.unique(self._codes[place]):
                    _add_gram(tile[self._codes[place] == code], grams[code])
            return grams
        grams = np.zeros((self._n_classes, size, size), self._X.dtype)
        for code, gram in enumerate(grams):
            _add_gram(self._X[self._codes == code], gram)
        return grams

    def preconditioner(self, active: NDArray, slack: NDArray) -> list[_Solve]:
        """The Hessian with the share of active rows of each class in the place of these rows."""
        grams = self._grams
        if grams is None:
            return [_identity] * len(active)
        made: dict[bytes, _Solve] = {}
        solves = []
        for weights in 2 * active * slack:
            shares = np.bincount(self._codes, weights) / np.bincount(self._codes)
            key = shares.tobytes()
            if key not in made:
                hessian = np.tensordot(shares.astype(grams.dtype), grams, axes=1)
                hessian[np.diag_indices(len(hessian))] += 1
                made[key] = _column_solve(_factor(hessian))
            solves.append(made[key])
        return solves


class _RowSpace:
    """Vectors are factors of the rows, (k, n), whose sum the coefficients are."""

    refresh = frozenset({1, 2, 4, 7, 12, 20, 30})

    def __init__(self, problem: SquaredHinge) -> None:
        self._X = problem.X
        assert isinstance(problem.X, np.ndarray)
        self._gram = problem.X @ problem.X.T
        self._gram += 1  # of the column of ones

    def encode(
        self, coefs: NDArray, problem: SquaredHinge, slack: NDArray
    ) -> tuple[NDArray, NDArray]:
        if not coefs.any():
            return np.zeros(slack.shape), np.zeros_like(slack)
        # At the solution, a row's factor follows from its score.
        scores = _ColumnSpace(problem).scores(coefs)
        factors = 2 * slack * problem.signs * np.maximum(1 - problem.signs * scores, 0)
        return factors.astype(np.float64), self.scores(factors)

    def decode(self, vectors: NDArray) -> NDArray:
        coefs = (vectors.astype(self._X.dtype) @ self._X).astype(np.float64)
        return np.hstack([coefs, vectors.sum(axis=1, keepdims=True)])

    def scores(self, vectors: NDArray) -> NDArray:
        return vectors.astype(self._X.dtype) @ self._gram

    def adjoint(self, residuals: NDArray) -> NDArray:
        return residuals.astype(np.float64)

    def dual(self, vectors: NDArray, scores: NDArray | None = None) -> NDArray:
        return self.scores(vectors) if scores is None else scores

    def preconditioner(self, active: NDArray, slack: NDArray) -> list[_Solve]:
        """The inverse of the Hessian of the active rows, by Woodbury's identity."""
        solves: list[_Solve] = []
        for mask, weights in zip(active, slack):
            rows = np.flatnonzero(mask & (weights > 0))
            if not 0 < len(rows) <= _MOST_FACTOR:
                solves.append(_identity)
                continue
            small = self._gram[np.ix_(rows, rows)]
            small[np.diag_indices(len(rows))] += 1 / (2 * weights[rows])
            solves.append(_row_solve(_factor(small), rows))
        return solves


def _add_gram(rows: NDArray, gram: NDArray) -> None:
    """Add to the Gram matrix of the columns and a column of ones, (d + 1, d + 1)."""
    gram[:-1, :-1] += rows.T @ rows
    sums = rows.sum(axis=0)
    gram[-1, :-1] += sums
    gram[:-1, -1] += sums
    gram[-1, -1] += len(rows)


def _identity(vector: NDArray, dual: NDArray) -> NDArray:
    return vector


def _column_solve(factor: Any) -> _Solve:
    def solve(vector: NDArray, dual: NDArray) -> NDArray:
        return cho_solve(factor, vector.astype(factor[0].dtype), check_finite=False)

    return solve


def _row_solve(factor: Any, rows: NDArray[np.intp]) -> _Solve:
    def solve(vector: NDArray, dual: NDArray) -> NDArray:
        solved = vector.copy()
        right = dual[rows].astype(factor[0].dtype)
        solved[rows] -= cho_solve(factor, right, check_finite=False)
        return solved

    return solve


def _factor(matrix: NDArray) -> Any:
    """Cholesky factor of a positive definite matrix, or of the nearest that rounding allows."""
    diagonal = np.diag_indices(len(matrix))
    values = matrix[diagonal].copy()
    jitter = float(np.finfo(matrix.dtype).eps) * float(values.sum(dtype=np.float64))
    while True:
        matrix[diagonal] = values + jitter
        try:
            return cho_factor(matrix, lower=True, check_finite=False)
        except LinAlgError:
            jitter *= 16


def minimise(
    problem: SquaredHinge, slack: NDArray, start: NDArray[np.float64], tol: float, max_iter: int
) -> tuple[NDArray[np.float64], int, bool]:
    """Minimise all objectives; a problem leaves the products as soon as it has converged.

    Parameters
    ----------
    problem : SquaredHinge
    slack : ndarray, shape (k, n)
        C times the weight of each row in each problem.
    start : ndarray of float64, shape (k, d + 1)
    tol : float
    max_iter : int

    Returns
    -------
    coefs : ndarray of float64, shape (k, d + 1)
    n_iter : int
    converged : bool
    """
    space, signs = problem.space, problem.signs
    tol = max(tol, 8 * float(np.finfo(signs.dtype).eps))  # what rounding allows
    vectors, scores = space.encode(start, problem, slack)
    solution = vectors.copy()
    still = np.arange(len(signs))
    direction, last_dual = np.zeros_like(vectors), np.zeros_like(vectors)
    last_decrement = np.ones(len(signs))
    solves: list[_Solve] = []
    known = np.zeros(signs.shape, dtype=bool)
    iteration = 0
    while True:
        margins = 1 - signs * scores
        active = margins > 0
        gradient = vectors - space.adjoint(2 * slack * signs * np.maximum(margins, 0))
        dual = space.dual(gradient)
        if not iteration or (iteration in space.refresh and np.mean(active != known) > _CHANGED):
            solves, known = space.preconditioner(active, slack), active
            direction[:] = 0
        step = np.stack([solve(g, h) for solve, g, h in zip(solves, gradient, dual)])
        decrement = np.einsum("ij,ij->i", step, dual)
        norms = np.einsum("ij,ij->i", vectors, space.dual(vectors, scores))
        going = decrement > tol**2 * norms
        solution[still] = vectors
        if not going.any() or iteration >= max_iter:
            return space.decode(solution), iteration, not going.any()
        if not going.all():
            still, signs, slack, vectors, scores, margins, step, dual = (
                part[going] for part in (still, signs, slack, vectors, scores, margins, step, dual)
            )
            direction, last_dual, last_decrement, decrement, known = (
                part[going] for part in (direction, last_dual, last_decrement, decrement, known)
            )
            solves = [solve for solve, goes in zip(solves, going) if goes]
        # Polak and Ribiere's direction, restarted where it would lead uphill.
        change = np.einsum("ij,ij->i", dual - last_dual, step) / last_decrement
        direction = np.maximum(change, 0)[:, np.newaxis] * direction - step
        uphill = np.einsum("ij,ij->i", direction, dual) >= 0
        direction[uphill] = -step[uphill]
        last_dual, last_decrement = dual, decrement
        ahead = space.scores(direction)
        ahead_dual = space.dual(direction, ahead)
        lengths = _line_search(
            margins,
            -signs * ahead,
            2 * slack,
            np.einsum("ij,ij->i", vectors, ahead_dual),
            np.einsum("ij,ij->i", direction, ahead_dual),
        )[:, np.newaxis]
        vectors = vectors + lengths * direction
        scores = scores + lengths.astype(scores.dtype) * ahead
        iteration += 1


def _line_search(
    margins: NDArray, slopes: NDArray, slack: NDArray, linear: NDArray, square: NDArray
) -> NDArray[np.float64]:
    """Minimise ``t * linear + t^2 * square / 2 + sum(slack * max(0, margins + t * slopes)^2) / 2``.

    Newton's method on the derivative, which is piecewise linear and rising, kept within the
    bracket that the signs of the derivative give.

    Parameters
    ----------
    margins, slopes, slack : ndarray, shape (k, n)
    linear, square : ndarray, shape (k,)

    Returns
    -------
    t : ndarray of float64, shape (k,)
    """
    pull = slack * slopes
    curve = pull * slopes
    low, high = np.zeros(len(linear)), np.full(len(linear), np.inf)
    t = np.ones(len(linear))
    for _ in range(50):
        there = margins + t[:, np.newaxis].astype(slopes.dtype) * slopes
        first = linear + t * square + (np.maximum(there, 0) * pull).sum(axis=1, dtype=np.float64)
        second = square + (curve * (there > 0)).sum(axis=1, dtype=np.float64)
        low, high = np.where(first < 0, t, low), np.where(first < 0, high, t)
        new = t - first / second
        outside = (new <= low) | (new >= high)
        middle = np.where(np.isinf(high), 2 * t, (low + high) / 2)
        new = np.where(outside & (first != 0), middle, new)
        settled = np.abs(new - t) <= 1e-5 * t
        t = new
        if settled.all():
            break
    return t
