"""What doubt is worth: scores of the faces that a recognizer answered (selective classification).

A face is not answered (``abstained``) if its highest probability is below the recognizer's
threshold, or if it was not found and such faces are abstained on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError
from classic_fer.evaluation.resampling import N_RESAMPLES, drawn_sums, percentile_interval

__all__ = ["answer_scores"]


def answer_scores(
    right: ArrayLike,
    answered: ArrayLike,
    *,
    wished_error: float | None = None,
    folds: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> dict[str, Any]:
    """Share of faces answered, and accuracy among them.

    Parameters
    ----------
    right, answered : array_like of bool, shape (n,)
    wished_error : float, optional
        Share of errors that the threshold was chosen for.
    folds : array_like, shape (n,), optional
        The fold of each face; each has a threshold of its own.
    groups : array_like, shape (n,), optional
        People, over which the intervals are resampled; over images if not given.
    n_resamples, random_state : int
        Of the bootstrap.

    Returns
    -------
    sheet : dict
        ``n`` answered ``of`` all faces; ``share``, ``accuracy`` and ``error`` {``value``,
        ``ci95``}, the last two None if nothing was answered; ``wished_error``; ``held`` (whether
        the error is at most the wished one); ``folds_held`` of ``folds`` with answers.

    Raises
    ------
    DataError
        If there are no faces, or lengths differ.

    References
    ----------
    El-Yaniv and Wiener 2010, On the foundations of noise-free selective classification.
    """
    correct, given = np.asarray(right, dtype=bool), np.asarray(answered, dtype=bool)
    if correct.ndim != 1 or correct.shape != given.shape or not len(correct):
        raise DataError(
            f"expected whether each of at least one face was answered and right, got shapes "
            f"{given.shape} and {correct.shape}"
        )
    sums = np.column_stack([np.ones(len(given)), given, correct & given]).astype(np.float64)
    drawn = drawn_sums(sums, groups=groups, n_resamples=n_resamples, random_state=random_state)

    def share(s: NDArray[np.float64]) -> NDArray[np.float64]:
        return s[..., 1] / s[..., 0]

    def accuracy(s: NDArray[np.float64]) -> NDArray[np.float64]:
        nothing = np.full(s.shape[:-1], np.nan)
        return np.divide(s[..., 2], s[..., 1], out=nothing, where=s[..., 1] > 0)

    total = sums.sum(axis=0)
    some = given.any()
    sheet: dict[str, Any] = {
        "n": int(given.sum()),
        "of": len(given),
        "share": {"value": float(share(total)), "ci95": percentile_interval(share, drawn)},
        "accuracy": None,
        "error": None,
        "wished_error": wished_error,
        "held": None,
        "folds_held": None,
        "folds": None,
    }
    if some:
        for name, score in (("accuracy", accuracy), ("error", lambda s: 1 - accuracy(s))):
            interval = percentile_interval(score, drawn)
            sheet[name] = {"value": float(score(total)), "ci95": interval}
    if wished_error is not None and some:
        sheet["held"] = bool(sheet["error"]["value"] <= wished_error)
        if folds is not None:
            names = np.asarray(folds, dtype=str)[given]
            errors = [(~correct[given][names == name]).mean() for name in np.unique(names)]
            sheet["folds_held"] = sum(bool(error <= wished_error) for error in errors)
            sheet["folds"] = len(errors)
    return sheet
