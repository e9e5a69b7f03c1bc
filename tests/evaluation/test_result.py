"""Result: JSON and CSV without loss."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import DataError, MissingFileError
from classic_fer.evaluation.result import Result, environment, read_predictions


def small_result() -> Result:
    predictions = pd.DataFrame(
        {
            "id": ["001.png", "NA", "a,b.png"],
            "fold": ["1", "1", "2"],
            "true": ["fear", "anger", "fear"],
            "predicted": ["fear", "abstained", "anger"],
            "score_fear": [0.1 + 0.2, 1 / 3, 1e-17],
            "score_anger": [0.7, 2 / 3, 1.0],
            "found": [True, False, True],
            "subject": pd.Series(["007", None, "NA"], dtype=object),
        }
    )
    return Result(
        dataset={"name": "toy", "n": 3, "classes": ["fear", "anger"]},
        protocol={"name": "2", "groups": 2, "folds": 2, "hash": "ab"},
        recognizer={"features": "lbp", "clf": "svm", "params": {"clf__C": np.float64(1e-3)}},
        best_params={"clf__C": np.float64(1e-3), "features__lbp__radius": (1, 2)},
        scores={"accuracy": {"value": 1 / 3, "ci95": [0.0, float("nan")]}},
        folds=[{"scores": {"accuracy": 0.5}}, {"scores": {"accuracy": 0.0}}],
        coverage={"found": 2, "of": 3},
        predictions=predictions,
        environment=environment(),
    )


def test_json_has_the_fields_that_programs_read():
    data = json.loads(small_result().to_json())
    wanted = "schema_version command dataset protocol recognizer best_params scores folds coverage"
    assert set([*wanted.split(), "unreadable", "predictions", "environment", "seconds"]) <= set(
        data
    )
    assert data["predictions"] == "predictions.csv"
    assert data["best_params"] == {"clf__C": 0.001, "features__lbp__radius": [1, 2]}
    assert data["scores"]["accuracy"]["ci95"] == [0.0, None]


def test_save_and_load_lose_nothing(tmp_path):
    result = small_result()
    result.final_predictions = result.predictions.iloc[:1]
    path = result.save(tmp_path / "run")
    for place in (path, path.parent):
        loaded = Result.load(place)
        assert loaded.to_json() == result.to_json()
        pd.testing.assert_frame_equal(loaded.predictions, result.predictions, check_dtype=False)
        assert loaded.final_predictions is not None
        assert loaded.final_predictions["id"].tolist() == ["001.png"]


def test_predictions_keep_names_that_look_like_numbers_or_gaps(tmp_path):
    small_result().save(tmp_path)
    table = read_predictions(tmp_path / "predictions.csv")
    assert table["id"].tolist() == ["001.png", "NA", "a,b.png"]
    assert table["subject"].tolist() == ["007", None, "NA"]
    assert table["score_fear"].tolist() == [0.1 + 0.2, 1 / 3, 1e-17]


def test_accuracies_for_reports():
    result = small_result()
    assert result.accuracy == pytest.approx(1 / 3)
    assert result.fold_accuracies == [0.5, 0.0]
    result.scores = {}
    assert result.accuracy is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "no JSON"),
        ('{"schema_version": 99}', "schema version 99"),
        ('{"schema_version": 1, "scores": {}}', "lacks best_params, coverage"),
    ],
)
def test_what_is_not_a_result_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        Result.from_json(text)


def test_a_folder_without_a_result(tmp_path):
    with pytest.raises(MissingFileError, match=r"result\.json"):
        Result.load(tmp_path)
