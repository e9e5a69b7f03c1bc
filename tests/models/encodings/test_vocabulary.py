"""Mixtures of Gaussians, visual words and pooling, against scikit-learn and plain sums."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from classic_fer.models.encodings import vocabulary
from classic_fer.models.encodings.pooling import Affinity, Pooled, pool, pyramid_regions
from classic_fer.models.encodings.vocabulary import (
    Mixture,
    fit_mixture,
    nearest_word,
    visual_words,
    with_squares,
)


@pytest.fixture
def rows() -> np.ndarray:
    """Three clouds of different width."""
    rng = np.random.default_rng(0)
    clouds = [rng.normal(m, s, (400, 4)) for m, s in ((-3, 0.5), (0, 1), (4, 2))]
    return np.concatenate(clouds).astype(np.float32)


def test_a_mixture_converges_to_scikit_learns(rows):
    ours = fit_mixture(rows, 3, n_iter=60)
    theirs = GaussianMixture(
        3, covariance_type="diag", means_init=ours.means, max_iter=100, reg_covar=0
    ).fit(rows)
    np.testing.assert_allclose(ours.weights, theirs.weights_, atol=2e-3)
    np.testing.assert_allclose(ours.means, theirs.means_, atol=0.01)
    np.testing.assert_allclose(ours.variances, theirs.covariances_, rtol=0.02)


def test_one_iteration_is_scikit_learns(rows, monkeypatch):
    start, _ = vocabulary._start(rows, 5, 0)
    ours = fit_mixture(rows, 5, n_iter=1)
    theirs = GaussianMixture(
        5,
        covariance_type="diag",
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=1 / start.variances,
        max_iter=1,
        reg_covar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        theirs.fit(rows.astype(np.float64))
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-4)
    np.testing.assert_allclose(ours.means, theirs.means_, atol=1e-4)
    np.testing.assert_allclose(ours.variances, theirs.covariances_, rtol=1e-3)


def test_a_mixture_does_not_depend_on_threads(rows, monkeypatch):
    monkeypatch.setattr(vocabulary, "_BLOCK", 100)
    one, two = (fit_mixture(rows, 4, n_iter=5, n_jobs=n) for n in (1, 2))
    for name in ("weights", "means", "variances"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_columns_that_do_not_vary_leave_the_mixture_finite():
    rows = np.zeros((50, 3), np.float32)
    rows[:, 0] = np.arange(50)
    mixture = fit_mixture(rows, 4)
    assert np.isfinite(mixture.means).all()
    assert (mixture.variances > 0).all()
    affinity = fit_mixture(np.ones((50, 3), np.float32), 1).affinity()
    assert np.isfinite(affinity.bias).all()


def test_posteriors_are_scikit_learns(rows):
    mixture = fit_mixture(rows, 3)
    theirs = GaussianMixture(3, covariance_type="diag")
    theirs.weights_, theirs.means_ = mixture.weights, mixture.means
    theirs.covariances_ = mixture.variances
    theirs.precisions_cholesky_ = 1 / np.sqrt(mixture.variances)
    expected = theirs.predict_proba(rows.astype(np.float64))
    for i in (0, 400, 801):
        pooled = Pooled.empty(1, 3, 0)
        pool(with_squares(rows[[i]]), np.zeros((1, 1), int), mixture.affinity(), pooled)
        np.testing.assert_allclose(pooled.counts[0], expected[i], atol=2e-5)


def test_words_are_the_means_of_their_rows(rows):
    words, nearest = visual_words(rows, 3)
    assert words.dtype == np.float32
    distances = ((rows[:, None] - words) ** 2).sum(axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), nearest)


def test_sums_of_the_nearest_word():
    words = np.array([[0.0], [10.0]], np.float32)
    rows = np.array([[1.0], [2.0], [9.0]], np.float32)
    pooled = Pooled.empty(1, 2, 1)
    pool(rows, np.zeros((3, 1), np.int64), nearest_word(words), pooled)
    np.testing.assert_array_equal(pooled.counts, [[2, 1]])
    np.testing.assert_array_equal(pooled.sums, [[[3], [9]]])


def test_soft_sums_follow_a_gaussian_of_the_distance():
    words = np.array([[0.0], [2.0]], np.float32)
    pooled = Pooled.empty(1, 2, 1)
    pool(
        np.array([[0.5]], np.float32), np.zeros((1, 1), np.int64), nearest_word(words, 0.8), pooled
    )
    near, far = np.exp(-(0.5**2) / 1.6), np.exp(-(1.5**2) / 1.6)
    np.testing.assert_allclose(pooled.counts[0], [near / (near + far), far / (near + far)], 1e-5)


@pytest.mark.parametrize("k", [1, 31, 32, 33, 100])
def test_pooling_is_a_softmax_and_a_product(k):
    rng = np.random.default_rng(k)
    rows, regions = rng.normal(size=(1200, 5)).astype(np.float32), rng.integers(0, 2, (1200, 1))
    weights, bias = rng.normal(size=(5, k)).astype(np.float32), rng.normal(size=k)
    pooled = Pooled.empty(2, k, 3)
    pool(rows, regions, Affinity(weights, bias.astype(np.float32), -30.0), pooled)
    logits = rows @ weights + bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    for region in (0, 1):
        of = regions[:, 0] == region
        np.testing.assert_allclose(pooled.counts[region], shares[of].sum(axis=0), rtol=1e-3)
        np.testing.assert_allclose(
            pooled.sums[region], shares[of].T @ rows[of, :3], rtol=1e-3, atol=1e-3
        )


def test_regions_of_a_pyramid_go_row_by_row():
    centres = np.array([[-0.4, -0.4], [0.4, -0.4], [-0.4, 0.4], [0.4, 0.4], [0.5, 0.5]])
    regions = pyramid_regions(centres, (1, 2))
    assert regions.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4], [0, 4]]


def test_affinity_of_a_mixture_is_its_log_density():
    mixture = Mixture(np.array([0.25, 0.75]), np.array([[0.0], [1.0]]), np.array([[1.0], [4.0]]))
    affinity = mixture.affinity()
    got = with_squares(np.array([[2.0]], np.float32)) @ affinity.weights + affinity.bias
    expected = np.log([0.25, 0.75]) - 0.5 * np.log([1, 4]) - 0.5 * np.array([4.0, 1 / 4])
    np.testing.assert_allclose(got[0], expected, rtol=1e-6)
