"""``--cv 10``, ``5x10``, ``random10``, ``random5x10`` and ``loso``: folds cut from labels and
groups, and what their reader has to know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.models.folds import Fold, drawn_group_folds, stratified_folds

__all__ = ["FoldSpec", "fold_spec", "leave_one_out_folds", "numbered_folds"]


@dataclass(frozen=True)
class FoldSpec:
    """``[random][R x]K``: so many repeats of so many folds.

    Attributes
    ----------
    random : bool
        Whether people and identical images are ignored.
    repeats, n_splits : int
    """

    random: bool
    repeats: int
    n_splits: int


def fold_spec(name: str) -> FoldSpec | None:
    """The folds that the name of a protocol asks for; None for another kind of protocol.

    Examples
    --------
    >>> fold_spec("random5x2")
    FoldSpec(random=True, repeats=5, n_splits=2)
    >>> fold_spec("official") is None
    True
    """
    found = re.fullmatch(r"(random)?(?:([0-9]+)x)?([0-9]+)", name)
    if found is None:
        return None
    return FoldSpec(bool(found[1]), int(found[2] or 1), int(found[3]))


def numbered_folds(
    spec: FoldSpec,
    y: NDArray,
    groups: NDArray | None,
    people: NDArray | None,
    random_state: int,
    notes: list[str],
) -> tuple[list[Fold], list[str]]:
    """Stratified folds, repeated, and their names: ``3``, or ``2.3`` in the second repeat.

    Parameters
    ----------
    spec : FoldSpec
    y : ndarray of str, shape (n,)
    groups : ndarray, shape (n,), or None
        Rows that stay together.
    people : ndarray of str, shape (n,), or None
        Who is shown, for what is said about small classes.
    random_state : int
        The first repeat has the folds of a protocol without repeats; where rows stay together,
        the others are drawn by `classic_fer.models.folds.drawn_group_folds`.
    notes : list of str
        Classes that are too small, and folds that could not be made, are noted here.
    """
    k, repeats = spec.n_splits, spec.repeats
    if k < 2:
        raise ParameterError(f"expected at least 2 folds, got {k}")
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat of {k} folds, got {repeats}")
    if people is not None and len(np.unique(people)) < 2:
        raise DataError(
            f"all {len(y)} faces are of one person ({str(people[0])!r}), so people cannot be held "
            f"out; use random{k} to divide the faces at random"
        )
    folds: list[Fold] = []
    names: list[str] = []
    for repeat in range(repeats):
        seed = _seed(random_state, repeat)
        if repeat == 0 or groups is None:
            made = stratified_folds(y, groups, n_splits=k, random_state=seed)
        else:
            made = drawn_group_folds(y, groups, n_splits=len(folds) // repeat, random_state=seed)
        folds += made
        prefix = f"{repeat + 1}." if repeats > 1 else ""
        names += [f"{prefix}{fold + 1}" for fold in range(len(made))]
    per_repeat = len(folds) // repeats
    if per_repeat < k:
        of = f"{len(y)} faces" if people is None else f"{len(np.unique(people))} people"
        notes.append(f"{per_repeat} folds instead of {k}: there are only {of}")
    if repeats > 1 and groups is not None and per_repeat == len(np.unique(groups)):
        notes.append(
            f"each of the {per_repeat} folds holds one group, so all {repeats} repeats are the same"
        )
    _note_small_classes(y, people, k, notes)
    return folds, names


def _seed(random_state: int, repeat: int) -> int:
    if repeat == 0:
        return random_state
    return int(np.random.SeedSequence([random_state, repeat]).generate_state(1)[0])


def _note_small_classes(y: NDArray, people: NDArray | None, k: int, notes: list[str]) -> None:
    for name in order_classes(y.tolist()):
        n_faces = int((y == name).sum())
        n_people = None if people is None else len(np.unique(people[y == name]))
        if n_faces < k or (n_people is not None and n_people < k):
            of = (
                ""
                if n_people is None
                else f" of {n_people} {'person' if n_people == 1 else 'people'}"
            )
            notes.append(
                f"class {name!r} has {n_faces} {'face' if n_faces == 1 else 'faces'}{of}, fewer "
                f"than the {k} folds: its scores rest on little"
            )


def leave_one_out_folds(
    people: NDArray | None, groups: NDArray | None, notes: list[str]
) -> tuple[list[Fold], list[str]]:
    """Each person once, and the names of the people.

    Parameters
    ----------
    people : ndarray of str, shape (n,), or None
    groups : ndarray, shape (n,), or None
        People who share a group (an identical image) are held out together, which is noted.
    notes : list of str
    """
    if people is None or groups is None:
        raise DataError(
            "protocol 'loso' leaves one person out at a time, but the data do not tell who is "
            "shown; use 10 folds, or a manifest with a column subject"
        )
    together: dict[Any, list[str]] = {}
    for person in np.unique(people).tolist():
        together.setdefault(groups[people == person][0], []).append(person)
    if len(together) < 2:
        who = " and ".join(map(repr, next(iter(together.values()))))
        raise DataError(
            f"protocol 'loso' needs at least two people, found one ({who}); use random10 to "
            "divide the faces at random"
        )
    notes.extend(
        f"{' and '.join(names)} are on identical images and are held out together"
        for names in together.values()
        if len(names) > 1
    )
    folds = [
        (np.flatnonzero(groups != group), np.flatnonzero(groups == group)) for group in together
    ]
    return folds, ["+".join(names) for names in together.values()]
