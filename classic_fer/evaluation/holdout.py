"""Score a trained recognizer on data that it never saw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.emotions import POLICIES, LabelPolicy, order_classes
from classic_fer.errors import DataError
from classic_fer.evaluation.predictions_table import (
    aligned_faces,
    coverage_of,
    data_facts,
    pooled_scores,
    predictions_table,
)
from classic_fer.evaluation.result import Result, environment
from classic_fer.evaluation.split_files import protocol_hash

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = [
    "answer_classes",
    "evaluate",
    "policy_of_answers",
    "recognizer_facts",
    "seen_before",
]


def evaluate(
    recognizer: Any, dataset: Dataset, *, restrict_classes: bool = False, random_state: int = 0
) -> Result:
    """Scores and predictions of a trained recognizer; nothing is trained.

    Parameters
    ----------
    recognizer : Recognizer
        Or anything else with ``predict_proba`` over Faces and ``classes_``.
    dataset : Dataset
        Aligned as the recognizer's training faces were. Rows of classes that the recognizer
        lacks are counted, named and left out. A label policy of the data renames the answers, too,
        unless the recognizer was trained under it: the probabilities of classes that become one
        are added; answers of a class that it removes stay.
    restrict_classes : bool
        Let the recognizer choose only among classes that the data have. Otherwise predictions of
        other classes count as wrong.
    random_state : int
        For the bootstrap.

    Returns
    -------
    Result
        With the protocol ``"evaluate"``, which has no folds.

    Raises
    ------
    DataError
        If the data are not aligned, or none of their classes is one of the recognizer's.
    """
    start = time.perf_counter()
    faces = aligned_faces(dataset)
    policy = policy_of_answers(recognizer, dataset)
    own, classes = [str(name) for name in recognizer.classes_], answer_classes(recognizer, dataset)
    y = dataset.y
    known = np.isin(y, classes)
    if not known.any():
        raise DataError(
            f"none of the classes of the data ({', '.join(dataset.classes)}) is known to the "
            f"recognizer ({', '.join(classes)}); choose a label policy that maps them"
        )
    rows = np.flatnonzero(known)
    left_out = {name: int((y == name).sum()) for name in dataset.classes if name not in classes}
    present = order_classes(y[rows].tolist())
    notes = [
        f"{n} faces of class {name!r} are left out: the recognizer does not know it"
        for name, n in left_out.items()
    ]
    bundle = getattr(recognizer, "bundle_", {})
    notes += [*seen_before(recognizer, dataset), *bundle.get("notes", [])]
    if set(classes) != set(own):
        notes.append(
            f"the label policy {policy.name!r} renames the answers, too: {', '.join(own)} become "
            f"{', '.join(classes)}, probabilities are added"
        )
    _, probabilities = policy.renamed_scores(own, recognizer.predict_proba(faces[rows]))
    if restrict_classes:
        probabilities = _restricted(probabilities, np.isin(classes, present))
        lacking = [name for name in classes if name not in present]
        if lacking:
            notes.append(f"predictions are restricted: {', '.join(lacking)} are not in the data")
    threshold = float(getattr(recognizer, "threshold_", 0.0))
    table = predictions_table(
        dataset, rows, probabilities, classes, "evaluate", threshold=threshold
    )
    stray = int((~table["predicted"].isin([*present, "abstained"])).sum())
    if stray:
        notes.append(
            f"{stray} predictions of classes that the data lack count as wrong; restrict the "
            "classes to rule them out"
        )
    wished_error = getattr(recognizer, "wished_error", None)
    return Result(
        dataset={"name": dataset.name, "n": len(rows), "classes": present},
        protocol={
            "name": "evaluate",
            "groups": None if dataset.groups is None else len(np.unique(dataset.groups[rows])),
            "folds": 0,
            "hash": protocol_hash(dataset.samples["id"].tolist(), [(rows[:0], rows)], ["evaluate"]),
        },
        recognizer=recognizer_facts(recognizer),
        best_params=dict(bundle.get("best_params") or {}),
        folds=[],
        coverage=coverage_of(dataset, rows),
        left_out=left_out,
        warnings=notes,
        **pooled_scores(dataset, table, wished_error=wished_error, random_state=random_state),
        **data_facts(dataset),
        seed=random_state,
        environment=environment(),
        seconds=time.perf_counter() - start,
    )


def answer_classes(recognizer: Any, dataset: Dataset) -> list[str]:
    """The classes of a recognizer's answers under the label policy of the data, in order."""
    policy = policy_of_answers(recognizer, dataset)
    return order_classes(policy.renamed(str(name)) for name in recognizer.classes_)


def policy_of_answers(recognizer: Any, dataset: Dataset) -> LabelPolicy:
    """What renames the answers: the label policy of the data, unless they were learned under it."""
    policy = dataset.policy
    if policy is None or getattr(recognizer, "label_policy_", None) == policy:
        return POLICIES["keep"]
    return policy


def seen_before(recognizer: Any, dataset: Dataset) -> list[str]:
    """A warning if a recognizer was trained on the data set of this name, else nothing."""
    bundle = getattr(recognizer, "bundle_", {})
    if (bundle.get("dataset") or {}).get("name") != dataset.name:
        return []
    return [
        f"the recognizer was trained on {dataset.name!r}: scores on faces that it has seen are "
        "too good, only those of a part that it has not seen count"
    ]


def _restricted(
    probabilities: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probabilities given that the class is one of the allowed ones."""
    kept = np.where(allowed, probabilities, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1), allowed / allowed.sum())


def recognizer_facts(recognizer: Any) -> dict[str, Any]:
    """``features``, ``clf`` and chosen ``params`` of a trained recognizer, as a Result has them."""
    from classic_fer.models.classifiers import classifier_name
    from classic_fer.models.recognizer import Recognizer

    bundle = getattr(recognizer, "bundle_", {})
    if isinstance(recognizer, Recognizer):
        features, clf = recognizer.features_.expression, classifier_name(recognizer.clf_)
    else:
        features = str(bundle.get("features", "pixels"))
        clf = str(bundle.get("clf", type(recognizer).__name__))
    return {"features": features, "clf": clf, "params": dict(bundle.get("best_params") or {})}
