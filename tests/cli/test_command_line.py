"""The command as a process: help without heavy imports, pure standard output, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classic_fer import __version__

ROOT = Path(__file__).parents[2]
HEAVY = ["numpy", "pandas", "sklearn", "cv2", "dlib", "matplotlib", "numba", "scipy", "joblib"]


def start(*args: str, cwd: Path | None = None) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "classic_fer.cli", *args],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c if os.name == "posix" else None,
    )


def _heed_ctrl_c() -> None:
    """Take back that a shell lets its background jobs, and what they start, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*args: str, cwd: Path | None = None) -> tuple[int, str, str]:
    process = start(*args, cwd=cwd)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_help_names_every_command():
    code, out, _ = command("--help")
    assert code == 0
    for name in ["gridsearch", "predict", "evaluate", "data", "doctor"]:
        assert name in out


def test_version():
    assert command("--version")[:2] == (0, f"classic_fer {__version__}\n")


def test_the_command_line_imports_nothing_heavy():
    """Guards --help under 300 ms: Typer is all it needs."""
    code = f"import sys, classic_fer.cli; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "[]\n"


def test_unknown_flag_and_missing_argument_give_code_2():
    assert command("gridsearch", "--fetures", "lbp")[0] == 2
    assert command("predict")[0] == 2


def test_error_is_one_line_without_traceback(tmp_path):
    code, out, err = command("gridsearch", "--data", "gone.zip", cwd=tmp_path)
    assert code == 2
    assert out == ""
    assert err.startswith("error: no file or folder 'gone.zip'")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path):
    code, _, err = command("gridsearch", "--data", "gone.zip", "--debug", cwd=tmp_path)
    assert code != 0
    assert "Traceback" in err
    assert "MissingFileError" in err


def test_closed_pipe_is_no_error(photos, tmp_path):
    process = start("data", "manifest", str(photos), cwd=tmp_path)
    process.stdout.close()
    _, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    assert "error" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path):
    process = start("gridsearch", "--out", "run", "--jobs", "1", cwd=tmp_path)
    deadline = time.monotonic() + 100
    while not (tmp_path / "run" / "settings.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    assert "stopped: finished work is in run; go on with: " in err
    assert "classic-fer gridsearch --resume run" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["features"] == "lbp"


def test_an_interrupted_command_does_not_wait_for_its_threads(monkeypatch):
    from classic_fer import cli

    codes: list[int] = []
    monkeypatch.setattr(cli.os, "_exit", codes.append)
    for code, left in ((130, [130]), (2, [])):
        codes.clear()

        def end(prog_name: str, code: int = code) -> None:
            raise SystemExit(code)

        monkeypatch.setattr(cli, "app", end)
        with pytest.raises(SystemExit):
            cli.main()
        assert codes == left
