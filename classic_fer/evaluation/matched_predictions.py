"""Predictions of several runs brought together: the same faces in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError

__all__ = ["MatchedPredictions", "match_predictions"]


@dataclass(frozen=True)
class MatchedPredictions:
    """Predictions of several runs for the same faces in the same order.

    Attributes
    ----------
    names : list of str, length k
        Of the runs.
    ids : ndarray of str, shape (n,)
    true : ndarray of str, shape (n,)
    predicted : ndarray of str, shape (n, k)
    people : ndarray of str, shape (n,), or None
        None unless a run knows who is shown on every face.
    folds : ndarray of str, shape (n,), or None
        None unless all runs have the same two or more folds.
    """

    names: list[str]
    ids: NDArray
    true: NDArray
    predicted: NDArray
    people: NDArray | None
    folds: NDArray | None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Who is right about which face, shape (n, k); abstaining is not."""
        return self.predicted == self.true[:, None]

    @property
    def once(self) -> NDArray[np.bool_]:
        """The first prediction of each face, shape (n,): all of them, unless folds are repeated."""
        first = np.zeros(len(self.ids), dtype=bool)
        first[np.unique(self.ids, return_index=True)[1]] = True
        return first

    @property
    def units(self) -> NDArray | None:
        """What a bootstrap draws whole, shape (n,): people, or faces that are predicted
        repeatedly; None for single rows.
        """
        if self.people is not None:
            return self.people
        return None if self.once.all() else self.ids


def match_predictions(tables: Mapping[str, pd.DataFrame]) -> MatchedPredictions:
    """Bring the predictions of several runs into the order of the first.

    Where folds are repeated, the n-th prediction of a face is matched with its n-th.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Name of the run to its predictions: ``id``, ``true``, ``predicted`` and, if known,
        ``fold`` and ``subject``.

    Raises
    ------
    ParameterError
        For fewer than two runs.
    DataError
        If a run has no predictions, or an id twice in a fold, or if ids, true labels or people
        differ.
    """
    names = list(tables)
    if len(names) < 2:
        raise ParameterError(f"expected at least two runs to compare, got {len(names)}")
    for name, table in tables.items():
        _check_table(name, table)
    columns = {name: table.set_index(_repeated_ids(table)) for name, table in tables.items()}
    first = columns[names[0]]
    for name in names[1:]:
        _check_same_ids(names[0], first.index, name, columns[name].index)
        columns[name] = columns[name].loc[first.index]
        _check_same_column("true", "label", names[0], first, name, columns[name])
    known = [name for name in names if _is_known(columns[name], "subject")]
    for name in known[1:]:
        _check_same_column("subject", "person", known[0], columns[known[0]], name, columns[name])
    return MatchedPredictions(
        names=names,
        ids=first["id"].to_numpy(dtype=str),
        true=first["true"].to_numpy(dtype=str),
        predicted=np.column_stack([columns[name]["predicted"].to_numpy(str) for name in names]),
        people=columns[known[0]]["subject"].to_numpy(dtype=str) if known else None,
        folds=_shared_folds(list(columns.values())),
    )


def _check_table(name: str, table: pd.DataFrame) -> None:
    lacking = [column for column in ("id", "true", "predicted") if column not in table]
    if lacking or not len(table):
        found = f"no column {', '.join(lacking)}" if lacking else "no rows"
        raise DataError(
            f"run {name!r} has no predictions to compare ({found}); compare runs with an outer "
            "evaluation, as 'classic-fer gridsearch' (without --no-nested) or 'classic-fer "
            "evaluate' leave them"
        )
    within = [column for column in ("id", "fold") if column in table]
    twice = table["id"][table[within].duplicated()]
    if len(twice):
        raise DataError(
            f"run {name!r} predicts {twice.iloc[0]!r} more than once in a fold; expected once"
        )


def _repeated_ids(table: pd.DataFrame) -> pd.Series:
    """Ids, from the second prediction of a face on with its number."""
    ids, before = table["id"].astype(str), table.groupby("id").cumcount()
    return ids.where(before == 0, ids + " (prediction " + (before + 1).astype(str) + ")")


def _check_same_ids(first: str, ours: pd.Index, second: str, theirs: pd.Index) -> None:
    lacking, added = ours.difference(theirs), theirs.difference(ours)
    if not len(lacking) and not len(added):
        return
    parts = [
        f"{len(ids):,} of the {len(all_ids):,} in {name!r} are not in the other ({ids[0]!r} ...)"
        for name, ids, all_ids in ((first, lacking, ours), (second, added, theirs))
        if len(ids)
    ]
    raise DataError(
        f"runs {first!r} and {second!r} did not predict the same faces: {'; '.join(parts)}; "
        "expected the same ids in both. Evaluate both on the same data, labels and protocol"
    )


def _check_same_column(
    column: str, what: str, first: str, ours: pd.DataFrame, second: str, theirs: pd.DataFrame
) -> None:
    a, b = ours[column].astype(str).tolist(), theirs[column].astype(str).tolist()
    rows = [row for row in range(len(a)) if a[row] != b[row]]
    if rows:
        row = rows[0]
        raise DataError(
            f"runs {first!r} and {second!r} disagree on the {what} of {len(rows):,} of "
            f"{len(a):,} faces: {ours.index[row]!r} is {a[row]!r} in the first and {b[row]!r} in "
            "the second; evaluate both on the same data with the same label policy"
        )


def _is_known(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool((table[column].notna() & (table[column] != "")).all())


def _shared_folds(tables: Sequence[pd.DataFrame]) -> NDArray | None:
    if not all(_is_known(table, "fold") for table in tables):
        return None
    folds = [table["fold"].to_numpy(dtype=str) for table in tables]
    same = all((each == folds[0]).all() for each in folds[1:])
    return folds[0] if same and len(np.unique(folds[0])) > 1 else None
