"""What is scored from a table of predictions: probabilities, doubt, and label noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from classic_fer.datasets import Dataset
from classic_fer.datasets.cards import generic_card
from classic_fer.evaluation.predictions_table import (
    fold_scores,
    label_noise,
    probabilities_of,
    score_sheets,
)

CLASSES = ["neutral", "happiness", "anger"]


def table_of(n: int = 60, *, threshold: float = 0.0) -> pd.DataFrame:
    """Answers that follow their probabilities; every sixth face was not found."""
    rng = np.random.default_rng(0)
    chances = rng.dirichlet([0.7, 0.7, 0.7], n)
    named = np.array(CLASSES)[chances.argmax(axis=1)]
    found = np.arange(n) % 6 > 0
    predicted = np.where((chances.max(axis=1) < threshold) | ~found, "abstained", named)
    table = pd.DataFrame(
        {
            "id": [f"{i}" for i in range(n)],
            "fold": np.where(np.arange(n) % 2, "1", "2"),
            "true": [rng.choice(CLASSES, p=row) for row in chances],
            "predicted": predicted,
        }
    )
    for name, column in zip(CLASSES, chances.T):
        table[f"score_{name}"] = column
    return table.assign(found=found, subject=[f"P{i % 7}" for i in range(n)])


def test_probabilities_are_scored_beside_the_answers():
    table = table_of(threshold=0.6)
    sheet, found = score_sheets(table)
    assert next(iter(sheet["scores"])) == "accuracy"
    rows = table["found"]
    chances = table.loc[rows, [f"score_{name}" for name in sorted(CLASSES)]].to_numpy()
    expected = reference.log_loss(table["true"][rows], chances, labels=sorted(CLASSES))
    assert sheet["scores"]["log_loss"]["value"] == pytest.approx(expected, abs=1e-12)
    top2 = reference.top_k_accuracy_score(table["true"][rows], chances, k=2, labels=sorted(CLASSES))
    assert sheet["scores"]["top2"]["value"] == pytest.approx(top2)
    # Faces that were not found say nothing about probabilities, but are wrong answers.
    assert found["scores"]["log_loss"]["value"] == sheet["scores"]["log_loss"]["value"]
    assert found["scores"]["accuracy"]["value"] > sheet["scores"]["accuracy"]["value"]
    for score in sheet["scores"].values():
        assert score["ci95"][0] <= score["value"] <= score["ci95"][1]


def test_doubt_is_scored_where_there_is_any():
    table = table_of(threshold=0.6)
    sheet, _ = score_sheets(table, wished_error=0.3)
    answered = table["predicted"] != "abstained"
    right = (table["predicted"] == table["true"])[answered]
    assert sheet["answered"]["n"] == answered.sum() < 50
    assert sheet["answered"]["accuracy"]["value"] == pytest.approx(right.mean())
    assert sheet["answered"]["wished_error"] == 0.3
    everything = table.assign(predicted=table["true"])
    assert score_sheets(everything)[0]["answered"] is None


def test_scores_of_a_fold_are_those_of_its_sheet():
    table = table_of(threshold=0.5)
    sheet, _ = score_sheets(table)
    values = {name: score["value"] for name, score in sheet["scores"].items()}
    assert fold_scores(table) == pytest.approx(values, abs=1e-12)


def test_tables_without_faces_or_known_classes_have_no_probabilities_to_judge():
    table = table_of()
    lost = table.assign(found=False, predicted="abstained")
    assert probabilities_of(lost)[1].shape == (0, 3)
    assert "log_loss" not in fold_scores(lost)
    assert "log_loss" not in score_sheets(lost)[0]["scores"]
    rows, _ = probabilities_of(table.assign(true=["contempt", *table["true"][1:]]))
    assert not rows[0]


def test_label_noise_is_that_of_the_scored_rows():
    labels = ["happiness", "anger"] * 25
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(50)], "label": labels})
    samples["subject"], samples["split"] = None, None
    samples["second_label"] = [*labels[:40], *[None] * 10]
    samples["label_2"] = ["anger"] * 20 + [None] * 30
    data = Dataset(
        name="made",
        samples=samples,
        source=None,
        card=generic_card("made", splits=set(), people=False),
        photos=np.zeros((50, 4, 4), np.uint8),
    )
    table = table_of(50).assign(id=samples["id"], true=labels, predicted=["happiness"] * 50)
    both, few = label_noise(data, table)
    assert (both["column"], both["n"], both["too_few"]) == ("second_label", 40, False)
    assert both["agreement"]["value"] == both["kappa"]["value"] == 1
    assert both["accuracy"]["value"] == 0.5
    assert (few["column"], few["n"], few["agreement"]) == ("label_2", 20, None)
    assert few["accuracy"] is None
    assert "only 20 faces are labelled by two people" in few["sentence"]
    assert label_noise(data, table[20:45])[0]["n"] == 20
