"""Predictions of scored rows as a table, and what is scored from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError
from classic_fer.evaluation.metrics import ABSTAINED, classification_scores

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = [
    "abstained_mask",
    "aligned_faces",
    "coverage_of",
    "data_facts",
    "empty_table",
    "predictions_table",
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


def predictions_table(
    dataset: Dataset,
    rows: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    fold: str,
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

    Returns
    -------
    table : DataFrame
        ``id, fold, true, predicted, score_<class>..., found, subject``.
    """
    predicted = np.asarray(classes, dtype=object)[probabilities.argmax(axis=1)]
    predicted[abstained_mask(dataset)[rows]] = ABSTAINED
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


def score_sheets(
    table: pd.DataFrame, *, random_state: int = 0
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`classification_scores` of all rows, and of those in which a face was found.

    The second is None if that was all of them, or none.
    """
    classes = [name.removeprefix(_SCORE) for name in table.columns if name.startswith(_SCORE)]
    names = order_classes({*classes, *table["true"]})
    found = table["found"].to_numpy(dtype=bool)

    def sheet(part: pd.DataFrame) -> dict[str, Any]:
        known = part["subject"].notna().all()
        return classification_scores(
            part["true"].to_numpy(),
            part["predicted"].to_numpy(),
            names,
            groups=part["subject"].to_numpy(dtype=str) if known else None,
            random_state=random_state,
        )

    some = found.any() and not found.all()
    return sheet(table), sheet(table[found]) if some else None
