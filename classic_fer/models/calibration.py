"""Temperature scaling: decision values become probabilities, the decision stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from classic_fer.errors import DataError
from classic_fer.models.folds import stratified_folds

__all__ = ["calibration_folds", "fit_temperature", "temperature_softmax"]

_RANGE = np.log(1e3)  # the temperature is sought within this factor of the spread of the scores


def temperature_softmax(scores: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities ``softmax(scores / temperature)`` of each row, shape (n, n_classes).

    A score of -inf (a class that the classifier does not know) gets probability 0.

    Examples
    --------
    >>> temperature_softmax([[0.0, 2.0]], 2.0).round(3).tolist()
    [[0.269, 0.731]]
    """
    # In two lines of NumPy: for one face scipy's softmax takes longer than many a classifier.
    rows = np.asarray(scores, dtype=np.float64) / temperature
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(scores: ArrayLike, true: ArrayLike) -> float:
    """Temperature of the highest likelihood on scores of rows that were not trained on.

    Parameters
    ----------
    scores : array_like, shape (n, n_classes)
        Out-of-fold decision values; -inf where a fold's classifier did not know a class. Rows
        whose true class is unknown in that sense are left out.
    true : array_like of int, shape (n,)
        Column of the true class.

    Returns
    -------
    temperature : float
        Greater than 0; 1 if the scores do not differ between classes.

    Raises
    ------
    DataError
        If a score is NaN, or no row is left.

    Notes
    -----
    Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks. Deviation: the
    targets are smoothed as Platt (1999) does, (n + 1) / (n + n_classes) for the true class, so
    that scores without an error on few rows do not become certainties.
    """
    given = np.asarray(scores, dtype=np.float64)
    columns = np.asarray(true)
    if np.isnan(given).any():
        raise DataError("decision values for the calibration contain NaN; expected numbers or -inf")
    kept = np.isfinite(given[np.arange(len(given)), columns])
    if not kept.any():
        raise DataError("no rows to calibrate on: no true class was known in its fold")
    given, columns = given[kept], columns[kept]
    known = np.isfinite(given)
    finite = np.where(known, given, 0.0)
    spread = float((np.max(given, axis=1) - finite.sum(axis=1) / known.sum(axis=1)).mean())
    if spread <= 0:
        return 1.0
    n, n_classes = given.shape
    rows = np.arange(n)
    # Mean score under the smoothed targets, over the classes known in the row.
    smooth = 1 / (n + n_classes)
    expected = smooth * finite.sum(axis=1)
    expected += (1 - smooth * known.sum(axis=1)) * finite[rows, columns]

    def negative_log_likelihood(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float(np.mean(logsumexp(given * inverse, axis=1) - expected * inverse))

    middle = np.log(spread)
    best = minimize_scalar(
        negative_log_likelihood,
        bounds=(middle - _RANGE, middle + _RANGE),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(best.x))


def calibration_folds(
    y: NDArray, groups: ArrayLike | None, n_splits: int, random_state: int
) -> list[tuple[NDArray, NDArray]]:
    """Stratified folds with people kept together; as many of `n_splits` as the data allow.

    Parameters
    ----------
    y : ndarray, shape (n,)
    groups : array_like, shape (n,), or None
        People.
    n_splits : int
        Wanted number of folds.
    random_state : int

    Returns
    -------
    folds : list of (train, test)
        Row numbers; empty if there are fewer than two people, or faces of each class.
    """
    people = None if groups is None else np.asarray(groups)
    try:
        return stratified_folds(y, people, n_splits=n_splits, random_state=random_state)
    except DataError:
        return []
