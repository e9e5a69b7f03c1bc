"""FeatureScaler: one scale for all features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from classic_fer.errors import ParameterError
from classic_fer.models.scaler import SCALER_METHODS, FeatureScaler


@pytest.mark.parametrize("method", SCALER_METHODS)
@pytest.mark.parametrize("columns", [1, 18, 300])
def test_mean_squared_distance_is_two_for_any_number_of_columns(method, columns):
    rng = np.random.default_rng(columns)
    X = rng.normal(3, rng.uniform(0.1, 10, columns), (40, columns)).astype(np.float32)
    out = FeatureScaler(method).fit_transform(X)
    # Over all ordered pairs, those of a row with itself included.
    mean = 2 * (pdist(out.astype(np.float64)) ** 2).sum() / len(X) ** 2
    assert mean == pytest.approx(2, rel=1e-4)
    assert out.dtype == np.float32


def test_standard_gives_columns_the_same_variance_and_center_keeps_their_ratio():
    X = np.random.default_rng(0).normal(0, [1, 10], (500, 2))
    np.testing.assert_allclose(FeatureScaler().fit_transform(X).var(axis=0), [0.5, 0.5], rtol=1e-4)
    kept = FeatureScaler("center").fit_transform(X).var(axis=0)
    assert kept[1] / kept[0] == pytest.approx(X[:, 1].var() / X[:, 0].var(), rel=1e-4)


def test_none_only_takes_one_factor():
    X = np.array([[1.0, 2.0], [3.0, 2.0]])
    np.testing.assert_allclose(FeatureScaler("none").fit_transform(X), X)


def test_constant_columns_become_zero_even_if_float32_rounds_their_mean():
    """Guards against dividing rounding noise by itself."""
    X = np.full((3000, 2), 0.1, np.float32)
    X[:, 1] = np.arange(3000)
    out = FeatureScaler().fit(X).transform(np.array([[0.3, 1.0]], np.float32))
    assert out[0, 0] == 0


def test_rows_that_are_all_alike_stay_finite():
    for method in SCALER_METHODS:
        out = FeatureScaler(method).fit_transform(np.ones((3, 2)))
        assert np.isfinite(out).all()


@given(arrays(np.float32, (7, 3), elements=st.floats(-1e3, 1e3, width=32)))
def test_fitting_keeps_its_input_and_rows_do_not_depend_on_their_batch(X):
    before = X.copy()
    scaler = FeatureScaler().fit(X)
    whole = scaler.transform(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(scaler.transform(X[2:3]), whole[2:3])


def test_deviations_too_small_for_float32_count_as_none():
    """Guards against an overflow of their reciprocal."""
    for method in SCALER_METHODS:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            out = FeatureScaler(method).fit_transform(np.array([[0.0], [1e-38]]))
        assert np.isfinite(out).all()


def test_an_unknown_method_lists_the_choices():
    with pytest.raises(ParameterError, match="unknown scaler method 'minmax'; expected one of"):
        FeatureScaler("minmax").fit(np.ones((2, 2)))
