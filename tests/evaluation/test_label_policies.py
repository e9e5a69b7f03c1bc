"""The same answers under several label policies, as the data are and balanced by class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from classic_fer.emotions import LabelPolicy
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.label_policies import balanced_counts, score_label_policies


class Sure:
    """Answers given names, with three quarters of the probability on them."""

    def __init__(self, classes, answers):
        self.classes_ = np.array(classes)
        self.answers = answers

    def predict_proba(self, faces):
        chances = np.full((len(faces), len(self.classes_)), 0.25 / (len(self.classes_) - 1))
        for row, name in enumerate(self.answers):
            chances[row, list(self.classes_).index(name)] = 0.75
        return chances


@pytest.fixture
def faces(toy_dataset):
    """Six neutral, three fear, three contempt; one third of them answered wrongly."""
    dataset = toy_dataset(n_people=4, each=1)
    true = ["neutral"] * 6 + ["fear"] * 3 + ["contempt"] * 3
    answers = ["neutral"] * 5 + ["fear"] + ["fear"] * 2 + ["neutral"] + ["contempt", "neutral"]
    dataset.samples["label"] = true
    return dataset, np.array(true), np.array([*answers, "fear"])


def test_answers_are_renamed_with_the_labels(faces):
    dataset, true, answers = faces
    model = Sure(["neutral", "fear", "contempt"], answers)
    keep, merged, dropped = score_label_policies(model, dataset, ["keep", "merge7", "drop7"])
    assert keep["scores"]["accuracy"]["value"] == pytest.approx(np.mean(true == answers))
    both = [np.where(names == "contempt", "neutral", names) for names in (true, answers)]
    assert merged["scores"]["accuracy"]["value"] == pytest.approx(accuracy_score(*both))
    assert merged["scores"]["macro_f1"]["value"] == pytest.approx(f1_score(*both, average="macro"))
    assert (merged["n"], merged["classes"]) == (12, ["neutral", "fear"])
    assert merged["changes"] == [("contempt", "neutral", 3)]
    assert (dropped["n"], dropped["changes"]) == (9, [("contempt", None, 3)])
    assert dropped["scores"]["accuracy"]["value"] == pytest.approx(7 / 9)


def test_balanced_scores_weigh_every_class_the_same(faces):
    dataset, true, answers = faces
    model = Sure(["neutral", "fear", "contempt"], answers)
    (row,) = score_label_policies(model, dataset, ["keep"])
    weights = [1 / (true == name).sum() for name in true]
    expected = {
        "accuracy": accuracy_score(true, answers, sample_weight=weights),
        "macro_f1": f1_score(true, answers, sample_weight=weights, average="macro"),
    }
    for name, value in expected.items():
        assert row["balanced"][name]["value"] == pytest.approx(value)
        low, high = row["balanced"][name]["ci95"]
        assert low <= value <= high
    assert row["balanced"]["accuracy"] == row["scores"]["balanced_accuracy"]
    assert row["interval"] == "people"


def test_classes_that_the_recognizer_lacks_are_counted(faces):
    dataset, _, answers = faces
    answers[answers == "contempt"] = "fear"
    model = Sure(["neutral", "fear"], answers)
    keep, merged = score_label_policies(model, dataset, ["keep", "merge7"])
    assert (keep["n"], keep["left_out"]) == (9, {"contempt": 3})
    assert (merged["n"], merged["left_out"]) == (12, {})


def test_removed_answers_are_wrong_unless_classes_are_restricted(faces):
    dataset, _, answers = faces
    answers[0] = "contempt"
    model = Sure(["neutral", "fear", "contempt"], answers)
    (loose,) = score_label_policies(model, dataset, ["drop7"])
    (strict,) = score_label_policies(model, dataset, ["drop7"], restrict_classes=True)
    assert loose["scores"]["accuracy"]["value"] == pytest.approx(6 / 9)
    assert strict["scores"]["accuracy"]["value"] == pytest.approx(7 / 9)


def test_policies_that_cannot_be_scored_are_refused(faces):
    dataset, _, answers = faces
    model = Sure(["neutral", "fear", "contempt"], answers)
    renamed = LabelPolicy("odd", {"neutral": "x", "fear": None, "contempt": None})
    assert score_label_policies(model, dataset, [renamed])[0]["n"] == 6
    with pytest.raises(DataError, match="under the label policy '6class' no face"):
        score_label_policies(
            Sure(["neutral", "contempt"], ["neutral"] * 6), dataset.subset(range(6)), ["6class"]
        )
    with pytest.raises(ParameterError, match="unknown label policy 'drop9'"):
        score_label_policies(model, dataset, ["drop9"])


def test_empty_rows_of_a_confusion_matrix_stay_empty():
    assert balanced_counts(np.array([[0, 0, 0], [1, 1, 2]])).tolist() == [
        [0, 0, 0],
        [0.25, 0.25, 0.5],
    ]
