"""What the fits of a search amount to: scores for ``cv_results_``, and out-of-fold decisions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import FitFailedWarning

from classic_fer.errors import DataError
from classic_fer.models.fold_unit import Fit
from classic_fer.models.folds import Fold

__all__ = ["for_calibration", "out_of_fold", "outcomes_of"]


def outcomes_of(fits: Sequence[Fit], *, error_score: Any) -> list[dict[str, Any]]:
    """Times and scores of fits as GridSearchCV takes them; of those that failed, `error_score`.

    Failures are warned about: of fits as a FitFailedWarning, of metrics as a UserWarning.

    Raises
    ------
    DataError
        If all fits failed.
    """
    failed = [fit for fit in fits if fit.error is not None]
    if len(failed) == len(fits):
        raise DataError(
            f"all {len(fits)} fits of the search failed, the first one with: {fits[0].error}"
        )
    if failed:
        warnings.warn(
            f"{len(failed)} fits failed out of a total of {len(fits)}; their score is set to "
            f"{error_score}. The first one with: {failed[0].error}",
            FitFailedWarning,
            stacklevel=6,
        )
    good = next(fit.test_scores for fit in fits if fit.error is None)
    names = list(good) if isinstance(good, dict) else None
    missing = error_score if names is None else dict.fromkeys(names, error_score)
    outcomes, unscored = [], 0
    for fit in fits:
        scores = missing if fit.error is not None else fit.test_scores
        if isinstance(scores, dict):  # a metric that failed has a traceback in its place
            unscored += any(isinstance(score, str) for score in scores.values())
            scores = {k: error_score if isinstance(v, str) else v for k, v in scores.items()}
        outcomes.append(
            {"fit_time": fit.fit_time, "score_time": fit.score_time, "test_scores": scores}
        )
    if unscored:
        told = next(v for f in fits for v in (f.test_scores or {}).values() if isinstance(v, str))
        warnings.warn(
            f"scoring failed for {unscored} of {len(fits)} fits; the score is set to "
            f"{error_score}. The first one with: {told.strip().splitlines()[-1]}",
            UserWarning,
            stacklevel=6,
        )
    return outcomes


def out_of_fold(
    fits: Sequence[Fit], folds: Sequence[Fold], n: int, n_classes: int
) -> NDArray[np.float32]:
    """Decision values of the rows that folds test; the last fold counts for rows tested twice.

    Parameters
    ----------
    fits : sequence of Fit
        Of one candidate, one for each of `folds`.

    Returns
    -------
    scores : ndarray of float32, shape (n, n_classes)
        NaN for rows that no fold tests.
    """
    scores = np.full((n, n_classes), np.nan, dtype=np.float32)
    for fit, (_, test) in zip(fits, folds):
        if fit.decision is not None:
            scores[test] = fit.decision
    return scores


def for_calibration(scores: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """`out_of_fold` scores whose rows that were not tested take no part (-inf).

    None if no row was tested.
    """
    if scores is None or np.isnan(scores).all():
        return None
    return np.where(np.isnan(scores), -np.inf, scores)
