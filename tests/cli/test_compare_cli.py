"""classic-fer compare, from run folders to words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.evaluation.result import Result

runner = CliRunner()


@pytest.fixture
def runs(tmp_path):
    """Three runs on the same 90 faces; the last is much worse."""
    place = np.arange(90)
    for k, (name, wrong) in enumerate([("a", 9), ("b", 7), ("c", 2)]):
        table = pd.DataFrame(
            {
                "id": [f"{i}.png" for i in place],
                "fold": (place // 30 + 1).astype(str),
                "true": "fear",
                "predicted": np.where((place + k) % wrong == 0, "anger", "fear"),
                "subject": [f"P{p}" for p in place // 10],
            }
        )
        Result(
            dataset={"name": "jaffe", "n": 90, "classes": ["fear", "anger"]},
            protocol={"name": "3", "groups": 9, "folds": 3, "hash": "ab"},
            recognizer={"features": name, "clf": "svm", "params": {}},
            best_params={},
            scores={},
            folds=[{"name": str(f), "n_train": 60, "n_test": 30} for f in (1, 2, 3)],
            coverage={"found": 90, "of": 90},
            predictions=table,
        ).save(tmp_path / "runs" / name)
    return tmp_path / "runs"


def compare(*arguments) -> object:
    return runner.invoke(app, ["compare", *map(str, arguments)])


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_two_runs(runs):
    result = compare(runs / "a", runs / "c")
    assert result.exit_code == 0, result.output
    assert "a is better than c" in squeezed(result.stdout)
    assert "a - c" in result.stdout
    assert "No evidence of a difference" in squeezed(compare(runs / "a", runs / "b").stdout)


def test_three_runs_and_their_files(runs, tmp_path):
    result = compare(runs / "a", runs / "b", runs / "c", "--out", tmp_path / "cmp")
    assert result.exit_code == 0, result.output
    assert "The 3 runs are not all equally good" in squeezed(result.stdout)
    assert "mean rank" in result.stdout
    assert f"comparison: {tmp_path / 'cmp'}" in result.stderr
    assert (tmp_path / "cmp" / "critical-difference.svg").exists()


def test_json_is_pure_and_equal_to_the_file(runs, tmp_path):
    result = compare(runs / "a", runs / "b", runs / "c", "--json", "--out", tmp_path / "cmp")
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "cmp" / "comparison.json").read_text())
    assert report["names"] == ["a", "b", "c"]
    assert report["pairs"][0]["test"]["p_value"] <= 1
    assert report["runs"]["c"]["recognizer"]["features"] == "c"


def test_runs_of_the_same_name_are_told_apart_by_their_folders(runs, tmp_path):
    (tmp_path / "other").mkdir()
    (runs / "b").rename(tmp_path / "other" / "a")
    report = json.loads(compare(runs / "a", tmp_path / "other" / "a", "--json").stdout)
    assert report["names"] == ["runs/a", "other/a"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "expected at least two runs to compare, got 1"),
        (["a", "a"], "the same run is given twice"),
        (["a", "gone"], "expected a run folder that holds result.json"),
        (["a", "b", "--labels", "6class"], "belong to --data"),
        (["a", "b", "--restrict-classes"], "belong to --data"),
    ],
)
def test_misuse_is_one_line_and_code_2(runs, monkeypatch, arguments, said):
    monkeypatch.chdir(runs)
    result = compare(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_other_faces_are_one_line_and_code_2(runs):
    table = pd.read_csv(runs / "b" / "predictions.csv").iloc[1:]
    table.to_csv(runs / "b" / "predictions.csv", index=False)
    result = compare(runs / "a", runs / "b")
    assert result.exit_code == 2
    assert "did not predict the same faces: 1 of the 90 in 'a'" in result.stderr


@pytest.fixture
def faces(tmp_path):
    """A folder of a few generated faces, by class."""
    from classic_fer.datasets.synthetic import synthetic_faces

    drawn = synthetic_faces(2, 1, random_state=5)
    for i, label in enumerate(drawn.labels):
        path = tmp_path / "faces" / str(label) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.images[i]).save(path)
    return tmp_path / "faces"


def test_models_on_other_data_with_speed_and_size(model, faces, tmp_path):
    (tmp_path / "copy").mkdir()
    other = tmp_path / "copy" / "model.skops"
    other.write_bytes(model.read_bytes())
    result = compare(model, other, "--data", faces, "--jobs", 1, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["n"] == 14
    assert report["pairs"][0]["difference"] == 0
    assert report["sentences"][0].startswith("No evidence of a difference")
    assert len(report["costs"]) == 2
    for cost in report["costs"].values():
        assert cost["megabytes"] == model.stat().st_size / 1e6
        assert cost["ms_single"] > 0
    assert any("trained on generated faces" in note for note in report["notes"])
    assert any("people are not known" in note for note in report["notes"])
