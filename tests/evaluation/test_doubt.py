"""The wished error in a cross-validation: thresholds of training people, kept with the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classic_fer.datasets import Dataset
from classic_fer.errors import ParameterError
from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.holdout import evaluate
from classic_fer.evaluation.protocols import dataset_protocol
from classic_fer.evaluation.result import Result

QUICK: dict[str, Any] = {
    "features": "hog",
    "clf": "linear-svm",
    "grid": {"clf__C": [0.001]},
    "inner_cv": 2,
}


def noisy(dataset: Dataset) -> Dataset:
    """The faces under so much noise that some answers are wrong."""
    images = dataset.faces["image"]
    noise = np.random.default_rng(1).normal(0, 20, images.shape)
    images[:] = np.clip(images + noise, 0, 255).astype(np.uint8)
    return dataset


@pytest.fixture
def wished(toy_dataset):
    """A run whose wish is met in part: some answers, some doubt."""
    dataset = noisy(toy_dataset(each=3))
    protocol = dataset_protocol(dataset, "3")
    result, recognizer, _ = cross_validate(dataset, cv=protocol, wished_error=0.1, **QUICK)
    return dataset, protocol, result, recognizer


def test_each_fold_answers_above_its_own_threshold(wished, tmp_path):
    _, _, result, _ = wished
    table = result.predictions
    thresholds = {fold["name"]: float(fold["threshold"]) for fold in result.folds}
    surest = table.filter(like="score_").max(axis=1)
    doubtful = surest < table["fold"].map(thresholds)
    assert 0 < doubtful.sum() < len(table)
    assert ((table["predicted"] == "abstained") == doubtful).all()
    assert result.answered["n"] == (~doubtful).sum()
    assert result.answered["wished_error"] == 0.1
    right = (table["predicted"] == table["true"]).sum()
    assert result.accuracy == pytest.approx(right / len(table))
    assert result.answered["accuracy"]["value"] == pytest.approx(right / (~doubtful).sum())
    result.save(tmp_path)
    assert Result.load(tmp_path).to_json() == result.to_json()


def test_nothing_of_the_test_part_moves_its_threshold(wished):
    dataset, protocol, result, _ = wished
    test = protocol.folds[0][1]
    rng = np.random.default_rng(5)
    dataset.faces["image"][test] = rng.integers(0, 255, dataset.faces["image"][test].shape)
    other, _, _ = cross_validate(dataset, cv=protocol, wished_error=0.1, **QUICK)
    assert other.folds[0]["threshold"] == result.folds[0]["threshold"]
    assert other.folds[1]["threshold"] != result.folds[1]["threshold"]


def test_a_saved_recognizer_is_unsure_in_evaluate(wished, toy_dataset):
    _, _, _, recognizer = wished
    new = noisy(toy_dataset(seed=8))
    result = evaluate(recognizer, new)
    answers = recognizer.predict(new.faces)
    assert "unsure" in answers
    expected = np.where(answers == "unsure", "abstained", answers)
    assert result.predictions["predicted"].tolist() == expected.tolist()
    assert result.answered["wished_error"] == 0.1
    assert (result.answered["folds"], result.answered["of"]) == (1, len(new))


def test_a_wish_that_is_no_share(toy_dataset):
    with pytest.raises(ParameterError, match="between 0 and 1, got 10"):
        cross_validate(toy_dataset(), cv="3", wished_error=10, **QUICK)
