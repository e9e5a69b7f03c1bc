"""Stratified folds for searches and calibration: people kept together, no fold empty."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError

__all__ = ["Fold", "Rows", "inner_folds", "stratified_folds"]

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]


def stratified_folds(
    y: NDArray, groups: NDArray | None = None, *, n_splits: int, random_state: int = 0
) -> list[Fold]:
    """At most `n_splits` folds that share out the classes evenly.

    Parameters
    ----------
    y : ndarray, shape (n,)
    groups : ndarray, shape (n,), optional
        People; none is on both sides of a fold.
    n_splits : int
        There are fewer folds where people or faces are fewer.
    random_state : int

    Returns
    -------
    folds : list of (train, test)
        Row numbers; neither side is empty.

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
    splitter: Any = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # Protocols name small classes themselves, with the number of people.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        made = splitter(n, shuffle=True, random_state=random_state).split(y, y, groups)
        return [(train, test) for train, test in made if len(train) and len(test)]


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
