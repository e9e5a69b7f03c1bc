"""Linear support vector machine, trained for all classes at once by matrix products.

The objective is liblinear's L2-regularised squared hinge, so the answer is that of
`sklearn.svm.LinearSVC`; the way to it is another one. Being piecewise quadratic, the objective
allows exact line searches, and the Gram matrices of the classes, computed once, give a
preconditioner that is close to the Hessian of every class and every C: some twenty products of
all rows with all classes are enough.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.validation import validate_data

from classic_fer.errors import ParameterError
from classic_fer.models.kernels import above_zero
from classic_fer.models.squared_hinge import SquaredHinge, minimise
from classic_fer.models.tiled_rows import TiledRows
from classic_fer.models.validation import training_rows, validated_rows

__all__ = ["LinearSVM", "reads_tiles"]

# Where rows are larger than memory there is room for the matrices of one fit at a time.
_TURNS = threading.Lock()


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

    def check_params(self) -> None:
        """Refuse parameters that no training rows could be fitted with (`ParameterError`)."""
        if not above_zero(self.C):
            raise ParameterError(f"C must be above 0, got {self.C!r}")

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
        X : array_like or TiledRows, shape (n, d)
            Of rows that are larger than memory only products are formed, tile by tile.
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
        if isinstance(X, TiledRows):
            with _TURNS:
                return self._fit(training_rows(self, X), np.asarray(y), coef_init, intercept_init)
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64])
        return self._fit(rows, labels, coef_init, intercept_init)

    def _fit(
        self,
        rows: NDArray | TiledRows,
        labels: NDArray,
        coef_init: ArrayLike | None,
        intercept_init: ArrayLike | None,
    ) -> LinearSVM:
        problem = SquaredHinge(rows, labels)
        return self._solve(problem, problem.start(coef_init, intercept_init))

    def decision_function(self, X: ArrayLike | TiledRows) -> NDArray:
        """Decision values, shape (n, n_classes), or (n,) for two classes; above 0: the class."""
        rows = X if isinstance(X, TiledRows) else validated_rows(self, X)
        scores = rows @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def _solve(self, problem: SquaredHinge, start: NDArray[np.float64]) -> LinearSVM:
        """Train on a problem from coefficients and intercepts (n_problems, d + 1)."""
        self.check_params()
        slack = self.C * problem.weights(self.class_weight)
        solution, self.n_iter_, converged = minimise(problem, slack, start, self.tol, self.max_iter)
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


def reads_tiles(clf: BaseEstimator) -> bool:
    """Whether a classifier is fitted to TiledRows without reading them as a whole."""
    return isinstance(clf, LinearSVM)
