"""classic-fer audit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app

runner = CliRunner()


@pytest.fixture
def folder(tmp_path):
    """One image with two labels, and two others."""
    for name, seed in [("happy/1", 0), ("sad/1", 0), ("happy/2", 1), ("sad/2", 2)]:
        path = tmp_path / "faces" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 48), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "faces"


def test_json_is_pure_and_has_the_promised_keys(folder):
    result = runner.invoke(app, ["audit", str(folder), "--json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    promised = {
        "files": 4,
        "unique": 3,
        "duplicate_groups": 1,
        "duplicate_images": 2,
        "groups_across_splits": 0,
        "conflicting_groups": 1,
        "unreadable": 0,
    }
    assert {key: report[key] for key in promised} == promised
    assert report["groups"] == [
        {
            "files": ["happy/1.png", "sad/1.png"],
            "labels": ["happiness", "sadness"],
            "splits": [None, None],
        }
    ]


def test_table_and_plain_sentence(folder):
    result = runner.invoke(app, ["audit", str(folder)])
    assert result.exit_code == 0
    assert "4 images, 3 unique" in result.stdout
    assert "correct the labels" in result.stdout


def test_a_file_that_cannot_be_read_is_named_once(folder):
    (folder / "sad" / "broken.png").write_bytes(b"no image")
    result = runner.invoke(app, ["audit", str(folder)])
    assert result.exit_code == 0
    assert "unreadable: sad/broken.png: not an image" in " ".join(result.stdout.split())


def test_out_gets_the_contact_sheet_and_the_json(folder, tmp_path):
    out = tmp_path / "new" / "audit"
    result = runner.invoke(app, ["audit", str(folder), "--no-near", "--out", str(out)])
    assert result.exit_code == 0
    with Image.open(out / "contact-sheet.png") as sheet:
        assert sheet.width > 400
    assert json.loads((out / "audit.json").read_text())["near_groups"] is None


def test_folds_name_small_classes(folder):
    result = runner.invoke(app, ["audit", str(folder), "--folds", "3", "--json"])
    assert set(json.loads(result.stdout)["small_classes"]) == {"happiness", "sadness"}


@pytest.mark.parametrize("arguments", [["gone"], ["--folds", "1"]])
def test_refusals_are_one_line_and_code_2(arguments, folder):
    result = runner.invoke(app, ["audit", *([str(folder)] * (len(arguments) - 1)), *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("error: ")
