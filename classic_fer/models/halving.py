"""Successive halving: the candidates of a search that a budget of time allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.models.fold_search import FoldSearch
from classic_fer.models.fold_unit import Fit
from classic_fer.models.folds import Fold

__all__ = ["Skipped", "within_budget"]

_Planner = Callable[[Sequence[dict[str, Any]], Sequence[Fold]], FoldSearch]

_KEPT = 3  # of so many candidates one goes on, to so many times as many faces
_LAST_SHARE = 1 / _KEPT
_FEWEST = 60  # faces of a round


@dataclass(frozen=True)
class Skipped:
    """A candidate that was left out.

    Attributes
    ----------
    params : dict
    score : float
        Mean score on the last part of the faces on which it was tried.
    n_faces : int
        Size of that part.
    """

    params: dict[str, Any]
    score: float
    n_faces: int


def within_budget(
    planned: _Planner,
    candidates: Sequence[dict[str, Any]],
    folds: Sequence[Fold],
    y: NDArray,
    *,
    seconds: float,
    started: float,
    metric: str = "score",
    n_jobs: int = 1,
) -> tuple[list[dict[str, Any]], list[Skipped]]:
    """Candidates to try on all faces, so that the search ends within a budget.

    All candidates are tried on a small part of the faces, with the same folds. If trying them on
    all faces would take too long, going by the time that this took, the best third is tried on a
    part three times as large, and so on; in the end as many of the best go on as there is time
    for, at least one.

    Parameters
    ----------
    planned : callable
        Makes the FoldSearch of some candidates on some folds.
    candidates : sequence of dict
    folds : sequence of (train, test)
    y : ndarray, shape (n,)
    seconds : float
        Budget, including the refit.
    started : float
        When it started, as `time.perf_counter` tells it.
    metric : str
        By which candidates are compared, if the scorer gives several.
    n_jobs : int

    Returns
    -------
    chosen : list of dict
        In the order of `candidates`.
    skipped : list of Skipped

    Raises
    ------
    ParameterError
        If the budget is not a positive number.

    Notes
    -----
    Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter
    optimization, AISTATS, with faces as the resource.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ParameterError(f"budget must be a positive number of seconds, got {seconds!r}")
    left = list(range(len(candidates)))
    skipped: dict[int, Skipped] = {}
    for share in _shares(len(y)):
        if len(left) == 1:
            break
        part = _stratified_part(y, share)
        some = [(train[part[train]], test[part[test]]) for train, test in folds]
        round_start = time.perf_counter()
        search = planned([candidates[c] for c in left], some)
        fits = search.run(n_jobs=n_jobs)
        rate = (time.perf_counter() - round_start) / sum(search.costs.values())
        scores = _mean_scores(fits, metric, len(left))
        ranked = [left[i] for i in np.argsort(-scores, kind="stable")]
        tried = dict(zip(left, scores.tolist()))
        remaining = seconds - (time.perf_counter() - started)

        def affordable(n: int, ranked: list[int] = ranked, rate: float = rate) -> float:
            search = planned([candidates[c] for c in sorted(ranked[:n])], folds)
            return rate * sum([*search.costs.values(), *search.refit_costs.values()])

        if affordable(len(ranked)) <= remaining:
            break
        kept = max(1, len(ranked) // _KEPT)
        while kept > 1 and affordable(kept) > remaining and share == _LAST_SHARE:
            kept -= 1
        for c in ranked[kept:]:
            skipped[c] = Skipped(dict(candidates[c]), tried[c], int(part.sum()))
        left = sorted(ranked[:kept])
    return [candidates[c] for c in left], [skipped[c] for c in sorted(skipped)]


def _shares(n: int) -> list[float]:
    """Parts of `n` faces, the smallest first."""
    shares = [_LAST_SHARE]
    while shares[0] / _KEPT * n >= _FEWEST and len(shares) < 4:
        shares.insert(0, shares[0] / _KEPT)
    return shares


def _stratified_part(y: NDArray, share: float) -> NDArray[np.bool_]:
    """Mask of a part of each class, drawn evenly."""
    part = np.zeros(len(y), dtype=bool)
    rng = np.random.default_rng(0)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        n = min(len(members), max(10, round(share * len(members))))
        part[rng.permutation(members)[:n]] = True
    return part


def _mean_scores(fits: Sequence[Fit], metric: str, n: int) -> NDArray[np.float64]:
    """Mean score of each candidate; failed fits count as the worst."""
    scores: list[list[float]] = [[] for _ in range(n)]
    for fit in fits:
        found = fit.test_scores
        value = found.get(metric) if isinstance(found, dict) else found
        scores[fit.candidate].append(value if isinstance(value, float) else -np.inf)
    return np.array([np.mean(values) if values else -np.inf for values in scores])
