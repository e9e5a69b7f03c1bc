"""The page in a real browser: it shows what it should, and asks nobody for anything."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from classic_fer.reports.page import run_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)


@pytest.fixture
def page(make_result, tmp_path: Path) -> Path:
    """The page of a hand-made run with a search."""
    run = tmp_path / "run"
    run.mkdir()
    grid = [(c, g, 0.5 + 0.01 * c + 0.1 * g) for c in (1, 10) for g in (0.1, 1.0)]
    table = pd.DataFrame(grid, columns=["param_clf__C", "param_clf__gamma", "mean_test_score"])
    table.to_csv(run / "cv_results.csv", index=False)
    result = make_result(dataset={"name": "generated", "n": 10, "classes": ["neutral"] * 3})
    path = tmp_path / "page.html"
    path.write_text(run_page(run, result), encoding="utf-8")
    return path


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_chromium_shows_the_page_and_loads_nothing(page, tmp_path):
    log = tmp_path / "net.json"
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    flags += " --disable-background-networking --disable-component-update --disable-sync"
    flags += " --enable-logging=stderr --v=0 --dump-dom"
    done = subprocess.run(
        [
            *(CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}"),
            *(f"--log-net-log={log}", "--host-resolver-rules=MAP * ~NOTFOUND", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "this says nothing about real people" in done.stdout
    assert "Confusion matrix" in done.stdout
    assert "CONSOLE" not in done.stderr  # no violated policy, no error of the page
    addresses = {
        event["params"]["url"]
        for event in json.loads(log.read_text())["events"]
        if isinstance(event.get("params"), dict) and "url" in event["params"]
    }
    outside = {url for url in addresses if not url.startswith(("file:", "data:", "chrome"))}
    # What the browser itself asks for does not come from the page.
    assert not {url for url in outside if "google" not in url}, outside
