"""StudyResult: JSON in and out, and the files of its folder."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import DataError, MissingFileError
from classic_fer.reports.studies.folder import write_study
from classic_fer.reports.studies.report import cell_text, markdown_study
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts, score


@pytest.fixture
def result():
    rows = [
        {"level": 0.07, "accuracy": score(0.5, [0.4, 0.6]), "n": 1200, "p": None},
        {"level": 0.1, "accuracy": score(0.25), "n": 3, "p": 0.001},
    ]
    return StudyResult(
        name="example",
        title="Example: jaffe",
        question="Does it last?",
        dataset={
            "name": "jaffe",
            "n": 4,
            "classes": {"neutral": 3, "anger": 1},
            "people": None,
            "majority": {"class": "neutral", "accuracy": 0.75},
            "found": 3,
            "unreadable": 0,
            "label_policy": None,
        },
        tables=[
            StudyTable("levels", "Levels", rows, formats={"level": "g", "p": ".2g"}),
            StudyTable("raw", "Raw", [{"a": 1}], shown=False),
        ],
        conclusions=["It does."],
        limits=["Forever."],
        warnings=["Only today."],
        recognizer={"features": "lbp", "clf": "svm", "params": {}, "model": None},
        protocol={"name": "10", "folds": 10, "groups": 10},
        arrays={"curve": np.array([[1.5, 2.5]])},
    )


def test_json_in_and_out_without_loss(result, tmp_path):
    result.save(tmp_path)
    again = StudyResult.load(tmp_path)
    assert again.to_dict() == result.to_dict()
    assert again.tables == result.tables
    np.testing.assert_array_equal(again.arrays["curve"], result.arrays["curve"])
    assert again.table("levels").column("accuracy") == [0.5, 0.25]


def test_what_is_no_study_is_refused(result, tmp_path):
    with pytest.raises(MissingFileError, match=r"study\.json"):
        StudyResult.load(tmp_path)
    path = result.save(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 9}))
    with pytest.raises(DataError, match="schema version 9"):
        StudyResult.load(tmp_path)
    path.write_text("{")
    with pytest.raises(DataError, match="is not a study"):
        StudyResult.load(path)
    with pytest.raises(DataError, match="has no table 'leaves'; its tables are levels, raw"):
        result.table("leaves")


def test_rows_of_a_table_have_its_columns():
    with pytest.raises(DataError, match=r"has the columns \['a'\], a row has \['b'\]"):
        StudyTable("t", "T", [{"a": 1}, {"b": 2}])


def test_the_folder_holds_report_and_tables(result, tmp_path):
    write_study(result, tmp_path)
    table = pd.read_csv(tmp_path / "levels.csv")
    assert list(table) == ["level", "accuracy", "accuracy_low", "accuracy_high", "n", "p"]
    assert table["accuracy_high"].tolist()[0] == 0.6
    assert np.isnan(table["accuracy_high"][1])
    report = (tmp_path / "report.md").read_text()
    assert "| 0.07 | 0.500 [0.400, 0.600] | 1,200 | not known |" in report
    assert "Always guessing neutral would be right on 75.0% of the 4 faces." in report
    assert "No face was found in 1 images" in report
    assert "Raw" not in report
    assert (tmp_path / "raw.csv").is_file()
    assert "Only today." in report
    assert "Forever." in report


def test_generated_faces_are_marked(result):
    result.dataset["name"] = "generated"
    assert "says nothing about real people" in markdown_study(result, {})


def test_cells_read_well():
    assert cell_text(True) == "yes"
    assert cell_text(0.12345) == "0.123"
    assert cell_text("surprise") == "surprise"


def test_facts_of_a_data_set(generated):
    facts = dataset_facts(generated)
    assert facts["people"] == 8
    assert facts["classes"] == {"neutral": 16, "happiness": 16, "surprise": 16}
    assert facts["majority"]["accuracy"] == pytest.approx(1 / 3)
    assert facts["n"] == 48
