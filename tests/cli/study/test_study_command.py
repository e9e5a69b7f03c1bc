"""What all studies do alike on the command line, shown on the noise study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.evaluation.part_files import PartFiles

RECIPE = ["--features", "hog", "--clf", "linear-svm", "--set", "clf__C=0.1", "--cv", "2"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """A manifest of generated faces: five people, two expressions."""
    from classic_fer.datasets.synthetic import synthetic_faces

    folder = tmp_path_factory.mktemp("faces")
    drawn = synthetic_faces(5, 2, size=64, emotions=("neutral", "surprise"))
    lines = ["path,label,subject"]
    for i, image in enumerate(drawn.images):
        Image.fromarray(image).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{drawn.labels[i]},{drawn.subjects[i]}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder / "faces.csv"


def study(*words: str, code: int = 0):
    result = CliRunner().invoke(app, ["study", *words])
    assert result.exit_code == code, result.output
    return result


def noise(faces: Path, out: Path, *words: str, code: int = 0):
    flags = ["--data", str(faces), *RECIPE, "--detector", "none", "--variance", "0,0.05"]
    return study("noise", *flags, "--repeats", "2", "--out", str(out), *words, code=code)


def test_a_study_leaves_its_folder_and_prints_json(faces, tmp_path):
    printed = json.loads(noise(faces, tmp_path / "run", "--json").stdout)
    written = json.loads((tmp_path / "run" / "study.json").read_text())
    assert printed.pop("run_folder") == str(tmp_path / "run")
    assert printed == written
    assert written["dataset"]["majority"]["accuracy"] == 0.5
    assert {"report.md", "levels.csv", "repeats.csv", "cells", "settings.json"} <= {
        each.name for each in (tmp_path / "run").iterdir()
    }


def test_its_command_gives_the_same_numbers(faces, tmp_path):
    first = json.loads(noise(faces, tmp_path / "a", "--json").stdout)
    import shlex

    again = shlex.split(first["command"])[2:]
    second = json.loads(study(*again, "--out", str(tmp_path / "b"), "--json").stdout)
    assert second["tables"] == first["tables"]


def test_an_interrupted_study_goes_on_with_its_flags(faces, tmp_path, monkeypatch):
    whole = json.loads(noise(faces, tmp_path / "whole", "--json").stdout)
    write, kept = PartFiles.write_part, []

    def interrupt(self, number, part):
        if len(kept) == 4:
            raise KeyboardInterrupt
        kept.append(number)
        write(self, number, part)

    with monkeypatch.context() as patch:
        patch.setattr(PartFiles, "write_part", interrupt)
        stopped = noise(faces, tmp_path / "run", code=130)
    assert f"go on with: classic-fer study noise --resume {tmp_path / 'run'}" in " ".join(
        stopped.stderr.split()
    )
    done = []
    monkeypatch.setattr(
        PartFiles, "write_part", lambda self, n, part: done.append(n) or write(self, n, part)
    )
    resumed = json.loads(study("noise", "--resume", str(tmp_path / "run"), "--json").stdout)
    assert done == list(range(4, 10))
    assert resumed["tables"] == whole["tables"]
    assert resumed["command"] == whole["command"]


def test_other_flags_than_those_it_was_started_with_are_refused(faces, tmp_path):
    noise(faces, tmp_path / "run")
    refused = study("noise", "--resume", str(tmp_path / "run"), "--seed", "1", code=2)
    assert "seed" in refused.stderr
    refused = study("noise", "--resume", str(tmp_path / "nowhere"), code=2)
    assert "no run folder" in " ".join(refused.stderr.replace("│", " ").split())


def test_a_model_answers_and_flags_of_training_are_refused(model, tmp_path):
    refused = study("noise", "--model", str(model), "--clf", "lda", code=2)
    assert "--clf says how a recognizer is trained" in refused.stderr
    refused = study("noise", "--damage", "dust", code=2)
    assert "unknown damage 'dust'" in refused.stderr
    assert "expected numbers" in study("noise", "--variance", "a,b", code=2).stderr
    assert "variance must be from 0 to 1" in study("noise", "--variance", "2", code=2).stderr


def test_a_refused_study_leaves_no_folder(faces, tmp_path):
    noise(faces, tmp_path / "run", "--damage", "dust", code=2)
    assert not (tmp_path / "run").exists()


def test_one_class_is_refused_with_a_remedy(tmp_path):
    Image.fromarray(np.full((64, 64), 90, dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "faces.csv").write_text("path,label\na.png,neutral\n")
    refused = noise(tmp_path / "faces.csv", tmp_path / "run", code=2)
    assert "at least two classes" in refused.stderr
    assert "label policy" in refused.stderr


def test_sizes_compares_recipes_with_trained_models(faces, model, tmp_path, monkeypatch):
    from classic_fer.evaluation.cost import PredictionCost
    from classic_fer.studies import sizes

    cost = PredictionCost(1.0, 0.5, 2.0, 100, 0.1, None)
    monkeypatch.setattr(sizes, "measure_cost", lambda *_, **__: cost)
    flags = ["--data", str(faces), "--detector", "none", "--size", "48", "--cv", "2"]
    asked = ["--recognizers", "hog/lda", "--models", str(model)]
    study("sizes", *flags, *asked, "--out", str(tmp_path / "run"))
    table = (tmp_path / "run" / "sizes.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in table[1:]} == {"hog/lda", str(model)}
