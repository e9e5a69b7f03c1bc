"""Run folders: where they go, what they hold, and when they go away again."""

from __future__ import annotations

import json
from types import MappingProxyType, SimpleNamespace

import pytest

from classic_fer.errors import DataError, MissingFileError, ParameterError
from classic_fer.evaluation.result import Result
from classic_fer.reports.run_folder import RunFolder, run_name


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("jaffe", "lbp", "svm", "10"), "jaffe-lbp-svm-10"),
        (("my faces", "(lbp+hog):pca:lda", "knn", "a/b.csv"), "myfaces-lbp+hog.pca.lda-knn-b"),
        (("///", "lbp", "svm", "10"), "x-lbp-svm-10"),
    ],
)
def test_names_suit_shells_and_file_systems(parts, name):
    assert run_name(*parts) == name


def test_second_run_gets_a_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [RunFolder.create(None, "a-b", {"seed": 0}).path.name for _ in range(3)]
    assert made == ["a-b", "a-b-2", "a-b-3"]


def test_given_folder_must_not_hold_a_run(tmp_path):
    RunFolder.create(tmp_path / "run", "name", {"seed": 0})
    with pytest.raises(ParameterError, match=r"already holds a run.*--resume"):
        RunFolder.create(tmp_path / "run", "name", {"seed": 0})
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match="is a file"):
        RunFolder.create(tmp_path / "file", "name")


def test_settings_come_back(tmp_path):
    RunFolder.create(tmp_path / "run", "name", {"seed": 3, "grid": ["a=1"]})
    assert RunFolder.open(tmp_path / "run").settings == {"seed": 3, "grid": ["a=1"]}


def test_what_is_no_search_cannot_be_opened(tmp_path):
    with pytest.raises(MissingFileError, match=r"no run folder that can be resumed"):
        RunFolder.open(tmp_path)
    for text in ["{", "[1]"]:
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(ParameterError, match=r"settings\.json is damaged"):
            RunFolder.open(tmp_path)


def fail(path, error, *files, settings=MappingProxyType({"seed": 0})):
    """A run that finishes some files, then fails."""
    with RunFolder.create(path, "name", settings and dict(settings)) as folder:
        (folder.path / "folds").mkdir()
        for name in files:
            (folder.path / "folds" / name).touch()
        raise error


def test_refused_input_leaves_no_empty_folder(tmp_path):
    with pytest.raises(DataError):
        fail(tmp_path / "run", DataError("one class only"), "settings.json")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("error", [DataError("late"), KeyboardInterrupt()])
def test_finished_work_stays(tmp_path, error):
    with pytest.raises(type(error)):
        fail(tmp_path / "run", error, "0.json")
    assert (tmp_path / "run" / "folds" / "0.json").exists()


def test_interruption_takes_an_empty_folder_away_that_cannot_be_resumed(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fail(tmp_path / "run", KeyboardInterrupt(), settings=None)
    assert not (tmp_path / "run").exists()


def test_interruption_leaves_the_settings(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fail(tmp_path / "run", KeyboardInterrupt())
    assert RunFolder.open(tmp_path / "run").settings == {"seed": 0}


FIGURES = ("confusion", "folds", "reliability", "risk_coverage", "search")


def test_result_is_written_with_report_and_figure(tmp_path, make_result):
    folder = RunFolder.create(tmp_path / "run", "name")
    search = SimpleNamespace(cv_results_={"param_clf__C": [1, 10], "mean_test_score": [0.5, 0.6]})
    folder.write(make_result(), search=search)
    assert {p.name for p in folder.path.iterdir()} == {
        "result.json",
        "predictions.csv",
        "report.md",
        *(f"{figure}.{form}" for figure in FIGURES for form in ("png", "svg")),
        "cv_results.csv",
    }
    assert Result.load(folder.path).accuracy == pytest.approx(0.7)
    assert json.loads((folder.path / "result.json").read_text())["command"].startswith(
        "classic-fer"
    )
    assert (folder.path / "cv_results.csv").read_text().splitlines()[0] == (
        "param_clf__C,mean_test_score"
    )


def test_plain_search_has_no_confusion_figure(tmp_path, make_result):
    folder = RunFolder.create(tmp_path / "run", "name")
    folder.write(make_result(scores={}, per_class=[], confusion=None))
    assert not (folder.path / "confusion.png").exists()


def test_leak_of_random_folds_is_said_once(tmp_path, make_result):
    from classic_fer.evaluation.protocols import PEOPLE_IGNORED

    folder = RunFolder.create(tmp_path / "run", "name")
    protocol = {"name": "random10", "groups": None, "folds": 10, "hash": "0" * 64}
    folder.write(make_result(protocol=protocol, warnings=[PEOPLE_IGNORED]))
    assert Result.load(folder.path).warnings == [PEOPLE_IGNORED]
    assert (folder.path / "report.md").read_text().count("people leak") == 1


def test_refused_run_leaves_no_empty_folder_of_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError), RunFolder.create(None, "faces-lbp-svm-10"):
        raise ParameterError("no")
    assert not (tmp_path / "runs").exists()
