"""Split files: a protocol as a CSV file with the header ``id,fold,role``.

The role is ``train``, ``test``, ``final`` or ``reference``. A fold without ``train`` rows trains on
all rows that are tested in the other folds, so that k-fold protocols need one row per sample.
``final`` and ``reference`` rows belong to no fold and leave ``fold`` empty; references are neutral
faces that others were compared to (`classic_fer.evaluation.neutral_reference`), and are not read.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classic_fer.errors import DataError, MissingFileError
from classic_fer.models.folds import Fold, Rows

if TYPE_CHECKING:
    from classic_fer.evaluation.protocols import Protocol

__all__ = ["protocol_hash", "read_split_file", "split_rows", "write_split_file"]

ROLES = ("train", "test", "final", "reference")

Line = tuple[str, str, str]


def split_rows(
    ids: Sequence[str],
    folds: Sequence[Fold],
    fold_names: Sequence[str],
    final: Rows | None = None,
    references: Sequence[str] = (),
) -> list[Line]:
    """The rows (id, fold, role) of a split file, in the order of folds and samples.

    Training rows are written only if they are not simply all rows of the other folds' tests.
    """
    lines: list[Line] = []
    tested = np.unique(np.concatenate([test for _, test in folds]))
    implied = len(folds) > 1 and all(
        np.array_equal(np.sort(train), np.setdiff1d(tested, test)) for train, test in folds
    )
    for (train, test), fold in zip(folds, fold_names):
        if not implied:
            lines.extend((ids[i], fold, "train") for i in np.sort(train))
        lines.extend((ids[i], fold, "test") for i in np.sort(test))
    lines.extend((ids[i], "", "final") for i in ([] if final is None else np.sort(final)))
    lines.extend((name, "", "reference") for name in references)
    return lines


def protocol_hash(
    ids: Sequence[str],
    folds: Sequence[Fold],
    fold_names: Sequence[str],
    final: Rows | None = None,
    references: Sequence[str] = (),
) -> str:
    """SHA-256 of the sorted rows of the split file, in hexadecimal digits."""
    lines = sorted(split_rows(ids, folds, fold_names, final, references))
    return hashlib.sha256("\n".join("\t".join(line) for line in lines).encode()).hexdigest()


def write_split_file(protocol: Protocol, ids: Sequence[str], path: str | Path) -> Path:
    """Write a protocol as a split file, from which `make_protocol` makes the same folds."""
    path = Path(path)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("id", "fold", "role"))
        writer.writerows(
            split_rows(
                ids, protocol.folds, protocol.fold_names, protocol.final, protocol.references
            )
        )
    return path


def read_split_file(
    path: Path, ids: Sequence[str], notes: list[str]
) -> tuple[list[Fold], list[str], Rows | None]:
    """Folds, their names and the final rows of a split file.

    Parameters
    ----------
    path : Path
    ids : sequence of str
        Sample ids of the data.
    notes : list of str
        Samples that the file does not name are counted here.

    Raises
    ------
    MissingFileError
        If there is no such file.
    DataError
        If it does not have that form, names an unknown id, one id twice in a fold, or a fold
        without test or training rows.
    """
    lines = [line for line in _read_lines(path) if line[2] != "reference"]
    row_of = {name: i for i, name in enumerate(ids)}
    unknown = [name for name, _, _ in lines if name not in row_of]
    if unknown:
        raise DataError(
            f"split file {path}: {len(unknown)} of {len(lines)} ids are not in the data, such as "
            f"{unknown[0]!r}; the data have ids such as {ids[0]!r}"
        )
    (name, fold), times = Counter((name, fold) for name, fold, _ in lines).most_common(1)[0]
    if times > 1:
        raise DataError(f"split file {path}: {name!r} is {times} times in fold {fold!r}")
    members: dict[str, dict[str, list[int]]] = {}
    final = [row_of[name] for name, _, role in lines if role == "final"]
    for name, fold, role in lines:
        if role != "final":
            members.setdefault(fold, {"train": [], "test": []})[role].append(row_of[name])
    tested = {row for roles in members.values() for row in roles["test"]} - set(final)
    folds = []
    for fold, roles in members.items():
        train = roles["train"] or sorted(tested - set(roles["test"]))
        if not roles["test"] or not train:
            lacking = "test" if not roles["test"] else "train"
            raise DataError(f"split file {path}: fold {fold!r} has no {lacking} rows")
        folds.append((np.array(sorted(train)), np.array(sorted(roles["test"]))))
    if not folds:
        raise DataError(f"split file {path} has no fold; expected rows of role train and test")
    used = {name for name, _, _ in lines}
    if len(used) < len(ids):
        notes.append(f"{len(ids) - len(used)} of {len(ids)} faces are not in the split file")
    if set(final) & {int(row) for fold in folds for rows in fold for row in rows}:
        raise DataError(f"split file {path}: rows of role final also belong to a fold")
    return folds, list(members), np.array(sorted(final)) if final else None


def _read_lines(path: Path) -> list[Line]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [
                name for name in ("id", "fold", "role") if name not in (reader.fieldnames or ())
            ]
            if missing:
                raise DataError(
                    f"split file {path} lacks the columns {', '.join(missing)}; expected the "
                    "header id,fold,role"
                )
            lines = [(row["id"], row["fold"] or "", row["role"] or "") for row in reader]
    except FileNotFoundError as error:
        raise MissingFileError(
            f"no split file {path}; expected a CSV file with the header id,fold,role"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"split file {path} cannot be read as CSV text: {error}") from error
    for number, (_, _, role) in enumerate(lines, start=2):
        if role not in ROLES:
            raise DataError(
                f"split file {path}, line {number}: role {role!r}, expected {', '.join(ROLES)}"
            )
    if not lines:
        raise DataError(f"split file {path} has no rows; expected one for each face")
    return lines
