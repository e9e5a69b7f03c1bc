"""Protocols: which faces a recognizer is trained on and which it is scored on, as data.

A protocol is a list of folds (train and test rows) made from labels, people and parts. It can be
written to and read from a split file (see `classic_fer.evaluation.split_files`), and its hash
names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.models.folds import Fold, Rows, inner_folds, stratified_folds

__all__ = [
    "PEOPLE_IGNORED",
    "PROTOCOL_CHOICES",
    "Parts",
    "Protocol",
    "inner_folds",
    "make_protocol",
    "official_parts",
]

PROTOCOL_CHOICES = (
    "10 (or another number of folds; people kept together where they are known)",
    "random10 (people ignored)",
    "loso (leave one person out)",
    "official (the parts of the data set)",
    "a split file ending in .csv (id,fold,role)",
)

PEOPLE_IGNORED = (
    "people leak: random folds put faces of one person into training and test, so these scores "
    "are too good; --cv 10 and --cv loso hold people out"
)
"""Warning of every Result of random folds."""

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("public", "test", "val", "valid", "validation")  # the first that occurs
_FINAL_NAME = "final"


@dataclass(frozen=True)
class Protocol:
    """Folds, and what a reader of their scores has to know.

    Attributes
    ----------
    name : str
        ``"10"``, ``"random10"``, ``"loso"``, ``"official"`` or the name of the split file.
    folds : list of (train, test)
        Row numbers, ndarrays of intp.
    fold_names : list of str
        As in the column ``fold`` of predictions: a number, a person, a part.
    grouped : bool
        Whether no person is on both sides of any fold; False where people are not known.
    hash : str
        SHA-256 of the split file; the same for the same ids in the same folds in any row order.
    final : ndarray of intp or None
        Rows of the part ``final``, which no fold touches.
    warnings : list of str
    """

    name: str
    folds: list[Fold]
    fold_names: list[str]
    grouped: bool
    hash: str
    final: Rows | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def training(self) -> Rows:
        """Rows that any fold trains on: the training data of the recognizer that is kept."""
        return np.unique(np.concatenate([train for train, _ in self.folds]))


@dataclass(frozen=True)
class Parts:
    """The official division of a data set: row numbers of its parts.

    Attributes
    ----------
    train, test : ndarray of intp
    test_name : str
        The name of the part that is scored, such as ``"public"``.
    final : ndarray of intp or None
    unused : dict of str to int
        Parts without a role, with their number of rows.
    """

    train: Rows
    test: Rows
    test_name: str
    final: Rows | None
    unused: dict[str, int]


def official_parts(
    split: ArrayLike | None, official: Mapping[str, Any] | None = None
) -> Parts | None:
    """The parts that a column `split` names, or None if it has no train and test part.

    Parameters
    ----------
    split : array_like of str, shape (n,), optional
    official : mapping, optional
        A data card's ``{"train": [names], "test": name, "final": name or None}``. Without it
        ``train`` is trained on, the first of ``public``, ``test``, ``val`` that occurs is scored,
        and ``final`` is final.
    """
    if split is None:
        return None
    names = np.asarray(split, dtype=str)
    present = [name for name in dict.fromkeys(names.tolist()) if name]
    if official:
        train_names = (
            [official["train"]] if isinstance(official["train"], str) else official["train"]
        )
        test_name = official.get("test")
        final_name = official.get("final")
    else:
        train_names = list(_TRAIN_NAMES)
        test_name = next((name for name in _TEST_NAMES if name in present), None)
        final_name = _FINAL_NAME
    train = np.flatnonzero(np.isin(names, list(train_names)))
    test = np.flatnonzero(names == test_name) if test_name else np.array([], dtype=np.intp)
    if not len(train) or not len(test):
        return None
    final = np.flatnonzero(names == final_name) if final_name else np.array([], dtype=np.intp)
    known = {*train_names, test_name, final_name}
    unused = {name: int((names == name).sum()) for name in present if name not in known}
    return Parts(train, test, str(test_name), final if len(final) else None, unused)


def make_protocol(
    spec: str | int | Path | None,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    split: ArrayLike | None = None,
    *,
    ids: Sequence[str] | None = None,
    official: Mapping[str, Any] | None = None,
    random_state: int = 0,
) -> Protocol:
    """Folds for the outer evaluation.

    Parameters
    ----------
    spec : str, int or Path, optional
        ``"10"`` or another number of stratified folds, grouped by people where they are known;
        ``"random10"``, people ignored; ``"loso"``, each person once; ``"official"``, the parts
        of `split`; or a split file. ``"official"`` if `split` has a train and a test part, else
        ``"10"``, if not given.
    y : array_like of str, shape (n,)
    groups : array_like, shape (n,), optional
        People.
    split : array_like of str, shape (n,), optional
        Parts. Folds are cut from the training part only, where there are parts.
    ids : sequence of str, optional
        Unique sample ids, for split files and the hash; row numbers if not given.
    official : mapping, optional
        See `official_parts`.
    random_state : int

    Raises
    ------
    ParameterError
        For an unknown `spec`.
    DataError
        For one class, fewer than two people, parts or people that are not there, or a class
        that a training part would lack.
    """
    from classic_fer.evaluation.split_files import protocol_hash, read_split_file

    labels = np.asarray(y, dtype=str)
    people = None if groups is None else np.asarray(groups, dtype=str)
    names = [str(i) for i in range(len(labels))] if ids is None else [str(i) for i in ids]
    parts = official_parts(split, official)
    text = ("official" if parts else "10") if spec is None else str(spec)
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"expected at least two classes, found {np.unique(labels).tolist()} in "
            f"{len(labels)} rows; check the labels, or choose another label policy"
        )
    notes: list[str] = []
    folded = re.fullmatch(r"(random)?([0-9]+)", text)
    if text == "official":
        folds, fold_names, final = _official(parts, split, notes)
    elif text.lower().endswith(".csv"):
        folds, fold_names, final = read_split_file(Path(text), names, notes)
        text = Path(text).name
    elif folded or text == "loso":
        rows, final = _rows_for_folds(text, parts, split, len(labels), notes)
        ignore_people = bool(folded and folded[1])
        shown = None if people is None or ignore_people else people[rows]
        if folded:
            made = _numbered_folds(int(folded[2]), labels[rows], shown, random_state, notes)
            fold_names = [str(i + 1) for i in range(len(made))]
            if ignore_people:
                notes.append(PEOPLE_IGNORED)
        else:
            made, fold_names = _leave_one_person_out(shown)
        folds = [(rows[train], rows[test]) for train, test in made]
    else:
        raise ParameterError(
            f"unknown protocol {text!r}; expected one of: {'; '.join(PROTOCOL_CHOICES)}"
        )
    _check_classes(labels, folds, fold_names)
    return Protocol(
        name=text,
        folds=folds,
        fold_names=fold_names,
        grouped=_note_people(people, folds, text, notes),
        hash=protocol_hash(names, folds, fold_names, final),
        final=final,
        warnings=notes,
    )


def _official(
    parts: Parts | None, split: ArrayLike | None, notes: list[str]
) -> tuple[list[Fold], list[str], Rows | None]:
    if parts is None:
        found = [] if split is None else sorted(set(np.asarray(split, dtype=str).tolist()) - {""})
        raise DataError(
            f"protocol 'official' needs a training and a test part, the data have "
            f"{found if found else 'no parts'}; use 10 folds, or a manifest whose column split "
            "says train and test"
        )
    notes.extend(
        f"the part {name!r} ({n} faces) is neither trained on nor scored"
        for name, n in parts.unused.items()
    )
    return [(parts.train, parts.test)], [parts.test_name], parts.final


def _rows_for_folds(
    text: str, parts: Parts | None, split: ArrayLike | None, n: int, notes: list[str]
) -> tuple[Rows, Rows | None]:
    """Rows that folds are cut from, and those of the part ``final``."""
    if parts is not None:
        notes.append(
            f"the folds of {text!r} are cut from the training part ({len(parts.train)} faces); "
            "the other parts stay untouched"
        )
        return parts.train, parts.final
    if split is None:
        return np.arange(n), None
    final = np.asarray(split, dtype=str) == _FINAL_NAME
    return np.flatnonzero(~final), np.flatnonzero(final) if final.any() else None


def _numbered_folds(
    n_splits: int, y: NDArray, groups: NDArray | None, random_state: int, notes: list[str]
) -> list[Fold]:
    if n_splits < 2:
        raise ParameterError(f"expected at least 2 folds, got {n_splits}")
    if groups is not None and len(np.unique(groups)) < 2:
        raise DataError(
            f"all {len(y)} faces are of one person ({str(groups[0])!r}), so people cannot be held "
            f"out; use random{n_splits} to divide the faces at random"
        )
    folds = stratified_folds(y, groups, n_splits=n_splits, random_state=random_state)
    if len(folds) < n_splits:
        of = f"{len(y)} faces" if groups is None else f"{len(np.unique(groups))} people"
        notes.append(f"{len(folds)} folds instead of {n_splits}: there are only {of}")
    for name in order_classes(y.tolist()):
        n_faces = int((y == name).sum())
        n_people = None if groups is None else len(np.unique(groups[y == name]))
        if n_faces < n_splits or (n_people is not None and n_people < n_splits):
            of = (
                ""
                if n_people is None
                else f" of {n_people} {'person' if n_people == 1 else 'people'}"
            )
            notes.append(
                f"class {name!r} has {n_faces} {'face' if n_faces == 1 else 'faces'}{of}, fewer "
                f"than the {n_splits} folds: its scores rest on little"
            )
    return folds


def _leave_one_person_out(groups: NDArray | None) -> tuple[list[Fold], list[str]]:
    if groups is None:
        raise DataError(
            "protocol 'loso' leaves one person out at a time, but the data do not tell who is "
            "shown; use 10 folds, or a manifest with a column subject"
        )
    people = np.unique(groups).tolist()
    if len(people) < 2:
        raise DataError(
            f"protocol 'loso' needs at least two people, found one ({people[0]!r}); use random10 "
            "to divide the faces at random"
        )
    folds = [(np.flatnonzero(groups != one), np.flatnonzero(groups == one)) for one in people]
    return folds, people


def _check_classes(y: NDArray, folds: list[Fold], fold_names: list[str]) -> None:
    """Refuse folds whose training part lacks a class of the data."""
    classes = {str(name) for name in y[np.concatenate([rows for fold in folds for rows in fold])]}
    for (train, _), fold in zip(folds, fold_names):
        lacking = order_classes(classes - set(y[train].tolist()))
        if lacking:
            rows = int((y == lacking[0]).sum())
            raise DataError(
                f"the training part of fold {fold!r} has no face of class {lacking[0]!r}, all "
                f"{rows} of them are held out; leave the class out (a label policy with an "
                f"empty 'to' for {lacking[0]}) or choose other folds"
            )


def _note_people(people: NDArray | None, folds: list[Fold], name: str, notes: list[str]) -> bool:
    """Whether people are kept together; notes where they are not."""
    if people is None:
        notes.append(
            "people are not known: faces of one person may be in training and test, and intervals "
            "are over images"
        )
        return False
    shared: set[str] = set()
    for train, test in folds:
        shared.update(np.intersect1d(people[train], people[test]).tolist())
    if shared and not name.startswith("random"):
        notes.append(f"{len(shared)} people are in training and test of the same fold")
    return not shared
