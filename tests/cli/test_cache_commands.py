"""classic-fer cache: what lies there, and removing it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from classic_fer import cache
from classic_fer.cli import app

runner = CliRunner()


def double(values: np.ndarray) -> np.ndarray:
    return 2 * values


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache with two results."""
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(tmp_path / "cache"))
    doubled = cache.memory().cache(double)
    for i in range(2):
        doubled(np.full(200_000, i, dtype=np.float64))
    return tmp_path / "cache"


def test_info_says_where_how_many_and_how_large(folder, monkeypatch):
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", "500M")
    result = runner.invoke(app, ["cache", "info"])
    assert result.exit_code == 0
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert lines[:2] == [["folder", str(folder)], ["results", "2"]]
    assert lines[2] == ["size", "3.1 MiB of at most 500.0 MiB"]


def test_info_as_json_is_pure(folder):
    result = runner.invoke(app, ["cache", "info", "--json"])
    state = cache.info()
    assert json.loads(result.stdout) == {
        "folder": str(folder),
        "entries": 2,
        "bytes": state.bytes,
        "limit": 4 * 2**30,
    }


def test_clear_says_what_it_removed(folder):
    result = runner.invoke(app, ["cache", "clear"])
    assert result.exit_code == 0
    assert result.stdout == f"removed 2 results, 3.1 MiB, from {folder}\n"
    assert cache.info().entries == 0
    assert "removed 0 results" in runner.invoke(app, ["cache", "clear"]).stdout


def test_impossible_limit_is_an_error_in_one_line(folder, monkeypatch):
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", "much")
    result = runner.invoke(app, ["cache", "info"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "CLASSIC_FER_CACHE_SIZE is 'much'" in result.stderr
