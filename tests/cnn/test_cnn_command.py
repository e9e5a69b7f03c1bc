"""classic-fer cnn train."""

import json
import os
import sys

import pytest
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.cnn.architectures import ARCHITECTURES

runner = CliRunner()

SMALL = ["--arch", "resnet-tiny", "--input-size", "20", "--batch-size", "64", "--jobs", "1"]
SMALL += ["--threads", "1"]


def train(*words):
    return runner.invoke(app, ["cnn", "train", *map(str, words)])


def said(result):
    """Standard error on one line."""
    return " ".join(result.stderr.split())


def test_help_names_every_architecture():
    text = runner.invoke(app, ["cnn", "train", "--help"], env={"COLUMNS": "300"}).output
    assert all(name in text for name in ARCHITECTURES)


def test_without_torch_the_error_names_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr("classic_fer.cnn.torch_extra._NEEDED", ("no_such_torch",))
    result = train("--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "pip install 'classic_fer[cnn]'" in said(result)
    assert "PyTorch's build for CPUs" in said(result)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def _torch():
    pytest.importorskip("torch")
    pytest.importorskip("onnx")


@pytest.mark.usefixtures("_torch")
def test_train_evaluate_and_refuse(tmp_path):
    run = tmp_path / "run"
    result = train(*SMALL, "--epochs", 1, "--out", run, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["recognizer"]["clf"] == "resnet-tiny"
    assert "--epochs 1" in report["command"]
    assert (run / "model.onnx").exists()

    again = train(*SMALL, "--epochs", 1, "--out", run)
    assert again.exit_code == 2
    assert "already holds a run" in said(again)
    other = train("--resume", run, "--epochs", 2)
    assert other.exit_code == 2
    assert "was started with epochs 1, now it is 2" in said(other)
    both = train("--resume", run, "--out", tmp_path / "b")
    assert both.exit_code == 2
    assert "leave out --out" in said(both)

    told = ["evaluate", str(run), "--jobs", "1", "--out", str(tmp_path / "e"), "--json"]
    scored = runner.invoke(app, told)
    assert scored.exit_code == 0, scored.output
    assert json.loads(scored.stdout)["recognizer"]["clf"] == "resnet-tiny"


@pytest.mark.usefixtures("_torch")
@pytest.mark.parametrize("epochs_before", [0, 1])
def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch, epochs_before):
    from classic_fer.cnn import loop

    run, calls = tmp_path / "run", []

    def stop(self):
        calls.append(self)
        if len(calls) > epochs_before:
            raise KeyboardInterrupt
        return whole(self)

    whole = loop.Trainer._epoch
    with monkeypatch.context() as patched:
        patched.setattr(loop.Trainer, "_epoch", stop)
        stopped = train(*SMALL, "--epochs", 2, "--out", run)
    assert stopped.exit_code == 130
    assert f"cnn train --resume {run}" in said(stopped)
    resumed = train("--resume", run, "--jobs", 1, "--threads", 1, "--json")
    assert resumed.exit_code == 0, resumed.output
    facts = json.loads((run / "training.json").read_text())
    assert [epoch["number"] for epoch in facts["history"]] == [1, 2]


@pytest.mark.usefixtures("_torch")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--arch", "vgg-tinny"], "did you mean 'vgg-tiny'"),
        (["--lr", "-1"], "lr must be greater than 0, got -1"),
        (["--labels", "nonsense"], "nonsense"),
        (["--weights", "w.pt"], "trained from scratch"),
        (["--config", "none.yaml"], "no configuration file none.yaml"),
    ],
)
def test_wrong_words_leave_nothing_behind(words, expected, tmp_path):
    result = train("--out", tmp_path / "run", *words)
    assert result.exit_code == 2
    assert expected in said(result)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("_torch")
@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_place_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    result = train("--out", tmp_path / "run")
    tmp_path.chmod(0o700)
    assert result.exit_code == 2
    assert "no permission" in said(result)


@pytest.mark.usefixtures("_torch")
def test_a_grid_makes_a_table_and_goes_on(tmp_path):
    config = tmp_path / "experiments.yaml"
    config.write_text("epochs: 1\ngrid: {lr: [0.01, 0.001]}\n")
    words = [*SMALL, "--config", config, "--out", tmp_path / "all", "--json"]
    first = train(*words)
    assert first.exit_code == 0, first.output
    rows = json.loads(first.stdout)
    assert [row["name"] for row in rows] == ["lr-0.01", "lr-0.001"]
    assert rows[0]["majority_baseline"] == pytest.approx(1 / 7)
    second = train(*words)
    assert json.loads(second.stdout) == rows
    assert "was there already" in said(second)
