"""Metrics against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.metrics import (
    METRICS,
    classification_scores,
    confusion_counts,
    per_class_scores,
    scores_of_counts,
)

CLASSES = ["anger", "fear", "neutral", "sadness"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 80))
def test_metrics_are_those_of_scikit_learn(seed, n):
    rng = np.random.default_rng(seed)
    true, predicted = rng.choice(CLASSES, n), rng.choice([*CLASSES, "abstained"], n)
    true[:2] = CLASSES[:2]
    scores = scores_of_counts(confusion_counts(true, predicted, CLASSES))
    labels = sorted(set(true))
    expected = {
        "accuracy": reference.accuracy_score(true, predicted),
        "balanced_accuracy": reference.recall_score(
            true, predicted, labels=labels, average="macro", zero_division=0
        ),
        "macro_f1": reference.f1_score(
            true, predicted, labels=labels, average="macro", zero_division=0
        ),
        "weighted_f1": reference.f1_score(
            true, predicted, labels=labels, average="weighted", zero_division=0
        ),
        "kappa": reference.cohen_kappa_score(true, predicted),
        "mcc": reference.matthews_corrcoef(true, predicted),
    }
    assert list(scores) == list(METRICS)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=1e-12), name


def test_per_class_table_by_hand():
    true = ["anger"] * 4 + ["fear"] * 2
    predicted = ["anger", "anger", "anger", "fear", "fear", "anger"]
    table = per_class_scores(
        confusion_counts(true, predicted, ["anger", "fear"]), ["anger", "fear"]
    )
    unknown = {"precision": None, "recall": None, "f1": None}
    anger = {"class": "anger", "precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 4}
    fear = {"class": "fear", "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert table == [anger | {"ci95": unknown}, fear | {"ci95": unknown}]


def test_intervals_of_classes_come_from_the_draws_that_hold_them():
    # Three people: recall of fear is 1 with the first, 0 with the second; the third shows none.
    people = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    true = ["fear"] * 8 + ["anger"] * 4
    predicted = ["fear"] * 4 + ["anger"] * 4 + ["anger"] * 4
    fear = classification_scores(true, predicted, ["fear", "anger"], groups=people)["per_class"][0]
    assert fear["recall"] == 0.5
    assert fear["ci95"]["recall"] == [0.0, 1.0]
    alone = classification_scores(true, predicted, groups=["a"] * 12)["per_class"][0]
    assert alone["ci95"] == {"precision": None, "recall": None, "f1": None}


def test_a_sheet_by_hand():
    sheet = classification_scores(["fear", "fear", "anger"], ["fear", "abstained", "contempt"])
    assert sheet["n"] == 3
    assert sheet["scores"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert sheet["scores"]["balanced_accuracy"]["value"] == pytest.approx((1 / 2 + 0) / 2)
    assert sheet["majority_baseline"] == pytest.approx(2 / 3)
    assert sheet["confusion"] == {
        "true": ["fear", "anger"],
        "predicted": ["fear", "anger", "contempt", "abstained"],
        "counts": [[1, 0, 0, 1], [0, 0, 1, 0]],
    }
    assert [row["class"] for row in sheet["per_class"]] == ["fear", "anger"]


def test_bootstrap_over_two_people_by_hand():
    # One person is always right (9 faces), one always wrong (3 faces). A draw of two people holds
    # the first 0, 1 or 2 times: accuracy 0, 9/12 or 1, each tail with probability 1/4.
    true = np.array(["fear"] * 6 + ["anger"] * 6)
    predicted = true.copy()
    people = np.array(["right"] * 9 + ["wrong"] * 3)
    predicted[9:] = "fear"
    sheet = classification_scores(true, predicted, groups=people)
    low, high = sheet["scores"]["accuracy"]["ci95"]
    assert (low, high) == (0.0, 1.0)


def test_bootstrap_over_images_matches_the_normal_interval():
    true = np.array(["fear", "anger"] * 500)
    predicted = true.copy()
    predicted[:200] = predicted[1:201]
    low, high = classification_scores(true, predicted)["scores"]["accuracy"]["ci95"]
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert low == pytest.approx(0.8 - half, abs=0.005)
    assert high == pytest.approx(0.8 + half, abs=0.005)


def test_intervals_over_people_are_wider_when_people_differ():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(20), 30)
    true = rng.choice(["fear", "anger"], 600)
    right = rng.random(600) < np.repeat(rng.uniform(0.3, 1, 20), 30)
    predicted = np.where(right, true, np.where(true == "fear", "anger", "fear"))
    spread = [
        np.diff(classification_scores(true, predicted, groups=g)["scores"]["accuracy"]["ci95"])[0]
        for g in (None, people)
    ]
    assert spread[1] > 1.5 * spread[0]


def test_the_unit_of_intervals_is_said_and_seeds_fix_them():
    true, predicted = ["fear", "anger"] * 5, ["fear", "fear"] * 5
    images = classification_scores(true, predicted)
    people = classification_scores(true, predicted, groups=list("aabbccddee"))
    assert (images["interval"], people["interval"]) == ("images", "people")
    assert images == classification_scores(true, predicted)


def test_one_person_has_no_interval():
    sheet = classification_scores(["fear", "anger"], ["fear", "fear"], groups=["p", "p"])
    assert sheet["scores"]["accuracy"] == {"value": 0.5, "ci95": None}


@pytest.mark.parametrize(
    ("true", "predicted", "groups", "error", "message"),
    [
        ([], [], None, DataError, "no predictions"),
        (["fear"], ["fear", "fear"], None, DataError, "1 true and 2 predicted"),
        (["fear"], ["joy"], None, DataError, r"labels \['joy'\] are not among"),
        (["fear"], ["fear"], ["a", "b"], ParameterError, "2 groups for 1 rows"),
    ],
)
def test_unusable_predictions(true, predicted, groups, error, message):
    with pytest.raises(error, match=message):
        classification_scores(true, predicted, ["fear"], groups=groups)
