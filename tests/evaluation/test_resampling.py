"""The bootstrap: whole people are drawn, and intervals cover."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation import resampling
from classic_fer.evaluation.resampling import drawn_sums, percentile_interval, unit_name


def test_whole_people_are_drawn():
    # Each person has a value of its own size: any sum must be made of whole people.
    values = np.array([[1.0, 1], [1, 1], [100, 1], [100, 1], [100, 1]])
    sums = drawn_sums(values, groups=["a", "a", "b", "b", "b"], n_resamples=50)
    assert {tuple(row) for row in sums} == {(4.0, 4.0), (302.0, 5.0), (600.0, 6.0)}


def test_images_are_drawn_without_people():
    sums = drawn_sums(np.ones((7, 1)), n_resamples=20)
    np.testing.assert_array_equal(sums, np.full((20, 1), 7.0))


def test_blocks_do_not_change_the_draws(monkeypatch):
    values = np.arange(12.0).reshape(6, 2)
    whole = drawn_sums(values, n_resamples=33, random_state=4)
    monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", 12)
    np.testing.assert_array_equal(drawn_sums(values, n_resamples=33, random_state=4), whole)
    assert not np.array_equal(drawn_sums(values, n_resamples=33, random_state=5), whole)


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    x = np.random.default_rng(0).standard_normal(400)
    sums = drawn_sums(np.column_stack([x, np.ones(400)]), n_resamples=4000)
    low, high = percentile_interval(lambda s: s[:, 0] / s[:, 1], sums)
    half = 1.96 * x.std() / 20
    np.testing.assert_allclose([low, high], [x.mean() - half, x.mean() + half], atol=0.01)


def test_one_unit_has_no_interval():
    assert drawn_sums([[1.0], [2.0]], groups=["a", "a"]) is None
    assert percentile_interval(lambda s: s[:, 0], None) is None


def test_scores_that_are_mostly_undefined_have_no_interval():
    sums = np.array([[1.0], [2.0], [3.0]])
    assert percentile_interval(lambda s: np.where(s[:, 0] < 3, np.nan, s[:, 0]), sums) is None
    interval = percentile_interval(lambda s: np.where(s[:, 0] < 2, np.nan, s[:, 0]), sums)
    assert interval == pytest.approx([2.025, 2.975])


def test_units_have_names():
    assert (unit_name(None), unit_name(["a"])) == ("images", "people")


def test_misuse_is_refused():
    with pytest.raises(ParameterError, match="got 1 groups for 2 rows"):
        drawn_sums([[1.0], [2.0]], groups=["a"])
    with pytest.raises(ParameterError, match="at least 1 resample, got 0"):
        drawn_sums([[1.0], [2.0]], n_resamples=0)
