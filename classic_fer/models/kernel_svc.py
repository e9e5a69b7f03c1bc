"""KernelSVC: scikit-learn's SVC, trained and evaluated through matrix products."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from classic_fer.models.kernel_search import (
    ClassGram,
    KernelKey,
    PairSolution,
    class_bounds,
    kernel_key,
    kernel_sums,
    one_vs_rest,
    pair_bytes,
    pair_weights,
    shares_kernel,
    solve_pair,
    squared_norms,
    working_dtype,
)
from classic_fer.models.memory import available_bytes
from classic_fer.models.validation import validated_rows

__all__ = ["KernelSVC"]


class KernelSVC(SVC):
    """Support vector machine with SVC's parameters, attributes and answers, in less time.

    The multipliers of the RBF and the linear kernel are those that libsvm finds, computed by a
    compiled solver on kernels that come from matrix products. Beyond 2,048 training rows inner
    products are in single precision. Other kernels, sparse rows, sample weights and
    ``probability=True`` are left to SVC, as are classes whose kernel does not fit into memory.

    Parameters
    ----------
    C, kernel, degree, gamma, coef0, shrinking, probability, tol, cache_size, class_weight, \
verbose, max_iter, decision_function_shape, break_ties, random_state
        See `sklearn.svm.SVC`.

    Attributes
    ----------
    support_vectors_ : ndarray, shape (n_support, d)
        In the precision of the training rows.
    support_, dual_coef_, intercept_, n_support_, classes_, class_weight_, n_iter_, shape_fit_
        See `sklearn.svm.SVC`.

    Notes
    -----
    Training runs in the threads of an enclosing
    ``joblib.parallel_config("threading", n_jobs=...)``; the result does not depend on their number.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [4.0], [5.0]], ["a", "a", "b", "b"]
    >>> KernelSVC(gamma=0.5).fit(X, y).predict([[0.4], [4.8]]).tolist()
    ['a', 'b']
    """

    # Models that were saved before it was kept have none.
    _support_norms: NDArray[np.float64] | None = None

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> KernelSVC:
        """Train.

        Parameters
        ----------
        X : array_like of float, shape (n, d)
        y : array_like, shape (n,)
        sample_weight : array_like, shape (n,), optional
        """
        self._by_pairs = shares_kernel(self) and sample_weight is None and not issparse(X)
        if not self._by_pairs:
            return super().fit(X, y, sample_weight)
        self._validate_params()
        rows, labels = validate_data(self, X, y, dtype=[np.float32, np.float64], order="C")
        check_classification_targets(labels)
        classes, codes = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got 1 class: {classes.tolist()}"
            )
        room, kernel = available_bytes(), pair_bytes(np.bincount(codes))
        if kernel > room:
            self._by_pairs = False
            return super().fit(X, y)
        from joblib import Parallel, delayed, effective_n_jobs

        workers = min(effective_n_jobs(None), max(1, room // kernel))
        gram = ClassGram(rows, codes, max_bytes=room - workers * kernel)
        key = kernel_key(self, rows)
        bounds = class_bounds(self, labels)
        parallel = Parallel(n_jobs=workers, require="sharedmem")
        parallel(delayed(gram.products)(*block) for block in gram.blocks)
        largest_first = sorted(range(len(gram.pairs)), key=lambda p: -_pair_size(gram, p))
        solved = parallel(
            delayed(solve_pair)(gram, key, gram.pairs[p], [self], [bounds]) for p in largest_first
        )
        solutions = [one for _, (one,) in sorted(zip(largest_first, solved), key=lambda s: s[0])]
        self.classes_, self.class_weight_ = classes, bounds / self.C
        self._gamma, self.shape_fit_ = key[1], rows.shape
        self._keep(gram, rows, solutions)
        return self

    def _keep(self, gram: ClassGram, rows: NDArray, solutions: Sequence[PairSolution]) -> None:
        """Attributes of SVC from the solutions of all pairs."""
        n_classes, n = len(gram.slices), len(gram.order)
        dual = np.zeros((n_classes - 1, n))
        for (first, second), solution in zip(gram.pairs, solutions):
            here, there = gram.slices[first], gram.slices[second]
            n_first = here.stop - here.start
            dual[second - 1, here] = solution.coefficients[:n_first]
            dual[first, there] = solution.coefficients[n_first:]
        supports = (dual != 0).any(axis=0)
        self.support_ = gram.order[supports].astype(np.int32)
        self.support_vectors_ = rows[self.support_]
        self._support_norms = squared_norms(self._vectors())
        counts = [np.count_nonzero(supports[part]) for part in gram.slices]
        self._n_support = np.array(counts, dtype=np.int32)
        self._dual_coef_ = np.ascontiguousarray(dual[:, supports])
        self._intercept_ = np.array([solution.intercept for solution in solutions])
        # SVC shows two classes the other way round.
        sign = -1.0 if n_classes == 2 else 1.0
        self.dual_coef_, self.intercept_ = sign * self._dual_coef_, sign * self._intercept_
        self.n_iter_ = np.array([solution.iterations for solution in solutions], dtype=np.int32)
        self.fit_status_ = int(self.max_iter != -1 and self.n_iter_.max() >= self.max_iter)
        self._num_iter, self._sparse, self._effective_probability = self.n_iter_, False, False
        self._probA = self._probB = np.empty(0)
        if self.fit_status_:
            warnings.warn(
                f"Solver terminated early (max_iter={self.max_iter}). Consider pre-processing "
                "your data with StandardScaler or MinMaxScaler.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values as those of SVC.

        Returns
        -------
        decisions : ndarray of float64
            Shape (n, n_classes), or (n, n_pairs) with ``decision_function_shape="ovo"``, or (n,)
            for two classes.
        """
        check_is_fitted(self)
        if not self._by_pairs:
            return super().decision_function(X)
        decisions = self._pair_decisions(X)
        if len(self.classes_) == 2:
            return -decisions[:, 0]
        if self.decision_function_shape == "ovo":
            return decisions
        return one_vs_rest(decisions, len(self.classes_))

    def predict(self, X: ArrayLike) -> NDArray:
        """Classes of rows, shape (n,), by the rules of SVC."""
        check_is_fitted(self)
        several = len(self.classes_) > 2
        shape = self.decision_function_shape
        if not self._by_pairs or (self.break_ties and (shape == "ovo" or several)):
            return super().predict(X)
        decisions = self._pair_decisions(X)
        votes = np.zeros((len(decisions), len(self.classes_)), dtype=np.intp)
        rows = np.arange(len(decisions))
        for column, (first, second) in enumerate(zip(*np.triu_indices(len(self.classes_), 1))):
            votes[rows, np.where(decisions[:, column] > 0, first, second)] += 1
        return self.classes_[votes.argmax(axis=1)]

    def _vectors(self) -> NDArray:
        """Support vectors in the precision in which kernels are computed."""
        return self.support_vectors_.astype(working_dtype(self.shape_fit_[0]), copy=False)

    def _pair_decisions(self, X: ArrayLike) -> NDArray[np.float64]:
        """Decision values of each two classes, shape (n, n_pairs), positive for the first."""
        rows = validated_rows(self, X)
        weights = pair_weights(self._dual_coef_, self._n_support)
        vectors, norms = self._vectors(), self._support_norms
        if norms is None:
            norms = squared_norms(vectors)
        key: KernelKey = (self.kernel, self._gamma)
        (sums,) = kernel_sums(rows, vectors, norms, [(key, weights)])
        return sums + self._intercept_


def _pair_size(gram: ClassGram, pair: int) -> int:
    return sum(gram.slices[c].stop - gram.slices[c].start for c in gram.pairs[pair])
