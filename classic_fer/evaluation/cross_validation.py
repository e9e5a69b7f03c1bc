"""Nested cross-validation: the score of a tuned recognizer on faces (and people) it never saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fold_files import FinishedFold, FoldFiles, content_hash
from classic_fer.evaluation.holdout import evaluate
from classic_fer.evaluation.predictions_table import (
    abstained_mask,
    aligned_faces,
    coverage_of,
    data_facts,
    empty_table,
    predictions_table,
    score_sheets,
)
from classic_fer.evaluation.protocols import Protocol, make_protocol
from classic_fer.evaluation.result import Result, environment
from classic_fer.models.block_store import BlockStore
from classic_fer.models.calibration import temperature_softmax
from classic_fer.models.classifiers import classifier_name
from classic_fer.models.folds import inner_folds
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.models.search import GridSearch, check_scoring_name, complete_grid

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["cross_validate", "evaluate"]

Progress = Callable[[int, int], None]

_FINAL = "final"


def cross_validate(
    dataset: Dataset,
    *,
    features: str | Any = "lbp",
    clf: str | BaseEstimator = "svm",
    grid: Mapping[str, Sequence[Any]] | None = None,
    params: Mapping[str, Any] | None = None,
    cv: str | int | Path | None = None,
    inner_cv: int = 5,
    nested: bool = True,
    scoring: Any = "accuracy",
    scaler: str | BaseEstimator = "standard",
    class_weight: str | dict[str, float] | None = None,
    calibration: str | None = "temperature",
    final: bool = False,
    n_jobs: int | None = 1,
    random_state: int = 0,
    budget: float | None = None,
    memory: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[Result, Recognizer, GridSearch]:
    """Tune and score a recognizer, and train it on all training data.

    In each outer fold parameters are chosen by a search inside the training part; the best
    recognizer, trained on the whole training part, predicts the test part. The last search, on
    all training data, gives the recognizer that is kept.

    Parameters
    ----------
    dataset : Dataset
        Aligned (`classic_fer.faces.align.align_faces`).
    features, clf, grid, params, scaler, class_weight, calibration, scoring
        See `classic_fer.models.search.grid_search`.
    cv : str, int or Path, optional
        Outer protocol; see `classic_fer.evaluation.protocols.make_protocol`.
    inner_cv : int
        Folds of each search, people kept together unless `cv` ignores them.
    nested : bool
        False searches on the outer folds themselves. The Result then has no scores, only a
        `selection_score`, which is optimistic.
    final : bool
        Whether the recognizer that is kept also predicts the part ``final``.
    n_jobs : int or None
        Threads; predictions and scores are the same for any number.
    random_state : int
        For folds, classifiers that draw numbers, and the bootstrap.
    budget : float, optional
        Seconds for all searches together. Each gets its part of what is left, and chooses by
        successive halving which candidates it has time for; the warnings of the result say what
        was skipped. Results then depend on the speed of the machine.
    memory : int, optional
        Bytes that the process keeps below; see `classic_fer.models.search.GridSearch`. Noted in
        the environment of the result.
    out : path, optional
        Finished folds are kept in its folder ``folds``.
    resume : bool
        Go on with the finished folds in `out`.
    progress : callable, optional
        Called as ``progress(done, total)`` with costs of work: the part that is done takes about
        ``done / total`` of the time.

    Returns
    -------
    result : Result
    recognizer : Recognizer
        Trained on all training data with the parameters of `search`, calibrated.
    search : GridSearch
        The last search.

    Raises
    ------
    DataError
        If the data are not aligned or do not fit the protocol.
    ParameterError
        For unknown names or values, a part ``final`` that is not there, or an `out` whose folds
        were made otherwise.
    """
    start = time.perf_counter()
    faces = aligned_faces(dataset)
    protocol = make_protocol(
        cv,
        dataset.y,
        dataset.groups,
        dataset.split,
        ids=dataset.samples["id"].tolist(),
        official=dataset.card.official_split,
        random_state=random_state,
    )
    if final and protocol.final is None:
        raise ParameterError("the data have no part 'final' to score; leave final out")
    recognizer = make_recognizer(
        features,
        clf,
        scaler=scaler,
        class_weight=class_weight,
        calibration=calibration,
        random_state=random_state,
        **(params or {}),
    )
    run = _Run(
        dataset=dataset,
        protocol=protocol,
        store=BlockStore(faces),
        recognizer=recognizer,
        grid=complete_grid(recognizer, clf, grid, params),
        scoring=check_scoring_name(scoring),
        inner_cv=inner_cv,
        n_jobs=n_jobs,
        random_state=random_state,
        budget=budget,
        memory=memory,
        progress=progress,
    )
    if nested:
        folder = None if out is None else Path(out) / "folds"
        files = FoldFiles(folder, run.settings(), resume=resume)
        finished, search = run.nested(files)
    else:
        finished, search = [], run.plain_search()
    kept: Recognizer = search.best_estimator_
    result = _result(run, finished, search)
    result.scoring = scoring if isinstance(scoring, str) else str(scoring)
    if final and protocol.final is not None:
        table = run.table(kept, protocol.final, _FINAL)
        sheet, _ = score_sheets(table, random_state=random_state)
        result.final = {**sheet, "coverage": coverage_of(dataset, protocol.final)}
        result.final_predictions = table
    kept.set_bundle(
        alignment=dataset.alignment,
        card=dataset.card.to_dict(),
        label_policy=None if dataset.policy is None else dataset.policy.to_dict(),
        dataset=dict(result.dataset),
        best_params=result.to_dict()["best_params"],
    )
    result.seconds = time.perf_counter() - start
    return result, kept, search


@dataclass
class _Run:
    """What all searches of one cross-validation have in common."""

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
        # All rows that take part in any fold.
        self.rows = np.unique(np.concatenate([r for fold in self.protocol.folds for r in fold]))
        self.y = self.dataset.y
        groups = self.dataset.groups
        self.groups = None if self.protocol.name.startswith("random") else groups
        # Rows that will be abstained on are not trained on either.
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
        return predictions_table(self.dataset, rows, self._probabilities(kept, rows), classes, fold)

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
        from joblib import effective_n_jobs
        from threadpoolctl import threadpool_limits

        blocks = self.store.blocks(kept.features_, n_jobs=effective_n_jobs(self.n_jobs))
        with threadpool_limits(limits=1, user_api="blas"):
            decision = kept.decision_from_blocks({n: block[rows] for n, block in blocks.items()})
        return temperature_softmax(decision, kept.temperature_)

    def _finish(self, search: GridSearch, test: NDArray[np.intp]) -> FinishedFold:
        kept: Recognizer = search.best_estimator_
        facts: dict[str, Any] = {
            "params": search.best_params_,
            "selection_score": float(search.best_score_),
        }
        if search.skipped_:
            facts["skipped"] = len(search.skipped_)
        return FinishedFold(self._probabilities(kept, test), facts)


def _result(run: _Run, finished: list[FinishedFold], search: GridSearch) -> Result:
    dataset, protocol = run.dataset, run.protocol
    tables, folds = [], []
    for name, (train, test), fold in zip(protocol.fold_names, protocol.folds, finished):
        table = predictions_table(dataset, test, fold.probabilities, run.classes, name)
        sheet, _ = score_sheets(table, random_state=run.random_state)
        scores = {metric: score["value"] for metric, score in sheet["scores"].items()}
        n_train = int(run.trainable[train].sum())
        sizes = {"name": name, "n_train": n_train, "n_test": len(test)}
        folds.append({**sizes, "scores": scores, **fold.facts})
        tables.append(table)
    rows, groups = run.rows, dataset.groups
    result = Result(
        dataset={"name": dataset.name, "n": len(rows), "classes": run.classes},
        protocol={
            "name": protocol.name,
            "groups": len(np.unique(groups[rows]))
            if groups is not None and protocol.grouped
            else None,
            "folds": len(protocol.folds),
            "hash": protocol.hash,
        },
        recognizer={
            "features": run.recognizer.features.expression,
            "clf": classifier_name(run.recognizer.clf),
            "params": _plain_params(search.best_estimator_),
        },
        best_params=dict(search.best_params_),
        scores={},
        folds=folds,
        coverage=coverage_of(dataset, rows),
        predictions=empty_table(run.classes),
        selection_score=float(search.best_score_),
        warnings=[*protocol.warnings, *_skipped(search)],
        **data_facts(dataset),
        seed=run.random_state,
        environment={**environment(), "memory_limit": run.memory},
    )
    if tables:
        _add_scores(result, pd.concat(tables, ignore_index=True))
    return result


def _skipped(search: GridSearch) -> list[str]:
    """A warning that lists the candidates which the budget left out of the last search."""
    if not search.skipped_:
        return []
    listed = "; ".join(
        ", ".join(f"{name}={value}" for name, value in one.params.items())
        + f" ({one.score:.3f} on {one.n_faces} faces)"
        for one in search.skipped_
    )
    n = len(search.skipped_)
    of = n + len(search.cv_results_["params"])
    return [f"the budget left out {n} of {of} candidates of the last search: {listed}"]


def _add_scores(result: Result, predictions: pd.DataFrame) -> None:
    sheet, found = score_sheets(predictions, random_state=result.seed)
    result.predictions = predictions
    result.scores, result.interval = sheet["scores"], sheet["interval"]
    result.per_class, result.confusion = sheet["per_class"], sheet["confusion"]
    result.majority_baseline, result.found = sheet["majority_baseline"], found


def _plain_params(recognizer: Recognizer) -> dict[str, Any]:
    """Parameters of the parts, without the parts themselves."""
    params = recognizer.get_params(deep=True)
    return {
        name: value
        for name, value in sorted(params.items())
        if not hasattr(value, "get_params") and not name.endswith(("steps", "expression"))
    }
