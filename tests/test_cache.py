from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classic_fer import cache
from classic_fer.errors import ParameterError


def double(values: np.ndarray) -> np.ndarray:
    return 2 * values


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _fill(n: int) -> None:
    doubled = cache.memory().cache(double)
    for i in range(n):
        doubled(np.full(1000, i, dtype=np.float64))


def test_results_are_found_again() -> None:
    doubled = cache.memory().cache(double)
    values = np.arange(5.0)
    assert not doubled.check_call_in_cache(values)
    np.testing.assert_array_equal(doubled(values), 2 * values)
    assert doubled.check_call_in_cache(values)


def test_info_counts_and_clear_empties(folder: Path) -> None:
    assert cache.info() == cache.CacheInfo(folder, 0, 0, 4 * 2**30)
    _fill(3)
    info = cache.info()
    assert info.entries == 3
    assert info.bytes > 3 * 8000
    assert cache.clear() == info
    assert cache.info().entries == 0
    assert cache.clear().entries == 0


def test_clear_leaves_other_files_alone(folder: Path) -> None:
    _fill(1)
    (folder / "mine.txt").write_text("not a result")
    cache.clear()
    assert (folder / "mine.txt").exists()


def test_trim_keeps_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(5)
    cache.trim()
    assert cache.info().entries == 5
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", "20K")
    cache.trim()
    info = cache.info()
    assert 0 < info.entries < 5
    assert info.bytes <= info.limit == 20 * 1024


@pytest.mark.parametrize(
    ("text", "expected"), [("1000", 1000), ("2k", 2048), ("1.5M", 1572864), ("0", 0)]
)
def test_size_limits(text: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", text)
    assert cache.limit_bytes() == expected


@pytest.mark.parametrize("text", ["much", "5X", "-1", "G", "1e999"])
def test_what_is_no_size(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", text)
    with pytest.raises(ParameterError, match="expected a size in bytes or with K, M, G or T"):
        cache.limit_bytes()


def test_folder_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSIC_FER_CACHE")
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", os.path.join(os.sep, "caches"))
    assert cache.cache_folder() == Path(os.sep, "caches", "classic_fer")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "classic_fer"


def test_unwritable_folder_is_warned_about_once_and_stores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        doubled = cache.memory().cache(double)
        np.testing.assert_array_equal(doubled(np.ones(2)), [2, 2])
    messages = [str(w.message) for w in recwarn if "cannot be written" in str(w.message)]
    assert len(messages) == 1
    assert "set CLASSIC_FER_CACHE" in messages[0]
    assert cache.info().entries == 0


def test_clear_removes_what_an_earlier_clear_left_behind(folder: Path) -> None:
    _fill(1)
    (folder / "discarded-earlier" / "double").mkdir(parents=True)
    (folder / "discarded-earlier" / "double" / "output.pkl").touch()
    assert cache.clear().entries == 1
    assert not list(folder.rglob("output.pkl"))


def test_results_are_stored_again_after_clear() -> None:
    doubled = cache.memory().cache(double)
    doubled(np.ones(3))
    cache.clear()
    np.testing.assert_array_equal(doubled(np.ones(3)), [2, 2, 2])
    assert cache.info().entries == 1


WORK = """
import random, sys
import numpy as np
from classic_fer import cache

def tens(number):
    return np.full(5000, 10.0 * number)

stored = cache.memory().cache(tens)
rng = random.Random(int(sys.argv[1]))
for turn in range(60):
    number = rng.randrange(12)
    assert (stored(number) == 10.0 * number).all()
    if turn % 3 == 0:
        cache.trim()
    if turn % 20 == 19:
        cache.clear()
"""


def test_processes_share_a_cache_that_is_trimmed_and_cleared_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIC_FER_CACHE_SIZE", "200K")  # five of the twelve results
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    script = tmp_path / "work.py"
    script.write_text(WORK)
    command = [sys.executable, str(script)]
    workers = [
        subprocess.Popen([*command, str(k)], stderr=subprocess.PIPE, text=True) for k in range(3)
    ]
    for worker in workers:
        said = worker.communicate(timeout=300)[1]  # joblib tells of results that went meanwhile
        assert worker.returncode == 0, said
    cache.trim()
    assert cache.info().bytes <= cache.info().limit
