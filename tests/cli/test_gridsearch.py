"""classic-fer gridsearch and evaluate, from the shell to the run folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.evaluation.result import Result

runner = CliRunner()

SMALL = ["--detector", "none", "--features", "hog", "--clf", "linear-svm", "--grid", "clf__C=1,3"]
FOLDS = ["--cv", "3", "--inner-cv", "2", "--jobs", "1"]


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of drawn crops: six people, three expressions."""
    from classic_fer.datasets.synthetic import synthetic_faces

    folder = tmp_path_factory.mktemp("faces")
    drawn = synthetic_faces(6, 1, size=96, emotions=["neutral", "happiness", "surprise"])
    with (folder / "faces.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "subject"])
        for i, (label, subject) in enumerate(zip(drawn.labels, drawn.subjects)):
            crop = drawn.images[i][16:80, 16:80]
            Image.fromarray(crop).resize((48, 48)).save(folder / f"{i}.png")
            writer.writerow([f"{i}.png", label, subject])
    return folder / "faces.csv"


@pytest.fixture(scope="session")
def run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a finished search."""
    out = tmp_path_factory.mktemp("runs") / "first"
    result = search(faces, "--out", str(out))
    assert result.exit_code == 0, result.output
    return out


def search(data: Path, *flags: str):
    return runner.invoke(app, ["gridsearch", "--data", str(data), *SMALL, *FOLDS, *flags])


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_run_folder_holds_model_result_report_figure_and_split(run):
    names = {path.name for path in run.iterdir()}
    assert {
        "model.skops",
        "result.json",
        "cv_results.csv",
        "report.md",
        "confusion.png",
        "folds.svg",
        "search.png",
        "predictions.csv",
        "split.csv",
    } <= names
    assert {"param_clf__C", "mean_test_score"} <= set(pd.read_csv(run / "cv_results.csv").columns)


def test_search_prints_what_a_person_wants_to_see(faces, tmp_path):
    result = search(faces, "--out", str(tmp_path / "run"))
    text = squeezed(result.stdout)
    assert "3 folds, people held out (6 people)" in text
    assert "95 % interval over people" in text
    for said in ["spread over folds", "selection score", "majority baseline", "coverage"]:
        assert said in text
    assert "class precision recall F1 support" in text
    assert "Confusion matrix" in text
    assert "clf__C" in text
    assert "Traceback" not in result.stderr


def test_json_is_pure_and_equal_to_the_file(faces, tmp_path):
    out = tmp_path / "run"
    result = search(faces, "--out", str(out), "--json")
    report = json.loads(result.stdout)
    assert report.pop("run_folder") == str(out)
    assert report == json.loads((out / "result.json").read_text())
    assert report["command"].startswith("classic-fer gridsearch --data ")
    assert report["protocol"]["folds"] == 3


def test_same_seed_gives_the_same_predictions_for_any_number_of_workers(faces, run, tmp_path):
    search(faces, "--out", str(tmp_path / "run"), "--jobs", "2")
    one, two = (pd.read_csv(path / "predictions.csv") for path in (run, tmp_path / "run"))
    assert one["predicted"].tolist() == two["predicted"].tolist()
    scores = [name for name in one if name.startswith("score_")]
    np.testing.assert_allclose(one[scores], two[scores], atol=1e-9)


def test_default_folder_is_named_after_the_search_and_gets_a_suffix(faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert search(faces, "--no-nested").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "faces-hog-linear-svm-3",
        "faces-hog-linear-svm-3-2",
    ]


def test_plain_search_speaks_of_a_selection_score_only(faces, tmp_path):
    result = search(faces, "--no-nested", "--out", str(tmp_path / "run"))
    text = squeezed(result.stdout)
    assert "selection score" in text
    assert "it is no accuracy, as nothing was held out" in text
    assert "95 % interval" not in text
    assert (tmp_path / "run" / "model.skops").exists()


def test_interrupted_search_goes_on_with_the_flags_it_had(faces, tmp_path, monkeypatch):
    from classic_fer.evaluation.fold_files import FoldFiles

    finish, out = FoldFiles.write, tmp_path / "run"

    def interrupt(self, number, fold):
        finish(self, number, fold)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FoldFiles, "write", interrupt)
        stopped = search(faces, "--out", str(out))
    assert stopped.exit_code == 130
    assert f"finished work is in {out}" in stopped.stderr.replace("\n", "")
    assert f"--resume {out}" in stopped.stderr.replace("\n", "")
    assert len(list((out / "folds").glob("*.npz"))) == 1

    assert runner.invoke(app, ["gridsearch", "--resume", str(out)]).exit_code == 0
    whole = tmp_path / "whole"
    search(faces, "--out", str(whole))
    assert (out / "predictions.csv").read_text() == (whole / "predictions.csv").read_text()


def test_resume_with_another_flag_is_refused(run):
    result = runner.invoke(app, ["gridsearch", "--resume", str(run), "--clf", "knn"])
    assert result.exit_code == 2
    assert "was started with --clf linear-svm, now it is knn" in squeezed(result.stderr)


def test_averages_over_variants_of_test_faces_are_kept_with_the_run(faces, run, tmp_path):
    from classic_fer.models.persistence import load_model

    out = tmp_path / "run"
    result = search(faces, "--averaging", "mirror+shift", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    told = Result.load(out)
    assert told.recognizer["params"]["averaging"] == load_model(out).averaging == "mirror+shift"
    assert "--averaging mirror+shift" in told.command
    plain = Result.load(run)
    assert (told.selection_score, told.best_params) == (plain.selection_score, plain.best_params)
    scores = [name for name in told.predictions if name.startswith("score_")]
    assert not np.allclose(told.predictions[scores], plain.predictions[scores], atol=1e-4)
    resumed = runner.invoke(app, ["gridsearch", "--resume", str(run), "--averaging", "shift"])
    assert resumed.exit_code == 2
    assert "was started with --averaging None, now it is shift" in squeezed(resumed.stderr)


def test_geometry_on_crops_switches_landmarks_on(faces, tmp_path):
    out = tmp_path / "run"
    flags = ["--features", "geometry", "--no-nested", "--out", str(out)]
    result = search(faces, *flags)
    assert result.exit_code == 0, result.stderr
    from classic_fer.models.persistence import load_model

    assert load_model(out).alignment_.landmarks == "68"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--features", "lbpp"],
            "unknown feature 'lbpp'; expected one of: bow, fisher",
        ),
        (["--clf", "svmm"], "unknown classifier 'svmm'"),
        (["--grid", "clf__CC=1"], "unknown parameter 'clf__CC'"),
        (["--set", "clf__C=2"], "clf__C is both fixed and in the grid"),
        (["--scoring", "f2"], "unknown scoring 'f2'"),
        (["--cv", "lopo"], "unknown protocol 'lopo'"),
        (["--labels", "9class"], "9class"),
        (["--features", "geometry", "--landmarks", "5"], "needs 68 landmarks"),
        (["--scaler", "minmax"], "unknown scaler 'minmax'"),
        (["--inner-cv", "1"], "--inner-cv must be at least 2, got 1"),
        (["--size", "100000"], "size must lie between 16 and 1024"),
        (["--margin", "0.3"], "--margin 0.3 has no effect on cropped faces"),
        (["--format", "fer2014"], "unknown format 'fer2014'"),
        (["--budget", "soon"], "--budget expects a value such as 10m"),
        (["--memory", "4X"], "--memory expects a value such as 4G"),
        (["--class-weight", "heavy"], "class_weight must be 'balanced'"),
        (["--averaging", "miror"], "unknown averaging 'miror'; expected one of: mirror"),
    ],
)
def test_wrong_flags_are_one_line_and_leave_nothing(faces, tmp_path, flags, said):
    result = search(faces, "--out", str(tmp_path / "run"), *flags)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in squeezed(result.stderr)
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_folder_of_another_run_is_not_overwritten(faces, run):
    before = (run / "result.json").read_text()
    result = search(faces, "--out", str(run))
    assert result.exit_code == 2
    assert "already holds a run" in result.stderr
    assert (run / "result.json").read_text() == before


def test_evaluate_scores_a_saved_model_without_training(faces, run, tmp_path):
    out = tmp_path / "eval"
    args = ["evaluate", str(run), "--data", str(faces), "--out", str(out), "--jobs", "1"]
    result = runner.invoke(app, args)
    assert result.exit_code == 0, result.stderr
    assert "Confusion matrix" in result.stdout
    assert not (out / "model.skops").exists()
    scored = Result.load(out)
    assert scored.accuracy > 0.9  # these are its training faces
    assert scored.command.startswith("classic-fer evaluate ")
    report = runner.invoke(app, [*args[:-4], "--out", str(tmp_path / "json"), "--json"])
    assert json.loads(report.stdout)["scores"]["accuracy"]["value"] == scored.accuracy


def test_evaluate_without_a_model_file_is_refused(tmp_path, faces):
    result = runner.invoke(app, ["evaluate", str(tmp_path), "--data", str(faces)])
    assert result.exit_code == 2
    assert "no model.skops or model.onnx in the folder" in squeezed(result.stderr)


def test_budget_and_memory_reach_the_search(faces, tmp_path, monkeypatch):
    from classic_fer.evaluation import cross_validation

    told = {}
    whole = cross_validation.cross_validate

    def listen(*args, **kwargs):
        told.update(kwargs)
        return whole(*args, **kwargs)

    monkeypatch.setattr(cross_validation, "cross_validate", listen)
    result = search(faces, "--budget", "10m", "--memory", "4G", "--out", str(tmp_path / "run"))
    assert result.exit_code == 0, result.stderr
    assert (told["budget"], told["memory"]) == (600, 4 * 2**30)
    assert "--budget 10m --memory 4G" in Result.load(tmp_path / "run").command
