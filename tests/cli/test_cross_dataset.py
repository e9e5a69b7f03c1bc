"""classic-fer benchmark --cross --dedup: train on one data set, test on the others."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from classic_fer.cli import app
from classic_fer.evaluation.benchmark_table import read_benchmark
from classic_fer.evaluation.result import Result
from classic_fer.reports.benchmark import benchmark_markdown
from classic_fer.reports.cross import cross_figure

runner = CliRunner()
TOLD = """
cross: true
dedup: true
cv: 2
inner-cv: 2
features: hog
clf: linear-svm
grid: {clf__C: [1]}
detector: none
data: [first.csv, {data: second.csv, labels: no-anger.csv}]
"""


def write_faces(folder: Path, name: str, emotions: list[str], seed: int) -> None:
    from classic_fer.datasets.synthetic import synthetic_faces

    drawn = synthetic_faces(4, 1, size=96, emotions=emotions, random_state=seed)
    rows = []
    for i, (label, subject) in enumerate(zip(drawn.labels, drawn.subjects)):
        Image.fromarray(drawn.images[i][24:72, 24:72]).save(folder / f"{name}{i}.png")
        rows.append([f"{name}{i}.png", label, subject])
    with (folder / f"{name}.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "label", "subject"], *rows])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_faces(folder, "first", ["neutral", "happiness", "surprise"], 0)
    write_faces(folder, "second", ["neutral", "happiness", "anger", "fear"], 1)
    (folder / "no-anger.csv").write_text("from,to\nanger,\n")
    (folder / "study.yaml").write_text(TOLD)
    made = command(folder)
    assert made.exit_code == 0, made.output
    return folder


def command(folder: Path):
    told = ["--config", str(folder / "study.yaml"), "--out", str(folder / "runs"), "--jobs", "1"]
    return runner.invoke(app, ["benchmark", *told])


def test_every_pair_has_a_cell_with_the_classes_that_could_be_scored(study):
    table = json.loads((study / "runs" / "table.json").read_text())
    cells = {(cell["train"], cell["test"]): cell for cell in table["cross"]}
    assert set(cells) == {(a, b) for a in ("first", "second") for b in ("first", "second")}
    away = cells["first", "second"]
    assert (away["n"], away["classes"], away["left_out"]) == (
        8,
        ["neutral", "happiness"],
        {"fear": 4},
    )
    stored = Result.load(study / "runs" / away["run"])
    assert away["stray"] == int((stored.predictions["predicted"] == "surprise").sum())
    own = Result.load(study / "runs" / "first" / "hog-linear-svm-2")
    assert cells["first", "first"]["scores"] == own.scores


def test_matrix_is_in_the_tables_and_the_figure(study):
    runs = study / "runs"
    table = read_benchmark(runs)
    text = benchmark_markdown(table)
    assert "Trained on one, tested on others: hog + linear-svm" in text
    assert "first on second: 8 faces of 2 classes" in text
    assert "left out, as the recognizer does not know them: 4 fear" in text
    assert (runs / "cross-hog-linear-svm-2.png").stat().st_size > 5000
    axes = cross_figure(table.cross).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    shown = {f"{cell['scores']['accuracy']['value']:.2f}" for cell in table.cross}
    assert {each.get_text() for each in axes.texts} == shown


def test_scores_without_copies_are_beside_the_others(study):
    (row, _) = json.loads((study / "runs" / "table.json").read_text())["rows"]
    assert row["dedup"]["identical"]["left_out"] == 0
    assert row["dedup"]["identical"]["scores"]["accuracy"] == row["scores"]["accuracy"]
    report = (study / "runs" / row["run"] / "report.md").read_text()
    assert "Copies of training images" in report


def test_finished_scores_are_kept(study):
    again = command(study)
    assert again.exit_code == 0
    assert again.output.count("was there already") == 4


def test_one_data_set_cannot_be_crossed(study):
    told = ["--data", str(study / "first.csv"), "--cross", "--out", str(study / "alone")]
    refused = runner.invoke(app, ["benchmark", *told])
    assert refused.exit_code == 2
    assert "at least two data sets, got 'first' alone" in " ".join(refused.output.split())
    assert not (study / "alone").exists()


def test_policies_side_by_side(study):
    model = str(study / "runs" / "first" / "hog-linear-svm-2")
    told = ["--data", str(study / "second.csv"), "--label-policies", "keep,merge7", "--jobs", "1"]
    done = runner.invoke(app, ["evaluate", model, *told, "--out", str(study / "policies")])
    assert done.exit_code == 0, done.output
    policies = Result.load(study / "policies").label_policies
    assert [row["policy"] for row in policies] == ["keep", "merge7"]
    assert policies[0]["left_out"] == {"anger": 4, "fear": 4}
    assert "Every class weighs" in done.output or "every class weighs" in done.output
    assert "## Label policies" in (study / "policies" / "report.md").read_text()
