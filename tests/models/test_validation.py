"""Rows that one part of a recognizer hands to the next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from classic_fer.models.scaler import FeatureScaler
from classic_fer.models.validation import validated_rows

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def fitted():
    return FeatureScaler().fit(ROWS)


def test_float32_rows_are_not_copied(fitted):
    assert validated_rows(fitted, ROWS) is ROWS


@pytest.mark.parametrize("rows", [ROWS.astype(int), ROWS.tolist(), np.asfortranarray(ROWS)])
def test_other_rows_are_converted(fitted, rows):
    made = validated_rows(fitted, rows)
    assert made.flags.c_contiguous
    assert made.dtype in (np.float32, np.float64)
    np.testing.assert_array_equal(made, ROWS)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(fitted, bad):
    rows = ROWS.copy()
    rows[2, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        validated_rows(fitted, rows)


def test_finite_values_whose_sum_overflows_are_taken(fitted):
    rows = np.full((2, 3), 3e38, dtype=np.float32)
    np.testing.assert_array_equal(validated_rows(fitted, rows), rows)


@pytest.mark.parametrize("shape", [(2, 4), (0, 3), (3,), (1, 2, 3)])
def test_rows_of_another_shape_are_refused(fitted, shape):
    with pytest.raises(ValueError, match=r"features|sample|1D|dim"):
        validated_rows(fitted, np.zeros(shape, dtype=np.float32))


def test_names_of_columns_are_still_compared():
    fitted = FeatureScaler().fit(pd.DataFrame(ROWS, columns=list("abc")))
    with pytest.raises(ValueError, match="feature names"):
        validated_rows(fitted, pd.DataFrame(ROWS, columns=list("abd")))


def test_an_estimator_that_was_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        validated_rows(FeatureScaler(), ROWS)
