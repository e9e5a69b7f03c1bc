"""classic-fer benchmark and report, from the shell to the page."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.evaluation.benchmark import Watcher, benchmark, read_benchmark
from classic_fer.evaluation.result import Result

runner = CliRunner()
ROOT = Path(__file__).parents[2]

SMALL = {"inner_cv": 2, "grid": {"clf__C": [1, 3]}, "detector": "none", "clf": "linear-svm"}


def write_faces(folder: Path, *, people: bool) -> Path:
    """A manifest of drawn crops: six people, three expressions."""
    from classic_fer.datasets.synthetic import synthetic_faces

    folder.mkdir()
    drawn = synthetic_faces(6, 1, size=96, emotions=["neutral", "happiness", "surprise"])
    with (folder / f"{folder.name}.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "subject"] if people else ["path", "label"])
        for i, (label, subject) in enumerate(zip(drawn.labels, drawn.subjects)):
            Image.fromarray(drawn.images[i][24:72, 24:72]).save(folder / f"{i}.png")
            writer.writerow([f"{i}.png", label, *([subject] if people else [])])
    return folder / f"{folder.name}.csv"


class Heard(Watcher):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, bool]] = []
        self.errors: dict[str, str] = {}
        self.notes: list[str] = []

    def finished(self, run: str, result: Result, *, kept: bool) -> None:
        self.runs.append((run, kept))

    def failed(self, run: str, error: str) -> None:
        self.errors[run] = error

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Manifests with people and without."""
    folder = tmp_path_factory.mktemp("faces")
    return write_faces(folder / "known", people=True), write_faces(folder / "alone", people=False)


@pytest.fixture(scope="session")
def folder(faces: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished benchmark: two data sets, two features, leak gap; one classifier fails."""
    out = tmp_path_factory.mktemp("runs") / "paper"
    known, alone = map(str, faces)
    data = [{"data": known, "features": ["hog", "lbp"]}, {"data": alone, "cv": ["3", "loso"]}]
    table = benchmark(
        data, **(SMALL | {"features": "hog", "cv": 3}), leak_gap=True, out=out, command="it <b>"
    )
    assert len(table.rows) == 5
    return out


def test_each_run_is_a_folder_and_the_table_is_over_them(folder):
    runs = {path.parent.relative_to(folder).as_posix() for path in folder.glob("*/*/result.json")}
    assert runs == {
        *("known/hog-linear-svm-3", "known/hog-linear-svm-random3"),
        *("known/lbp-linear-svm-3", "known/lbp-linear-svm-random3"),
        "alone/hog-linear-svm-3",
    }
    table = json.loads((folder / "table.json").read_text())
    assert {row["run"] for row in table["rows"]} == runs
    for row in table["rows"]:
        stored = Result.load(folder / row["run"])
        assert row["scores"] == stored.scores
        assert row["majority_baseline"] == pytest.approx(1 / 3)
        assert row["seconds"] == stored.seconds
    same_folds = [row for row in table["rows"] if row["cv"] == "3" and row["data"] == "known"]
    accuracies = [row["scores"]["accuracy"]["value"] for row in same_folds]
    assert accuracies == sorted(accuracies, reverse=True)
    assert same_folds[0]["rank"] == 1
    assert same_folds[0]["behind_best"] is None
    assert {row["hash"] for row in same_folds} == {same_folds[0]["hash"]}


def test_leak_gap_where_people_are_known_and_the_reason_where_not(folder):
    gaps = json.loads((folder / "table.json").read_text())["leak_gaps"]
    known = [gap for gap in gaps if gap["data"] == "known"]
    assert {gap["features"] for gap in known} == {"hog", "lbp"}
    for gap in known:
        assert gap["gap"] == pytest.approx(gap["random"] - gap["held_out"])
        assert gap["n_people"] == 6
    (unknown,) = [gap for gap in gaps if gap["data"] == "alone"]
    assert unknown["gap"] is None
    assert "cannot be measured" in unknown["sentence"]


def test_failure_is_reported_and_the_rest_goes_on(folder):
    (failure,) = json.loads((folder / "table.json").read_text())["failures"]
    assert failure["run"] == "alone/hog-linear-svm-loso"
    assert "do not tell who is shown" in failure["error"]
    assert not (folder / failure["run"]).exists()


def test_finished_runs_are_kept_and_others_are_added(folder, faces, tmp_path):
    import shutil

    out = tmp_path / "paper"
    shutil.copytree(folder, out)
    shutil.rmtree(out / "known" / "lbp-linear-svm-3")
    before = Result.load(folder / "known" / "lbp-linear-svm-3")
    heard = Heard()
    told = SMALL | {"features": ["hog", "lbp"], "cv": 3}
    table = benchmark(str(faces[0]), **told, out=out, watcher=heard)
    assert heard.runs == [("known/hog-linear-svm-3", True), ("known/lbp-linear-svm-3", False)]
    assert len(table.rows) == 5  # those that were not asked for now are still in the table
    again = Result.load(out / "known" / "lbp-linear-svm-3")
    np.testing.assert_allclose(
        again.predictions.filter(like="score_"), before.predictions.filter(like="score_"), atol=1e-9
    )


def test_run_with_other_settings_is_not_taken_for_the_same(folder, faces):
    heard = Heard()
    told = SMALL | {"features": "hog", "cv": 3, "inner_cv": 3}
    benchmark(str(faces[0]), **told, out=folder, watcher=heard)
    assert "was started with --inner-cv 2, now it is 3" in heard.errors["known/hog-linear-svm-3"]
    benchmark(str(faces[0]), **(told | {"inner_cv": 2}), out=folder, command="it <b>")


def test_interrupted_run_goes_on(faces, tmp_path, monkeypatch):
    from classic_fer.evaluation.fold_files import FoldFiles

    finish = FoldFiles.write
    told = SMALL | {"features": "hog", "cv": 3, "out": tmp_path / "b"}

    def interrupt(self, number, fold):
        finish(self, number, fold)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FoldFiles, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            benchmark(str(faces[0]), **told)
    assert len(list((tmp_path / "b").rglob("*.npz"))) == 1
    assert len(benchmark(str(faces[0]), **told).rows) == 1


def test_leak_gap_without_folds_says_what_it_needs(faces, tmp_path):
    heard = Heard()
    told = SMALL | {"features": "hog", "cv": "loso"}
    benchmark(str(faces[0]), **told, leak_gap=True, out=tmp_path / "b", watcher=heard)
    assert heard.notes == [
        "known: no leak gap under protocol loso; it needs folds, such as --cv 10"
    ]


def test_command_prints_the_table_and_exits_1_after_a_failure(faces, tmp_path):
    (tmp_path / "b.yaml").write_text(f"data: {faces[0]}\nset: {{clf__C: 1}}\ninner-cv: 2\ncv: 3\n")
    flags = ["--detector", "none", "--features", "hog", "--jobs", "1", "--out", str(tmp_path / "b")]
    args = ["benchmark", "--config", str(tmp_path / "b.yaml"), *flags, "--clf", "linear-svm,knn"]
    result = runner.invoke(app, args)
    text = " ".join(result.stdout.split())
    assert result.exit_code == 1, result.output
    assert "recognizer cv accuracy [95 %] rank behind best [95 %]" in text
    assert "hog + linear-svm has the highest accuracy" in text
    assert "failed: known/hog-knn-3: unknown parameter" in text
    assert "Traceback" not in result.stderr


def test_page_holds_everything_and_loads_nothing(folder, tmp_path):
    result = runner.invoke(app, ["report", str(folder), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "page.html").read_text()
    for said in ["Leak gap", "Confusion matrix", "Calibration", "Most confident", "Grid search"]:
        assert said in page
    assert "it &lt;b&gt;" in page
    assert "cannot be measured" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    addresses = re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    css = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in css
    assert "@import" not in css
    assert "<script" not in page
    assert page.count("data:image/png;base64,") > 3  # faces of mistakes


def test_faces_can_be_left_out(folder, tmp_path):
    run = folder / "known" / "hog-linear-svm-random3"
    assert (
        runner.invoke(app, ["report", str(run), "--no-faces", "--out", str(tmp_path)]).exit_code
        == 0
    )
    page = (tmp_path / "page.html").read_text()
    assert "data:image/png" not in page
    assert "people leak: random folds" in page
    assert "SHA-256 of the split" in page
    assert "classic-fer gridsearch --data" in page


def test_tables_for_papers(folder, tmp_path):
    flags = ["--markdown", "--latex", "--out", str(tmp_path)]
    assert runner.invoke(app, ["report", str(folder), *flags]).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"tables.md", "tables.tex"}
    text = (tmp_path / "tables.tex").read_text()
    assert text.count(r"\begin{tabular}") == 3
    assert r"accuracy [95 \%]" in text
    assert r"hog + linear-svm" in (tmp_path / "tables.md").read_text()


def test_folder_without_runs_is_refused(tmp_path):
    result = runner.invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds no finished runs" in result.stderr


def test_benchmark_folder_is_read_as_it_was_written(folder):
    assert read_benchmark(folder).to_dict() == json.loads((folder / "table.json").read_text())


def test_benchmark_of_the_readme_in_toy_size(tmp_path):
    script = ROOT / "benchmarks" / "kfold.py"
    told = [sys.executable, str(script), "--toy", "--jobs", "1", "--out", str(tmp_path)]
    done = subprocess.run(
        told, capture_output=True, text=True, check=False, env=_environment(), timeout=300
    )
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "kfold.json").read_text())
    assert {(row["features"], row["cv"]) for row in table["rows"]} == {
        (features, cv) for features in ("lbp", "hog") for cv in ("2", "random2")
    }
    assert len(table["leak_gaps"]) == 2


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_searches_run_where_they_are_told_and_recognizers_abstain(faces, tmp_path):
    entered: list[str] = []

    @contextmanager
    def place():
        entered.append("in")
        yield
        entered.append("out")

    table = benchmark(
        str(faces[0]),
        **(SMALL | {"features": ["hog", "lbp"], "cv": 3, "abstain": 0.2, "averaging": "mirror"}),
        out=tmp_path / "runs",
        place=place,
    )
    assert entered == ["in", "out"] * 2
    for row in table.rows:
        result = Result.load(tmp_path / "runs" / row["run"])
        assert result.answered["wished_error"] == 0.2
        assert result.recognizer["params"]["averaging"] == "mirror"


def test_a_backend_that_cannot_be_used_is_refused_before_any_run(faces, tmp_path):
    out = tmp_path / "runs"
    command = ["benchmark", "--data", str(faces[0]), "--out", str(out), "--backend", "dask"]
    done = runner.invoke(app, command)
    assert done.exit_code == 2
    assert "--backend dask needs --scheduler" in done.output
    assert not out.exists()
