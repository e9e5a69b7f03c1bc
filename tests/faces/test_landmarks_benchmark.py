"""The benchmark runs on a toy size, so that it cannot rot, and its figures stay in range."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*args: str, data: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "benchmarks/landmarks.py", *args],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CLASSIC_FER_DATA": str(data)},
        capture_output=True,
        text=True,
    )


@pytest.mark.realdata
def test_helen_landmarks_and_coverage(realdata: Callable[[str], Path], tmp_path: Path) -> None:
    folder = realdata("helen-landmarks.zip").parent
    done = run("--toy", "--out", str(tmp_path), data=folder)
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "landmarks.json").read_text())
    assert table["helen"]["dlib"]["found"] >= 18
    assert table["helen"]["dlib"]["mean_error"] <= 0.045
    assert table["helen"]["haar"]["mean_error"] <= 0.06
    assert table["coverage"]["jaffe.zip"]["found"] == 20


@pytest.mark.parametrize(("args", "code"), [(["--toy"], 0), ([], 2)])
def test_missing_archives_are_named(args: list[str], code: int, tmp_path: Path) -> None:
    done = run(*args, "--out", str(tmp_path / "out"), data=tmp_path)
    assert done.returncode == code
    assert "nothing measured: helen-landmarks.zip, jaffe.zip" in done.stderr
    assert "set CLASSIC_FER_DATA" in done.stderr
    assert not (tmp_path / "out").exists()


def test_published_figures_meet_the_targets() -> None:
    table = json.loads((ROOT / "benchmarks" / "landmarks.json").read_text())
    assert table["limit"] is None
    assert table["helen"]["dlib"]["found"] >= table["targets"]["helen_found"]
    assert table["helen"]["dlib"]["mean_error"] <= table["targets"]["helen_mean_error"]
    assert table["coverage"]["jaffe.zip"]["found"] >= table["targets"]["jaffe_found"]
