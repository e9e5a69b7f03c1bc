"""Intervals and tests of paired answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from classic_fer.studies.drops import (
    mean_score,
    paired_drop,
    quartile_outliers,
    sign_flip_p_value,
)


def test_mean_and_interval():
    made = mean_score([1, 1, 0, 0] * 50)
    assert made["value"] == 0.5
    low, high = made["ci95"]
    # Of a mean of 200 answers: 1.96 * sqrt(0.25 / 200) = 0.069.
    assert low == pytest.approx(0.5 - 0.069, abs=0.015)
    assert high == pytest.approx(0.5 + 0.069, abs=0.015)


def test_sign_flips_by_hand():
    # Signs of 1, 2, 4: sums 7, 5, 3, 1 and their negatives; only +-7 are as far from 0 as 7.
    assert sign_flip_p_value([1, 2, 4]) == pytest.approx(2 / 8)
    assert sign_flip_p_value([1, 2, -4]) == pytest.approx(8 / 8)
    assert sign_flip_p_value([0, 0]) == 1
    assert sign_flip_p_value([0, 3]) == 1


def test_many_units_agree_with_the_t_test():
    differences = np.random.default_rng(0).normal(0.2, 1, 200)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert sign_flip_p_value(differences) == pytest.approx(expected, abs=0.01)


def test_people_count_and_not_faces():
    before, after = np.ones(40), np.repeat([0.0, 1.0], 20)
    groups = np.repeat(["a", "b"], 20)
    drop, p = paired_drop(before, after, groups)
    assert drop["value"] == 0.5
    assert p == 1  # one person of two changed: signs of one difference
    assert paired_drop(before, after)[1] < 0.001


def test_outliers_of_tukey():
    assert quartile_outliers([1, 2, 3, 4, 100]) == [100]
    assert quartile_outliers([1, 1, 1]) == []
