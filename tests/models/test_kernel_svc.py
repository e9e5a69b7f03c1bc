"""KernelSVC gives the answers of scikit-learn's SVC."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from classic_fer.models import kernel_search, kernel_svc
from classic_fer.models.kernel_svc import KernelSVC


def not_met_by_svc(estimator):
    """Checks that scikit-learn expects to fail for SVC, too: libsvm stops at a tolerance."""
    reason = "a weight of 2 is not quite two rows"
    kinds = ("dense", "sparse")
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in kinds}


@parametrize_with_checks(
    [KernelSVC(), KernelSVC(kernel="linear", break_ties=True)],
    expected_failed_checks=not_met_by_svc,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def problem(seed: int, n: int, classes: int, *, ties: bool = False):
    rng = np.random.default_rng(seed)
    y = np.array(["anger", "fear", "happiness", "neutral", "sadness"])[np.arange(n) % classes]
    X = rng.normal(size=(n, int(rng.integers(1, 8))))
    X[:, 0] += np.arange(n) % classes
    return np.round(X) if ties else X, y, rng.normal(size=(25, X.shape[1]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(10, 150),
    classes=st.integers(2, 5),
    ties=st.booleans(),
    kernel=st.sampled_from(["rbf", "rbf", "linear"]),
    C=st.sampled_from([0.01, 0.5, 10.0, 300.0]),
    gamma=st.sampled_from(["scale", "auto", 0.3]),
    class_weight=st.sampled_from([None, "balanced", {"anger": 2.5}]),
    shrinking=st.booleans(),
    shape=st.sampled_from(["ovr", "ovo"]),
)
def test_the_same_machine_as_svc(
    seed, n, classes, ties, kernel, C, gamma, class_weight, shrinking, shape
):
    X, y, held_out = problem(seed, n, classes, ties=ties)
    tight = {"tol": 1e-7} if kernel == "linear" else {}  # its optimum need not be unique
    theirs = SVC(
        C=C,
        kernel=kernel,
        gamma=gamma,
        class_weight=class_weight,
        shrinking=shrinking,
        decision_function_shape=shape,
        **tight,
    )
    ours = KernelSVC(**theirs.get_params()).fit(X, y)
    theirs.fit(X, y)
    tolerance = 1e-3 if kernel == "linear" else 1e-6
    found, expected = (
        model.set_params(decision_function_shape="ovo").decision_function(held_out).reshape(25, -1)
        for model in (ours, theirs)
    )
    np.testing.assert_allclose(found, expected, atol=tolerance * (1 + np.abs(expected).max()))
    clear = np.abs(expected).min(axis=1) > 1e-3  # a vote hangs on the sign of each decision
    found, expected = (
        model.set_params(decision_function_shape=shape).decision_function(held_out)
        for model in (ours, theirs)
    )
    np.testing.assert_allclose(found[clear], expected[clear], atol=0.01)
    np.testing.assert_array_equal(ours.predict(held_out)[clear], theirs.predict(held_out)[clear])
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.class_weight_, theirs.class_weight_)
    assert ours.shape_fit_ == theirs.shape_fit_
    if kernel == "rbf" and np.array_equal(ours.support_, theirs.support_):
        np.testing.assert_array_equal(ours.n_support_, theirs.n_support_)
        np.testing.assert_allclose(ours.support_vectors_, theirs.support_vectors_)
        np.testing.assert_allclose(ours.dual_coef_, theirs.dual_coef_, atol=1e-4 * C)


def test_the_solver_finds_the_multipliers_of_libsvm_to_the_last_bit():
    from classic_fer.models._smo import solve_two_classes

    rng = np.random.default_rng(0)
    for n in (4, 60, 300):
        X = rng.normal(size=(n, 4))
        X[: n // 2] += 0.7
        products = X @ X.T
        norms = products.diagonal()
        kernel = np.exp(-0.4 * (norms[:, np.newaxis] + norms - (products + products.T)))
        y = np.arange(n) >= n // 2
        for C in (0.1, 3.0, 100.0):
            svc = SVC(C=C, kernel="precomputed").fit(kernel, y)
            coefficients, intercept, iterations, bounded = solve_two_classes(
                kernel.astype(np.float32), kernel.diagonal().copy(), n // 2, C, C, 1e-3, True, -1
            )
            expected = np.zeros(n)
            expected[svc.support_] = -svc.dual_coef_[0]
            np.testing.assert_array_equal(coefficients, expected)
            assert intercept == -svc.intercept_[0]
            assert iterations == svc.n_iter_[0]
            assert bounded or np.abs(coefficients).max() < C


def test_rows_in_single_precision_stay_so_and_tiles_do_not_matter(monkeypatch):
    X, y, held_out = problem(3, 90, 4)
    wide = KernelSVC(gamma=0.3, C=5.0).fit(X, y)
    monkeypatch.setattr(kernel_search, "_DOUBLE_ROWS", 0)
    monkeypatch.setattr(kernel_search, "_TILE_BYTES", 64)
    monkeypatch.setattr(kernel_search, "_TEST_ROWS", 7)
    narrow = KernelSVC(gamma=0.3, C=5.0).fit(X.astype(np.float32), y)
    assert narrow.support_vectors_.dtype == np.float32
    np.testing.assert_allclose(
        narrow.decision_function(held_out.astype(np.float32)),
        wide.decision_function(held_out),
        atol=1e-3,
    )


def test_threads_change_nothing():
    X, y, held_out = problem(4, 120, 5)
    one = KernelSVC().fit(X, y)
    with parallel_config("threading", n_jobs=3):
        three = KernelSVC().fit(X, y)
    np.testing.assert_array_equal(
        one.decision_function(held_out), three.decision_function(held_out)
    )


@pytest.mark.parametrize("free", [0, "one kernel"])
def test_little_memory_gives_the_same_machine(monkeypatch, free):
    X, y, held_out = problem(5, 80, 3)
    expected = KernelSVC().fit(X, y).decision_function(held_out)
    size = kernel_search.pair_bytes([27, 27]) if free else 0
    monkeypatch.setattr(kernel_svc, "available_bytes", lambda: size)
    tight = KernelSVC().fit(X, y)
    np.testing.assert_allclose(tight.decision_function(held_out), expected, atol=1e-6)


def test_what_it_cannot_do_is_left_to_svc():
    X, y, held_out = problem(6, 60, 3)
    weights = np.linspace(0.2, 2, 60)
    for options, rows, extra in (
        ({"kernel": "poly", "degree": 2}, X, {}),
        ({}, X, {"sample_weight": weights}),
        ({}, csr_array(X), {}),
    ):
        ours = KernelSVC(**options).fit(rows, y, **extra)
        theirs = SVC(**options).fit(rows, y, **extra)
        test = csr_array(held_out) if rows is not X else held_out
        np.testing.assert_array_equal(ours.decision_function(test), theirs.decision_function(test))
        np.testing.assert_array_equal(ours.predict(test), theirs.predict(test))


def test_a_linear_machine_has_coefficients():
    X, y, _ = problem(7, 60, 3)
    ours, theirs = (kind(kernel="linear", tol=1e-8).fit(X, y) for kind in (KernelSVC, SVC))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


def test_an_iteration_limit_is_kept_and_warned_about():
    X, y, held_out = problem(8, 80, 3)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=5"):
        ours = KernelSVC(max_iter=5).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = SVC(max_iter=5).fit(X, y)
    np.testing.assert_array_equal(ours.n_iter_, theirs.n_iter_)
    assert ours.fit_status_ == 1
    np.testing.assert_allclose(
        ours.decision_function(held_out), theirs.decision_function(held_out), atol=1e-6
    )


def test_break_ties_takes_the_highest_decision():
    X, y, held_out = problem(9, 80, 5)
    model = KernelSVC(C=0.1, break_ties=True).fit(X, y)
    highest = model.decision_function(held_out).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(held_out), model.classes_[highest])
    bad = KernelSVC(break_ties=True, decision_function_shape="ovo").fit(X, y)
    with pytest.raises(ValueError, match="break_ties must be False"):
        bad.predict(held_out)


def test_copies_and_pickles():
    X, y, held_out = problem(10, 40, 3)
    model = clone(KernelSVC(C=2.0, gamma=0.7)).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict(held_out), model.predict(held_out))
    with pytest.raises(ValueError, match="number of classes has to be greater than one"):
        KernelSVC().fit(X, ["fear"] * 40)
