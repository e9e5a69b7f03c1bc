"""Local learning: a ridge regression on the nearest training rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.neighbors import NearestNeighbors

from classic_fer.errors import ParameterError
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.local_ridge import LocalRidgeClassifier


def _blobs(n: int = 90, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = np.arange(n) % classes
    rows = rng.normal(size=(n, 5)) + codes[:, None] * np.array([1.0, -0.5, 0.3, 0.0, 0.7])
    return rows, np.array(["a", "b", "c"])[codes]


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("classes", [2, 3])
def test_with_all_rows_as_neighbours_it_is_kernel_ridge(kernel, classes):
    rows, labels = _blobs(classes=classes)
    whole = KernelRidgeClassifier(0.5, kernel=kernel, gamma=0.2).fit(rows, labels)
    local = LocalRidgeClassifier(90, alpha=0.5, kernel=kernel, gamma=0.2).fit(rows, labels)
    np.testing.assert_allclose(
        local.decision_function(rows[:9]), whole.decision_function(rows[:9]), atol=1e-9
    )


def test_more_neighbours_than_rows_are_all_rows():
    rows, labels = _blobs(30)
    some, more = (LocalRidgeClassifier(k).fit(rows, labels) for k in (30, 2000))
    np.testing.assert_array_equal(some.decision_function(rows), more.decision_function(rows))


def test_it_is_ridge_on_the_neighbours_that_scikit_learn_finds():
    rows, labels = _blobs()
    train, test = rows[:80], rows[80:]
    local = LocalRidgeClassifier(25, alpha=0.7, kernel="linear").fit(train, labels[:80])
    nearest = NearestNeighbors(n_neighbors=25).fit(train).kneighbors(test, return_distance=False)
    for row, near, decisions in zip(test, nearest, local.decision_function(test)):
        targets = np.where(labels[near, None] == local.classes_, 1.0, -1.0)
        middle, mean = train[near].mean(axis=0), targets.mean(axis=0)
        ridge = KernelRidge(alpha=0.7).fit(train[near] - middle, targets - mean)
        np.testing.assert_allclose(decisions, ridge.predict([row - middle])[0] + mean, atol=1e-9)


def test_one_neighbour_decides_alone():
    local = LocalRidgeClassifier(1).fit([[0.0], [1.0], [5.0]], ["a", "b", "c"])
    np.testing.assert_array_equal(local.predict([[0.4], [0.6], [9.0]]), ["a", "b", "c"])
    np.testing.assert_array_equal(local.decision_function([[0.4]]), [[1.0, -1.0, -1.0]])


def test_a_class_without_a_neighbour_gets_minus_one():
    rows = [[0.0], [0.1], [0.2], [0.3], [9.0], [9.1]]
    local = LocalRidgeClassifier(4, kernel="linear").fit(rows, ["a", "b", "a", "b", "c", "c"])
    assert local.decision_function([[0.15]])[0, 2] == pytest.approx(-1.0)


def test_it_learns_what_no_single_plane_separates():
    rng = np.random.default_rng(1)
    rows = rng.uniform(-1, 1, (400, 2))
    labels = np.where(rows[:, 0] * rows[:, 1] > 0, "same", "other")
    local = LocalRidgeClassifier(30, alpha=0.1, kernel="linear").fit(rows[:300], labels[:300])
    whole = KernelRidgeClassifier(0.1, kernel="linear").fit(rows[:300], labels[:300])
    assert local.score(rows[300:], labels[300:]) > 0.85 > whole.score(rows[300:], labels[300:])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors must be an integer from 1 to 2048, got 0"),
        ({"n_neighbors": 2.5}, "got 2.5"),
        ({"n_neighbors": True}, "got True"),
        ({"n_neighbors": 5000}, "got 5000"),
        ({"kernel": "chi2"}, "kernel must be 'linear' or 'rbf', got 'chi2'"),
        ({"alpha": 0}, "alpha must be above 0"),
        ({"gamma": -1.0}, "gamma must be 'scale' or a number above 0"),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(ParameterError, match=message):
        LocalRidgeClassifier(**params).fit(*_blobs(12))
