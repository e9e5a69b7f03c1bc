"""``classic-fer export``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.onnx.check import GraphCheck


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Six generated photos, a folder an emotion."""
    from PIL import Image

    generated = synthetic_faces(1, 1, random_state=5)
    for image, label in list(zip(generated.images, generated.labels))[:6]:
        folder = tmp_path / "labelled" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{len(list(folder.iterdir()))}.png")
    return tmp_path / "labelled"


def run(*words: object):
    return CliRunner().invoke(app, ["export", *map(str, words)])


def test_opset_size_and_agreement_are_printed(model, labelled, tmp_path):
    done = run(model, "--onnx", tmp_path / "a" / "graph.onnx", "--check", labelled, "--jobs", 1)
    assert done.exit_code == 0, done.output
    assert "17, IR version 8" in done.stdout
    assert " MB, " in done.stdout
    assert "6 of 6 faces" in done.stdout
    assert "6 of 6, to 0.0001" in done.stdout
    assert (tmp_path / "a" / "graph.onnx").stat().st_size > 100_000


def test_json(model, labelled, tmp_path):
    file = tmp_path / "graph.onnx"
    done = run(model, "--onnx", file, "--check", labelled, "--jobs", 1, "--json")
    told = json.loads(done.stdout)
    assert (told["opset"], told["ir_version"], told["inputs"]) == (17, 8, ["faces"])
    assert told["bytes"] == file.stat().st_size
    check = told["check"]
    assert (check["faces"], check["same_label"], check["close_scores"]) == (6, 6, 6)
    assert check["passed"]
    assert check["worst_difference"] < 1e-5


def test_other_answers_are_a_failure(model, labelled, tmp_path, monkeypatch):
    other = GraphCheck(n=6, same=5, close=4, difference=0.25, worst=2)
    monkeypatch.setattr("classic_fer.onnx.check.check_graph", lambda *_: other)
    done = run(model, "--onnx", tmp_path / "graph.onnx", "--check", labelled, "--jobs", 1)
    assert done.exit_code == 1
    assert "5 of 6 faces" in done.stdout
    assert "do not use" in done.stderr


def test_the_limits_are_one_label_in_a_thousand_and_a_ten_thousandth():
    assert GraphCheck(n=1000, same=999, close=1000, difference=1e-4, worst=0).passed
    assert not GraphCheck(n=1000, same=998, close=1000, difference=1e-6, worst=0).passed
    assert not GraphCheck(n=1000, same=1000, close=999, difference=1.1e-4, worst=0).passed


def test_what_cannot_be_exported_is_refused_before_anything_is_written(model, tmp_path):
    network = tmp_path / "network" / "model.onnx"
    network.parent.mkdir()
    network.write_bytes(b"")
    for given in (network, network.parent):
        done = run(given, "--onnx", tmp_path / "graph.onnx")
        assert done.exit_code == 2
        assert "is an ONNX graph already" in done.stderr
    done = run("nothing-here", "--onnx", tmp_path / "graph.onnx")
    assert done.exit_code == 2
    assert "no model file nothing-here" in done.stderr
    done = run(model, "--onnx", model)
    assert done.exit_code == 2
    assert "a name that ends in .onnx" in done.stderr
    done = run(model, "--onnx", tmp_path / "graph.onnx", "--format", "fer2013")
    assert done.exit_code == 2
    assert "belong to --check" in done.stderr
    assert list(tmp_path.iterdir()) == [network.parent]


def test_a_place_that_cannot_be_written_is_named(model, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(model, "--onnx", tmp_path / "file" / "graph.onnx")
    assert done.exit_code == 2
    assert str(tmp_path / "file") in done.stderr.replace("\n", "")
    (tmp_path / "folder.onnx").mkdir()
    done = run(model, "--onnx", tmp_path / "folder.onnx")
    assert done.exit_code == 2
    assert "is a folder" in done.stderr
