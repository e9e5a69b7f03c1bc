"""Errors become one line and an exit code; progress stays plain where there is no terminal."""

from __future__ import annotations

import errno
import warnings
from pathlib import Path

import pytest
import typer

from classic_fer.cli.console import FAILED, INTERRUPTED, REFUSED, guard
from classic_fer.cli.progress import tracked
from classic_fer.errors import DataError


def run(error: BaseException, *, debug: bool = False, folder: Path | None = None) -> int:
    def command() -> None:
        with guard(debug) as session:
            session.run_folder = folder
            session.resume = f"gridsearch --resume {folder}"
            raise error

    with pytest.raises(typer.Exit) as stop:
        command()
    return stop.value.exit_code


def test_own_errors_are_one_line(capsys):
    assert run(DataError("no faces in [this] folder")) == REFUSED
    output = capsys.readouterr()
    assert output.err == "error: no faces in [this] folder\n"
    assert output.out == ""


def test_permission_is_explained(capsys):
    assert run(PermissionError(errno.EACCES, "Permission denied", "runs/x")) == REFUSED
    assert "no permission: runs/x (choose another place" in capsys.readouterr().err


def test_other_file_errors_give_reason_and_path(capsys):
    assert run(OSError(errno.ENOSPC, "No space left on device", "runs/x")) == REFUSED
    assert capsys.readouterr().err == "error: No space left on device: runs/x\n"


def test_unexpected_errors_point_to_debug(capsys):
    assert run(KeyError("pixels")) == FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "unexpected error: KeyError: 'pixels'"
    assert "--debug" in lines[1]


def test_debug_lets_errors_through():
    with pytest.raises(KeyError, match="pixels"), guard(True):
        raise KeyError("pixels")


def test_stop_says_how_to_go_on(capsys):
    assert run(KeyboardInterrupt(), folder=Path("runs/x")) == INTERRUPTED
    assert "go on with: classic-fer gridsearch --resume runs/x" in capsys.readouterr().err
    assert run(KeyboardInterrupt()) == INTERRUPTED
    assert "nothing was left behind" in capsys.readouterr().err


def test_exit_codes_of_commands_pass():
    assert run(typer.Exit(7)) == 7


def test_warnings_are_one_line_each_and_said_once(capsys):
    with guard(False):
        for _ in range(2):
            warnings.warn("class fear has 2 people for 10 folds", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: class fear has 2 people for 10 folds\n"


def test_progress_in_a_log_is_one_line_at_the_end(capsys):
    with tracked("aligning faces") as report:
        for done in range(1, 4):
            report(done, 3)
    output = capsys.readouterr()
    assert output.err.startswith("aligning faces: 100% in ")
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_stage_without_progress_says_nothing(capsys):
    with tracked("aligning faces"):
        pass
    assert capsys.readouterr().err == ""


def test_advice_of_joblib_about_slow_disks_is_kept_back(capsys, monkeypatch):
    import os

    monkeypatch.setenv("PYTHONWARNINGS", "default")
    with guard(False):
        warnings.warn("Persisting input arguments took 0.9s to run. If ...", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
        # Worker processes read this when they start.
        assert os.environ["PYTHONWARNINGS"] == "default,ignore:Persisting input arguments"
    assert capsys.readouterr().err == "warning: something else\n"


def test_stop_inside_an_import_is_a_stop(capsys):
    # Compiled modules turn Ctrl-C into an ImportError.
    error = ImportError("initialization failed")
    error.__cause__ = KeyboardInterrupt()
    assert run(error, folder=Path("runs/x")) == INTERRUPTED
    assert "finished work is in runs/x" in capsys.readouterr().err
