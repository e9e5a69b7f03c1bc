"""Pairwise linear programming: the expression classifier of Feng, Pietikäinen and Hadid."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.optimize import linprog
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classic_fer.errors import DataError, ParameterError

__all__ = ["PairwiseLPClassifier", "pairwise_votes", "separating_plane"]

_COLUMNS = 50  # columns that enter a linear program at a time
_DUAL_TOLERANCE = 1e-6


def separating_plane(
    first: ArrayLike, second: ArrayLike, *, C: float
) -> tuple[NDArray[np.float64], float]:
    """The plane ``w @ x = threshold`` that best separates two sets of rows.

    Minimises ``C * (mean(y) + mean(z)) + s * |w|_1``, where y and z >= 0 are how far each row of
    `first` falls short of ``w @ x - threshold >= 1`` and each of `second` of ``<= -1``. For large
    `C` this is the plane of Bennett and Mangasarian with the least 1-norm.

    Parameters
    ----------
    first, second : array_like, shape (n_first, d) and (n_second, d)
    C : float
        Greater than 0: weight of the mean misclassification distances. The factor ``s`` (root
        of the total variance of the columns over their number) makes it free of the features'
        scale.

    Returns
    -------
    w : ndarray of float64, shape (d,)
    threshold : float

    Examples
    --------
    >>> w, threshold = separating_plane([[2.0], [3.0]], [[0.0], [-1.0]], C=1000)
    >>> w.round(6).tolist(), round(threshold, 6)
    ([1.0], 1.0)
    """
    if not C > 0:
        raise ParameterError(f"C must be greater than 0, got {C!r}")
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    spread = float(np.sqrt(np.vstack([first, second]).var(axis=0).mean()))
    scale = spread if spread > 0 else 1.0
    rows = np.vstack([first, -second]) / scale
    side = np.repeat([-1.0, 1.0], [len(first), len(second)])
    price = C / np.where(side < 0, len(first), len(second))
    duals, active = price, np.zeros(0, dtype=int)
    # Column generation: only columns whose dual constraint |rows.T @ duals| <= 1 is violated can
    # enter the plane. Where none is, the small program's solution solves the whole one.
    while True:
        violation = np.abs(rows.T @ duals) - 1
        violation[active] = 0
        entering = np.argsort(-violation, kind="stable")[:_COLUMNS]
        entering = entering[violation[entering] > _DUAL_TOLERANCE]
        if len(active) and not len(entering):
            break
        active = np.concatenate([active, entering])
        weights, threshold, duals = _small_program(rows[:, active], side, price)
        if not len(entering):
            break
    whole = np.zeros(rows.shape[1])
    whole[active] = weights / scale
    return whole, threshold


def _small_program(
    rows: NDArray[np.float64], side: NDArray[np.float64], price: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Weights, threshold and dual values of the program over few columns.

    Unknowns: w+ and w- (their difference is w), the threshold, and the distance of each row.
    """
    n, d = rows.shape
    constraints = sparse.hstack([-rows, rows, -side[:, None], -sparse.eye_array(n)], format="csc")
    bounds = np.tile([0.0, np.inf], (2 * d + 1 + n, 1))
    bounds[2 * d, 0] = -np.inf
    solution = linprog(
        np.concatenate([np.ones(2 * d), [0.0], price]),
        A_ub=constraints,
        b_ub=-np.ones(n),
        bounds=bounds,
        method="highs",
    )
    if solution.x is None:
        raise DataError(f"the linear program was not solved: {solution.message}")
    weights = solution.x[:d] - solution.x[d : 2 * d]
    return weights, float(solution.x[2 * d]), -solution.ineqlin.marginals


def pairwise_votes(decisions: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Votes of all pairs, ties broken by how clear the votes were.

    Parameters
    ----------
    decisions : array_like, shape (n, n_classes * (n_classes - 1) / 2)
        Positive where the first class of the pair wins; pairs in the order of
        ``itertools.combinations``.
    n_classes : int

    Returns
    -------
    scores : ndarray of float64, shape (n, n_classes)
        Number of pairs won plus the sum of decisions squeezed into (-1/3, 1/3).
    """
    decisions = np.asarray(decisions, dtype=np.float64)
    votes = np.zeros((len(decisions), n_classes))
    clarity = np.zeros_like(votes)
    for pair, (i, j) in enumerate(combinations(range(n_classes), 2)):
        wins = decisions[:, pair] > 0
        votes[:, i] += wins
        votes[:, j] += ~wins
        clarity[:, i] += decisions[:, pair]
        clarity[:, j] -= decisions[:, pair]
    return votes + clarity / (3 * (np.abs(clarity) + 1))


class PairwiseLPClassifier(ClassifierMixin, BaseEstimator):
    """One separating plane for each pair of classes, found by linear programming.

    Seven expressions give 21 pairs. A pair's plane minimises the mean distance by which rows of
    the two classes lie on the wrong side of it, which weighs both classes alike however many
    rows they have.

    Parameters
    ----------
    C : float
        Weight of the misclassification distances against the 1-norm of the plane.

    Attributes
    ----------
    classes_ : ndarray
    coef_ : ndarray of float64, shape (n_pairs, d)
        The planes' normals; most entries are 0. Pairs in the order of
        ``itertools.combinations``; positive decisions speak for the first class.
    intercept_ : ndarray of float64, shape (n_pairs,)

    References
    ----------
    Feng, Pietikäinen, Hadid (2005), Facial expression recognition based on local binary
    patterns. Bennett, Mangasarian (1992), Robust linear programming discrimination of two
    linearly inseparable sets. Bradley, Mangasarian (1998), Feature selection via concave
    minimization and support vector machines (the 1-norm).

    Notes
    -----
    Deviations from the paper. (1) With more columns than rows infinitely many planes separate a
    pair; the 1-norm chooses one. (2) The paper decides by a knock-out tournament over a binary
    tree; here all pairs vote, which gives the same winner wherever a class wins all its pairs,
    and does not depend on the seeding. The time grows steeply with the number of rows: it is
    meant for hundreds of faces a class.
    """

    def __init__(self, C: float = 10.0) -> None:
        self.C = C

    def fit(self, X: ArrayLike, y: ArrayLike) -> PairwiseLPClassifier:
        """Solve one linear program a pair for rows, shape (n, d)."""
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"pairs need at least two classes, found one class: {self.classes_.tolist()}"
            )
        planes = [
            separating_plane(rows[codes == i], rows[codes == j], C=self.C)
            for i, j in combinations(range(len(self.classes_)), 2)
        ]
        self.coef_ = np.stack([weights for weights, _ in planes])
        self.intercept_ = -np.array([threshold for _, threshold in planes])
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """`pairwise_votes`, shape (n, n_classes); for two classes the decision, shape (n,)."""
        check_is_fitted(self, "coef_")
        rows: NDArray = validate_data(self, X, dtype=np.float64, reset=False)
        decisions = rows @ self.coef_.T + self.intercept_
        # Two classes: scikit-learn wants positive decisions to speak for the second.
        return (
            -decisions[:, 0]
            if len(self.classes_) == 2
            else pairwise_votes(decisions, len(self.classes_))
        )

    def predict(self, X: ArrayLike) -> NDArray:
        """The class with most votes."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[chosen]
