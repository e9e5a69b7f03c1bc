"""The pairwise linear-programming classifier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.lp import (
    PairwiseLPClassifier,
    _small_program,
    pairwise_votes,
    separating_plane,
)


def _mean_distances(first, second, w, threshold):
    short = np.maximum(0, 1 - (first @ w - threshold)).mean()
    return short + np.maximum(0, 1 + (second @ w - threshold)).mean()


def test_separable_points_get_the_plane_in_the_middle():
    w, threshold = separating_plane([[2.0, 0.0], [3.0, 5.0]], [[0.0, 0.0], [-1.0, 5.0]], C=1e4)
    np.testing.assert_allclose(w, [1, 0], atol=1e-7)
    assert threshold == pytest.approx(1)


def test_overlapping_points_reach_the_smallest_mean_distance():
    """One stray point of three on the wrong side: worked out by hand.

    With w x - t as decision, the least of mean(y) + mean(z) is at a plane through the borders.
    """
    first, second = np.array([[1.0], [2.0], [-1.0]]), np.array([[0.0], [-2.0], [-3.0]])
    w, threshold = separating_plane(first, second, C=1e6)
    best = min(
        _mean_distances(first, second, np.array([v]), t)
        for v in np.linspace(-3, 3, 121)
        for t in np.linspace(-4, 4, 161)
    )
    assert _mean_distances(first, second, w, threshold) <= best + 1e-6


def test_each_class_weighs_the_same_however_many_rows_it_has():
    """Deviation-free part of Bennett and Mangasarian: means, not sums."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (30, 2)), rng.normal(0.7, 1, (10, 2))
    once = separating_plane(first, second, C=50)
    thrice = separating_plane(np.repeat(first, 3, axis=0), second, C=50)
    cost = [_mean_distances(first, second, *plane) for plane in (once, thrice)]
    assert cost[0] == pytest.approx(cost[1], abs=0.02)


def test_the_columns_that_were_left_out_do_not_matter():
    """Column generation against the program over all columns at once."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(15, 130)), rng.normal(0.3, 1, (25, 130))
    scale = np.sqrt(np.vstack([first, second]).var(axis=0).mean())

    def cost(w, threshold):
        return np.abs(w).sum() * scale + 4 * _mean_distances(first, second, w, threshold)

    rows = np.vstack([first, -second]) / scale
    side = np.repeat([-1.0, 1.0], [15, 25])
    w, threshold, _ = _small_program(rows, side, 4 / np.repeat([15, 25], [15, 25]))
    assert cost(*separating_plane(first, second, C=4)) == pytest.approx(cost(w / scale, threshold))


def test_points_that_cannot_be_told_apart_get_an_empty_plane():
    w, _ = separating_plane(np.ones((3, 4)), np.ones((2, 4)), C=1)
    np.testing.assert_array_equal(w, 0)


def test_more_columns_than_rows_give_a_sparse_plane():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(10, 200)), rng.normal(size=(10, 200))
    w, threshold = separating_plane(first, second, C=1e4)
    assert _mean_distances(first, second, w, threshold) == pytest.approx(0, abs=1e-6)
    assert (np.abs(w) > 1e-9).sum() <= 20


@given(st.floats(1e-3, 1e3), st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_decisions_do_not_depend_on_the_scale_of_the_features(factor, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 1, (12, 3)), rng.normal(1, 1, (12, 3))
    w, threshold = separating_plane(first, second, C=5)
    scaled_w, scaled_threshold = separating_plane(first * factor, second * factor, C=5)
    np.testing.assert_allclose(
        first * factor @ scaled_w - scaled_threshold, first @ w - threshold, atol=1e-5
    )


def test_a_class_that_wins_all_its_pairs_wins_as_in_any_tournament():
    """The deviation from the paper (votes for a knock-out tournament) does not matter then."""
    decisions = np.random.default_rng(0).normal(size=(200, 6))
    scores = pairwise_votes(decisions, 4)
    wins = np.zeros((200, 4), int)
    for pair, (i, j) in enumerate([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]):
        wins[:, i] += decisions[:, pair] > 0
        wins[:, j] += decisions[:, pair] <= 0
    champion = wins.max(axis=1) == 3
    assert champion.any()
    np.testing.assert_array_equal(scores.argmax(axis=1)[champion], wins.argmax(axis=1)[champion])


def test_a_circle_of_wins_is_broken_by_how_clear_they_are():
    scores = pairwise_votes([[5.0, -0.1, 0.2]], 3)  # 0 beats 1 clearly, 2 beats 0, 1 beats 2
    assert scores.argmax() == 0
    assert (np.abs(scores - 1) < 1 / 3).all()


def test_seven_expressions_give_21_planes_and_named_classes():
    rng = np.random.default_rng(0)
    y = np.repeat(list("abcdefg"), 6)
    X = rng.normal(size=(42, 5)) * 0.1 + np.eye(7, 5)[np.repeat(range(7), 6)]
    X[y == "g"] += 3
    model = PairwiseLPClassifier().fit(X, y)
    assert model.coef_.shape == (21, 5)
    assert model.decision_function(X).shape == (42, 7)
    assert model.score(X, y) > 0.9


def test_two_classes_have_one_decision_positive_for_the_second():
    X, y = np.array([[0.0], [1.0], [4.0], [5.0]]), np.array(["a", "a", "b", "b"])
    model = PairwiseLPClassifier(C=100).fit(X, y)
    decision = model.decision_function(X)
    assert decision.shape == (4,)
    assert model.predict(X).tolist() == y.tolist()
    assert (decision[2:] > 0).all()


def test_what_cannot_be_solved_is_refused():
    with pytest.raises(DataError, match=r"one class: \['a'\]"):
        PairwiseLPClassifier().fit([[0.0], [1.0]], ["a", "a"])
    with pytest.raises(ParameterError, match="C must be greater than 0, got 0"):
        PairwiseLPClassifier(C=0).fit([[0.0], [1.0]], ["a", "b"])
