"""evaluate: a trained recognizer on other data, also with other classes."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError
from classic_fer.evaluation.holdout import evaluate
from classic_fer.models.recognizer import make_recognizer


@pytest.fixture
def trained(toy_dataset):
    dataset = toy_dataset(seed=1)
    return make_recognizer("hog", "svm").fit(dataset.faces, dataset.y, dataset.groups)


def test_scores_of_all_rows(trained, toy_dataset):
    dataset = toy_dataset(seed=2)
    result = evaluate(trained, dataset)
    expected = (trained.predict(dataset.faces) == dataset.y).mean()
    assert result.accuracy == pytest.approx(expected)
    assert result.protocol == {**result.protocol, "name": "evaluate", "folds": 0, "groups": 6}
    assert result.recognizer["clf"] == "svm"
    assert result.predictions["id"].tolist() == dataset.samples["id"].tolist()


def test_classes_that_the_recognizer_lacks_are_counted_and_left_out(trained, toy_dataset):
    dataset = toy_dataset(seed=2)
    dataset.samples.loc[[0, 1, 6], "label"] = "contempt"
    result = evaluate(trained, dataset)
    assert result.left_out == {"contempt": 3}
    assert result.dataset["n"] == len(result.predictions) == 33
    assert any("3 faces of class 'contempt' are left out" in note for note in result.warnings)


def test_classes_that_the_data_lack_are_wrong_unless_restricted(trained, toy_dataset):
    dataset = toy_dataset(seed=2)
    dataset = dataset.subset(dataset.y != "anger")
    # Some neutral faces that look angry.
    angry = trained.predict(toy_dataset(seed=2).faces) == "anger"
    dataset.faces[:3] = toy_dataset(seed=2).faces[angry][:3]
    free = evaluate(trained, dataset)
    assert (free.predictions["predicted"] == "anger").sum() >= 3
    assert free.confusion["true"] == ["neutral", "happiness"]
    assert free.confusion["predicted"] == ["neutral", "happiness", "anger"]
    assert any("classes that the data lack count as wrong" in note for note in free.warnings)
    held = evaluate(trained, dataset, restrict_classes=True)
    assert set(held.predictions["predicted"]) <= {"neutral", "happiness"}
    np.testing.assert_array_equal(held.predictions["score_anger"], 0)
    np.testing.assert_allclose(held.predictions.filter(like="score_").sum(axis=1), 1)
    assert held.accuracy >= free.accuracy
    assert held.dataset["n"] == free.dataset["n"] == 24


def test_nothing_in_common(trained, toy_dataset):
    dataset = toy_dataset()
    dataset.samples["label"] = "contempt"
    with pytest.raises(DataError, match=r"none of the classes of the data \(contempt\)"):
        evaluate(trained, dataset)


class Divided:
    """Sees disgust in everything, or two other bad things that are likelier together."""

    classes_ = np.array(["neutral", "disgust", "anger", "contempt"])

    def __init__(self):
        self.bundle_ = {"notes": ["made of paper"]}

    def predict_proba(self, X):
        return np.tile([0.4, 0.1, 0.3, 0.2], (len(X), 1))


def test_a_label_policy_renames_the_answers_and_adds_their_probabilities(toy_dataset):
    dataset = toy_dataset()  # a third each of neutral, happiness, anger
    as_they_are = evaluate(Divided(), dataset)
    assert set(as_they_are.predictions["predicted"]) == {"neutral"}
    result = evaluate(Divided(), dataset.with_labels("3class"))
    assert set(result.predictions["predicted"]) == {"negative"}
    np.testing.assert_allclose(result.predictions["score_negative"], 0.6)
    assert result.left_out == {"positive": 12}
    assert result.accuracy == pytest.approx(0.5)
    assert any("'3class' renames the answers, too" in note for note in result.warnings)
    assert "made of paper" in result.warnings
    merged = evaluate(Divided(), dataset.with_labels("merge7"))
    np.testing.assert_allclose(merged.predictions["score_neutral"], 0.6)


def test_answers_learned_under_the_policy_are_not_renamed_again(toy_dataset):
    """Guards against a file that swaps two names being applied twice."""
    from classic_fer.emotions import LabelPolicy

    swap = LabelPolicy("swap", {"neutral": "anger", "anger": "neutral"})
    dataset = toy_dataset().with_labels(swap)
    recognizer = Divided()
    assert set(evaluate(recognizer, dataset).predictions["predicted"]) == {"anger"}
    recognizer.label_policy_ = swap
    assert set(evaluate(recognizer, dataset).predictions["predicted"]) == {"neutral"}


class EveryFaceIsHappy:
    """Anything with probabilities over faces can be evaluated, such as a network."""

    classes_ = np.array(["neutral", "happiness"])

    def predict_proba(self, X):
        return np.tile([0.25, 0.75], (len(X), 1))


def test_other_recognizers(toy_dataset):
    dataset = toy_dataset()
    result = evaluate(EveryFaceIsHappy(), dataset)
    assert result.accuracy == pytest.approx(0.5)
    assert result.left_out == {"anger": 12}
    assert result.recognizer["clf"] == "EveryFaceIsHappy"


def test_data_of_the_training_set_are_named(toy_dataset):
    dataset = toy_dataset()
    model = make_recognizer("hog", "knn").fit(dataset.faces, dataset.y)
    model.set_bundle(alignment=dataset.alignment, dataset={"name": "toy"})
    notes = " ".join(evaluate(model, dataset).warnings)
    assert "was trained on 'toy': scores on faces that it has seen are too good" in notes
