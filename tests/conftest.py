"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def realdata() -> Callable[[str], Path]:
    """Path of an archive of real faces; skips the test, with the reason, where it is missing."""
    folder = Path(os.environ.get("CLASSIC_FER_DATA", ROOT.parent / "shared" / "datasets"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in CLASSIC_FER_DATA or ../shared/datasets")
        return path

    return find


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never read or fill the user's cache."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(base / "cache"))
