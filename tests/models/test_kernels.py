"""Kernels against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pairwise

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.kernels import (
    KERNELS,
    KernelTerm,
    chi2_kernel,
    exponential_chi2_kernel,
    intersection_kernel,
    kernel_sum,
    kernel_terms,
    linear_kernel,
    rbf_kernel,
    scale_gamma,
)


def _histograms(n: int, d: int = 37, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.exponential(size=(n, d)) * (rng.random((n, d)) < 0.7)
    return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def _additive_chi2(X, Y):
    sums = X.sum(axis=1)[:, np.newaxis] + Y.sum(axis=1)
    return (pairwise.additive_chi2_kernel(X, Y) + sums) / 2


def _intersection(X, Y):
    sums = X.sum(axis=1)[:, np.newaxis] + Y.sum(axis=1)
    return (sums - pairwise.manhattan_distances(X, Y)) / 2


CASES = [
    (linear_kernel, pairwise.linear_kernel, {}),
    (rbf_kernel, pairwise.rbf_kernel, {"gamma": 0.7}),
    (chi2_kernel, _additive_chi2, {}),
    (exponential_chi2_kernel, pairwise.chi2_kernel, {"gamma": 1.3}),
    (intersection_kernel, _intersection, {}),
]


@pytest.mark.parametrize(("ours", "theirs", "params"), CASES)
def test_values_are_those_of_scikit_learn(ours, theirs, params):
    X, Y = _histograms(1100), _histograms(40, seed=1)
    expected = theirs(X.astype(np.float64), Y.astype(np.float64), **params)
    found = ours(X, Y, **params)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(ours(X, **params), ours(X, X, **params), atol=2e-6)


@pytest.mark.parametrize(("ours", "theirs", "params"), CASES)
def test_kernels_are_positive_semidefinite_and_leave_rows_alone(ours, theirs, params):
    X = _histograms(60)
    before = X.copy()
    kernel = ours(X, **params)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-6)
    assert np.linalg.eigvalsh(kernel.astype(np.float64)).min() > -1e-4
    np.testing.assert_array_equal(X, before)


def test_two_histograms_by_hand():
    X, Y = np.array([[1.0, 3.0, 0.0]]), np.array([[1.0, 1.0, 0.0]])
    assert chi2_kernel(X, Y)[0, 0] == pytest.approx(1 + 1.5)
    assert intersection_kernel(X, Y)[0, 0] == 2
    assert exponential_chi2_kernel(X, Y, gamma=1)[0, 0] == pytest.approx(np.exp(-1))


def test_scale_is_two_over_the_mean_distance():
    X = _histograms(50).astype(np.float64)
    squared = pairwise.euclidean_distances(X, squared=True).mean()
    assert scale_gamma("rbf", X) == pytest.approx(2 / squared)
    chi2 = -pairwise.additive_chi2_kernel(X).mean()
    assert scale_gamma("exp-chi2", X) == pytest.approx(2 / chi2, rel=1e-5)
    assert scale_gamma("rbf", np.ones((4, 2))) == 1


def test_a_sum_weights_kernels_of_blocks_of_columns():
    X, Y = _histograms(30), _histograms(20, seed=1)
    terms = kernel_terms([("rbf", 0.5, 2.0, 0, 10), KernelTerm("chi2", 3.0, start=10)], 1.0, X)
    expected = 0.5 * rbf_kernel(X[:, :10], Y[:, :10], gamma=2.0) + 3 * chi2_kernel(
        X[:, 10:], Y[:, 10:]
    )
    np.testing.assert_allclose(kernel_sum(terms, X, Y), expected, rtol=1e-6)


def test_names_stand_for_one_term():
    X = _histograms(10)[:, :36]
    assert kernel_terms("rbf", 0.25, X) == [("rbf", 1.0, 0.25, 0, None)]
    assert [kernel_terms(name, "scale", X)[0].kernel for name in KERNELS] == list(KERNELS)


@pytest.mark.parametrize(
    ("kernel", "gamma", "message"),
    [
        ("rfb", 1.0, "unknown kernel 'rfb'.*did you mean 'rbf'"),
        ("rbf", -1.0, "gamma must be 'scale' or a number above 0, got -1.0"),
        ("rbf", "auto", "gamma must be 'scale' or a number above 0, got 'auto'"),
        ([], 1.0, "at least one term"),
        ([("rbf", 0)], 1.0, "weight of a kernel must be a number above 0, got 0"),
        ([("rbf", 1.0, 1.0, 40)], 1.0, "reads no columns: 40:None of 37"),
    ],
)
def test_kernels_that_cannot_be_are_refused(kernel, gamma, message):
    with pytest.raises(ParameterError, match=message):
        kernel_terms(kernel, gamma, _histograms(5))


def test_negative_values_are_no_histograms():
    with pytest.raises(DataError, match="values of 0 or more, found -1"):
        intersection_kernel(np.array([[1.0, -1.0]]))


def test_a_sum_of_no_kernels_is_refused():
    with pytest.raises(ParameterError, match="at least one term"):
        kernel_sum([], _histograms(5))
