"""--abstain, and a model in doubt."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.models.persistence import load_model, save_model

runner = CliRunner()


def test_a_wished_error_that_is_no_share_is_refused_before_any_work(tmp_path):
    out = tmp_path / "run"
    result = runner.invoke(app, ["gridsearch", "--abstain", "10", "--out", str(out)])
    assert result.exit_code == 2
    assert "must be between 0 and 1, got 10" in result.stderr
    assert not out.exists()


def test_a_model_in_doubt_says_unsure(model, photos, tmp_path):
    recognizer = load_model(model)
    recognizer.threshold_ = 1.0
    doubtful = save_model(recognizer, tmp_path / "doubtful.skops")
    words = ["predict", str(photos / "a.png"), "--model", str(doubtful), "--jobs", "1"]
    shown = runner.invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "unsure" in shown.stdout
    (told,) = json.loads(runner.invoke(app, [*words, "--json"]).stdout)["predictions"]
    assert (told["label"], told["found"]) == (None, True)
    assert 0 < told["confidence"] < 1
