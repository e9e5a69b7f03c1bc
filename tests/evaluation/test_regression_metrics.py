"""Valence and arousal: hand-computed values, definitions, and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from classic_fer.errors import DataError
from classic_fer.evaluation.regression_metrics import (
    REGRESSION_METRICS,
    ccc,
    pearson,
    regression_scores,
    rmse,
    sagr,
)

METRICS = (rmse, pearson, ccc, sagr)


def test_hand_computed_values():
    true, predicted = [0.5, -0.5, 0.0, 1.0], [0.25, 0.25, 0.0, 1.0]
    assert rmse(true, predicted) == pytest.approx(np.sqrt((0.0625 + 0.5625) / 4), abs=1e-12)
    assert sagr(true, predicted) == 0.75
    # covariance 0.21875, variances 0.3125 and 0.140625, means 0.25 and 0.375.
    assert pearson(true, predicted) == pytest.approx(
        0.15625 / np.sqrt(0.3125 * 0.140625), abs=1e-12
    )
    assert ccc(true, predicted) == pytest.approx(
        2 * 0.15625 / (0.3125 + 0.140625 + 0.015625), abs=1e-12
    )


def test_concordance_is_lowered_by_shift_and_scale():
    x = np.linspace(-1, 1, 11)
    assert ccc(x, x) == pytest.approx(1)
    assert ccc(x, -x) == pytest.approx(-1)
    assert pearson(x, x / 2 + 0.3) == pytest.approx(1)
    assert ccc(x, x + 0.5) == pytest.approx(2 * x.var() / (2 * x.var() + 0.25), abs=1e-12)
    assert ccc(x, x / 2) == pytest.approx(0.8, abs=1e-12)


@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_agrees_with_direct_formulas(seed, shift, scale):
    x, noise = np.random.default_rng(seed).standard_normal((2, 30))
    true, predicted = scale * x + shift, scale * (0.6 * x + 0.5 * noise) + shift
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    bias = (true.mean() - predicted.mean()) ** 2
    assert rmse(true, predicted) == pytest.approx(np.sqrt(np.mean((true - predicted) ** 2)))
    assert pearson(true, predicted) == pytest.approx(stats.pearsonr(true, predicted)[0], abs=1e-9)
    assert ccc(true, predicted) == pytest.approx(
        2 * covariance / (true.var() + predicted.var() + bias), abs=1e-9
    )


def test_zero_agrees_with_zero_only():
    assert sagr([0.0, 0.0, -0.1], [0.0, 0.1, -0.9]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6 + 0.1])
def test_constant_values_have_no_correlation(constant):
    varied, fixed = [constant, constant + 1, constant + 2], [constant] * 3
    assert np.isnan(pearson(varied, fixed))
    assert ccc(varied, fixed) == 0
    assert np.isnan(ccc(fixed, fixed))
    scores = regression_scores(fixed, fixed)["scores"]
    assert scores["ccc"] == {"value": None, "ci95": None}
    assert scores["rmse"]["value"] == 0


def test_sheet_has_all_metrics_with_intervals_over_people():
    rng = np.random.default_rng(3)
    people = np.repeat(np.arange(20), 5)
    true = np.repeat(rng.uniform(-1, 1, 20), 5)
    predicted = true + np.repeat(rng.normal(0, 0.3, 20), 5)
    over_people = regression_scores(true, predicted, groups=people, random_state=1)
    over_images = regression_scores(true, predicted, random_state=1)
    assert list(over_people["scores"]) == list(REGRESSION_METRICS)
    assert (over_people["interval"], over_images["interval"]) == ("people", "images")
    for name, function in zip(REGRESSION_METRICS, METRICS):
        wide, narrow = (sheet["scores"][name] for sheet in (over_people, over_images))
        assert wide["value"] == function(true, predicted)
        assert wide["ci95"][0] < wide["value"] < wide["ci95"][1]
        # Five alike images of each person: as images they look like more evidence than they are.
        assert np.diff(wide["ci95"]) > 1.5 * np.diff(narrow["ci95"])
    again = regression_scores(true, predicted, groups=people, random_state=1)
    assert again == over_people


@pytest.mark.parametrize(
    ("true", "predicted", "match"),
    [
        ([], [], r"got shapes \(0,\) and \(0,\)"),
        ([1.0, 2.0], [1.0], r"got shapes \(2,\) and \(1,\)"),
        ([1.0, np.nan], [1.0, 2.0], "NaN or infinity"),
    ],
)
@pytest.mark.parametrize("function", [*METRICS, regression_scores])
def test_ill_formed_values_are_refused(function, true, predicted, match):
    with pytest.raises(DataError, match=match):
        function(true, predicted)
