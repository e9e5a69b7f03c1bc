"""Predictions of scored rows as a table, and what is scored from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError
from classic_fer.evaluation.agreement import is_given, rater_agreement
from classic_fer.evaluation.calibration_metrics import (
    brier_score,
    calibration_scores,
    expected_calibration_error,
    log_loss,
    top_k_accuracy,
)
from classic_fer.evaluation.metrics import (
    ABSTAINED,
    classification_scores,
    confusion_counts,
    scores_of_counts,
)
from classic_fer.evaluation.selective import answer_scores

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = [
    "abstained_mask",
    "aligned_faces",
    "coverage_of",
    "data_facts",
    "empty_table",
    "fold_scores",
    "label_noise",
    "pooled_scores",
    "predictions_table",
    "probabilities_of",
    "score_classes",
    "score_sheets",
]

_SCORE = "score_"


def aligned_faces(dataset: Dataset) -> NDArray:
    """The Faces of a data set.

    Raises
    ------
    DataError
        If it is not aligned, or has no rows.
    """
    if dataset.faces is None:
        raise DataError(
            f"the faces of data set {dataset.name!r} are not aligned; call align_faces(dataset) "
            "first"
        )
    if not len(dataset):
        raise DataError(f"data set {dataset.name!r} has no faces")
    return dataset.faces


def _found(dataset: Dataset) -> NDArray[np.bool_]:
    """Whether a face was found, shape (n,)."""
    return np.asarray(aligned_faces(dataset)["found"], dtype=bool)


def abstained_mask(dataset: Dataset) -> NDArray[np.bool_]:
    """Rows that are abstained on, shape (n,): no face, and the alignment says ``abstain``."""
    abstain = dataset.alignment is not None and dataset.alignment.not_found == "abstain"
    return ~_found(dataset) & abstain


def coverage_of(dataset: Dataset, rows: NDArray[np.intp]) -> dict[str, int]:
    """``found`` faces ``of`` these rows."""
    return {"found": int(_found(dataset)[rows].sum()), "of": len(rows)}


def data_facts(dataset: Dataset) -> dict[str, Any]:
    """What a Result says about the data besides scores: ``unreadable`` and ``label_policy``."""
    policy = dataset.policy
    return {
        "unreadable": [{"path": str(u.path), "reason": u.reason} for u in dataset.unreadable],
        "label_policy": None
        if policy is None
        else {"name": policy.name, "changes": dataset.policy_changes},
    }


def label_noise(
    dataset: Dataset, table: pd.DataFrame, *, random_state: int = 0
) -> list[dict[str, Any]]:
    """How each further rater agrees with the labels, beside the recognizer on the same faces.

    Parameters
    ----------
    dataset : Dataset
    table : DataFrame
        Predictions of some of its rows.
    random_state : int
        Of the bootstrap.

    Returns
    -------
    noise : list of dict
        For each of `Dataset.rater_columns` its ``column``, the fields of
        `classic_fer.evaluation.agreement.Agreement`, and ``accuracy`` {``value``, ``ci95``} of
        the predictions of faces that both raters labelled, None where these are too few.
    """
    rows = np.flatnonzero(np.isin(dataset.ids, table["id"].to_numpy(dtype=str)))
    people = None if dataset.groups is None else dataset.groups[rows]
    said = []
    for column in dataset.rater_columns:
        theirs = dataset.samples[column].to_numpy(dtype=object)[rows]
        agreement = rater_agreement(
            dataset.y[rows], theirs, groups=people, random_state=random_state
        )
        rated = table[table["id"].isin(dataset.ids[rows][is_given(theirs)])]
        sheet = None if agreement.too_few else score_sheets(rated, random_state=random_state)[0]
        accuracy = None if sheet is None else sheet["scores"]["accuracy"]
        said.append({"column": column, **agreement.to_dict(), "accuracy": accuracy})
    return said


def predictions_table(
    dataset: Dataset,
    rows: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    fold: str,
    *,
    threshold: float = 0.0,
) -> pd.DataFrame:
    """One line per scored row.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    rows : ndarray of int, shape (n,)
        Row numbers of `dataset`.
    probabilities : ndarray, shape (n, n_classes)
        Calibrated; the class of the highest one is the prediction.
    classes : sequence of str
    fold : str
    threshold : float
        Rows whose highest probability is lower are abstained on.

    Returns
    -------
    table : DataFrame
        ``id, fold, true, predicted, score_<class>..., found, subject``.
    """
    predicted = np.asarray(classes, dtype=object)[probabilities.argmax(axis=1)]
    doubtful = probabilities.max(axis=1) < threshold
    predicted[doubtful | abstained_mask(dataset)[rows]] = ABSTAINED
    people = dataset.groups
    table = {
        "id": dataset.samples["id"].to_numpy(dtype=object)[rows],
        "fold": fold,
        "true": dataset.y[rows].astype(object),
        "predicted": predicted,
        **{_SCORE + name: probabilities[:, i] for i, name in enumerate(classes)},
        "found": _found(dataset)[rows],
        "subject": None if people is None else people[rows].astype(object),
    }
    return pd.DataFrame(table)


def empty_table(classes: Sequence[str]) -> pd.DataFrame:
    """The table of a plain search, which predicts nothing."""
    names = ("id", "fold", "true", "predicted", *(_SCORE + name for name in classes))
    return pd.DataFrame(columns=[*names, "found", "subject"])


def score_classes(table: pd.DataFrame) -> list[str]:
    """The classes whose probabilities a table holds, in its order."""
    return [name.removeprefix(_SCORE) for name in table.columns if name.startswith(_SCORE)]


def probabilities_of(table: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Rows whose probabilities can be judged, and these probabilities.

    Left out are rows that were abstained on because no face was found, and rows of a class that
    the recognizer does not know.

    Returns
    -------
    rows : ndarray of bool, shape (n,)
    probabilities : ndarray of float64, shape (n_true_rows, n_classes)
    """
    classes = score_classes(table)
    faceless = (table["predicted"] == ABSTAINED) & ~table["found"].astype(bool)
    rows = (table["true"].isin(classes) & ~faceless).to_numpy(dtype=bool)
    return rows, table.loc[rows, [_SCORE + name for name in classes]].to_numpy(dtype=np.float64)


def fold_scores(table: pd.DataFrame) -> dict[str, float]:
    """The metrics of `score_sheets` over all rows, without intervals."""
    names = order_classes({*score_classes(table), *table["true"]})
    counts = confusion_counts(table["true"], table["predicted"], names)
    scores = {name: float(value) for name, value in scores_of_counts(counts).items()}
    rows, chances = probabilities_of(table)
    if rows.any():
        judged = chances, table["true"].to_numpy(dtype=str)[rows], score_classes(table)
        scores["log_loss"], scores["brier"] = log_loss(*judged), brier_score(*judged)
        scores["ece"] = expected_calibration_error(*judged)
        scores["top2"] = top_k_accuracy(*judged, k=2)
    return scores


def score_sheets(
    table: pd.DataFrame, *, wished_error: float | None = None, random_state: int = 0
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`classification_scores` of all rows, and of those in which a face was found.

    Their ``scores`` go on with those of `calibration_scores`, over the rows for which there are
    probabilities of a face (or of the image that stands in for it). ``answered`` is what
    `answer_scores` says, None where every row was answered and no error was wished for.

    The second is None if that was all of them, or none. Where faces are predicted repeatedly, the
    predictions of all repeats are pooled: accuracy and recall are then the means over the repeats,
    and macro-F1 is free of the bias of averages over small parts (Forman and Scholz 2010). All
    predictions of a person, or of a face, are drawn together.
    """
    names = order_classes({*score_classes(table), *table["true"]})
    found = table["found"].to_numpy(dtype=bool)

    def sheet(part: pd.DataFrame) -> dict[str, Any]:
        known = part["subject"].notna().all()
        drawn = part["subject"] if known else part["id"] if part["id"].duplicated().any() else None
        units = None if drawn is None else drawn.to_numpy(dtype=str)
        true, predicted = part["true"].to_numpy(dtype=str), part["predicted"].to_numpy(dtype=str)
        made = classification_scores(
            true, predicted, names, groups=units, random_state=random_state
        )
        rows, chances = probabilities_of(part)
        if rows.any():
            made["scores"] |= calibration_scores(
                chances,
                true[rows],
                score_classes(part),
                groups=None if units is None else units[rows],
                random_state=random_state,
            )["scores"]
        answered = predicted != ABSTAINED
        if wished_error is not None or not answered.all():
            made["answered"] = answer_scores(
                predicted == true,
                answered,
                wished_error=wished_error,
                folds=part["fold"],
                groups=units,
                random_state=random_state,
            )
        return {"answered": None, **made, "interval": "people" if known else "images"}

    some = found.any() and not found.all()
    return sheet(table), sheet(table[found]) if some else None


def pooled_scores(
    dataset: Dataset, table: pd.DataFrame, *, wished_error: float | None, random_state: int
) -> dict[str, Any]:
    """The predictions and all that is scored from them, by the names of the fields of a Result."""
    sheet, found = score_sheets(table, wished_error=wished_error, random_state=random_state)
    del sheet["n"]
    noise = label_noise(dataset, table, random_state=random_state)
    return {"predictions": table, **sheet, "found": found, "label_noise": noise}
