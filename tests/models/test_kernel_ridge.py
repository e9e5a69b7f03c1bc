"""Kernel ridge classifiers, and held-out decision values without refits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, StratifiedShuffleSplit

import classic_fer.models.ridge_systems as ridge_systems
from classic_fer.errors import DataError, ParameterError
from classic_fer.models.held_out import held_out_path, ridge_held_out_path
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernels import kernel_sum, kernel_terms
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import make_recognizer

ALPHAS = [3.0, 0.03, 30.0, 0.3]
WEIGHTS = [None, "balanced", {0: 3.0, 1: 1.0, 2: 0.5}]


def _problem(n: int = 120, d: int = 25, k: int = 3, seed: int = 0):
    """Rows (not centred), labels, people."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    y[: n // 4] = 0
    X = (rng.normal(size=(n, d)) + 0.5 * rng.normal(size=(k, d))[y]) / np.sqrt(d) + 0.1
    return X, y, rng.integers(0, 13, n)


def _weights(class_weight, y):
    if not isinstance(class_weight, dict):
        return class_weight
    return {label: class_weight[label] for label in np.unique(y).tolist()}


def _refits(make, X, y, folds, k):
    scores = np.full((len(ALPHAS), len(y), k), np.nan)
    for number, alpha in enumerate(ALPHAS):
        for train, test in folds:
            decision = make(alpha).fit(X[train], y[train]).decision_function(X[test])
            if decision.ndim == 1:
                decision = np.column_stack([-decision, decision])
            scores[number, test] = decision
    return scores


@pytest.mark.parametrize("class_weight", WEIGHTS)
@pytest.mark.parametrize("k", [2, 3])
def test_with_a_linear_kernel_it_is_the_ridge_classifier(k, class_weight):
    X, y, _ = _problem(k=k)
    weights = _weights(class_weight, y)
    found = KernelRidgeClassifier(0.3, kernel="linear", class_weight=weights).fit(X, y)
    expected = RidgeClassifier(0.3, class_weight=weights).fit(X, y)
    np.testing.assert_allclose(found.decision_function(X), expected.decision_function(X), atol=1e-9)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))
    # One row a class, not 120: the coefficients.
    np.testing.assert_allclose(found.X_fit_, np.atleast_2d(expected.coef_), atol=1e-9)


@pytest.mark.parametrize("class_weight", WEIGHTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conjugate_gradients_and_factorisation_agree(class_weight, dtype, monkeypatch):
    X, y, _ = _problem()
    X = X.astype(dtype)
    model = KernelRidgeClassifier(0.1, gamma=0.5, class_weight=class_weight, tol=1e-7)
    expected = model.fit(X, y).decision_function(X)
    monkeypatch.setattr(ridge_systems, "FACTOR_ROWS", 10)
    found = model.fit(X, y).decision_function(X)
    np.testing.assert_allclose(found, expected, atol=1e-6 if dtype is np.float64 else 1e-4)


@pytest.mark.parametrize("kernel", ["chi2", "exp-chi2", "intersection"])
def test_histogram_kernels_learn_on_histograms(kernel):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.dirichlet(np.ones(12), 90) + 0.3 * np.eye(12)[y]
    assert KernelRidgeClassifier(kernel=kernel).fit(X[:60], y[:60]).score(X[60:], y[60:]) > 0.8
    with pytest.raises(DataError, match="values of 0 or more"):
        KernelRidgeClassifier(kernel=kernel).fit(X - 1, y)


def test_a_sum_of_kernels_can_be_saved(toy, pixels, tmp_path):
    terms = [("rbf", 1.0, 0.5, 0, 100), ("linear", 2.0, "scale", 100, None)]
    model = make_recognizer("lbp", "krr", clf__kernel=terms, features__lbp__grid=(2, 2))
    model.fit(toy.faces, toy.y)
    loaded = load_model(save_model(model, tmp_path / "model.skops"))
    np.testing.assert_array_equal(loaded.predict_proba(toy.faces), model.predict_proba(toy.faces))


@pytest.mark.parametrize("class_weight", WEIGHTS)
@pytest.mark.parametrize("method", ["eigen", "folds", "auto"])
@pytest.mark.parametrize("k", [2, 3])
def test_held_out_values_are_those_of_refits(k, method, class_weight):
    if method == "eigen" and class_weight == "balanced":
        return
    X, y, people = _problem(k=k)
    folds = list(GroupKFold(4).split(X, y, people))
    weights = _weights(class_weight, y)
    gram = kernel_sum(kernel_terms("rbf", 0.5, X), X)
    found = held_out_path(gram, y, folds, ALPHAS, class_weight=weights, method=method, tol=1e-9)
    expected = _refits(
        lambda alpha: KernelRidgeClassifier(alpha, gamma=0.5, class_weight=weights), X, y, folds, k
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_single_precision_holds_out_to_its_tolerance():
    X, y, people = _problem()
    folds = list(LeaveOneGroupOut().split(X, y, people))
    gram = kernel_sum(kernel_terms("rbf", 0.5, X), X)
    expected = held_out_path(gram, y, folds, ALPHAS, method="eigen")
    found = held_out_path(gram.astype(np.float32), y, folds, ALPHAS, method="folds", tol=1e-5)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("class_weight", WEIGHTS)
@pytest.mark.parametrize(("k", "d"), [(2, 25), (3, 25), (3, 200)])
def test_held_out_ridge_is_that_of_refits(k, d, class_weight):
    X, y, people = _problem(k=k, d=d)
    folds = list(GroupKFold(4).split(X, y, people))
    weights = _weights(class_weight, y)
    found = ridge_held_out_path(X, y, folds, ALPHAS, class_weight=weights)
    expected = _refits(lambda alpha: RidgeClassifier(alpha, class_weight=weights), X, y, folds, k)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_folds_that_leave_rows_out():
    X, y, _ = _problem()
    splitter = StratifiedShuffleSplit(1, train_size=0.6, test_size=0.2, random_state=0)
    folds = list(splitter.split(X, y))
    expected = _refits(RidgeClassifier, X, y, folds, 3)
    np.testing.assert_allclose(ridge_held_out_path(X, y, folds, ALPHAS), expected, atol=1e-6)
    found = held_out_path(X @ X.T, y, folds, ALPHAS, tol=1e-9)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.isnan(found).any()
    with pytest.raises(ParameterError, match="method='eigen' needs folds that train on all rows"):
        held_out_path(X @ X.T, y, folds, ALPHAS, method="eigen")


@pytest.mark.parametrize(
    "path", [ridge_held_out_path, lambda X, *rest: held_out_path(X @ X.T, *rest)]
)
def test_a_class_without_training_rows_cannot_be_predicted(path):
    X, y, _ = _problem()
    folds = [(np.flatnonzero(y != 2), np.flatnonzero(y == 2))]
    scores = path(X, y, folds, [1.0])[0]
    assert (scores[y == 2, 2] == -np.inf).all()
    assert np.isfinite(scores[y == 2, :2]).all()


def test_what_cannot_be_fitted_is_refused(monkeypatch):
    X, y, _ = _problem()
    folds = [(np.arange(60), np.arange(60, 120))]
    with pytest.raises(ParameterError, match="alpha must be above 0, got"):
        KernelRidgeClassifier(0).fit(X, y)
    with pytest.raises(ParameterError, match=r"unknown method 'eigne'.*did you mean 'eigen'"):
        held_out_path(X @ X.T, y, folds, [1.0], method="eigne")
    with pytest.raises(DataError, match="found one class"):
        KernelRidgeClassifier().fit(X, np.zeros(120))
    monkeypatch.setattr(ridge_systems, "FACTOR_ROWS", 10)
    with pytest.warns(ConvergenceWarning, match="not converged in 2 iterations"):
        held_out_path(X @ X.T, y, folds, [0.01], method="folds", max_iter=2)
