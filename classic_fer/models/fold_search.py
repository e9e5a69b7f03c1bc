"""Fits of a grid search, arranged so that nothing is computed twice.

Candidates that share features and scaler are one `Setting`; a setting on a fold is one `Unit`,
whose matrices are made once and whose tasks run in threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.models import search_cost
from classic_fer.models.block_store import BlockStore, token
from classic_fer.models.decisions import ordered_classes
from classic_fer.models.fold_kernels import Room, Work
from classic_fer.models.fold_unit import Fit, Scorer, Setting, Unit
from classic_fer.models.folds import Fold
from classic_fer.models.kernel_search import pair_bytes, shares_kernel, working_dtype
from classic_fer.models.memory import available_bytes
from classic_fer.models.recognizer import Recognizer

__all__ = ["FoldSearch", "settings_of"]


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

    Attributes
    ----------
    cost : float
        Of all tasks together; see `classic_fer.models.search_cost`.
    refit_cost : float
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
    ) -> None:
        self._store, self._folds = store, folds
        classes = ordered_classes(y)
        largest = max((np.unique(y[train], return_counts=True)[1] for train, _ in folds), key=sum)
        self._kernel_bytes = pair_bytes(largest)
        share = self._kernel_bytes <= available_bytes()
        self._parts: list[tuple[Setting, list[Unit], list[list[Work]], float]] = []
        self.cost = 0.0
        for setting in settings:
            width = store.width(setting.features)
            units = [
                Unit(
                    setting,
                    number,
                    fold,
                    rows,
                    y,
                    classes,
                    width=width,
                    scorer=scorer,
                    error_score=error_score,
                    share=share,
                )
                for number, fold in enumerate(folds)
            ]
            tasks = [unit.tasks() for unit in units]
            extraction = search_cost.extraction_cost(len(store), int(np.prod(store.image_shape)))
            self._parts.append((setting, units, tasks, extraction))
            self.cost += extraction + sum(task.cost for unit in tasks for task in unit)
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
            scorer=scorer,
            error_score=error_score,
            share=share,
        )
        self.refit_cost = sum(task.cost for task in refit.tasks())

    def run(self, *, n_jobs: int, on_done: Callable[[float], None] | None = None) -> list[Fit]:
        """Do all tasks.

        Parameters
        ----------
        n_jobs : int
            Threads. The outcome does not depend on it, given one BLAS thread.
        on_done : callable, optional
            Called with the cost of each task when it is done, from this thread.

        Returns
        -------
        fits : list of Fit
            Sorted by candidate and fold.
        """
        from joblib import Parallel, delayed

        fits: list[Fit] = []
        for setting, units, tasks, extraction in self._parts:
            blocks = self._store.blocks(setting.features, n_jobs=n_jobs)
            if on_done is not None:
                on_done(extraction)
            room, ahead = self._plan(setting, units[0].width, n_jobs)
            for unit in units:
                unit.start(blocks, room)
            parallel = Parallel(
                n_jobs=n_jobs, backend="threading", batch_size=1, return_as="generator_unordered"
            )
            for made, cost in parallel(delayed(_do)(task) for task in _in_order(tasks, ahead)):
                fits += made
                if on_done is not None:
                    on_done(cost)
        return sorted(fits, key=lambda fit: (fit.candidate, fit.fold))

    def _plan(self, setting: Setting, width: int, n_jobs: int) -> tuple[Room, int]:
        """Memory of the kernels of each fold, and the number of folds to prepare ahead."""
        n_train = max(len(train) for train, _ in self._folds)
        matrices = 8 * width * max(len(train) + len(test) for train, test in self._folds)
        gram = 0
        if any(map(shares_kernel, setting.classifiers.values())):
            gram = np.dtype(working_dtype(n_train)).itemsize * n_train * n_train
        free = available_bytes()
        workers = min(n_jobs, max(1, free // 2 // self._kernel_bytes))
        left = max(0, free - workers * self._kernel_bytes)
        ahead = min(n_jobs - 1, max(0, left // (matrices + gram) - 1))
        kept = max(0, left // (ahead + 1) - matrices)
        return Room(kept, threading.BoundedSemaphore(workers)), ahead


def _do(task: Work) -> tuple[list[Fit], float]:
    return task.run(), task.cost


def _in_order(tasks: Sequence[Sequence[Work]], ahead: int) -> Iterator[Work]:
    """Tasks of all units, with the preparation of each drawn `ahead` units forward."""
    for unit in tasks[: ahead + 1]:
        yield unit[0]
    for number, unit in enumerate(tasks):
        yield from unit[1:]
        if number + ahead + 1 < len(tasks):
            yield tasks[number + ahead + 1][0]
