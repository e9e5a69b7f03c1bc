"""Classification metrics from confusion matrices, with bootstrap intervals over people.

Conventions
-----------
Counts have the shape (..., n_classes, n_classes + 1): rows are true classes, columns predicted
ones in the same order, and the last column holds rows on which the recognizer abstained (wrong,
but no class's false alarm). Classes without rows (those that only the recognizer knows) can be
predicted, which is wrong, but do not enter averages over classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.resampling import (
    N_RESAMPLES,
    drawn_sums,
    quantile_interval,
    unit_name,
)

__all__ = [
    "ABSTAINED",
    "METRICS",
    "classification_scores",
    "confusion_counts",
    "drawn_counts",
    "per_class_scores",
    "scores_of_counts",
]

ABSTAINED = "abstained"
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "kappa", "mcc")


def confusion_counts(
    y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[str]
) -> NDArray[np.int64]:
    """Confusion matrix with a last column for abstentions.

    Parameters
    ----------
    y_true : array_like of str, shape (n,)
    y_pred : array_like of str, shape (n,)
        Names in `classes`, or ``"abstained"``.
    classes : sequence of str

    Returns
    -------
    counts : ndarray of int64, shape (n_classes, n_classes + 1)

    Raises
    ------
    DataError
        If the lengths differ or a name is not in `classes`.

    Examples
    --------
    >>> confusion_counts(["a", "a", "b"], ["a", "b", "abstained"], ["a", "b"]).tolist()
    [[1, 1, 0], [0, 0, 1]]
    """
    true, predicted = _columns(y_true, classes), _columns(y_pred, [*classes, ABSTAINED])
    if len(true) != len(predicted):
        raise DataError(f"got {len(true)} true and {len(predicted)} predicted labels")
    k = len(classes)
    cells = np.bincount(true * (k + 1) + predicted, minlength=k * (k + 1))
    return cells.reshape(k, k + 1)


def _columns(labels: ArrayLike, names: Sequence[str]) -> NDArray[np.intp]:
    column = {name: i for i, name in enumerate(names)}
    values = np.asarray(labels, dtype=str).tolist()
    unknown = sorted(set(values) - set(column))
    if unknown:
        raise DataError(f"labels {unknown} are not among the classes {list(names)}")
    return np.array([column[value] for value in values], dtype=np.intp)


def _ratio(numerator: NDArray, denominator: NDArray) -> NDArray[np.float64]:
    """Quotient, 0 where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator != 0)


def _rates(counts: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Precision, recall, F1 and support of each class, each of shape (..., n_classes)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    support = counts.sum(axis=-1, dtype=np.float64)
    alarms = counts[..., :-1].sum(axis=-2, dtype=np.float64)
    return _ratio(hits, alarms), _ratio(hits, support), _ratio(2 * hits, alarms + support), support


def scores_of_counts(counts: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """All metrics of one confusion matrix, or of a stack of them.

    Parameters
    ----------
    counts : array_like, shape (..., n_classes, n_classes + 1)

    Returns
    -------
    scores : dict of str to ndarray, shape (...)
        In the order of `METRICS`; kappa and MCC are 0 where they are not defined.

    References
    ----------
    Cohen 1960 (kappa); Gorodkin 2004 (Matthews correlation of several classes).
    """
    counts = np.asarray(counts)
    _, recall, f1, support = _rates(counts)
    n = support.sum(axis=-1)
    present = (support > 0).sum(axis=-1)
    hits = np.diagonal(counts, axis1=-2, axis2=-1).sum(axis=-1, dtype=np.float64)
    predicted = counts.sum(axis=-2, dtype=np.float64)
    by_chance = (support * predicted[..., :-1]).sum(axis=-1)
    spread = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (support**2).sum(axis=-1))
    return {
        "accuracy": _ratio(hits, n),
        "balanced_accuracy": _ratio(recall.sum(axis=-1), present),
        "macro_f1": _ratio(np.where(support > 0, f1, 0).sum(axis=-1), present),
        "weighted_f1": _ratio((f1 * support).sum(axis=-1), n),
        "kappa": _ratio(n * hits - by_chance, n**2 - by_chance),
        "mcc": _ratio(n * hits - by_chance, np.sqrt(spread)),
    }


def per_class_scores(
    counts: ArrayLike, classes: Sequence[str], *, drawn: NDArray | None = None
) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of each class that has rows.

    Parameters
    ----------
    counts : array_like, shape (n_classes, n_classes + 1)
    classes : sequence of str
    drawn : ndarray, shape (n_resamples, n_classes, n_classes + 1), optional
        Of `drawn_counts`.

    Returns
    -------
    table : list of dict
        ``class``, ``precision`` (0 if never predicted), ``recall``, ``f1``, ``support``, and
        ``ci95`` {metric: [low, high] or None} over the draws that hold the class.
    """
    names = ("precision", "recall", "f1")
    rates = _rates(np.asarray(counts))
    support = rates[3]
    spread = None if drawn is None else _rates(drawn)
    table = []
    for i in np.flatnonzero(support).tolist():
        row: dict[str, Any] = {"class": classes[i]}
        row |= {name: float(values[i]) for name, values in zip(names, rates)}
        row["support"] = int(support[i])
        row["ci95"] = dict.fromkeys(names)
        if spread is not None:
            held = spread[3][:, i] > 0
            row["ci95"] = {
                name: quantile_interval(np.where(held, values[:, i], np.nan))
                for name, values in zip(names, spread)
            }
        table.append(row)
    return table


def drawn_counts(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    classes: Sequence[str],
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> NDArray[np.float64] | None:
    """Confusion matrices of bootstrap samples.

    Parameters
    ----------
    y_true, y_pred : array_like of str, shape (n,)
    classes : sequence of str
    groups : array_like, shape (n,), optional
        People; see `classic_fer.evaluation.resampling.drawn_sums`.
    n_resamples, random_state : int

    Returns
    -------
    counts : ndarray, shape (n_resamples, n_classes, n_classes + 1), or None
        None where there are fewer than two people (or rows) to draw from.
    """
    k = len(classes)
    true, predicted = _columns(y_true, classes), _columns(y_pred, [*classes, ABSTAINED])
    cells = np.zeros((len(true), k * (k + 1)))
    cells[np.arange(len(true)), true * (k + 1) + predicted] = 1
    drawn = drawn_sums(cells, groups=groups, n_resamples=n_resamples, random_state=random_state)
    return None if drawn is None else drawn.reshape(n_resamples, k, k + 1)


def classification_scores(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    classes: Sequence[str] | None = None,
    *,
    groups: ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> dict[str, Any]:
    """Everything that a report says about a set of predictions, as plain data.

    Parameters
    ----------
    y_true : array_like of str, shape (n,)
    y_pred : array_like of str, shape (n,)
        ``"abstained"`` where the recognizer abstained, which counts as wrong.
    classes : sequence of str, optional
        Classes of the data and the recognizer; those that occur if not given.
    groups : array_like, shape (n,), optional
        People, over which the intervals are resampled; over images if not given.
    n_resamples, random_state : int
        Of the bootstrap.

    Returns
    -------
    sheet : dict
        ``n``; ``scores`` {metric: {``value``, ``ci95``}}; ``interval``, ``"people"`` or
        ``"images"``; ``per_class``; ``confusion`` {``true``, ``predicted``, ``counts``};
        ``majority_baseline``.

    Raises
    ------
    DataError
        If there are no rows, or lengths or names do not fit.
    ParameterError
        If `groups` has another length.
    """
    true, predicted = np.asarray(y_true, dtype=str), np.asarray(y_pred, dtype=str)
    if not len(true):
        raise DataError("no predictions to score; expected at least one row")
    if classes is None:
        classes = order_classes({*true.tolist(), *predicted.tolist()} - {ABSTAINED})
    counts = confusion_counts(true, predicted, classes)
    people = None if groups is None else np.asarray(groups)
    if people is not None and len(people) != len(true):
        raise ParameterError(f"got {len(people)} groups for {len(true)} rows")
    drawn = drawn_counts(
        true,
        predicted,
        classes,
        groups=people,
        n_resamples=n_resamples,
        random_state=random_state,
    )
    spread = {} if drawn is None else scores_of_counts(drawn)
    rows = counts.sum(axis=1) > 0
    columns = np.append(np.ones(len(classes), dtype=bool), counts[:, -1].any())
    names = np.array([*classes, ABSTAINED])
    return {
        "n": len(true),
        "scores": {
            name: {
                "value": float(value),
                "ci95": quantile_interval(spread[name]) if spread else None,
            }
            for name, value in scores_of_counts(counts).items()
        },
        "interval": unit_name(people),
        "per_class": per_class_scores(counts, classes, drawn=drawn),
        "confusion": {
            "true": names[:-1][rows].tolist(),
            "predicted": names[columns].tolist(),
            "counts": counts[rows][:, columns].tolist(),
        },
        "majority_baseline": float(counts.sum(axis=1).max() / len(true)),
    }
