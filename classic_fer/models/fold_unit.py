"""One setting of a search on one fold: its matrices, and the tasks that it consists of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from classic_fer.errors import DataError
from classic_fer.models import search_cost
from classic_fer.models.blocks import Blocks
from classic_fer.models.decisions import class_scores, ordered_classes
from classic_fer.models.expression import FeatureExpression
from classic_fer.models.fold_kernels import SharedMachines
from classic_fer.models.fold_ridge import SharedKernelRidge, SharedRidge
from classic_fer.models.fold_shared import Room, SharedFits, Work
from classic_fer.models.folds import Fold
from classic_fer.models.interruption import stoppable
from classic_fer.models.linear_svm import reads_tiles

__all__ = ["Fit", "FoldScores", "Scorer", "Setting", "Unit"]

Scorer = Callable[[Any, NDArray, NDArray], Any]

_FAMILIES: tuple[type[SharedFits], ...] = (SharedMachines, SharedKernelRidge, SharedRidge)


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
        Number of feature values of a face, before projections (but encodings).
    encoding : int
        Multiplications of the encodings of a face.
    scorer : callable
    error_score : float or "raise"
    free : int
        Bytes of memory. Classifiers that share more than that at a time are fitted alone.
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
        encoding: int,
        scorer: Scorer,
        error_score: Any,
        free: int,
    ) -> None:
        self.setting, self.number, self.classes, self.width = setting, number, classes, width
        self._encoding, self._scorer, self._error_score = encoding, scorer, error_score
        self._train, self._test = rows[fold[0]], rows[fold[1]]
        self._y_train, self._y_test = y[fold[0]], y[fold[1]]
        self._known = ordered_classes(self._y_train)
        self.families: list[SharedFits] = []
        alone = dict(setting.classifiers)
        for family in _FAMILIES:
            taken = {c: clf for c, clf in alone.items() if family.takes(clf)}
            made = family(taken, self._y_train, n_test=len(self._test), width=width)
            if taken and made.kernel_bytes <= free:
                self.families.append(made)
                alone = {c: clf for c, clf in alone.items() if c not in taken}
        self._alone = list(alone)
        self._open = len(self._alone) + len(self.families)
        self._lock = threading.Lock()
        self._blocks: Blocks | None = None
        self._room: Room | None = None
        self._n_jobs = 1
        self._stop = threading.Event()
        self._prepared = False
        self._error: Exception | None = None
        self._seconds = 0.0

    def start(self, blocks: Blocks, room: Room, n_jobs: int) -> None:
        """Give the unit the features of all faces, and memory and threads for its tasks."""
        self._blocks, self._room, self._n_jobs = blocks, room, n_jobs

    def tasks(self) -> list[Work]:
        """Its tasks in an order in which none waits for a later one, the first one prepares.

        Each returns the fits that it completes. To be called once.
        """
        n, m = len(self._train), len(self._test)
        projected = ":" in self.setting.features.expression
        cost = search_cost.preparation_cost(n + m, self.width, projected=projected)
        cost += search_cost.encoding_cost(n + m, self._encoding)
        made = [Work("preparation", self.prepare, cost)]
        for family in self.families:
            made += [replace(work, run=partial(self._run, work.run)) for work in family.works()]
            made.append(Work("scores", partial(self._score_shared, family), family.score_cost))
        alone = search_cost.fit_cost(n, self.width)
        # Candidates from both ends of the grid in turn, for fair estimates of the time left.
        order = [c for pair in zip(self._alone, reversed(self._alone)) for c in pair]
        return made + [
            Work(f"fit {c}", partial(self._fit_alone, c), alone) for c in dict.fromkeys(order)
        ]

    def cancel(self) -> None:
        """Let no task wait for another one, and stop encodings."""
        self._stop.set()
        for family in self.families:
            family.cancel()

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
        held_out = {name: block[self._test] for name, block in self._blocks.items()}
        # Both are for encodings.
        with parallel_config("threading", n_jobs=self._n_jobs), stoppable(self._stop):
            raw = features.fit_transform_blocks(training, self._y_train)
            train = scaler.fit_transform(raw)
            del raw
            self._held_out = scaler.transform(features.transform_blocks(held_out))
        if self.families or not all(map(reads_tiles, self.setting.classifiers.values())):
            train, self._held_out = np.asarray(train), np.asarray(self._held_out)
        if self._alone:
            self._training = train
        for family in self.families:
            family.prepare(train, self._room)

    def _run(self, work: Callable[[], None]) -> list[Fit]:
        self.prepare()
        if self._error is None:
            work()
        return []

    def _score_shared(self, family: SharedFits) -> list[Fit]:
        """Decision values and scores of all fits of a family."""
        self.prepare()
        start = time.perf_counter()
        decisions = {} if self._error is not None else family.decisions(self._held_out)
        candidates = list(family.classifiers)
        scoring = (time.perf_counter() - start) / len(candidates)
        self._close()
        fits = []
        for candidate in candidates:
            shared = self._seconds / len(self.setting.classifiers)
            shared += family.seconds / len(candidates)
            fit = Fit(candidate, self.number, shared + family.fit_seconds[candidate])
            start = time.perf_counter()
            error = self._error or family.errors.get(candidate)
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
