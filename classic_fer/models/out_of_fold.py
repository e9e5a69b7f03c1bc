"""Out-of-fold decision values of training rows, and the threshold of doubt chosen on them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.models.abstention import UNSURE, threshold_for_error
from classic_fer.models.blocks import Blocks
from classic_fer.models.calibration import temperature_softmax
from classic_fer.models.decisions import class_scores
from classic_fer.models.expression import FeatureExpression
from classic_fer.models.folds import Fold

__all__ = ["Parts", "out_of_fold_scores", "out_of_fold_threshold"]

Parts = tuple[FeatureExpression, Any, Any]
"""Fitted features, scaler and classifier."""


def out_of_fold_scores(
    fit: Callable[[Blocks, NDArray], Parts],
    blocks: Blocks,
    y: NDArray,
    folds: Sequence[Fold],
    classes: NDArray,
) -> NDArray[np.float64] | None:
    """Decision values of each row by parts fitted on the other folds.

    Parameters
    ----------
    fit : callable
        Fits parts on the blocks and labels of a training part.
    blocks : dict of str to ndarray of float32, shape (n, d)
    y : ndarray, shape (n,)
    folds : sequence of (train, test)
        Folds that train on fewer than two classes, or test none that they know, are passed over.
    classes : ndarray, shape (n_classes,)

    Returns
    -------
    scores : ndarray of float64, shape (n, n_classes), or None
        -inf for rows without a fold and for classes that a fold did not know; None if every fold
        was passed over.
    """
    scores = np.full((len(y), len(classes)), -np.inf)
    scored = False
    for train, test in folds:
        known = np.unique(y[train])
        if len(known) < 2 or not np.isin(y[test], known).any():
            continue
        scored = True
        features, scaler, clf = fit(
            {name: block[train] for name, block in blocks.items()}, y[train]
        )
        held_out = features.transform_blocks({name: block[test] for name, block in blocks.items()})
        scores[test] = class_scores(clf, scaler.transform(held_out), classes)
    return scores if scored else None


def out_of_fold_threshold(
    scores: ArrayLike, true: NDArray[np.intp], *, temperature: float, wished_error: float
) -> float:
    """Threshold on the highest probability that keeps to the wished error on these rows.

    Parameters
    ----------
    scores : array_like, shape (n, n_classes)
        Rows without a finite value are left out.
    true : ndarray of int, shape (n,)
        Column of the true class.
    temperature : float
    wished_error : float

    Returns
    -------
    threshold : float
        Infinite, with a warning, if no face may be answered.
    """
    scores = np.asarray(scores)
    scored = np.isfinite(scores).any(axis=1)
    chances = temperature_softmax(scores[scored], temperature)
    right = chances.argmax(axis=1) == true[scored]
    point = threshold_for_error(chances.max(axis=1), right, wished_error=wished_error)
    if np.isinf(point.threshold):
        warnings.warn(
            f"no threshold brings the error of held-out training faces down to "
            f"{wished_error:g}: every answer will be {UNSURE!r}; wish for a larger error",
            UserWarning,
            stacklevel=3,
        )
    return point.threshold
