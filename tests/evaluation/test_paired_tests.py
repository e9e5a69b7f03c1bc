"""Tests of paired tests: statsmodels, scikit-posthocs and Demšar's worked example agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.paired_tests import (
    FEW_DISCORDANT,
    cochran_q,
    corrected_resampled_t_test,
    friedman_nemenyi,
    holm,
    mcnemar,
)

# AUC of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf on 14 data sets: table 6 of Demšar 2006.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],  # printed as 0.975 twice, with the ranks 2 and 3
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def answers(only_first: int, only_second: int, both: int = 3) -> tuple[list[int], list[int]]:
    first = [1] * only_first + [0] * only_second + [1] * both
    return first, [0] * only_first + [1] * only_second + [1] * both


def test_mcnemar_is_the_binomial_test_where_pairs_are_few():
    test = mcnemar(*answers(1, 6))
    assert test.name == "McNemar, exact"
    assert test.statistic == 1
    assert test.p_value == pytest.approx(2 * (1 + 7) / 2**7, abs=1e-12)


def test_mcnemar_changes_its_form_at_the_limit():
    assert mcnemar(*answers(FEW_DISCORDANT - 1, 0)).name == "McNemar, exact"
    assert mcnemar(*answers(FEW_DISCORDANT, 0)).name == "McNemar, chi-squared"


@pytest.mark.parametrize("pairs", [(0, 0), (3, 9), (12, 12), (12, 13), (30, 60), (200, 140)])
def test_mcnemar_agrees_with_statsmodels(pairs):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    only_first, only_second = pairs
    # Of equal counts statsmodels corrects the difference 0 to 1.
    for exact in (True, False) if only_first != only_second else (True,):
        ours = mcnemar(*answers(only_first, only_second), exact=exact)
        theirs = tables.mcnemar([[3, only_first], [only_second, 0]], exact=exact, correction=True)
        assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)
        assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)


def test_mcnemar_without_difference_finds_none():
    assert mcnemar([1, 0, 1], [1, 0, 1]).p_value == 1
    assert mcnemar(*answers(20, 20)).p_value == pytest.approx(1)


@given(
    hnp.arrays(bool, st.tuples(st.integers(1, 60), st.just(2))),
)
def test_mcnemar_does_not_depend_on_the_order(right):
    one, other = mcnemar(right[:, 0], right[:, 1]), mcnemar(right[:, 1], right[:, 0])
    assert one.p_value == pytest.approx(other.p_value, abs=1e-12)
    assert 0 <= one.p_value <= 1


@pytest.mark.parametrize("seed", range(5))
def test_cochran_q_agrees_with_statsmodels(seed):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    right = np.random.default_rng(seed).random((40, 3 + seed)) < np.linspace(0.4, 0.8, 3 + seed)
    ours, theirs = cochran_q(right), tables.cochrans_q(right.astype(int))
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


def test_cochran_q_is_friedmans_test_of_right_and_wrong():
    right = np.random.default_rng(7).random((50, 4)) < [0.5, 0.6, 0.7, 0.9]
    ranks = friedman_nemenyi(right.astype(float))
    assert cochran_q(right).statistic == pytest.approx(ranks.statistic, abs=1e-9)


def test_cochran_q_of_equal_answers_finds_nothing():
    test = cochran_q([[1, 1, 1], [0, 0, 0]])
    assert (test.statistic, test.p_value) == (0, 1)


def test_friedman_and_nemenyi_give_the_published_example():
    test = friedman_nemenyi(DEMSAR)
    np.testing.assert_allclose(test.ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert test.critical_difference == pytest.approx(1.25, abs=5e-3)
    # At 0.05 nothing differs; at 0.10 C4.5 differs from C4.5+m and C4.5+m+cf.
    assert (test.pairwise >= 0.05).all()
    loose = friedman_nemenyi(DEMSAR, alpha=0.10)
    assert loose.critical_difference == pytest.approx(1.12, abs=5e-3)
    different = [(int(i), int(j)) for i, j in zip(*np.nonzero(loose.pairwise < 0.10)) if i < j]
    assert different == [(0, 1), (0, 3)]
    # The published 9.28 has no correction for ties, which scipy and R make.
    n, k = DEMSAR.shape
    uncorrected = 12 * n / (k * (k + 1)) * ((test.ranks**2).sum() - k * (k + 1) ** 2 / 4)
    assert uncorrected == pytest.approx(9.28, abs=5e-3)
    assert test.statistic >= uncorrected


def test_nemenyi_agrees_with_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    theirs = posthocs.posthoc_nemenyi_friedman(DEMSAR).to_numpy()
    np.testing.assert_allclose(friedman_nemenyi(DEMSAR).pairwise, theirs, atol=1e-9)


def test_critical_difference_is_where_nemenyi_turns():
    test = friedman_nemenyi(DEMSAR, alpha=0.1)
    n, k = DEMSAR.shape
    q = np.sqrt(2) * test.critical_difference / np.sqrt(k * (k + 1) / (6 * n))
    assert stats.studentized_range.sf(q, k, np.inf) == pytest.approx(0.1, abs=1e-9)


def test_friedman_of_ties_finds_nothing():
    test = friedman_nemenyi(np.ones((5, 3)))
    assert (test.statistic, test.p_value) == (0, 1)
    np.testing.assert_array_equal(test.ranks, [2, 2, 2])
    np.testing.assert_array_equal(test.pairwise, np.ones((3, 3)))


def test_corrected_t_test_by_hand():
    # mean 0.02, variance 0.0004; (1/4 + 1/3) * 0.0004 -> t = 0.02 / 0.0152752...
    test = corrected_resampled_t_test([0.0, 0.02, 0.02, 0.04 + 1e-18], n_train=75, n_test=25)
    variance = (0.02**2 + 0.02**2) / 3
    t = 0.02 / np.sqrt((1 / 4 + 1 / 3) * variance)
    assert test.statistic == pytest.approx(t, abs=1e-9)
    assert test.p_value == pytest.approx(2 * stats.t.sf(t, 3), abs=1e-12)


@pytest.mark.parametrize("k", [2, 5, 10])
def test_corrected_t_test_is_students_without_overlap(k):
    a, b = np.random.default_rng(k).random((2, k))
    plain = stats.ttest_rel(a, b)
    loose = corrected_resampled_t_test(a - b, n_train=1e15, n_test=1)
    assert loose.statistic == pytest.approx(plain.statistic, abs=1e-9)
    assert loose.p_value == pytest.approx(plain.pvalue, abs=1e-9)
    # k folds: the correction lowers t by sqrt(1 + k / (k - 1)).
    folds = corrected_resampled_t_test(a - b, n_train=k - 1, n_test=1)
    assert folds.statistic == pytest.approx(plain.statistic / np.sqrt(1 + k / (k - 1)), abs=1e-9)


def test_corrected_t_test_without_spread():
    assert corrected_resampled_t_test([0, 0, 0], n_train=2, n_test=1).p_value == 1
    same = corrected_resampled_t_test([-0.5, -0.5], n_train=2, n_test=1)
    assert (same.statistic, same.p_value) == (-np.inf, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_holm_agrees_with_statsmodels(n):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(n).random(n) ** 3
    theirs = multitest.multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), theirs, atol=1e-9)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_makes_more_of_a_p_value(p_values):
    adjusted = holm(p_values)
    assert (adjusted >= np.array(p_values)).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()


def test_holm_of_nothing_is_nothing():
    assert holm([]).tolist() == []


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: mcnemar([1, 0], [1]), DataError, r"equal length, got \(2,\) and \(1,\)"),
        (lambda: mcnemar([1, 2], [1, 0]), DataError, "True and False"),
        (lambda: cochran_q([[1], [0]]), DataError, r"at least two recognizers, got shape \(2, 1\)"),
        (
            lambda: friedman_nemenyi([[1, 2]] * 3),
            DataError,
            "at least 3 recognizers .* got 2 and 3",
        ),
        (lambda: friedman_nemenyi([[1, 2, np.nan]] * 3), DataError, "NaN"),
        (lambda: friedman_nemenyi(DEMSAR, alpha=5), ParameterError, "between 0 and 1, got 5"),
        (
            lambda: corrected_resampled_t_test([0.1], n_train=1, n_test=1),
            DataError,
            "at least 2 folds",
        ),
        (
            lambda: corrected_resampled_t_test([0.1, 0.2], n_train=0, n_test=1),
            DataError,
            "samples to train",
        ),
        (lambda: holm([0.5, 1.5]), DataError, "p-values between 0 and 1"),
    ],
)
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
