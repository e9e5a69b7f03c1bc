"""evaluate and predict with .onnx files."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from networks import network
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app

runner = CliRunner()


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of a few generated faces, by class."""
    from classic_fer.datasets.synthetic import synthetic_faces

    folder = tmp_path_factory.mktemp("faces")
    drawn = synthetic_faces(2, 1, random_state=5)
    for i, label in enumerate(drawn.labels):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(drawn.images[i]).save(folder / str(label) / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def hsemotion(tmp_path_factory):
    """A tiny network with the declared shapes of enet_b0_8_best_vgaf."""
    path = tmp_path_factory.mktemp("networks") / "enet_b0_8_best_vgaf.onnx"
    path.write_bytes(network((3, 224, 224), 8).SerializeToString())
    return path


def test_evaluate_a_network_under_a_label_policy(hsemotion, faces, tmp_path):
    out = tmp_path / "run"
    told = ["--spec", "hsemotion", "--data", faces, "--labels", "3class", "--out", out, "--json"]
    result = runner.invoke(app, ["evaluate", str(hsemotion), *map(str, told), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["recognizer"] == {"features": "pixels", "clf": "hsemotion", "params": {}}
    assert report["dataset"]["classes"] == ["neutral", "positive", "negative"]
    assert any("renames the answers" in note for note in report["warnings"])
    assert any("three channels get the same values" in note for note in report["warnings"])
    assert "--spec hsemotion" in report["command"]
    table = pd.read_csv(out / "predictions.csv")
    scores = [c for c in table if c.startswith("score_")]
    assert scores == ["score_neutral", "score_surprise", "score_positive", "score_negative"]
    assert table[scores].sum(axis=1).tolist() == pytest.approx([1] * len(table))


def test_predict_with_a_network(hsemotion, faces):
    photo = str(next(faces.glob("*/*.png")))
    told = ["predict", photo, "--model", str(hsemotion), "--spec", "hsemotion", "--json"]
    result = runner.invoke(app, told)
    assert result.exit_code == 0, result.output
    (face,) = json.loads(result.stdout)["predictions"]
    assert len(face["probabilities"]) == 8
    assert sum(face["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "does not say what its input"),
        ([], "it looks like hsemotion"),
        (["--spec", "ferplus"], "expected (n, 1, 64, 64), NCHW grey"),
        (["--spec", "vgg"], "unknown spec 'vgg'"),
    ],
)
def test_misuse_is_one_line_and_code_2(hsemotion, faces, told, said):
    result = runner.invoke(app, ["evaluate", str(hsemotion), "--data", str(faces), *told])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_file_is_one_line(tmp_path, faces):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\x08\x07half of it")
    result = runner.invoke(app, ["predict", str(faces), "--model", str(path)])
    assert result.exit_code == 2
    assert "broken.onnx is no whole ONNX model" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Two tiny networks and their specs; the second does not know fear."""
    monkeypatch.chdir(tmp_path)
    classes = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger"]
    for name, known in (("a", classes), ("b", [c for c in classes if c != "fear"])):
        model = network((1, 16, 16), len(known))
        (tmp_path / f"{name}.onnx").write_bytes(model.SerializeToString())
        (tmp_path / f"{name}.yaml").write_text(f"size: 16\nclasses: [{', '.join(known)}]\n")
    return tmp_path


def test_compare_networks_each_with_its_spec(small, faces):
    told = ["a.onnx", "b.onnx", "--spec", "a.onnx=a.yaml", "--spec", "b.onnx=b.yaml"]
    result = runner.invoke(app, ["compare", *told, "--data", str(faces), "--jobs", "1", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["n"] == 12
    assert "2 faces of fear are left out: not every model knows these classes" in report["notes"]
    assert report["costs"]["a.onnx"]["parameters"] == 7
    assert report["costs"]["b.onnx"]["parameters"] == 6
    assert report["costs"]["a.onnx"]["megabytes"] == (small / "a.onnx").stat().st_size / 1e6


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (["--spec", "a.yaml"], "b.onnx is not what the spec 'a.yaml' says"),
        (["--spec", "a.yaml", "--spec", "b.yaml"], "give FILE.onnx=SPEC for each"),
        (["--spec", "c.onnx=a.yaml"], "--spec c.onnx=... is for none of the models"),
        ([], "a.onnx does not say what its input"),
    ],
)
def test_specs_that_do_not_fit_the_models(small, faces, specs, said):
    result = runner.invoke(app, ["compare", "a.onnx", "b.onnx", "--data", str(faces), *specs])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
