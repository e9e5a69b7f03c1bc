"""The outer loop of nested cross-validation: search in training parts, predict test parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError
from classic_fer.evaluation.fold_files import FinishedFold, FoldFiles, content_hash
from classic_fer.evaluation.predictions_table import abstained_mask, predictions_table
from classic_fer.evaluation.protocols import Protocol
from classic_fer.models.block_store import BlockStore
from classic_fer.models.calibration import temperature_softmax
from classic_fer.models.folds import inner_folds
from classic_fer.models.recognizer import Recognizer
from classic_fer.models.search import GridSearch
from classic_fer.progress import Progress

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["OuterLoop"]


@dataclass
class OuterLoop:
    """The searches and predictions of one cross-validation.

    Attributes
    ----------
    dataset : Dataset
    protocol : Protocol
        Its folds are the outer ones.
    store : BlockStore
        Features of all faces, extracted once for all searches.
    recognizer : Recognizer
        To be tuned.
    grid : dict of str to list
    scoring, inner_cv, n_jobs, memory
        See `classic_fer.models.search.GridSearch`.
    random_state : int
    budget : float or None
        Seconds for all searches together.
    progress : callable or None
    rows : ndarray of int
        That take part in any fold.
    trainable : ndarray of bool, shape (n,)
        False where the data say to abstain: such faces are not trained on either.
    classes : list of str
    """

    dataset: Dataset
    protocol: Protocol
    store: BlockStore
    recognizer: Recognizer
    grid: dict[str, list[Any]]
    scoring: Any
    inner_cv: int
    n_jobs: int | None
    random_state: int
    budget: float | None
    memory: int | None
    progress: Progress | None

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.rows = np.unique(np.concatenate([r for fold in self.protocol.folds for r in fold]))
        self.y = self.dataset.y
        self.groups = self.protocol.groups.labels
        self.trainable = ~abstained_mask(self.dataset)
        self.classes = order_classes(self.y[self.rows].tolist())

    def settings(self) -> dict[str, Any]:
        """Everything that predictions depend on."""
        from classic_fer import __version__

        plain_types = (str, int, float, bool, tuple, type(None), dict)
        params = self.recognizer.get_params(deep=True)
        return {
            "version": __version__,
            "seed": self.random_state,
            "protocol": self.protocol.hash,
            "labels": content_hash(self.y),
            "faces": content_hash(self.store.X),
            "recognizer": {
                name: value if isinstance(value, plain_types) else type(value).__name__
                for name, value in sorted(params.items())
            },
            "grid": self.grid,
            "scoring": str(self.scoring),
            "inner_cv": self.inner_cv,
            "abstained": int((~self.trainable).sum()),
            "budget": self.budget,
        }

    def nested(self, files: FoldFiles) -> tuple[list[FinishedFold], GridSearch]:
        """All outer folds, and the search on all training data."""
        folds, training = self.protocol.folds, self.protocol.training
        if len(folds) == 1 and np.array_equal(folds[0][0], training):
            # The one training part is all training data: one search serves both.
            search = self.search(training, part=(0, 1))
            return [self._finish(search, folds[0][1])], search
        finished = []
        for number, (train, test) in enumerate(folds):
            fold = files.read(number)
            if fold is None:
                fold = self._finish(self.search(train, part=(number, len(folds) + 1)), test)
                files.write(number, fold)
            finished.append(fold)
        return finished, self.search(training, part=(len(folds), len(folds) + 1))

    def plain_search(self) -> GridSearch:
        """A search on the outer folds, refitted on all training data."""
        rows = self.rows
        position = np.full(len(self.y), -1)
        position[rows] = np.arange(len(rows))
        folds = [
            (position[train[self.trainable[train]]], position[test])
            for train, test in self.protocol.folds
        ]
        training = self.protocol.training
        chosen = position[training[self.trainable[training]]]
        search = self._grid_search(folds, (0, 1))
        everything = np.array_equal(chosen, np.arange(len(rows)))
        return search.fit_store(
            self.store,
            self.y[rows],
            groups=None if self.groups is None else self.groups[rows],
            rows=rows,
            refit_on=None if everything else chosen,
        )

    def search(self, train: NDArray[np.intp], *, part: tuple[int, int]) -> GridSearch:
        """The search inside a training part; `part` is its place among all searches."""
        rows = train[self.trainable[train]]
        lacking = order_classes(set(self.y[train].tolist()) - set(self.y[rows].tolist()))
        if lacking:
            raise DataError(
                f"no face was found in any training image of class {lacking[0]!r}; let the whole "
                "image stand in for faces that are not found, or leave the class out"
            )
        groups = None if self.groups is None else self.groups[rows]
        folds = inner_folds(
            self.y[rows], groups, n_splits=self.inner_cv, random_state=self.random_state
        )
        search = self._grid_search(folds, part)
        return search.fit_store(self.store, self.y[rows], groups=groups, rows=rows)

    def table(self, kept: Recognizer, rows: NDArray[np.intp], fold: str) -> pd.DataFrame:
        """Predictions of `kept` on `rows`."""
        classes = list(map(str, kept.classes_))
        chances = self._probabilities(kept, rows)
        return predictions_table(
            self.dataset, rows, chances, classes, fold, threshold=kept.threshold_
        )

    def _grid_search(self, folds: Any, part: tuple[int, int]) -> GridSearch:
        number, of = part

        def report(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(number * total + done, of * total)

        budget = self.budget
        if budget is not None:
            spent = time.perf_counter() - self.started
            budget = max(1e-3, (budget - spent) / (of - number))
        return GridSearch(
            self.recognizer,
            self.grid,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            cv=folds,
            budget=budget,
            memory=self.memory,
            progress=report,
        )

    def _probabilities(self, kept: Recognizer, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        from joblib import effective_n_jobs, parallel_config
        from threadpoolctl import threadpool_limits

        n_jobs = effective_n_jobs(self.n_jobs)
        threads = parallel_config("threading", n_jobs=n_jobs)  # for encodings
        with threads, threadpool_limits(limits=1, user_api="blas"):
            if kept.averaging is None:
                blocks = self.store.blocks(kept.features_, n_jobs=n_jobs)
                decision = kept.decision_from_blocks({n: b[rows] for n, b in blocks.items()})
            else:  # the features of shifted and mirrored faces are not in the store
                decision = kept.decision_by(
                    lambda faces: BlockStore(faces).blocks(kept.features_, n_jobs=n_jobs),
                    self.store.X[rows],
                )
        return temperature_softmax(decision, kept.temperature_)

    def _finish(self, search: GridSearch, test: NDArray[np.intp]) -> FinishedFold:
        kept: Recognizer = search.best_estimator_
        facts: dict[str, Any] = {
            "params": search.best_params_,
            "selection_score": float(search.best_score_),
        }
        if kept.wished_error is not None:
            facts["threshold"] = kept.threshold_
        if search.skipped_:
            facts["skipped"] = len(search.skipped_)
        return FinishedFold(self._probabilities(kept, test), facts)
