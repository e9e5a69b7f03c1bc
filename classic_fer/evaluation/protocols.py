"""Protocols: which faces a recognizer is trained on and which it is scored on, as data.

A protocol is a list of folds (train and test rows) made from labels, people, identical images and
parts. It can be written to and read from a split file (see `classic_fer.evaluation.split_files`),
and its hash names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fold_groups import FoldGroups, fold_groups, identical_images
from classic_fer.evaluation.numbered_folds import fold_spec, leave_one_out_folds, numbered_folds
from classic_fer.evaluation.official_parts import FINAL_NAME, Parts, official_parts
from classic_fer.models.folds import Fold, Rows

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["PEOPLE_IGNORED", "PROTOCOL_CHOICES", "Protocol", "dataset_protocol", "make_protocol"]

PROTOCOL_CHOICES = (
    "10 (or another number of folds; people and identical images kept together)",
    "5x10 (five times ten such folds)",
    "random10 or random5x10 (people and identical images ignored)",
    "loso (leave one person out)",
    "official (the parts of the data set)",
    "a split file ending in .csv (id,fold,role)",
)

PEOPLE_IGNORED = (
    "people leak: random folds put faces of one person into training and test, so these scores "
    "are too good; --cv 10 and --cv loso hold people out"
)
"""Warning of every Result of random folds."""


@dataclass(frozen=True)
class Protocol:
    """Folds, and what a reader of their scores has to know.

    Attributes
    ----------
    name : str
        ``"10"``, ``"5x10"``, ``"random10"``, ``"loso"``, ``"official"`` or the name of the split
        file.
    folds : list of (train, test)
        Row numbers, ndarrays of intp.
    fold_names : list of str
        As in the column ``fold`` of predictions: a number, a person, a part.
    grouped : bool
        Whether no person is on both sides of any fold; False where people are not known.
    hash : str
        SHA-256 of the split file; the same for the same ids in the same folds in any row order.
    groups : FoldGroups
        What is never torn apart, neither by folds nor by the searches inside them.
    final : ndarray of intp or None
        Rows of the part ``final``, which no fold touches.
    references : list of str
        Ids of neutral faces outside of the rows that others are compared to; see
        `classic_fer.evaluation.neutral_reference`.
    warnings : list of str
    """

    name: str
    folds: list[Fold]
    fold_names: list[str]
    grouped: bool
    hash: str
    groups: FoldGroups
    final: Rows | None = None
    references: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def training(self) -> Rows:
        """Rows that any fold trains on: the training data of the recognizer that is kept."""
        return np.unique(np.concatenate([train for train, _ in self.folds]))

    @property
    def repeats(self) -> int:
        """How many times a face is predicted (at most)."""
        return int(np.bincount(np.concatenate([test for _, test in self.folds])).max())


def make_protocol(
    spec: str | int | Path | None,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    split: ArrayLike | None = None,
    *,
    images: ArrayLike | None = None,
    ids: Sequence[str] | None = None,
    official: Mapping[str, Any] | None = None,
    random_state: int = 0,
) -> Protocol:
    """Folds for the outer evaluation.

    Parameters
    ----------
    spec : str, int or Path, optional
        ``"10"`` or another number of stratified folds, which keep people (where they are known)
        and identical images together; ``"5x10"``, five repeats of ten such folds; ``"random10"``
        and ``"random5x10"``, people and identical images ignored; ``"loso"``, each person once;
        ``"official"``, the parts of `split`; or a split file. ``"official"`` if `split` has a
        train and a test part, else ``"10"``, if not given.
    y : array_like of str, shape (n,)
    groups : array_like, shape (n,), optional
        People.
    split : array_like of str, shape (n,), optional
        Parts. Folds are cut from the training part only, where there are parts.
    images : array_like of int, shape (n,), optional
        The same number for identical images; see
        `classic_fer.evaluation.fold_groups.identical_images`.
    ids : sequence of str, optional
        Unique sample ids, for split files and the hash; row numbers if not given.
    official : mapping, optional
        See `classic_fer.evaluation.official_parts.official_parts`.
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
    folded = fold_spec(text)
    ignored = folded is not None and folded.random
    together = fold_groups(None, None) if ignored else fold_groups(people, images)
    if text == "official":
        folds, fold_names, final = _official(parts, split, notes)
    elif text.lower().endswith(".csv"):
        folds, fold_names, final = read_split_file(Path(text), names, notes)
        text = Path(text).name
    elif folded or text == "loso":
        rows, final = _rows_for_folds(text, parts, split, len(labels), notes)
        kept = None if together.labels is None else together.labels[rows]
        shown = None if people is None or ignored else people[rows]
        if folded:
            made, fold_names = numbered_folds(
                folded, labels[rows], kept, shown, random_state, notes
            )
        else:
            made, fold_names = leave_one_out_folds(shown, kept, notes)
        folds = [(rows[train], rows[test]) for train, test in made]
    else:
        raise ParameterError(
            f"unknown protocol {text!r}; expected one of: {'; '.join(PROTOCOL_CHOICES)}"
        )
    _check_classes(labels, folds, fold_names)
    if ignored:
        notes.append(PEOPLE_IGNORED)
    _note_copies(images, folds, ignored, notes)
    return Protocol(
        name=text,
        folds=folds,
        fold_names=fold_names,
        grouped=_note_people(people, folds, ignored, notes),
        hash=protocol_hash(names, folds, fold_names, final),
        groups=together,
        final=final,
        warnings=notes,
    )


def dataset_protocol(
    dataset: Dataset, spec: str | int | Path | None = None, *, random_state: int = 0
) -> Protocol:
    """`make_protocol` of a data set; identical images are known once its faces are aligned."""
    faces = dataset.faces
    return make_protocol(
        spec,
        dataset.y,
        dataset.groups,
        dataset.split,
        images=None if faces is None else identical_images(faces["image"]),
        ids=dataset.ids.tolist(),
        official=dataset.card.official_split,
        random_state=random_state,
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
    final = np.asarray(split, dtype=str) == FINAL_NAME
    return np.flatnonzero(~final), np.flatnonzero(final) if final.any() else None


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


def _note_people(
    people: NDArray | None, folds: list[Fold], ignored: bool, notes: list[str]
) -> bool:
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
    if shared and not ignored:
        notes.append(f"{len(shared)} people are in training and test of the same fold")
    return not shared


def _note_copies(
    images: ArrayLike | None, folds: list[Fold], ignored: bool, notes: list[str]
) -> None:
    """Notes test images that are identical to a training image of the same fold."""
    from classic_fer.evaluation.duplicates import leaked_rows

    if images is None:
        return
    leaked = sum(len(leaked_rows(images, train, test)) for train, test in folds)
    if leaked:
        of = sum(len(test) for _, test in folds)
        why = "ignore identical images on purpose" if ignored else "are fixed"
        notes.append(
            f"{leaked} of {of} scored images are identical to a training image of their fold, as "
            f"these folds {why}; --dedup also scores without them"
        )
