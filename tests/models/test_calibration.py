"""Temperature scaling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from classic_fer.errors import DataError
from classic_fer.models.calibration import calibration_folds, fit_temperature, temperature_softmax


def _drawn(temperature: float, n: int = 4000, seed: int = 0):
    """Scores, and classes drawn from softmax(scores / temperature)."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 3, (n, 4))
    chances = softmax(scores / temperature, axis=1).cumsum(axis=1)
    return scores, (rng.uniform(size=(n, 1)) > chances).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_temperature_of_drawn_classes_is_found(temperature):
    assert fit_temperature(*_drawn(temperature)) == pytest.approx(temperature, rel=0.08)


@given(st.floats(1e-6, 1e6))
@settings(max_examples=20, deadline=None)
def test_the_temperature_follows_the_scale_of_the_scores(factor):
    scores, true = _drawn(2.0, n=300)
    expected = factor * fit_temperature(scores, true)
    assert fit_temperature(scores * factor, true) == pytest.approx(expected, rel=1e-3)


@given(st.floats(0.01, 100))
def test_the_decision_stays(temperature):
    scores, _ = _drawn(1.0, n=50)
    np.testing.assert_array_equal(
        temperature_softmax(scores, temperature).argmax(axis=1), scores.argmax(axis=1)
    )


def test_scores_without_an_error_do_not_become_certainties():
    """The deviation from the paper: smoothed targets, here for five rows."""
    scores = np.eye(5) * 10
    highest = temperature_softmax(scores, fit_temperature(scores, np.arange(5))).max()
    assert highest == pytest.approx(6 / 10 + 1e-9, abs=0.01)


def test_classes_unknown_in_a_fold_get_no_probability_and_their_rows_no_say():
    scores, true = _drawn(2.0)
    masked = np.vstack([scores, [[1.0, 2.0, 3.0, -np.inf]]])
    with_unknown = fit_temperature(masked, np.append(true, 3))
    assert with_unknown == pytest.approx(fit_temperature(scores, true), rel=1e-4)
    assert temperature_softmax(masked[-1:], 2.0)[0, 3] == 0


def test_scores_that_do_not_differ_leave_the_temperature_at_one():
    assert fit_temperature(np.zeros((3, 2)), [0, 1, 1]) == 1.0


def test_scores_that_cannot_be_used_are_refused():
    with pytest.raises(DataError, match="contain NaN"):
        fit_temperature([[np.nan, 1.0]], [0])
    with pytest.raises(DataError, match="no true class was known"):
        fit_temperature([[-np.inf, 1.0]], [0])


def test_folds_keep_people_together_and_adapt_to_their_number():
    y = np.array(["a", "b"] * 6)
    groups = np.repeat(["P1", "P2", "P3"], 4)
    folds = calibration_folds(y, groups, 5, 0)
    assert len(folds) == 3
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
    assert len(calibration_folds(y, None, 5, 0)) == 5
    assert calibration_folds(y, ["P1"] * 12, 5, 0) == []
