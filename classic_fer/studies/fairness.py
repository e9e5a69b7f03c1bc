"""Counter-measures against gaps between groups: reweighing and thresholds of each group.

Both look at training people alone. They change who is served how well; they do not make labels or
data right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError
from classic_fer.evaluation.subgroups import MIN_FACES

__all__ = ["decide", "group_thresholds", "reweighed_rows"]

_ROUNDS = 200


def reweighed_rows(groups: ArrayLike, y: ArrayLike, *, random_state: int = 0) -> NDArray[np.intp]:
    """Rows to train on, drawn so that group and class are independent of each other.

    Parameters
    ----------
    groups : array_like of str, shape (n,)
    y : array_like of str, shape (n,)
    random_state : int
        For the rows that are taken once more, or not at all.

    Returns
    -------
    rows : ndarray of int, about n values
        A class of a group with k rows has ``n(group) * n(class) / n`` in the result: all of them
        as often as that goes, the rest drawn without replacement.

    References
    ----------
    Kamiran and Calders 2012, Data preprocessing techniques for classification without
    discrimination: reweighing, carried out by sampling, which serves any classifier.

    Examples
    --------
    >>> rows = reweighed_rows(["f"] * 4 + ["m"] * 4, ["a", "a", "a", "b", "a", "b", "b", "b"])
    >>> np.array(["a", "a", "a", "b", "a", "b", "b", "b"])[rows].tolist()
    ['a', 'a', 'b', 'b', 'a', 'a', 'b', 'b']
    """
    sides, labels = np.asarray(groups, dtype=str), np.asarray(y, dtype=str)
    rng = np.random.default_rng(random_state)
    chosen: list[NDArray[np.intp]] = []
    for side in np.unique(sides):
        for label in np.unique(labels):
            rows = np.flatnonzero((sides == side) & (labels == label))
            if not len(rows):
                continue
            wanted = round(float((sides == side).sum() * (labels == label).sum() / len(labels)))
            times, more = divmod(max(wanted, 1), len(rows))
            extra = np.sort(rng.choice(rows, size=more, replace=False))
            chosen += [np.tile(rows, times), extra]
    return np.concatenate(chosen)


def group_thresholds(
    probabilities: ArrayLike, y: ArrayLike, groups: ArrayLike, classes: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """For each group a threshold for each class, so that classes are named as often as they occur.

    Parameters
    ----------
    probabilities : array_like, shape (n, n_classes)
        Of faces that were not trained on.
    y, groups : array_like of str, shape (n,)
    classes : sequence of str
        Of the columns.

    Returns
    -------
    thresholds : dict of str to ndarray of float64, shape (n_classes,)
        Means 1; see `decide`. Groups with fewer than 30 faces have none of their own.

    Notes
    -----
    A threshold rises while its class is named more often than it occurs in the group, and falls
    while it is named less often, in ever smaller steps; those with the smallest difference between
    the two distributions are kept, where the first ones are 1 for all classes. For two classes
    these are thresholds that differ by group (Hardt, Price and Srebro 2016).
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    labels, sides = np.asarray(y, dtype=str), np.asarray(groups, dtype=str)
    if chances.shape != (len(labels), len(classes)) or len(sides) != len(labels):
        raise DataError(
            f"expected probabilities of {len(classes)} classes for each of {len(labels)} labels "
            f"and {len(sides)} groups, got shape {chances.shape}"
        )
    made = {}
    for side in np.unique(sides):
        rows = sides == side
        if rows.sum() >= MIN_FACES:
            share = np.array([(labels[rows] == name).mean() for name in classes])
            made[str(side)] = _matching(chances[rows], share)
    return made


def _matching(chances: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    n, k = chances.shape
    thresholds = best = np.ones(k)
    distance = np.inf
    for number in range(_ROUNDS):
        named = np.bincount((chances / thresholds).argmax(axis=1), minlength=k) / n
        off = float(np.abs(named - share).sum())
        if off < distance - 1e-12:
            best, distance = thresholds, off
        if not off:
            break
        step = 0.5 / (1 + number / 20)
        thresholds = thresholds * ((named + 1 / n) / (share + 1 / n)) ** step
        thresholds = thresholds / thresholds.mean()
    return best


def decide(
    probabilities: ArrayLike,
    groups: ArrayLike,
    thresholds: dict[str, NDArray[np.float64]],
    classes: Sequence[str],
) -> NDArray[np.str_]:
    """The class whose probability is highest in units of the threshold of the face's group.

    Faces of groups without thresholds get the class of the highest probability.
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    even = np.ones(len(classes))
    own = np.array([thresholds.get(str(side), even) for side in np.asarray(groups, dtype=str)])
    return np.asarray(classes, dtype=str)[(chances / own.reshape(chances.shape)).argmax(axis=1)]
