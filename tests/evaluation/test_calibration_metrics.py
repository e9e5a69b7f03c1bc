"""Calibration and doubt: hand-computed values, scikit-learn, and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.calibration_metrics import (
    CALIBRATION_METRICS,
    brier_score,
    calibration_scores,
    expected_calibration_error,
    log_loss,
    reliability_bins,
    top_k_accuracy,
)

CLASSES = ["neutral", "happiness", "anger"]  # not in alphabetical order, as in all reports
PROBA = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]])
TRUE = ["neutral", "happiness", "anger", "neutral"]


def drawn(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that follow them."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet([0.6, 0.8, 1.0], n)
    true = np.array([rng.choice(CLASSES, p=row) for row in proba])
    return proba, true


def test_hand_computed_values():
    assert log_loss(PROBA, TRUE, CLASSES) == pytest.approx(
        -np.log([0.7, 0.6, 0.4, 0.1]).mean(), abs=1e-12
    )
    squares = [0.09 + 0.04 + 0.01, 0.09 + 0.16 + 0.01, 0.25 + 0.01 + 0.36, 0.81 + 0.64 + 0.01]
    assert brier_score(PROBA, TRUE, CLASSES) == pytest.approx(np.mean(squares), abs=1e-12)
    # The last row ties neutral with anger behind happiness; the first column comes first.
    assert top_k_accuracy(PROBA, TRUE, CLASSES) == 1
    assert top_k_accuracy(PROBA, [*TRUE[:3], "anger"], CLASSES) == 0.75
    assert top_k_accuracy(PROBA, TRUE, CLASSES, k=1) == 0.5
    assert top_k_accuracy(PROBA, TRUE, CLASSES, k=3) == 1


def test_calibration_error_by_hand():
    # Two bins of width 0.5: (0, 0.5] holds the third row, (0.5, 1] the others.
    low, high = reliability_bins(PROBA, TRUE, CLASSES, n_bins=2)
    assert (low.low, low.high, low.n, low.confidence, low.accuracy) == (0, 0.5, 1, 0.5, 0)
    assert (high.n, high.accuracy) == (3, pytest.approx(2 / 3))
    assert high.confidence == pytest.approx(0.7)
    expected = 1 / 4 * 0.5 + 3 / 4 * abs(0.7 - 2 / 3)
    assert expected_calibration_error(PROBA, TRUE, CLASSES, n_bins=2) == pytest.approx(
        expected, abs=1e-12
    )


def test_empty_bins_have_no_means():
    empty = reliability_bins(PROBA, TRUE, CLASSES)[0]
    assert empty.n == 0
    assert np.isnan([empty.confidence, empty.accuracy]).all()


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(seed):
    proba, true = drawn(seed)
    by_name = np.argsort(CLASSES)
    sorted_proba, labels = proba[:, by_name], np.sort(CLASSES)
    assert log_loss(proba, true, CLASSES) == pytest.approx(
        sk.log_loss(true, sorted_proba, labels=labels), abs=1e-9
    )
    assert top_k_accuracy(proba, true, CLASSES) == pytest.approx(
        sk.top_k_accuracy_score(true, sorted_proba, k=2, labels=labels), abs=1e-9
    )
    # Brier's sum over classes is the sum of the binary scores of each class.
    binary = sum(sk.brier_score_loss(true == name, proba[:, i]) for i, name in enumerate(CLASSES))
    assert brier_score(proba, true, CLASSES) == pytest.approx(binary, abs=1e-9)


def test_certainty():
    sure = np.eye(3)
    assert log_loss(sure, CLASSES, CLASSES) == 0
    assert brier_score(sure, CLASSES, CLASSES) == 0
    assert expected_calibration_error(sure, CLASSES, CLASSES) == 0
    wrong = ["happiness", "anger", "neutral"]
    assert log_loss(sure, wrong, CLASSES) == pytest.approx(-np.log(np.finfo(float).eps))
    assert brier_score(sure, wrong, CLASSES) == 2
    assert expected_calibration_error(sure, wrong, CLASSES) == 1


def test_true_probabilities_are_calibrated_and_sharpened_ones_are_not():
    proba, true = drawn(0, 20_000)
    sharp = proba**3 / (proba**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(proba, true, CLASSES) < 0.02
    assert expected_calibration_error(sharp, true, CLASSES) > 0.1
    for each in reliability_bins(proba, true, CLASSES):
        if each.n > 500:
            assert each.confidence == pytest.approx(each.accuracy, abs=0.06)


def test_sheet_has_all_metrics_with_intervals():
    proba, true = drawn(1)
    people = np.arange(200) // 8
    sheet = calibration_scores(proba, true, CLASSES, groups=people, random_state=3)
    assert (sheet["n"], sheet["interval"]) == (200, "people")
    assert list(sheet["scores"]) == list(CALIBRATION_METRICS)
    functions = (log_loss, brier_score, expected_calibration_error, top_k_accuracy)
    for (name, score), function in zip(sheet["scores"].items(), functions):
        assert score["value"] == pytest.approx(function(proba, true, CLASSES), abs=1e-12)
        assert score["ci95"][0] < score["ci95"][1]
        if name != "ece":
            assert score["ci95"][0] < score["value"] < score["ci95"][1]
    assert calibration_scores(proba, true, CLASSES, groups=people, random_state=3) == sheet
    assert calibration_scores(proba, true, CLASSES)["interval"] == "images"


@pytest.mark.parametrize(
    ("proba", "true", "match"),
    [
        (PROBA, TRUE[:3], r"each of 3 labels .* got shape \(4, 3\)"),
        (PROBA[:, :2], TRUE, r"each of 3 classes, got shape \(4, 2\)"),
        (np.empty((0, 3)), [], "at least one"),
        (PROBA * 2, TRUE, "between 0 and 1"),
        (np.where(PROBA == 0.7, np.nan, PROBA), TRUE, "without NaN"),
        (PROBA / 2, TRUE, "sum to 1, one is off by 0.5"),
        (PROBA, ["fear", *TRUE[1:]], r"labels \['fear'\] are not among"),
    ],
)
@pytest.mark.parametrize(
    "function",
    [log_loss, brier_score, expected_calibration_error, top_k_accuracy, calibration_scores],
)
def test_ill_formed_probabilities_are_refused(function, proba, true, match):
    with pytest.raises(DataError, match=match):
        function(proba, true, CLASSES)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: top_k_accuracy(PROBA, TRUE, CLASSES, k=0), ParameterError, "at least 1, got 0"),
        (
            lambda: reliability_bins(PROBA, TRUE, CLASSES, n_bins=0),
            ParameterError,
            "at least 1 bin, got 0",
        ),
    ],
)
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
