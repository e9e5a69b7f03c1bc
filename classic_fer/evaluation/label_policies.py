"""One recognizer under several label policies, on the data as they are and balanced by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.emotions import LabelPolicy, label_policy, order_classes
from classic_fer.evaluation.metrics import (
    ABSTAINED,
    METRICS,
    confusion_counts,
    scores_of_counts,
)
from classic_fer.evaluation.predictions_table import aligned_faces, predictions_table
from classic_fer.evaluation.resampling import drawn_sums, percentile_interval, unit_name

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["balanced_counts", "score_label_policies"]

_SCORE = "score_"


def score_label_policies(
    recognizer: Any,
    dataset: Dataset,
    policies: Sequence[str | Path | LabelPolicy],
    *,
    restrict_classes: bool = False,
    random_state: int = 0,
) -> list[dict[str, Any]]:
    """The same answers of a recognizer, scored under each label policy.

    A policy renames the answers as it renames the labels: the probabilities of classes that
    become one are added. Answers of a class that it removes stay, and are wrong, unless
    `restrict_classes`. Faces are predicted once.

    Parameters
    ----------
    recognizer : Recognizer
        Or anything else with ``predict_proba`` over Faces and ``classes_``.
    dataset : Dataset
        Aligned, with the labels as they come with the data.
    policies : sequence of str, Path or LabelPolicy
    restrict_classes : bool
        Choose only among classes that the data have under the policy.
    random_state : int
        For the bootstrap.

    Returns
    -------
    rows : list of dict
        For each policy ``policy`` (name), ``changes`` (from, to, number of faces), ``classes``,
        ``n``, ``left_out`` (class that the recognizer lacks to number of faces), ``interval``,
        ``scores`` {metric: {``value``, ``ci95``}} on the data as they are, and ``balanced``: the
        same with every class weighing the same, which is what equally many faces of each class,
        drawn at random, would give on average.

    Raises
    ------
    ClassicFerError
        If the data are not aligned, a policy is unknown, or leaves no face that can be scored.
    """
    faces = aligned_faces(dataset)
    rules = [label_policy(each) for each in policies]
    classes = [str(name) for name in recognizer.classes_]
    chances = np.asarray(recognizer.predict_proba(faces), dtype=np.float64)
    threshold = float(getattr(recognizer, "threshold_", 0.0))
    table = predictions_table(
        dataset, np.arange(len(dataset)), chances, classes, "evaluate", threshold=threshold
    )
    return [_row(table, rule, classes, restrict_classes, random_state) for rule in rules]


def balanced_counts(counts: NDArray) -> NDArray[np.float64]:
    """Confusion matrices in which each class that has rows weighs one, shape as `counts`.

    Examples
    --------
    >>> balanced_counts(np.array([[8, 2, 0], [1, 3, 0]])).tolist()
    [[0.8, 0.2, 0.0], [0.25, 0.75, 0.0]]
    """
    rows = np.asarray(counts, dtype=np.float64)
    totals = rows.sum(axis=-1, keepdims=True)
    return np.divide(rows, totals, out=np.zeros_like(rows), where=totals > 0)


def _row(
    table: pd.DataFrame,
    rule: LabelPolicy,
    classes: Sequence[str],
    restrict_classes: bool,
    random_state: int,
) -> dict[str, Any]:
    from classic_fer.errors import DataError

    outcome = rule.apply(table["true"])
    answers, chances = rule.renamed_scores(classes, table[[_SCORE + name for name in classes]])
    known = np.isin(outcome.labels, answers)
    rows = np.flatnonzero(outcome.keep)[known]
    if not len(rows):
        raise DataError(
            f"under the label policy {rule.name!r} no face has a class that the recognizer knows "
            f"({', '.join(answers)}); leave it out, or choose other data"
        )
    true = outcome.labels[known]
    present = order_classes(true.tolist())
    if restrict_classes:
        chances = np.where(np.isin(answers, present), chances, -1.0)
    predicted = np.asarray(answers, dtype=object)[chances[rows].argmax(axis=1)]
    predicted[(table["predicted"] == ABSTAINED).to_numpy()[rows]] = ABSTAINED
    names, counts = np.unique(outcome.labels[~known], return_counts=True)
    people = table["subject"].iloc[rows]
    groups = people.to_numpy(dtype=str) if people.notna().all() else None
    return {
        "policy": rule.name,
        "changes": outcome.changes,
        "classes": present,
        "n": len(rows),
        "left_out": dict(zip(names.tolist(), counts.tolist())),
        "interval": unit_name(groups),
        **_scores(true, predicted, order_classes({*answers, *present}), groups, random_state),
    }


def _scores(
    true: NDArray,
    predicted: NDArray,
    names: Sequence[str],
    groups: NDArray | None,
    random_state: int,
) -> dict[str, dict[str, dict[str, Any]]]:
    """All metrics with intervals, as the data are and balanced."""
    shape = (len(names), len(names) + 1)
    cells = np.zeros((len(true), shape[0] * shape[1]))
    place = {name: i for i, name in enumerate([*names, ABSTAINED])}
    for row, (label, answer) in enumerate(zip(true, predicted)):
        cells[row, place[label] * shape[1] + place[answer]] = 1
    drawn = drawn_sums(cells, groups=groups, random_state=random_state)
    counts = confusion_counts(true, predicted, names)

    def sheet(weighted: Callable[[NDArray], NDArray]) -> dict[str, dict[str, Any]]:
        def score(name: str) -> Callable[[NDArray[np.float64]], NDArray[Any]]:
            return lambda sums: scores_of_counts(weighted(sums.reshape(-1, *shape)))[name]

        values = scores_of_counts(weighted(counts))
        return {
            name: {
                "value": float(values[name]),
                "ci95": percentile_interval(score(name), drawn),
            }
            for name in METRICS
        }

    return {"scores": sheet(np.asarray), "balanced": sheet(balanced_counts)}
