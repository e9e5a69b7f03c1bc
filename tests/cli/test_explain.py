"""classic-fer explain."""

from __future__ import annotations

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app

runner = CliRunner()


def test_each_face_gets_a_picture_and_contributions_that_sum_up(model, photos, tmp_path):
    out = tmp_path / "told"
    args = ["explain", str(photos), "--model", str(model), "--out", str(out), "--json"]
    result = runner.invoke(app, args)
    assert result.exit_code == 0, result.stderr
    assert "unreadable" in result.stderr
    assert sorted(p.name for p in out.iterdir()) == [
        "a.png", "a.svg", "b.png", "b.svg", "explanation.json",
    ]  # fmt: skip
    report = json.loads(result.stdout)
    assert report == json.loads((out / "explanation.json").read_text())
    assert report["method"] == "contributions"
    assert [face["name"] for face in report["faces"]] == ["a", "b"]
    for face in report["faces"]:
        gained = face["decision"] - face["baseline"]
        assert sum(face["contributions"]) == pytest.approx(gained, abs=1e-4)
    assert Image.open(out / "a.png").width > 500


def test_the_table_says_class_and_bands_of_the_face(model, photos, tmp_path):
    args = ["explain", str(photos / "a.png"), "--model", str(model), "--class", "fear"]
    result = runner.invoke(app, [*args, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    assert "fear" in result.stdout
    assert "nose and cheeks" in result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give photos to explain, or --data"),
        (["a.png", "--data", "generated"], "give photos to explain, or --data"),
        (["a.png", "--format", "folder"], "belong to --data"),
        (["--data", "generated", "--class", "fear"], "for its own label"),
        (["nothing.png"], "nothing.png"),
    ],
)
def test_flags_that_do_not_fit_are_refused(model, args, message, tmp_path):
    result = runner.invoke(app, ["explain", *args, "--model", str(model), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_class_lists_the_known_ones(model, photos, tmp_path):
    args = ["explain", str(photos / "a.png"), "--model", str(model), "--class", "joy"]
    result = runner.invoke(app, [*args, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "unknown class 'joy'; expected one of: anger" in result.stderr
