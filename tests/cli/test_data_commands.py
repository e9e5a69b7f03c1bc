"""classic-fer data: describe and manifest."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app

runner = CliRunner()


@pytest.fixture
def folder(tmp_path):
    """Three happy and one angry face, the last of them a text file."""
    for name in ["happy/1.png", "happy/2.png", "happy/3.png", "angry/1.png"]:
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((48, 48), 90 + len(name), np.uint8)).save(path)
    return tmp_path / "faces"


def test_describe_shows_classes_and_baseline(folder):
    result = runner.invoke(app, ["data", "describe", str(folder)])
    assert result.exit_code == 0
    assert "4 faces, people not known" in result.stdout
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"happiness {'█' * 30} 3 75.0%" in rows
    assert f"anger {'█' * 10} 1 25.0%" in rows
    assert "always saying happiness is right for 75.0%: the majority baseline" in rows


def test_describe_as_json_is_pure(folder):
    result = runner.invoke(app, ["data", "describe", str(folder), "--json"])
    description = json.loads(result.stdout)
    assert description["n"] == 4
    assert description["counts"]["all"] == {"happiness": 3, "anger": 1}


def test_describe_writes_the_chart(folder, tmp_path):
    chart = tmp_path / "new" / "classes.png"
    result = runner.invoke(app, ["data", "describe", str(folder), "--out", str(chart), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["n"] == 4
    with Image.open(chart) as image:
        assert image.width > 500


def test_describe_marks_generated_faces():
    marked = json.loads(runner.invoke(app, ["data", "describe", "--json"]).stdout)
    assert "says nothing about real people" in marked["note"]


def test_describe_applies_the_label_policy(folder):
    result = runner.invoke(app, ["data", "describe", str(folder), "--labels", "3class"])
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(row.startswith("positive") and row.endswith("3 75.0%") for row in rows)
    assert "labels happiness: 3 now positive" in rows


def test_manifest_is_pure_csv_and_reads_back(folder, tmp_path):
    result = runner.invoke(app, ["data", "manifest", str(folder), "--root", str(tmp_path)])
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["path"] for row in rows if row["label"] == "anger"] == ["faces/angry/1.png"]
    assert all(len(row["sha256"]) == 64 for row in rows)
    assert "4 rows; their paths are relative to" in result.stderr

    (tmp_path / "faces.csv").write_text(result.stdout)
    again = runner.invoke(app, ["data", "describe", str(tmp_path / "faces.csv"), "--json"])
    assert json.loads(again.stdout)["counts"]["all"] == {"happiness": 3, "anger": 1}


@pytest.mark.parametrize("command", [["describe"], ["manifest"]])
def test_missing_data_is_one_line_and_code_2(command, tmp_path):
    result = runner.invoke(app, ["data", *command, str(tmp_path / "gone")])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_known_name_without_files_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLASSIC_FER_DATA", raising=False)
    result = runner.invoke(app, ["data", "describe", "kdef"])
    assert result.exit_code == 2
    assert "https://kdef.se" in result.stderr
    assert "Terms:" in result.stderr
