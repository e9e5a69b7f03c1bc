"""Comparison of saved predictions: is one recognizer better than another on the same faces?

Two runs are compared by McNemar's test, several by Cochran's Q and then McNemar's test of each
pair with Holm's correction; where the runs share their folds, by the corrected resampled t-test
and, for three runs or more, Friedman's test with Nemenyi's. The words follow from the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.evaluation.matched_predictions import MatchedPredictions, match_predictions
from classic_fer.evaluation.paired_tests import (
    RankTest,
    Test,
    cochran_q,
    corrected_resampled_t_test,
    friedman_nemenyi,
    holm,
    mcnemar,
)
from classic_fer.evaluation.resampling import (
    N_RESAMPLES,
    drawn_sums,
    percentile_interval,
    unit_name,
)
from classic_fer.evaluation.result import Result, plain

__all__ = [
    "DIFFERENT",
    "DOUBTFUL",
    "NO_EVIDENCE",
    "Comparison",
    "Pair",
    "compare_results",
]

DIFFERENT = "different"
DOUBTFUL = "doubtful"
NO_EVIDENCE = "no evidence of a difference"


@dataclass(frozen=True)
class Pair:
    """What the tests say about two runs.

    Attributes
    ----------
    first, second : str
    difference : float
        Accuracy of the first minus that of the second.
    ci95 : [low, high] or None
        Paired bootstrap.
    only_first, only_second : int
        Faces about which only that one is right.
    test : Test
        McNemar's.
    p_value : float
        Of `test`, adjusted by Holm for the number of pairs.
    fold_test : Test or None
        Corrected resampled t-test; None where the folds are not shared.
    fold_p_value : float or None
        Of `fold_test`, adjusted likewise.
    verdict : str
        `DIFFERENT`; `DOUBTFUL` if the test says so but the interval holds 0, as faces of one
        person are not independent; or `NO_EVIDENCE`.
    """

    first: str
    second: str
    difference: float
    ci95: list[float] | None
    only_first: int
    only_second: int
    test: Test
    p_value: float
    fold_test: Test | None
    fold_p_value: float | None
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Everything that a report says about a comparison.

    Attributes
    ----------
    names : list of str
    n : int
        Faces.
    n_people : int or None
    interval : str
        What intervals were resampled over, ``"people"`` or ``"images"``.
    accuracy : dict of str to {"value", "ci95"}
    pairs : list of Pair
    overall : Test or None
        Cochran's Q, for three runs or more.
    ranks : RankTest or None
        Over folds, for three runs or more that share them.
    alpha : float
    notes : list of str
        What a reader has to know.
    """

    names: list[str]
    n: int
    n_people: int | None
    interval: str
    accuracy: dict[str, dict[str, Any]]
    pairs: list[Pair]
    overall: Test | None = None
    ranks: RankTest | None = None
    alpha: float = 0.05
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return plain(asdict(self))


def compare_results(
    results: Mapping[str, Result],
    *,
    alpha: float = 0.05,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> Comparison:
    """Compare runs on the same faces.

    Parameters
    ----------
    results : mapping of str to Result
        Name of the run, shown in reports, to its Result with predictions; at least two.
    alpha : float
        A test speaks of a difference below this p-value.
    n_resamples, random_state : int
        Of the bootstrap.

    Raises
    ------
    ParameterError
        For fewer than two runs, or an `alpha` that is no probability.
    DataError
        If the runs do not have the same faces with the same true labels.
    """
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha must be between 0 and 1, got {alpha}")
    matched = match_predictions({name: each.predictions for name, each in results.items()})
    right = matched.right
    n, k = right.shape
    sums = drawn_sums(
        np.column_stack([right, np.ones(n)]),
        groups=matched.units,
        n_resamples=n_resamples,
        random_state=random_state,
    )
    accuracy = {
        name: {
            "value": float(right[:, i].mean()),
            "ci95": _interval(sums, plus=i),
        }
        for i, name in enumerate(matched.names)
    }
    overall = cochran_q(right[matched.once]) if k > 2 else None
    by_fold = _fold_accuracies(matched)
    return Comparison(
        names=matched.names,
        n=n,
        n_people=None if matched.people is None else len(np.unique(matched.people)),
        interval=unit_name(matched.people),
        accuracy=accuracy,
        pairs=_pairs(matched, sums, by_fold, _fold_sizes(matched, results), overall, alpha),
        overall=overall,
        ranks=None if by_fold is None or k < 3 else friedman_nemenyi(by_fold, alpha=alpha),
        alpha=alpha,
        notes=_notes(matched, results),
    )


def _interval(
    sums: NDArray[np.float64] | None, *, plus: int, minus: int | None = None
) -> list[float] | None:
    """Interval of the accuracy of one run, or of the difference of two."""

    def score(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        hits = drawn[:, plus] - (0.0 if minus is None else drawn[:, minus])
        return hits / drawn[:, -1]

    return percentile_interval(score, sums)


def _fold_accuracies(matched: MatchedPredictions) -> NDArray[np.float64] | None:
    """Accuracy of each run in each shared fold, shape (n_folds, k)."""
    if matched.folds is None:
        return None
    names = np.unique(matched.folds)
    return np.array([matched.right[matched.folds == name].mean(axis=0) for name in names])


def _fold_sizes(
    matched: MatchedPredictions, results: Mapping[str, Result]
) -> tuple[NDArray, NDArray] | None:
    """Samples that each shared fold trains and tests on; None where they are not noted."""
    if matched.folds is None:
        return None
    noted = next(iter(results.values())).folds
    n_train = {str(fold["name"]): fold["n_train"] for fold in noted if fold.get("n_train")}
    names, n_test = np.unique(matched.folds, return_counts=True)
    if not set(names.tolist()) <= set(n_train):
        return None
    return np.array([n_train[name] for name in names.tolist()]), n_test


def _pairs(
    matched: MatchedPredictions,
    sums: NDArray[np.float64] | None,
    by_fold: NDArray[np.float64] | None,
    sizes: tuple[NDArray, NDArray] | None,
    overall: Test | None,
    alpha: float,
) -> list[Pair]:
    right = matched.right
    places = list(combinations(range(right.shape[1]), 2))
    single = right[matched.once]
    tests = [mcnemar(single[:, i], single[:, j]) for i, j in places]
    adjusted = holm([test.p_value for test in tests])
    fold_tests: list[Test] = []
    if by_fold is not None and sizes is not None:
        fold_tests = [
            corrected_resampled_t_test(
                by_fold[:, i] - by_fold[:, j], n_train=sizes[0], n_test=sizes[1]
            )
            for i, j in places
        ]
    fold_adjusted = holm([test.p_value for test in fold_tests])
    pairs = []
    for place, (i, j) in enumerate(places):
        interval = _interval(sums, plus=i, minus=j)
        says_so = adjusted[place] < alpha and (overall is None or overall.p_value < alpha)
        holds_zero = interval is None or interval[0] <= 0 <= interval[1]
        pairs.append(
            Pair(
                first=matched.names[i],
                second=matched.names[j],
                difference=float(right[:, i].mean() - right[:, j].mean()),
                ci95=interval,
                only_first=int((single[:, i] & ~single[:, j]).sum()),
                only_second=int((single[:, j] & ~single[:, i]).sum()),
                test=tests[place],
                p_value=float(adjusted[place]),
                fold_test=fold_tests[place] if fold_tests else None,
                fold_p_value=float(fold_adjusted[place]) if fold_tests else None,
                verdict=(DOUBTFUL if holds_zero else DIFFERENT) if says_so else NO_EVIDENCE,
            )
        )
    return pairs


def _notes(matched: MatchedPredictions, results: Mapping[str, Result]) -> list[str]:
    notes = []
    if not matched.once.all():
        notes.append(
            "folds are repeated, and predictions of one face are not independent: Cochran's and "
            "McNemar's tests take the first of each face"
        )
    if matched.people is None:
        notes.append(
            "people are not known: intervals are over images, and too narrow if one person is on "
            "several of them"
        )
    hashes = {each.protocol.get("hash") for each in results.values()}
    if len(hashes) > 1 and matched.folds is None:
        protocols = ", ".join(f"{name}: {each.protocol['name']}" for name, each in results.items())
        notes.append(
            f"the runs did not share their folds ({protocols}), so a difference may come from "
            "those, and there are no tests over folds"
        )
    return notes
