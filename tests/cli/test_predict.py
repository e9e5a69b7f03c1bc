"""classic-fer predict."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.models.persistence import load_model

runner = CliRunner()


def test_table_shows_each_face_and_names_what_is_unreadable(model, photos):
    result = runner.invoke(app, ["predict", str(photos), "--model", str(model)])
    assert result.exit_code == 0
    assert "a.png" in result.stdout
    assert "%" in result.stdout
    assert "unreadable: " in result.stderr
    assert "c.jpg" in result.stderr


def test_json_is_pure_and_complete(model, photos):
    result = runner.invoke(app, ["predict", str(photos), "--model", str(model), "--json"])
    report = json.loads(result.stdout)
    assert [each["photo"].rsplit("/", 1)[1] for each in report["predictions"]] == ["a.png", "b.png"]
    one = report["predictions"][0]
    assert one["confidence"] == max(one["probabilities"].values())
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert len(one["box"]) == 4
    assert np.shape(one["landmarks"]) == (68, 2)
    assert report["unreadable"][0]["path"].endswith("c.jpg")


def test_model_of_generated_faces_says_so_in_every_output(model, photos, tmp_path):
    table = tmp_path / "faces.csv"
    args = ["predict", str(photos / "a.png"), "--model", str(model), "--csv", str(table)]
    shown = runner.invoke(app, args)
    assert "says nothing about real people" in shown.stdout
    report = json.loads(runner.invoke(app, [*args, "--json"]).stdout)
    assert "says nothing about real people" in report["note"]
    assert "says nothing about real people" in pd.read_csv(table)["note"][0]


def test_csv_holds_one_row_a_face(model, photos, tmp_path):
    table = tmp_path / "new" / "faces.csv"
    args = ["predict", str(photos / "a.png"), str(photos / "b.png"), "--model", str(model)]
    assert runner.invoke(app, [*args, "--csv", str(table)]).exit_code == 0
    frame = pd.read_csv(table)
    assert frame["face"].tolist() == [1, 1]
    assert {"label", "confidence", "x", "width", "score_happiness"} <= set(frame.columns)


def test_drawings_of_one_and_of_several_photos(model, photos, tmp_path):
    one = ["predict", str(photos / "a.png"), "--model", str(model)]
    assert runner.invoke(app, [*one, "--draw", str(tmp_path / "one.png")]).exit_code == 0
    with Image.open(tmp_path / "one.png") as image:
        assert image.mode == "RGB"
        assert image.width == 192
        assert image.height > 192  # the note on generated faces
    several = ["predict", str(photos), "--model", str(model), "--draw", str(tmp_path / "all")]
    assert runner.invoke(app, several).exit_code == 0
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == ["a.png", "b.png"]


def test_without_a_model_the_bundled_one_answers(photos):
    result = runner.invoke(app, ["predict", str(photos / "a.png"), "--json"])
    assert result.exit_code == 0, result.stderr
    (face,) = json.loads(result.stdout)["predictions"]
    assert set(face["probabilities"]) == set(load_model().classes_.tolist())
    assert "warning" not in result.stderr


def test_one_drawing_for_several_photos_is_refused_before_any_work(model, photos, tmp_path):
    args = ["predict", str(photos), "--model", str(model), "--draw", str(tmp_path / "one.png")]
    result = runner.invoke(app, args)
    assert result.exit_code == 2
    assert "3 photos do not fit into one drawing" in result.stderr


@pytest.mark.parametrize("flag", ["--csv", "--draw"])
def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    flag, model, photos, tmp_path, monkeypatch
):
    def labelling(*_, **__):
        raise AssertionError("photos were labelled")

    monkeypatch.setattr("classic_fer.predictions.predict_photos", labelling)
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "faces.png"
    args = ["predict", str(photos / "a.png"), "--model", str(model), flag, str(target)]
    result = runner.invoke(app, args)
    assert result.exit_code == 2
    assert "Not a directory" in result.stderr or "File exists" in result.stderr


def test_a_folder_in_the_place_of_the_table_is_refused(model, photos, tmp_path):
    args = ["predict", str(photos / "a.png"), "--model", str(model), "--csv", str(tmp_path)]
    result = runner.invoke(app, args)
    assert result.exit_code == 2
    assert "is a folder; expected the name of a file" in result.stderr


@pytest.mark.parametrize("name", ["gone.jpg", "c.jpg"])
def test_no_readable_photo_is_an_error(model, photos, name):
    result = runner.invoke(app, ["predict", str(photos / name), "--model", str(model)])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_foreign_model_file_is_refused(photos, tmp_path):
    (tmp_path / "model.skops").write_bytes(b"\x80\x04pickle")
    args = ["predict", str(photos / "a.png"), "--model", str(tmp_path)]
    result = runner.invoke(app, args)
    assert result.exit_code == 2
    assert "not a classic_fer model" in result.stderr
