"""Comparison of runs: tests, and the verdicts that follow from them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation.comparison import (
    DIFFERENT,
    DOUBTFUL,
    NO_EVIDENCE,
    compare_results,
)
from classic_fer.evaluation.paired_tests import (
    cochran_q,
    corrected_resampled_t_test,
    friedman_nemenyi,
    holm,
    mcnemar,
)

N = 200


def table(right, *, people=True, folds=5, n=N) -> pd.DataFrame:
    """Predictions that are right where `right` says so; ten people, each in one fold."""
    right = np.resize(np.asarray(right, dtype=bool), n)
    true = np.where(np.arange(n) % 3, "fear", "anger")
    person = np.arange(n) // (n // 10)
    return pd.DataFrame(
        {
            "id": [f"{i:04d}.png" for i in range(n)],
            "fold": (person % folds + 1).astype(str),
            "true": true.astype(object),
            "predicted": np.where(right, true, "neutral").astype(object),
            "subject": [f"P{i}" for i in person] if people else None,
        }
    )


def result(predictions, *, n_train=160, protocol="10", digest="ab"):
    """What a comparison reads of a Result."""
    folds = [{"name": str(name), "n_train": n_train} for name in predictions["fold"].unique()]
    return SimpleNamespace(
        predictions=predictions, folds=folds, protocol={"name": protocol, "hash": digest}
    )


def random_right(seed, *rates):
    return [np.random.default_rng([seed, i]).random(N) < rate for i, rate in enumerate(rates)]


def test_the_order_of_rows_does_not_matter():
    a, b = (table(right) for right in random_right(0, 0.5, 0.8))
    shuffled = b.sample(frac=1, random_state=1)
    straight = compare_results({"a": result(a), "b": result(b)})
    assert straight.to_dict() == compare_results({"a": result(a), "b": result(shuffled)}).to_dict()


def test_two_runs_are_compared_by_mcnemar_and_over_folds():
    a, b = random_right(1, 0.8, 0.6)
    found = compare_results({"a": result(table(a)), "b": result(table(b))})
    (pair,) = found.pairs
    assert pair.test == mcnemar(a, b)
    assert pair.p_value == pair.test.p_value < 0.05
    assert pair.difference == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    assert (pair.only_first, pair.only_second) == (int((a & ~b).sum()), int((b & ~a).sum()))
    fold = table(a)["fold"].to_numpy()
    by_fold = [(a[fold == f].mean() - b[fold == f].mean()) for f in "12345"]
    assert pair.fold_test == corrected_resampled_t_test(by_fold, n_train=160, n_test=40)
    assert pair.verdict == DIFFERENT
    assert pair.ci95[0] > 0
    assert (found.overall, found.ranks) == (None, None)
    assert (found.n, found.n_people, found.interval, found.notes) == (N, 10, "people", [])


def test_equal_runs_show_no_difference():
    a = result(table([1, 1, 0]))
    (pair,) = compare_results({"a": a, "b": a}).pairs
    assert (pair.difference, pair.ci95, pair.p_value) == (0, [0, 0], 1)
    assert pair.fold_p_value == 1
    assert pair.verdict == NO_EVIDENCE


def test_difference_that_one_person_makes_is_doubtful():
    # One person of ten makes all of it: McNemar counts 20 faces, the bootstrap one person.
    a, b = np.ones(N, dtype=bool), np.arange(N) >= 20
    over_people = compare_results({"a": result(table(a)), "b": result(table(b))}).pairs[0]
    assert over_people.p_value < 1e-4
    assert over_people.ci95[0] == 0
    assert over_people.verdict == DOUBTFUL
    unknown = {name: result(table(x, people=False)) for name, x in (("a", a), ("b", b))}
    over_images = compare_results(unknown)
    assert over_images.pairs[0].verdict == DIFFERENT
    assert over_images.interval == "images"
    assert over_images.n_people is None
    assert "people are not known: intervals are over images" in over_images.notes[0]


def test_several_runs_are_compared_overall_and_in_pairs():
    rights = random_right(2, 0.9, 0.7, 0.5, 0.5)
    runs = {name: result(table(right)) for name, right in zip("abcd", rights)}
    found = compare_results(runs)
    right = np.column_stack(rights)
    assert found.overall == cochran_q(right)
    pairs = [(p.first, p.second) for p in found.pairs]
    assert pairs == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    raw = [mcnemar(right[:, "abcd".index(i)], right[:, "abcd".index(j)]).p_value for i, j in pairs]
    np.testing.assert_allclose([p.p_value for p in found.pairs], holm(raw), atol=1e-12)
    assert found.pairs[-1].verdict == NO_EVIDENCE
    assert found.pairs[1].verdict == DIFFERENT
    fold = table([1])["fold"].to_numpy()
    expected = friedman_nemenyi([right[fold == f].mean(axis=0) for f in "12345"])
    np.testing.assert_allclose(found.ranks.ranks, expected.ranks)
    assert found.ranks.n_blocks == 5
    assert found.ranks.ranks.argmin() == 0


def test_pairs_do_not_differ_where_the_runs_together_do_not():
    # a and b differ on 11 faces, 10 to 1; c differs from both on 100 more, which drowns it.
    place = np.arange(N)
    half = (place < 150) & (place % 2 == 0)
    a = np.where(place < 50, True, half)
    b = np.where(place < 50, True, half)
    b[:10] = False
    a[10] = False
    c = np.where(place < 50, place >= 5, np.where(place < 150, ~half, False))
    found = compare_results({n: result(table(x)) for n, x in (("a", a), ("b", b), ("c", c))})
    assert found.pairs[0].p_value < 0.05
    assert found.overall.p_value > 0.05
    assert {pair.verdict for pair in found.pairs} == {NO_EVIDENCE}


def test_runs_with_other_folds_are_compared_without_tests_over_folds():
    a, b = random_right(3, 0.8, 0.7)
    other = result(table(b, folds=2), protocol="random10", digest="cd")
    found = compare_results({"a": result(table(a)), "b": other})
    assert found.pairs[0].fold_test is None
    assert found.pairs[0].fold_p_value is None
    assert "did not share their folds (a: 10, b: random10)" in found.notes[0]


def test_one_part_has_no_folds_to_test_over():
    runs = {
        name: result(table(x, folds=1)) for name, x in zip("abc", random_right(4, 0.8, 0.7, 0.5))
    }
    found = compare_results(runs)
    assert found.ranks is None
    assert found.notes == []
    assert found.pairs[0].fold_test is None


def test_abstaining_is_not_right():
    b = table([1])
    b.loc[:49, "predicted"] = "abstained"
    found = compare_results({"a": result(table([1])), "b": result(b)})
    assert found.accuracy["b"]["value"] == 0.75


def test_comparison_is_repeatable_and_plain():
    runs = {name: result(table(x)) for name, x in zip("abc", random_right(5, 0.8, 0.7, 0.5))}
    first, second = (compare_results(runs, random_state=3).to_dict() for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert compare_results(runs, random_state=4).to_dict() != first


def test_intervals_of_accuracy_are_those_of_the_bootstrap():
    a, b = random_right(6, 0.8, 0.7)
    found = compare_results({"a": result(table(a)), "b": result(table(b))})
    for name, right in (("a", a), ("b", b)):
        score = found.accuracy[name]
        assert score["value"] == pytest.approx(right.mean())
        assert score["ci95"][0] < score["value"] < score["ci95"][1]


def test_alpha_decides_the_words():
    a, b = random_right(1, 0.8, 0.6)
    runs = {"a": result(table(a)), "b": result(table(b))}
    p = compare_results(runs).pairs[0].p_value
    assert compare_results(runs, alpha=p / 2).pairs[0].verdict == NO_EVIDENCE
    with pytest.raises(ParameterError, match="alpha must be between 0 and 1, got 0"):
        compare_results(runs, alpha=0)
