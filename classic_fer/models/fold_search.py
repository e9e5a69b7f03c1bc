"""Fits of a grid search, arranged so that nothing is computed twice.

Candidates that share features and scaler are one `Setting`; a setting on a fold is one `Unit`,
whose matrices are made once and whose tasks run in threads.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.models import search_cost
from classic_fer.models.block_store import BlockStore, SentBlocks, token
from classic_fer.models.cluster import active_client, on_workers
from classic_fer.models.decisions import ordered_classes
from classic_fer.models.fold_shared import Cancelled, Room, Work
from classic_fer.models.fold_unit import Fit, Scorer, Setting, Unit
from classic_fer.models.folds import Fold
from classic_fer.models.forecast import EXTRACTION, SECONDS, summed
from classic_fer.models.memory import available_bytes
from classic_fer.models.recognizer import Recognizer

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["FoldSearch", "OnDone", "settings_of"]

OnDone = Callable[[str, float, float], None]

_PATIENCE = 10.0  # seconds that an interrupted search waits for running work


def _nothing(kind: str, cost: float, seconds: float) -> None:
    """What an `OnDone` that nobody gave does."""


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


class FoldSearch:
    """All fits of a search: every candidate of every setting on every fold.

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
    error_score : float or "raise"
        What becomes of a fit that fails.
    first_fold : int
        Number of the first of `folds`.

    Attributes
    ----------
    costs : dict of str to float
        Of all tasks together, by kind; see `classic_fer.models.search_cost`.
    refit_costs : dict of str to float
        Of training one candidate on all rows.
    """

    def __init__(
        self,
        store: BlockStore,
        rows: NDArray[np.intp],
        y: NDArray,
        folds: Sequence[Fold],
        settings: Sequence[Setting],
        scorer: Scorer,
        *,
        error_score: Any = np.nan,
        first_fold: int = 0,
    ) -> None:
        self._store, self._folds = store, folds
        self._rows, self._y, self._scorer, self._error_score = rows, y, scorer, error_score
        classes = ordered_classes(y)
        free = available_bytes()
        self._parts: list[tuple[Setting, list[Unit], list[list[Work]], float]] = []
        costs: list[tuple[str, float]] = []
        for setting in settings:
            width = store.width(setting.features)
            encoding = setting.features.encoding_multiplications(store.image_shape)
            units = [
                Unit(
                    setting,
                    number,
                    fold,
                    rows,
                    y,
                    classes,
                    width=width,
                    encoding=encoding,
                    scorer=scorer,
                    error_score=error_score,
                    free=free,
                )
                for number, fold in enumerate(folds, first_fold)
            ]
            tasks = [unit.tasks() for unit in units]
            extraction = search_cost.extraction_cost(len(store), int(np.prod(store.image_shape)))
            self._parts.append((setting, units, tasks, extraction))
            costs.append((EXTRACTION, extraction))
            costs += [(task.kind, task.cost) for unit in tasks for task in unit]
        self.costs = summed(costs)
        first = settings[0]
        one = Setting(first.features, first.scaler, dict([next(iter(first.classifiers.items()))]))
        everything = np.arange(len(rows)), np.arange(0)
        refit = Unit(
            one,
            0,
            everything,
            rows,
            y,
            classes,
            width=self._parts[0][1][0].width,
            encoding=first.features.encoding_multiplications(store.image_shape),
            scorer=scorer,
            error_score=error_score,
            free=free,
        )
        self.refit_costs = summed((task.kind, task.cost) for task in refit.tasks())

    def run(self, *, n_jobs: int, on_done: OnDone = _nothing) -> list[Fit]:
        """Do all tasks.

        Parameters
        ----------
        n_jobs : int
            Threads. The outcome does not depend on it, given one BLAS thread.
        on_done : callable, optional
            Called with the kind of each task, its cost and the seconds it took, when it is done,
            from this thread.

        Returns
        -------
        fits : list of Fit
            Sorted by candidate and fold.
        """
        from joblib import Parallel, delayed

        client = active_client()
        if client is not None:
            return self._run_on(client, on_done)
        fits: list[Fit] = []
        for setting, units, tasks, extraction in self._parts:
            start = time.process_time()  # of all threads, as the seconds of tasks are theirs
            blocks = self._store.blocks(setting.features, n_jobs=n_jobs)
            on_done(EXTRACTION, extraction, time.process_time() - start)
            room, ahead = self._plan(units, n_jobs)
            for unit in units:
                unit.start(blocks, room, n_jobs)
            crew = _Crew()
            parallel = Parallel(
                n_jobs=n_jobs, backend="threading", batch_size=1, return_as="generator_unordered"
            )
            outcomes = parallel(delayed(crew.do)(task) for task in _in_order(tasks, ahead))
            try:
                for made, task, seconds in outcomes:
                    fits += made
                    on_done(task.kind, task.cost, seconds)
            except BaseException:  # above all Ctrl-C
                for unit in units:
                    unit.cancel()
                crew.stop()
                with warnings.catch_warnings():  # joblib's, of tasks that are cancelled
                    warnings.simplefilter("ignore", UserWarning)
                    outcomes.close()
                raise
        return sorted(fits, key=lambda fit: (fit.candidate, fit.fold))

    def _run_on(self, client: Client, on_done: OnDone) -> list[Fit]:
        """`run` by the workers of a Dask cluster, a fold of a setting at a time."""
        fits: list[Fit] = []
        for setting, _, tasks, extraction in self._parts:
            self._store.sent(setting.features, client)
            on_done(EXTRACTION, extraction, extraction * SECONDS)
            face = self._store.X[:1]
            fixed = setting, self._rows, self._y, self._scorer, self._error_score
            folds = [(face, number, fold, *fixed) for number, fold in enumerate(self._folds)]
            shared = partial(self._store.sent, setting.features, client)
            for number, made in on_workers(client, _search_fold, folds, shared=shared):
                fits += made
                for task in tasks[number]:
                    on_done(task.kind, task.cost, task.cost * SECONDS)
        return sorted(fits, key=lambda fit: (fit.candidate, fit.fold))

    def _plan(self, units: Sequence[Unit], n_jobs: int) -> tuple[Room, int]:
        """Memory of the kernels of each fold, and the number of folds to prepare ahead."""
        matrices = 8 * units[0].width * max(len(train) + len(test) for train, test in self._folds)
        kept = max(sum(family.kept_bytes for family in unit.families) for unit in units)
        needed = max((f.kernel_bytes for unit in units for f in unit.families), default=1)
        free = available_bytes()
        workers = min(n_jobs, max(1, free // 2 // needed))
        left = max(0, free - workers * needed)
        ahead = min(n_jobs - 1, max(0, left // (matrices + kept) - 1))
        room = max(0, left // (ahead + 1) - matrices)
        return Room(room, threading.BoundedSemaphore(workers)), ahead


def _search_fold(
    face: NDArray,
    number: int,
    fold: Fold,
    setting: Setting,
    rows: NDArray[np.intp],
    y: NDArray,
    scorer: Scorer,
    error_score: Any,
    **blocks: NDArray,
) -> list[Fit]:
    """Fits of one setting on one fold, in this process."""
    search = FoldSearch(
        SentBlocks(face, blocks),
        rows,
        y,
        [fold],
        [setting],
        scorer,
        error_score=error_score,
        first_fold=number,
    )
    return search.run(n_jobs=1)


class _Crew:
    """Threads at work. The interpreter cannot end in order before compiled code in them has."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy = 0
        self._stopped = False

    def do(self, task: Work) -> tuple[list[Fit], Work, float]:
        """The fits that a task completes, itself, and its seconds; nothing any more after `stop`.

        The seconds are those of the processor: a task that waits for another one does no work.
        """
        with self._changed:
            if self._stopped:
                return [], task, 0.0
            self._busy += 1
        start = time.thread_time()
        try:
            return task.run(), task, time.thread_time() - start
        except Cancelled:
            return [], task, 0.0
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Begin no further task, and wait a little for those that run."""
        with self._changed:
            self._stopped = True
            self._changed.wait_for(lambda: not self._busy, timeout=_PATIENCE)


def _in_order(tasks: Sequence[Sequence[Work]], ahead: int) -> Iterator[Work]:
    """Tasks of all units, with the preparation of each drawn `ahead` units forward."""
    for unit in tasks[: ahead + 1]:
        yield unit[0]
    for number, unit in enumerate(tasks):
        yield from unit[1:]
        if number + ahead + 1 < len(tasks):
            yield tasks[number + ahead + 1][0]
