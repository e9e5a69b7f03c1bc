"""Which faces a study looks at, where all of them would take too long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.folds import Fold

__all__ = ["balanced_rows", "rows_by_fold"]


def balanced_rows(
    y: ArrayLike, n: int, *, among: ArrayLike | None = None, random_state: int = 0
) -> NDArray[np.intp]:
    """At most `n` rows, of each class alike as far as it has so many, in ascending order.

    Parameters
    ----------
    y : array_like of str, shape (m,)
    n : int
    among : array_like of int, optional
        Rows to draw from; all by default.
    random_state : int
    """
    if n < 1:
        raise ParameterError(f"expected at least one face to look at, got {n}")
    labels = np.asarray(y, dtype=str)
    rows = np.arange(len(labels)) if among is None else np.asarray(among, dtype=np.intp)
    if not len(rows):
        raise DataError("there is no face to look at")
    rng = np.random.default_rng(random_state)
    rank = np.empty(len(rows), dtype=np.intp)
    for name in np.unique(labels[rows]):
        of_class = np.flatnonzero(labels[rows] == name)
        rank[of_class] = rng.permutation(len(of_class))
    # The first of each class, then the second of each ...; ties in random order.
    order = np.lexsort([rng.random(len(rows)), rank])
    return np.sort(rows[order[:n]])


def rows_by_fold(
    folds: Sequence[Fold],
    y: ArrayLike,
    n: int,
    *,
    known: Sequence[str] | None = None,
    random_state: int = 0,
) -> list[NDArray[np.intp]]:
    """At most `n` test rows in all, divided by the fold that tests them.

    Parameters
    ----------
    folds : sequence of (train, test)
    y : array_like of str, shape (m,)
    n : int
    known : sequence of str, optional
        Rows of other classes are left out.
    random_state : int

    Raises
    ------
    DataError
        If no row is left.
    """
    labels = np.asarray(y, dtype=str)
    tested = np.unique(np.concatenate([test for _, test in folds]))
    if known is not None:
        tested = tested[np.isin(labels[tested], list(known))]
        if not len(tested):
            raise DataError(f"no face is of a class that all recognizers know: {', '.join(known)}")
    drawn = balanced_rows(labels, n, among=tested, random_state=random_state)
    return [np.intersect1d(test, drawn) for _, test in folds]
