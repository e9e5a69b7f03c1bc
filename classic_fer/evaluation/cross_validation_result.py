"""The Result of a cross-validation: what its folds and searches gave, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.evaluation.fold_files import FinishedFold
from classic_fer.evaluation.outer_loop import OuterLoop
from classic_fer.evaluation.predictions_table import (
    coverage_of,
    data_facts,
    empty_table,
    fold_scores,
    pooled_scores,
    predictions_table,
    score_sheets,
)
from classic_fer.evaluation.result import Result, environment
from classic_fer.models.classifiers import classifier_name
from classic_fer.models.recognizer import Recognizer
from classic_fer.models.search import GridSearch

__all__ = ["add_final_scores", "cross_validation_result"]

_FINAL = "final"


def cross_validation_result(
    loop: OuterLoop, finished: Sequence[FinishedFold], search: GridSearch
) -> Result:
    """The Result of a cross-validation; without scores where no fold was scored.

    Parameters
    ----------
    loop : OuterLoop
    finished : sequence of FinishedFold
        In the order of the protocol; none if the search was on the outer folds themselves.
    search : GridSearch
        The last one, on all training data.
    """
    dataset, protocol = loop.dataset, loop.protocol
    folds, scored = _scored_folds(loop, finished)
    rows, groups = loop.rows, dataset.groups
    return Result(
        dataset={"name": dataset.name, "n": len(rows), "classes": loop.classes},
        protocol={
            "name": protocol.name,
            "groups": len(np.unique(groups[rows]))
            if groups is not None and protocol.grouped
            else None,
            "folds": len(protocol.folds),
            "repeats": protocol.repeats,
            "kept_together": protocol.groups.kept_together,
            "hash": protocol.hash,
            "references": len(protocol.references),
        },
        recognizer={
            "features": loop.recognizer.features.expression,
            "clf": classifier_name(loop.recognizer.clf),
            "params": _plain_params(search.best_estimator_),
        },
        best_params=dict(search.best_params_),
        folds=folds,
        coverage=coverage_of(dataset, rows),
        selection_score=float(search.best_score_),
        warnings=[*protocol.warnings, *_skipped(search)],
        **scored,
        **data_facts(dataset),
        seed=loop.random_state,
        environment={**environment(), "memory_limit": loop.memory},
    )


def _scored_folds(
    loop: OuterLoop, finished: Sequence[FinishedFold]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is noted of each fold, and the scores of all of them together."""
    dataset, protocol = loop.dataset, loop.protocol
    tables, folds = [], []
    for name, (train, test), fold in zip(protocol.fold_names, protocol.folds, finished):
        threshold = float(fold.facts.get("threshold", 0.0))
        table = predictions_table(
            dataset, test, fold.probabilities, loop.classes, name, threshold=threshold
        )
        n_train = int(loop.trainable[train].sum())
        sizes = {"name": name, "n_train": n_train, "n_test": len(test)}
        folds.append({**sizes, "scores": fold_scores(table), **fold.facts})
        tables.append(table)
    if not tables:
        return folds, {"scores": {}, "predictions": empty_table(loop.classes)}
    return folds, pooled_scores(
        dataset,
        pd.concat(tables, ignore_index=True),
        wished_error=loop.recognizer.wished_error,
        random_state=loop.random_state,
    )


def add_final_scores(
    result: Result, loop: OuterLoop, recognizer: Recognizer, rows: NDArray[np.intp]
) -> None:
    """Score the recognizer that is kept on the part ``final``, whose `rows` are given."""
    table = loop.table(recognizer, rows, _FINAL)
    sheet, _ = score_sheets(
        table, wished_error=recognizer.wished_error, random_state=loop.random_state
    )
    result.final = {**sheet, "coverage": coverage_of(loop.dataset, rows)}
    result.final_predictions = table


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


def _plain_params(recognizer: Recognizer) -> dict[str, Any]:
    """Parameters of the parts, without the parts themselves."""
    params = recognizer.get_params(deep=True)
    return {
        name: value
        for name, value in sorted(params.items())
        if not hasattr(value, "get_params") and not name.endswith(("steps", "expression"))
    }
