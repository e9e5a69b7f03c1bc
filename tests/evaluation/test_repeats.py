"""Repeated folds: how their predictions are scored and compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.leak_gap import leak_gap
from classic_fer.evaluation.matched_predictions import match_predictions
from classic_fer.evaluation.predictions_table import score_sheets
from classic_fer.reports.content import protocol_sentence

TRIAL = {"features": "hog", "clf": "linear-svm", "grid": {"clf__C": [1.0]}, "inner_cv": 2}


def test_repeats_are_pooled_and_the_gap_is_of_the_same_repeats(toy_dataset):
    dataset = toy_dataset()
    held_out, _, _ = cross_validate(dataset, cv="2x3", **TRIAL)
    random, _, _ = cross_validate(dataset, cv="random2x3", **TRIAL)
    assert (held_out.protocol["repeats"], held_out.protocol["folds"]) == (2, 6)
    assert (held_out.dataset["n"], len(held_out.predictions)) == (36, 72)
    assert protocol_sentence(held_out) == "2 x 3 folds, people held out (6 people)"
    assert protocol_sentence(random) == "2 x 3 random folds, people ignored"
    right = held_out.predictions["true"] == held_out.predictions["predicted"]
    repeat = held_out.predictions["fold"].str[0]
    assert held_out.accuracy == pytest.approx(right.groupby(repeat).mean().mean())
    gap = leak_gap(held_out, random)
    assert gap.gap == pytest.approx(random.accuracy - held_out.accuracy)
    assert (gap.n, gap.n_people) == (72, 6)


def table(right: np.ndarray, repeats: int) -> pd.DataFrame:
    """Predictions of twenty faces of unknown people, `repeats` times the same."""
    once = pd.DataFrame(
        {
            "id": [f"{i}.png" for i in range(len(right))],
            "true": "neutral",
            "predicted": np.where(right, "neutral", "fear"),
            "score_neutral": np.where(right, 0.8, 0.2),
            "score_fear": np.where(right, 0.2, 0.8),
            "found": True,
            "subject": None,
        }
    )
    parts = [once.assign(fold=f"{repeat}.1") for repeat in range(1, repeats + 1)]
    return pd.concat(parts, ignore_index=True)


def test_repeating_the_same_predictions_narrows_no_interval():
    right = np.arange(20) % 3 > 0
    once, _ = score_sheets(table(right, 1))
    often, _ = score_sheets(table(right, 5))
    assert often["interval"] == "images"
    assert often["scores"]["accuracy"]["value"] == once["scores"]["accuracy"]["value"]
    widths = [np.ptp(sheet["scores"]["accuracy"]["ci95"]) for sheet in (once, often)]
    assert widths[1] == pytest.approx(widths[0], abs=0.06)


def test_repeated_predictions_are_matched_in_turn_and_tested_once():
    first, second = table(np.arange(20) % 3 > 0, 2), table(np.arange(20) % 4 > 0, 2)
    matched = match_predictions({"a": first, "b": second.sample(frac=1, random_state=0)})
    assert len(matched.ids) == 40
    assert matched.once.sum() == 20
    assert matched.units.tolist() == matched.ids.tolist()
    assert np.array_equal(matched.right[:20], matched.right[20:])
