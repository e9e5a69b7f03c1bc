"""classic-fer doctor: what works, what is missing, the remedy."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from typer.testing import CliRunner

from classic_fer.cli import app

runner = CliRunner()


def checks(*args: str) -> tuple[int, dict[str, dict]]:
    result = runner.invoke(app, ["doctor", "--json", *args])
    report = json.loads(result.stdout)
    assert report["healthy"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in report["checks"]}


def test_healthy_installation():
    code, found = checks()
    assert code == 0
    assert found["detector dlib"]["detail"] == "runs; 1 face found on a generated one"
    assert found["68-point shape predictor"]["detail"] == "runs; 68 points"
    assert found["numba"]["status"] == "works"
    assert "cores" in found["machine"]["detail"]


def test_missing_package_gives_code_1_and_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    code, found = checks()
    assert code == 1
    assert found["skops"]["status"] == "missing"
    assert found["skops"]["remedy"] == 'pip install "skops"'
    table = runner.invoke(app, ["doctor"])
    assert table.exit_code == 1
    assert 'skops: pip install "skops"' in table.stdout


def test_missing_extra_is_no_fault(monkeypatch):
    from importlib import metadata

    def gone(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("classic_fer.reports.installation.metadata.version", gone)
    code, found = checks()
    assert code == 0
    assert found["torch"]["status"] == "optional"
    assert found["torch"]["remedy"] == "pip install torch"


def test_cache_folder_that_cannot_be_written_is_no_fault(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(file / "cache"))
    code, found = checks()
    assert code == 0
    assert found["cache folder"]["status"] == "optional"
    assert "set CLASSIC_FER_CACHE" in found["cache folder"]["remedy"]


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CLASSIC_FER_DATA", str(tmp_path))
    assert checks()[1]["data folder"]["status"] == "works"
    monkeypatch.setenv("CLASSIC_FER_DATA", str(tmp_path / "gone"))
    code, found = checks()
    assert code == 1
    assert "is no folder" in found["data folder"]["detail"]
    monkeypatch.delenv("CLASSIC_FER_DATA")
    assert checks()[1]["data folder"]["status"] == "optional"


def test_interpreter_is_named():
    _, found = checks()
    assert str(Path(sys.executable)) in found["Python"]["detail"]
