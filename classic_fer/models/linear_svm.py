"""Linear support vector machine, trained for all classes at once by matrix products.

The objective is liblinear's L2-regularised squared hinge, so the answer is that of
`sklearn.svm.LinearSVC`; the way to it is another one. Being piecewise quadratic, the objective
allows exact line searches, and the Gram matrices of the classes, computed once, give a
preconditioner that is close to the Hessian of every class and every C: some twenty products of
all rows with all classes are enough.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from classic_fer.errors import DataError, ParameterError

__all__ = ["LinearSVM", "linear_svm_path"]

_Solve = Callable[[NDArray, NDArray], NDArray]

# Without a preconditioner from here on: numbers in all Gram matrices, rows of one factorisation.
_MOST_GRAM = 2**27
_MOST_FACTOR = 8192


class LinearSVM(LinearClassifierMixin, BaseEstimator):
    """Linear support vector machine with squared hinge loss, one class against the rest.

    Minimises, for each class, ``(|w|^2 + b^2) / 2 + C * sum(weight * max(0, 1 - t (w x + b))^2)``
    with targets t of 1 for the class and -1 for the rest, as `sklearn.svm.LinearSVC` does with
    its default loss, penalty and ``intercept_scaling=1``.

    Parameters
    ----------
    C : float
        Above 0; the larger, the less regularised.
    class_weight : "balanced", dict of class to weight, or None
        As in LinearSVC: the weight of a class counts for its rows in its own problem; rows of
        the rest have weight 1 (with two classes there is one problem, and both weights count).
    tol : float
        Training ends when the estimated distance to the solution, in the norm of the Hessian and
        so never less than the distance of the coefficients, is below `tol` times their norm.
    max_iter : int

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray, shape (n_classes, d), or (1, d) for two classes
        Of the dtype of the training rows, float32 or float64, as is all arithmetic but sums.
    intercept_ : ndarray, shape (n_classes,) or (1,)
    n_iter_ : int

    Notes
    -----
    Newton's method for the squared hinge (Keerthi and DeCoste 2005; Lin, Weng and Keerthi 2008)
    solves a linear system in the Hessian of the active rows in each step by conjugate gradients.
    Here the conjugate gradients run on the objective itself, with exact line searches and the
    preconditioner in the place of the inner systems. With at least as many columns as rows the
    same steps are taken on combinations of the rows (Chapelle 2007), through their Gram matrix.

    References
    ----------
    Keerthi, DeCoste (2005), A modified finite Newton method for fast solution of large scale
    linear SVMs. Lin, Weng, Keerthi (2008), Trust region Newton method for large-scale logistic
    regression. Chapelle (2007), Training a support vector machine in the primal.

    Examples
    --------
    >>> X = np.array([[-2.0], [-1.0], [1.0], [3.0]])
    >>> LinearSVM(C=10.0).fit(X, ["sad", "sad", "happy", "happy"]).predict([[0.4], [-0.4]])
    array(['happy', 'sad'], dtype='<U5')
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        class_weight: str | dict[Any, float] | None = None,
        tol: float = 1e-4,
        max_iter: int = 1000,
    ) -> None:
        self.C = C
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
    ) -> LinearSVM:
        """Train.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,)
        coef_init, intercept_init : array_like, optional
            Where to start, in the shape of `coef_` and `intercept_`; 0 if not given.

        Raises
        ------
        DataError
            For a single class.
        ParameterError
            For a `C` that is not above 0, or a start of another shape.
        """
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        problem = _Problem(rows, labels)
        return self._solve(problem, problem.start(coef_init, intercept_init))

    def _solve(self, problem: _Problem, start: NDArray[np.float64]) -> LinearSVM:
        """Train on a problem from coefficients and intercepts (n_problems, d + 1)."""
        if not self.C > 0:
            raise ParameterError(f"C must be above 0, got {self.C!r}")
        slack = self.C * problem.weights(self.class_weight)
        solution, self.n_iter_, converged = _conjugate_gradients(
            problem, slack, start, self.tol, self.max_iter
        )
        if not converged:
            warnings.warn(
                f"LinearSVM has not converged in {self.max_iter} iterations (tol={self.tol:g}); "
                "raise max_iter or tol, or scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.classes_ = problem.classes
        self.coef_ = solution[:, :-1].astype(problem.X.dtype)
        self.intercept_ = solution[:, -1].astype(problem.X.dtype)
        return self


def linear_svm_path(
    X: ArrayLike, y: ArrayLike, Cs: Iterable[float], **params: Any
) -> list[LinearSVM]:
    """A `LinearSVM` for each C; each starts from the last one's solution.

    The Gram matrices are computed once for all.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    Cs : iterable of float
        Fastest in rising order.
    **params
        Further parameters of `LinearSVM`.
    """
    models = [LinearSVM(C, **params) for C in Cs]
    problem, start = None, None
    for model in models:
        rows, labels = validate_data(model, X, y, dtype=[np.float32, np.float64])
        if problem is None or start is None:
            problem = _Problem(rows, labels)
            start = problem.start(None, None)
        model._solve(problem, start)
        start = np.column_stack([model.coef_, model.intercept_]).astype(np.float64)
    return models


class _Problem:
    """Rows, targets, and the space in which the coefficients are sought.

    Arrays over classes and rows have shape (k, n), k being the number of binary problems.
    """

    def __init__(self, X: NDArray, y: NDArray) -> None:
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
        self.space: _Space = _RowSpace(self) if n <= d else _ColumnSpace(self)

    def start(
        self, coef: ArrayLike | None, intercept: ArrayLike | None
    ) -> NDArray[np.float64]:
        start = np.zeros((len(self.signs), self.X.shape[1] + 1))
        for part, given, name in (
            (start[:, :-1], coef, "coef_init"),
            (start[:, -1], intercept, "intercept_init"),
        ):
            if given is None:
                continue
            if np.shape(given) != part.shape:
                raise ParameterError(
                    f"{name} must have shape {part.shape}, got {np.shape(given)}"
                )
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

    def scores(self, vectors: NDArray, chosen: NDArray) -> NDArray: ...

    def adjoint(self, residuals: NDArray) -> NDArray: ...

    def dual(self, vectors: NDArray, scores: NDArray | None) -> NDArray: ...

    def encode(self, coefs: NDArray, slack: NDArray) -> tuple[NDArray, NDArray]: ...
