"""Help texts name everything that can be asked for."""

import pytest
from typer.main import get_command

from classic_fer.cli import app
from classic_fer.evaluation.face_columns import FACE_COLUMNS
from classic_fer.models.classifiers import CLASSIFIERS
from classic_fer.studies.damages import DAMAGES


def help_of(command: str, flag: str) -> str:
    params = get_command(app).commands[command].params
    return next(str(each.help) for each in params if flag in each.opts)


@pytest.mark.parametrize("name", sorted(CLASSIFIERS))
def test_gridsearch_names_every_classifier(name):
    assert name in help_of("gridsearch", "--clf")


@pytest.mark.parametrize("command", ["gridsearch", "evaluate", "benchmark"])
def test_grouping_names_every_measured_column(command):
    assert all(name in help_of(command, "--by") for name in FACE_COLUMNS)


def test_study_noise_names_every_damage():
    study = get_command(app).commands["study"].commands["noise"]
    told = next(str(each.help) for each in study.params if "--damage" in each.opts)
    assert all(name in told for name in DAMAGES)
