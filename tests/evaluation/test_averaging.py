"""Averaging over variants of test faces in a cross-validation: predictions alone depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.holdout import evaluate
from classic_fer.models.recognizer import make_recognizer

QUICK: dict[str, Any] = {
    "features": "hog",
    "clf": "linear-svm",
    "grid": {"clf__C": [0.001]},
    "inner_cv": 2,
}


def chances(table):
    return table.filter(like="score_").to_numpy()


def test_people_held_out_are_predicted_by_averages(toy_dataset):
    dataset = toy_dataset()
    result, kept, search = cross_validate(dataset, cv="3", averaging="mirror+shift", **QUICK)
    plain, alike, plain_search = cross_validate(dataset, cv="3", **QUICK)
    assert result.recognizer["params"]["averaging"] == "mirror+shift"
    assert plain.recognizer["params"]["averaging"] is None
    assert search.best_score_ == plain_search.best_score_  # chosen on faces as they are
    assert kept.temperature_ == alike.temperature_
    table, ids = result.predictions, dataset.samples["id"]
    for fold in result.folds:
        rows = np.flatnonzero(ids.isin(table.loc[table["fold"] == fold["name"], "id"]))
        train = np.setdiff1d(np.arange(len(ids)), rows)
        alone = make_recognizer(
            "hog", "linear-svm", averaging="mirror+shift", clf__C=0.001, calibration=None
        ).fit(dataset.faces[train], dataset.y[train])
        got = chances(table.set_index("id").loc[ids.iloc[rows]])
        # Without the temperature, which scales differences of log-probabilities alike.
        logs, wanted = np.log(got), np.log(alone.predict_proba(dataset.faces[rows]))
        logs, wanted = logs - logs[:, :1], wanted - wanted[:, :1]
        ratio = (logs * wanted).sum() / (wanted**2).sum()
        np.testing.assert_allclose(logs, ratio * wanted, atol=1e-3 * np.abs(logs).max())
    assert np.abs(chances(table) - chances(plain.predictions)).max() > 1e-3


def test_a_part_held_out_gets_what_the_kept_recognizer_says(toy_dataset):
    dataset = toy_dataset(split=["train"] * 24 + ["public"] * 6 + ["final"] * 6)
    result, kept, _ = cross_validate(dataset, averaging="mirror", final=True, **QUICK)
    for table, rows in (
        (result.predictions, slice(24, 30)),
        (result.final_predictions, slice(30, 36)),
    ):
        expected = kept.predict_proba(dataset.faces[rows])
        np.testing.assert_allclose(chances(table), expected, atol=1e-9)
    again = evaluate(kept, dataset)
    assert again.recognizer["features"] == "hog"
    np.testing.assert_allclose(
        chances(again.predictions), kept.predict_proba(dataset.faces), atol=1e-9
    )


def test_folds_of_a_run_without_averaging_are_not_gone_on_with(toy_dataset, tmp_path):
    dataset = toy_dataset()
    cross_validate(dataset, cv="3", out=tmp_path, **QUICK)
    with pytest.raises(ParameterError):
        cross_validate(dataset, cv="3", out=tmp_path, resume=True, averaging="mirror", **QUICK)
