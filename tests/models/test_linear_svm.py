"""LinearSVM gives the answers of scikit-learn's LinearSVC."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

import classic_fer.models.squared_hinge as squared_hinge
from classic_fer.errors import DataError, ParameterError
from classic_fer.models.linear_svm import LinearSVM


def _problem(n: int, d: int, k: int, *, dtype: type = np.float64, seed: int = 0):
    """Rows of `k` unbalanced classes that overlap, not centred."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    codes[: n // 4] = 0
    X = rng.normal(size=(n, d)) + 0.3 * rng.normal(size=(k, d))[codes] + 0.5
    return (X / np.sqrt(d)).astype(dtype), np.array(list("abcdefg"))[codes]


def _reference(X, y, **params) -> LinearSVC:
    dual = X.shape[0] <= X.shape[1]
    model = LinearSVC(tol=1e-8, dual=dual, max_iter=1_000_000, random_state=0, **params)
    return model.fit(X.astype(np.float64), y)


def _solution(model) -> np.ndarray:
    return np.column_stack([model.coef_, model.intercept_])


def _assert_same(found, expected, X, tolerance: float = 1e-3) -> None:
    assert found.coef_.shape == expected.coef_.shape
    assert found.intercept_.shape == expected.intercept_.shape
    error = np.linalg.norm(_solution(found) - _solution(expected))
    assert error < tolerance * np.linalg.norm(_solution(expected))
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("C", [0.1, 3.0, 30.0])
@pytest.mark.parametrize(
    ("shape", "class_weight"),
    [
        ((200, 20, 3), None),
        ((200, 20, 7), "balanced"),
        ((150, 20, 2), "balanced"),
        ((150, 20, 2), {"a": 1.0, "b": 5.0}),
        ((60, 200, 4), None),
        ((60, 200, 4), "balanced"),
        ((40, 90, 2), {"a": 1.0, "b": 5.0}),
        ((80, 80, 3), None),
    ],
)
def test_coefficients_and_predictions_are_those_of_linear_svc(shape, class_weight, C, dtype):
    X, y = _problem(*shape, dtype=dtype)
    found = LinearSVM(C, class_weight=class_weight).fit(X, y)
    assert found.coef_.dtype == dtype
    _assert_same(found, _reference(X, y, C=C, class_weight=class_weight), X)


@pytest.mark.parametrize("shape", [(200, 20, 3), (60, 200, 4)])
def test_without_a_preconditioner_the_answer_is_the_same(shape, monkeypatch):
    monkeypatch.setattr(squared_hinge, "_MOST_FACTOR", 5)
    X, y = _problem(*shape)
    _assert_same(LinearSVM(3.0).fit(X, y), _reference(X, y, C=3.0), X)


@pytest.mark.parametrize("shape", [(200, 20, 3), (60, 200, 4), (150, 20, 2)])
def test_a_start_from_the_solution_ends_there(shape):
    X, y = _problem(*shape)
    model = LinearSVM(3.0).fit(X, y)
    again = LinearSVM(3.0).fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert again.n_iter_ <= 1 < model.n_iter_
    np.testing.assert_allclose(_solution(again), _solution(model), atol=1e-3)


def test_two_rows_by_hand():
    # Minimises w^2 / 2 + 2 C (1 - w)^2 with b = 0: w = 4 C / (1 + 4 C).
    model = LinearSVM(0.5, tol=1e-9).fit(np.array([[-1.0], [1.0]]), [0, 1])
    assert model.coef_[0, 0] == pytest.approx(2 / 3)
    assert model.intercept_[0] == pytest.approx(0, abs=1e-9)


def test_a_tolerance_below_rounding_still_ends():
    X, y = _problem(60, 5, 3, dtype=np.float32)
    assert LinearSVM(tol=0).fit(X, y).n_iter_ < 100


def test_columns_of_very_different_scale_and_repeated_rows_do_no_harm():
    X, y = _problem(120, 10, 3)
    X = np.vstack([X, X]) * np.logspace(-2, 1, 10)
    y = np.concatenate([y, y])
    _assert_same(LinearSVM(1.0).fit(X, y), _reference(X, y, C=1.0), X)


def test_rows_of_zeros_leave_the_intercepts():
    model = LinearSVM().fit(np.zeros((6, 3)), [0, 0, 0, 0, 1, 2])
    assert not model.coef_.any()
    assert model.predict(np.zeros((1, 3))).tolist() == [0]


def test_too_few_iterations_are_a_warning():
    X, y = _problem(200, 20, 3)
    with pytest.warns(ConvergenceWarning, match="not converged in 2 iterations"):
        LinearSVM(max_iter=2).fit(X, y)


def test_what_cannot_be_fitted_is_refused():
    X, y = _problem(20, 3, 3)
    with pytest.raises(DataError, match="found one class"):
        LinearSVM().fit(X, ["a"] * 20)
    with pytest.raises(ParameterError, match="C must be above 0, got 0"):
        LinearSVM(0).fit(X, y)
    with pytest.raises(ParameterError, match=r"coef_init must have shape \(3, 3\), got \(1, 3\)"):
        LinearSVM().fit(X, y, coef_init=np.zeros((1, 3)))
