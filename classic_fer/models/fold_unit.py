"""One setting of a search on one fold: its matrices, and the tasks that it consists of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from classic_fer.errors import DataError
from classic_fer.models import search_cost
from classic_fer.models.decisions import class_scores, ordered_classes
from classic_fer.models.expression import Blocks, FeatureExpression
from classic_fer.models.fold_kernels import Room, SharedMachines, Work
from classic_fer.models.folds import Fold
from classic_fer.models.kernel_search import shares_kernel

__all__ = ["Fit", "FoldScores", "Scorer", "Setting", "Unit"]

Scorer = Callable[[Any, NDArray, NDArray], Any]

# liblinear draws from one generator for the whole process: fits side by side would disturb
# each other, and results would depend on the number of workers.
_LIBLINEAR = threading.Lock()


@dataclass
class Setting:
    """Candidates with the same features and scaler.

    Attributes
    ----------
    features, scaler
        Unfitted.
    classifiers : dict of int to classifier
        Candidate number to unfitted classifier.
    """

    features: FeatureExpression
    scaler: BaseEstimator
    classifiers: dict[int, Any] = field(default_factory=dict)


@dataclass
class Fit:
    """Outcome of one candidate on one fold.

    Attributes
    ----------
    candidate, fold : int
    fit_time, score_time : float
        Seconds; what fits share is divided among them.
    test_scores : float or dict
        From the scorer; None if the fit failed.
    decision : ndarray of float32, shape (n_test, n_classes), or None
        Decision values of the test rows for all classes of the search; -inf for classes that
        the training part lacks.
    error : str or None
        What a failed fit raised.
    """

    candidate: int
    fold: int
    fit_time: float = 0.0
    score_time: float = 0.0
    test_scores: Any = None
    decision: NDArray[np.float32] | None = None
    error: str | None = None


class FoldScores(ClassifierMixin, BaseEstimator):
    """A fitted recognizer as a scorer sees it, with the decision values of the test rows at hand.

    Parameters
    ----------
    classes : ndarray, shape (n_classes,)
    decision : ndarray, shape (n_test, n_classes)
    """

    def __init__(self, classes: NDArray, decision: NDArray[np.float64]) -> None:
        self.classes = classes
        self.decision = decision
        self.classes_ = classes

    def decision_function(self, X: NDArray) -> NDArray[np.float64]:
        """The decision values of the rows of `X`, which are row numbers."""
        return self.decision[X]

    def predict(self, X: NDArray) -> NDArray:
        """The class of the highest decision value."""
        return self.classes[self.decision[X].argmax(axis=1)]

    def predict_proba(self, X: NDArray) -> NDArray[np.float64]:
        """Softmax of the decision values, not calibrated."""
        return softmax(self.decision[X], axis=1)


class Unit:
    """One setting on one fold.

    Parameters
    ----------
    setting : Setting
    number : int
        Of the fold.
    fold : (train, test)
        Positions in `rows`.
    rows : ndarray of intp, shape (n,)
        Rows of the blocks that take part in the search.
    y : ndarray, shape (n,)
    classes : ndarray
        All classes of the search, in the order of the decision values.
    width : int
        Number of feature values of a face, before projections.
    scorer : callable
    error_score : float or "raise"
    share : bool
        Whether fits may share kernels.
    """

    def __init__(
        self,
        setting: Setting,
        number: int,
        fold: Fold,
        rows: NDArray[np.intp],
        y: NDArray,
        classes: NDArray,
        *,
        width: int,
        scorer: Scorer,
        error_score: Any,
        share: bool,
    ) -> None:
        self.setting, self.number, self.classes, self.width = setting, number, classes, width
        self._scorer, self._error_score = scorer, error_score
        self._train, self._test = rows[fold[0]], rows[fold[1]]
        self._y_train, self._y_test = y[fold[0]], y[fold[1]]
        self._known = ordered_classes(self._y_train)
        shared = {c: clf for c, clf in setting.classifiers.items() if share and _can_share(clf)}
        self._alone = [c for c in setting.classifiers if c not in shared]
        self._machines: SharedMachines | None = None
        if shared:
            self._machines = SharedMachines(
                shared, self._y_train, n_test=len(self._test), width=width
            )
        self._shared = list(shared)
        self._open = len(self._alone) + bool(shared)
        self._lock = threading.Lock()
        self._blocks: Blocks | None = None
        self._room: Room | None = None
        self._prepared = False
        self._error: Exception | None = None
        self._seconds = 0.0

    def start(self, blocks: Blocks, room: Room) -> None:
        """Give the unit the features of all faces and the memory that its tasks need."""
        self._blocks, self._room = blocks, room

    def tasks(self) -> list[Work]:
        """Its tasks in an order in which none waits for a later one, the first one prepares.

        Each returns the fits that it completes. To be called once.
        """
        n, m = len(self._train), len(self._test)
        projected = ":" in self.setting.features.expression
        cost = search_cost.preparation_cost(n + m, self.width, projected=projected)
        made = [Work(self.prepare, cost)]
        if self._machines is not None:
            made += [Work(partial(self._run, w.run), w.cost) for w in self._machines.works()]
            made.append(Work(self._score_shared, self._machines.score_cost))
        alone = search_cost.fit_cost(n, self.width)
        return made + [Work(partial(self._fit_alone, c), alone) for c in self._alone]

    def prepare(self) -> list[Fit]:
        """Features and scaler of the fold; the first caller makes them."""
        with self._lock:
            if not self._prepared:
                start = time.perf_counter()
                try:
                    self._prepare()
                except Exception as error:  # each fit of the unit reports it
                    self._error = error
                self._prepared = True
                self._seconds = time.perf_counter() - start
        return []

    def _prepare(self) -> None:
        if len(self._known) < 2:
            raise DataError(
                f"the training part of fold {self.number} has only the class "
                f"{str(self._known[0])!r}"
            )
        assert self._blocks is not None
        assert self._room is not None
        features, scaler = clone(self.setting.features), clone(self.setting.scaler)
        training = {name: block[self._train] for name, block in self._blocks.items()}
        train = scaler.fit_transform(features.fit_transform_blocks(training, self._y_train))
        held_out = {name: block[self._test] for name, block in self._blocks.items()}
        self._held_out = scaler.transform(features.transform_blocks(held_out))
        if self._alone:
            self._training = train
        if self._machines is not None:
            self._machines.prepare(train, self._room)

    def _run(self, work: Callable[[], None]) -> list[Fit]:
        self.prepare()
        if self._error is None:
            work()
        return []

    def _score_shared(self) -> list[Fit]:
        """Decision values and scores of all fits that share kernels."""
        machines = self._machines
        assert machines is not None
        self.prepare()
        start = time.perf_counter()
        decisions = {} if self._error is not None else machines.decisions(self._held_out)
        scoring = (time.perf_counter() - start) / len(self._shared)
        self._close()
        fits = []
        for candidate in self._shared:
            shared = self._seconds / len(self.setting.classifiers)
            shared += machines.seconds / len(self._shared)
            fit = Fit(candidate, self.number, shared + machines.fit_seconds[candidate])
            start = time.perf_counter()
            error = self._error or machines.errors.get(candidate)
            self._complete(fit, decisions.get(candidate), error)
            fit.score_time = scoring + time.perf_counter() - start
            fits.append(fit)
        return fits

    def _fit_alone(self, candidate: int) -> list[Fit]:
        """Fit and score a candidate that shares only features and scaler."""
        self.prepare()
        fit = Fit(candidate, self.number, self._seconds / len(self.setting.classifiers))
        start = middle = time.perf_counter()
        decision, error = None, self._error
        if error is None:
            clf = self.setting.classifiers[candidate]
            try:
                with _LIBLINEAR if _uses_liblinear(clf) else nullcontext():
                    fitted = clone(clf).fit(self._training, self._y_train)
                middle = time.perf_counter()
                decision = class_scores(fitted, self._held_out, self._known)
            except Exception as failure:
                error = failure
        fit.fit_time += middle - start
        self._close()
        self._complete(fit, decision, error)
        fit.score_time = time.perf_counter() - middle
        return [fit]

    def _complete(
        self, fit: Fit, decision: NDArray[np.float64] | None, error: Exception | None
    ) -> None:
        """Score a fit, or note why it failed."""
        if error is None:
            assert decision is not None
            try:
                view = FoldScores(self._known, decision)
                fit.test_scores = self._scorer(view, np.arange(len(decision)), self._y_test)
                shape = len(decision), len(self.classes)
                fit.decision = np.full(shape, -np.inf, dtype=np.float32)
                fit.decision[:, np.isin(self.classes, self._known)] = decision
            except Exception as failure:
                error = failure
        if error is not None:
            if self._error_score == "raise":
                raise error
            fit.error = f"{type(error).__name__}: {error}"

    def _close(self) -> None:
        """Drop the matrices after the last fit."""
        with self._lock:
            self._open -= 1
            if not self._open:
                self._blocks = None
                for name in ("_training", "_held_out"):
                    self.__dict__.pop(name, None)


def _can_share(clf: Any) -> bool:
    return shares_kernel(clf) and clf.decision_function_shape == "ovr"


def _uses_liblinear(clf: Any) -> bool:
    from sklearn.svm import LinearSVC

    return isinstance(clf, LinearSVC) or getattr(clf, "solver", None) == "liblinear"
