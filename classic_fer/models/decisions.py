"""Decision values of any classifier, one column a class, in the one order of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from classic_fer.emotions import order_classes

__all__ = ["LEAST_PROBABILITY", "class_scores", "ordered_classes"]

LEAST_PROBABILITY = 1e-6  # a class without a vote gets log(1e-6), not -inf


def ordered_classes(y: ArrayLike) -> NDArray:
    """The classes of `y` in the one order of emotions, others after them alphabetically."""
    unique = np.unique(np.asarray(y))
    return np.asarray(order_classes(unique.tolist())) if unique.dtype.kind == "U" else unique


def class_scores(
    clf: BaseEstimator, features: NDArray[np.float32], classes: ArrayLike
) -> NDArray[np.float64]:
    """Decision values of a fitted classifier with one column for each of `classes`.

    Parameters
    ----------
    clf : classifier
        With ``decision_function``, or else ``predict_proba``, whose logarithm is taken.
    features : ndarray, shape (n, d)
    classes : array_like, shape (n_classes,)
        Wanted order; a class that `clf` was not trained on gets -inf.

    Returns
    -------
    scores : ndarray of float64, shape (n, n_classes)
        The decision of two classes, d, becomes the columns -d and d.
    """
    if hasattr(clf, "decision_function"):
        raw = np.asarray(clf.decision_function(features), dtype=np.float64)
        if raw.ndim == 1:
            raw = np.column_stack([-raw, raw])
    else:
        raw = np.log(np.maximum(clf.predict_proba(features), LEAST_PROBABILITY))
    wanted = np.asarray(classes)
    scores = np.full((len(raw), len(wanted)), -np.inf)
    column = {label: i for i, label in enumerate(wanted.tolist())}
    scores[:, [column[label] for label in clf.classes_.tolist()]] = raw
    return scores
