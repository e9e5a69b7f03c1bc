"""Fits of a grid search, arranged so that nothing is computed twice.

Candidates that share features and scaler are one `Setting`; a setting on a fold is one `_Unit`,
whose matrices (and Gram matrix) are made once; the fits of a unit then run in threads, those that
share a kernel next to each other.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from classic_fer.errors import DataError
from classic_fer.models.block_store import BlockStore, token
from classic_fer.models.decisions import class_scores, ordered_classes
from classic_fer.models.expression import Blocks, FeatureExpression
from classic_fer.models.folds import Fold
from classic_fer.models.kernel_search import (
    KernelBank,
    KernelKey,
    Slots,
    fit_precomputed,
    kernel_key,
    shares_kernel,
)
from classic_fer.models.recognizer import Recognizer

__all__ = ["Fit", "FoldScores", "Setting", "run_fits", "settings_of"]

Scorer = Callable[[Any, NDArray, NDArray], Any]

# liblinear draws from one generator for the whole process: fits side by side would disturb
# each other, and results would depend on the number of workers.
_LIBLINEAR = threading.Lock()

_SHARE_OF_MEMORY = 0.5
_ASSUMED_MEMORY = 4 * 2**30  # where the system does not tell


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
    classifiers: dict[int, BaseEstimator] = field(default_factory=dict)


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


def settings_of(recognizer: Recognizer, candidates: Sequence[dict[str, Any]]) -> list[Setting]:
    """Candidates sorted into settings, in the order in which these first occur."""
    made: dict[Any, Setting] = {}
    for number, params in enumerate(candidates):
        shared = sorted(name for name in params if name.split("__")[0] != "clf")
        key = tuple((name, token(params[name])) for name in shared)
        one = clone(recognizer).set_params(**clone(params, safe=False))
        if key not in made:
            made[key] = Setting(one.features, one.scaler)
        made[key].classifiers[number] = one.clf
    return list(made.values())


def run_fits(
    store: BlockStore,
    rows: NDArray[np.intp],
    y: NDArray,
    folds: Sequence[Fold],
    settings: Sequence[Setting],
    scorer: Scorer,
    *,
    n_jobs: int,
    error_score: Any = np.nan,
    on_fit: Callable[[], None] | None = None,
) -> list[Fit]:
    """Fit and score every candidate of every setting on every fold.

    Parameters
    ----------
    store : BlockStore
    rows : ndarray of intp, shape (n,)
        The rows of `store` that take part.
    y : ndarray, shape (n,)
    folds : sequence of (train, test)
        Positions in `rows`.
    settings : sequence of Setting
    scorer : callable
        Called as ``scorer(estimator, X, y)``.
    n_jobs : int
        Threads. The outcome does not depend on it, given one BLAS thread.
    error_score : float or "raise"
        What becomes of a fit that fails.
    on_fit : callable, optional
        Called after each fit, from this thread.

    Returns
    -------
    fits : list of Fit
        Sorted by candidate and fold.
    """
    from joblib import Parallel, delayed

    classes = ordered_classes(y)
    fits: list[Fit] = []
    for setting in settings:
        blocks = store.blocks(setting.features, n_jobs=n_jobs)
        slots, ahead = _memory_plan(setting, folds, n_jobs)
        units = [
            _Unit(setting, number, fold, blocks, rows, y, classes, slots)
            for number, fold in enumerate(folds)
        ]
        parallel = Parallel(
            n_jobs=n_jobs, backend="threading", batch_size=1, return_as="generator_unordered"
        )
        try:
            for fit in parallel(
                delayed(task)(scorer, error_score) for task in _tasks(units, ahead)
            ):
                if fit is not None:
                    fits.append(fit)
                    if on_fit is not None:
                        on_fit()
        finally:
            slots.close()
    return sorted(fits, key=lambda fit: (fit.candidate, fit.fold))


def _memory_plan(setting: Setting, folds: Sequence[Fold], n_jobs: int) -> tuple[Slots, int]:
    """Kernels that may be in memory together, and folds that may be prepared ahead."""
    if not any(map(shares_kernel, setting.classifiers.values())):
        return Slots(n_jobs), n_jobs - 1
    largest = max(len(train) for train, _ in folds)
    everyone = max(len(train) + len(test) for train, test in folds)
    kernel = 8 * largest * everyone
    spare = int(_SHARE_OF_MEMORY * _free_memory()) // kernel
    ahead = min(n_jobs - 1, max(0, spare - n_jobs))
    return Slots(min(n_jobs, spare - ahead)), ahead


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on this system
        return _ASSUMED_MEMORY


def _tasks(units: Sequence[_Unit], ahead: int) -> Iterator[Callable[..., Fit | None]]:
    """Preparation and fits of all units in an order in which no task waits for a later one."""
    for unit in units[: ahead + 1]:
        yield unit.prepare
    for number, unit in enumerate(units):
        for candidate in unit.order:
            yield _FitTask(unit, candidate)
        if number + ahead + 1 < len(units):
            yield units[number + ahead + 1].prepare


@dataclass
class _FitTask:
    unit: _Unit
    candidate: int

    def __call__(self, scorer: Scorer, error_score: Any) -> Fit:
        return self.unit.fit(self.candidate, scorer, error_score)


class _Unit:
    """One setting on one fold: its matrices, and the fits on them."""

    def __init__(
        self,
        setting: Setting,
        number: int,
        fold: Fold,
        blocks: Blocks,
        rows: NDArray[np.intp],
        y: NDArray,
        classes: NDArray,
        slots: Slots,
    ) -> None:
        self.setting, self.number, self.classes = setting, number, classes
        self._blocks, self._slots = blocks, slots
        self._train, self._test = rows[fold[0]], rows[fold[1]]
        self._y_train, self._y_test = y[fold[0]], y[fold[1]]
        self.order = sorted(setting.classifiers, key=self._next_to_its_kin)
        self._open = len(self.order)
        self._lock = threading.Lock()
        self._prepared = False
        self._error: Exception | None = None
        self._seconds = 0.0
        self._keys: dict[int, KernelKey] = {}
        self._bank: KernelBank | None = None
        self._matrices: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def _next_to_its_kin(self, candidate: int) -> Any:
        clf: Any = self.setting.classifiers[candidate]
        return (clf.kernel, str(clf.gamma)) if shares_kernel(clf) else ("", "")

    def prepare(self, scorer: Scorer | None = None, error_score: Any = None) -> None:
        """Features, scaler and Gram matrix of the fold; the first caller makes them."""
        with self._lock:
            if self._prepared:
                return
            start = time.perf_counter()
            try:
                self._prepare()
            except Exception as error:  # each fit of the unit reports it
                self._error = error
            self._prepared = True
            self._seconds = time.perf_counter() - start

    def _prepare(self) -> None:
        if len(np.unique(self._y_train)) < 2:
            raise DataError(
                f"the training part of fold {self.number} has only the class "
                f"{str(self._y_train[0])!r}"
            )
        features, scaler = clone(self.setting.features), clone(self.setting.scaler)
        training = {name: block[self._train] for name, block in self._blocks.items()}
        train = scaler.fit_transform(features.fit_transform_blocks(training, self._y_train))
        held_out = {name: block[self._test] for name, block in self._blocks.items()}
        test = scaler.transform(features.transform_blocks(held_out))
        self._matrices = train, test
        for candidate, clf in self.setting.classifiers.items():
            if shares_kernel(clf):
                self._keys[candidate] = kernel_key(clf, train)
        if self._keys:
            self._bank = KernelBank(train, test, self._keys.values(), self._slots)

    def fit(self, candidate: int, scorer: Scorer, error_score: Any) -> Fit:
        """Fit and score one candidate."""
        self.prepare()
        outcome = Fit(candidate, self.number)
        try:
            if self._error is not None:
                raise self._error
            self._fit(outcome, scorer)
        except Exception as error:
            if error_score == "raise":
                raise
            outcome.error = f"{type(error).__name__}: {error}"
        finally:
            outcome.fit_time += self._seconds / len(self.order)
            with self._lock:
                self._open -= 1
                if not self._open:
                    self._bank = self._matrices = None
        return outcome

    def _fit(self, outcome: Fit, scorer: Scorer) -> None:
        start = time.perf_counter()
        clf = self.setting.classifiers[outcome.candidate]
        assert self._matrices is not None
        known = ordered_classes(self._y_train)
        train: Any
        test: Any
        if outcome.candidate in self._keys:
            assert self._bank is not None
            with (
                self._bank.kernel(self._keys[outcome.candidate]) as (train, test),
                config_context(assume_finite=True),
            ):
                fitted = fit_precomputed(clf, train, self._y_train)
                middle = time.perf_counter()
                decision = class_scores(fitted, test, known)
        else:
            train, test = self._matrices
            with _LIBLINEAR if _uses_liblinear(clf) else nullcontext():
                fitted = clone(clf).fit(train, self._y_train)
            middle = time.perf_counter()
            decision = class_scores(fitted, test, known)
        view = FoldScores(known, decision)
        outcome.test_scores = scorer(view, np.arange(len(decision)), self._y_test)
        outcome.decision = np.full((len(decision), len(self.classes)), -np.inf, dtype=np.float32)
        columns = [self.classes.tolist().index(label) for label in known.tolist()]
        outcome.decision[:, columns] = decision
        outcome.fit_time = middle - start
        outcome.score_time = time.perf_counter() - middle


def _uses_liblinear(clf: Any) -> bool:
    from sklearn.svm import LinearSVC

    return isinstance(clf, LinearSVC) or getattr(clf, "solver", None) == "liblinear"
