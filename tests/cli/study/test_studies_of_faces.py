"""Commands of the studies of faces: what is refused, before any work, and with which remedy."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from classic_fer.cli import app


def refused(*words: str) -> str:
    """Standard error of a command that has to fail, on one line."""
    result = CliRunner().invoke(app, ["study", *words])
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "name", ["attack", "saliency", "embedding", "transfer", "augment", "affect"]
)
def test_every_study_explains_itself(name) -> None:
    result = CliRunner().invoke(app, ["study", name, "--help"])
    assert result.exit_code == 0
    assert "--resume" in result.output


def test_missing_packages_are_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("classic_fer.models.embedding.find_spec", lambda name: None)
    out = str(tmp_path / "run")
    assert "pip install 'classic_fer[attacks]'" in refused("attack", "--out", out)
    out = str(tmp_path / "other")
    assert "pip install umap-learn" in refused("embedding", "--methods", "umap", "--out", out)


def test_unknown_names_are_refused_before_any_work(tmp_path) -> None:
    run = str(tmp_path / "run")
    assert "unknown saliency method 'cam'" in refused("saliency", "--methods", "cam", "--out", run)
    run = str(tmp_path / "second")
    said = refused("transfer", "--strengths", "much", "--out", run)
    assert "--strengths: expected numbers" in said
