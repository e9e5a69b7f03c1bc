"""Stratified folds for searches and calibration: people kept together, no fold empty."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError

__all__ = ["Fold", "Rows", "drawn_group_folds", "inner_folds", "stratified_folds"]

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]

_DIVISIONS = 100
_SMALL_GROUP = 0.02  # of the rows of a fold: groups that cannot make folds uneven


def stratified_folds(
    y: NDArray, groups: NDArray | None = None, *, n_splits: int, random_state: int = 0
) -> list[Fold]:
    """At most `n_splits` folds that share out the classes evenly.

    Parameters
    ----------
    y : ndarray, shape (n,)
    groups : ndarray, shape (n,), optional
        People, or images of which there are copies; none is on both sides of a fold.
    n_splits : int
        There are fewer folds where people or faces are fewer.
    random_state : int

    Returns
    -------
    folds : list of (train, test)
        Row numbers; neither side is empty.

    Notes
    -----
    Groups of at most 2 % of the rows of a fold are stratified by the class of their first row,
    which is as even and, with many groups, hundreds of times faster than looking for the best
    fold of each group in turn.

    Raises
    ------
    DataError
        If the faces (or people) are too few to divide.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    sizes = np.unique(y, return_counts=True)[1]
    n_units = len(y) if groups is None else len(np.unique(groups))
    n = min(n_splits, n_units, int(sizes.max()) if len(sizes) else 0)
    if n < 2:
        raise DataError(
            f"cannot divide {len(y)} faces of {len(sizes)} classes"
            + ("" if groups is None else f" and {n_units} people")
            + f" into {n_splits} folds; expected at least two of each to hold some out"
        )
    if groups is None:
        tests = _tests(StratifiedKFold(n, shuffle=True, random_state=random_state), y)
    else:
        _, first, group, size = np.unique(
            groups, return_index=True, return_inverse=True, return_counts=True
        )
        if size.max() <= _SMALL_GROUP * len(y) / n:
            chosen = _tests(StratifiedKFold(n, shuffle=True, random_state=random_state), y[first])
            tests = [np.flatnonzero(np.isin(group, each)) for each in chosen]
        else:
            splitter = StratifiedGroupKFold(n, shuffle=True, random_state=random_state)
            tests = _tests(splitter, y, groups)
    everything = np.arange(len(y))
    folds = [(np.setdiff1d(everything, test), test) for test in tests]
    return [(train, test) for train, test in folds if len(train) and len(test)]


def drawn_group_folds(
    y: NDArray, groups: NDArray, *, n_splits: int, random_state: int
) -> list[Fold]:
    """Folds of groups drawn at random: of 100 divisions the one that shares out classes best.

    For repeats: `stratified_folds` deals out large groups in the order of how uneven they are,
    whatever the seed.

    Parameters
    ----------
    y : ndarray, shape (n,)
    groups : ndarray, shape (n,)
    n_splits : int
        At most the number of groups.
    random_state : int

    Returns
    -------
    folds : list of (train, test)
    """
    rng = np.random.default_rng(random_state)
    classes = np.unique(y, return_inverse=True)[1]
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), classes.max() + 1))
    np.add.at(counts, (group, classes), 1)
    counts /= counts.sum(axis=0)
    in_turn = np.arange(len(names)) % n_splits
    divisions = [rng.permutation(in_turn) for _ in range(_DIVISIONS)]

    def unevenness(fold_of: NDArray) -> float:
        shares = np.array([counts[fold_of == fold].sum(axis=0) for fold in range(n_splits)])
        return float(((shares - 1 / n_splits) ** 2).sum())

    best = min(divisions, key=unevenness)[group]
    return [
        (np.flatnonzero(best != fold), np.flatnonzero(best == fold)) for fold in range(n_splits)
    ]


def _tests(splitter: Any, y: NDArray, groups: NDArray | None = None) -> list[Rows]:
    """The test rows of each fold."""
    with warnings.catch_warnings():
        # Protocols name small classes themselves, with the number of people.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [test for _, test in splitter.split(y, y, groups)]


def inner_folds(
    y: ArrayLike, groups: ArrayLike | None = None, *, n_splits: int = 5, random_state: int = 0
) -> list[Fold]:
    """`stratified_folds` inside a training part.

    With one person only, faces are divided at random, and a UserWarning says so.

    Raises
    ------
    DataError
        If there are too few faces to divide.
    """
    labels = np.asarray(y)
    people = None if groups is None else np.asarray(groups)
    if people is not None and len(np.unique(people)) < 2:
        warnings.warn(
            f"the faces of a search are all of one person ({str(people[0])!r}); they are divided "
            "at random",
            UserWarning,
            stacklevel=2,
        )
        people = None
    return stratified_folds(labels, people, n_splits=n_splits, random_state=random_state)
