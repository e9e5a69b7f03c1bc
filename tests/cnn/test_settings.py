"""Settings, jobs and configuration files: what is refused, and with which words."""

import re

import pytest

from classic_fer.cnn.config import planned_jobs, read_config
from classic_fer.cnn.job import TrainingJob
from classic_fer.cnn.settings import TrainingSettings
from classic_fer.errors import MissingFileError, ParameterError


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("lr", -0.1, "lr must be greater than 0, got -0.1"),
        ("lr", float("nan"), "lr must be greater than 0, got nan"),
        ("epochs", 0, "epochs must be at least 1, got 0"),
        ("batch_size", 1, "batch-size must be at least 2, got 1"),
        ("validation", 1.0, "validation must be between 0 and 1, got 1.0"),
        ("rotation", -5, "rotation must be 0 to 180, got -5"),
        ("patience", 0, "patience must be at least 1, got 0"),
        ("seed", -1, "seed must be 0 to 4294967295, got -1"),
        ("schedule", "step", "schedule must be one of constant, cosine, plateau, got 'step'"),
        ("warmup", 40, "warmup (40 epochs) must be shorter than the training (40 epochs)"),
    ],
)
def test_values_out_of_range_are_refused(setting, value, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        TrainingSettings(**{setting: value})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"learning_rate": 1}, "unknown training setting 'learning_rate'"),
        ({"flip": "yes"}, "'flip' must be bool, got 'yes'"),
        ({"epochs": 2.5}, "'epochs' must be int, got 2.5"),
        ({"epochs": True}, "'epochs' must be int, got True"),
        ({"arch": None}, "'arch' must be str, got None"),
    ],
)
def test_plain_data_of_a_wrong_kind_is_refused(data, said):
    with pytest.raises(ParameterError, match=said):
        TrainingSettings.from_dict(data)


def test_settings_survive_json_and_keep_defaults():
    settings = TrainingSettings(arch="baseline", patience=3, flip=False)
    assert TrainingSettings.from_dict(settings.to_dict()) == settings
    assert TrainingSettings.from_dict({"lr": 1}) == TrainingSettings(lr=1)


def test_a_job_is_its_command_line():
    job = TrainingJob.from_flags({"data": "my faces.zip", "lr": 0.01, "flip": False})
    assert job.command() == (
        "classic-fer cnn train --data 'my faces.zip' --arch vgg-tiny --lr 0.01 --no-flip --seed 0"
    )


def test_an_unknown_flag_names_the_nearest():
    with pytest.raises(ParameterError, match=r"batchsize.*did you mean 'batch-size'"):
        TrainingJob.from_flags({"batchsize": 3})


def test_resuming_with_other_settings_is_refused():
    stored = TrainingJob.from_flags({"lr": 0.01, "epochs": 7}).to_dict()
    assert TrainingJob.resumed_from(stored, {"epochs": 7}, folder="run").training.lr == 0.01
    with pytest.raises(ParameterError, match=r"run was started with lr 0.01, now it is 0.1"):
        TrainingJob.resumed_from(stored, {"lr": 0.1}, folder="run")
    with pytest.raises(ParameterError, match="holds no training of a network"):
        TrainingJob.resumed_from({"features": "lbp"}, {}, folder="run")


def test_a_grid_trains_every_combination(tmp_path):
    file = tmp_path / "experiments.yaml"
    file.write_text(
        "arch: baseline\nepochs: 3\ngrid:\n  lr: [0.01, 0.001]\n  restore-best: [true, false]\n"
    )
    jobs = planned_jobs(read_config(file), {"epochs": 2})
    assert list(jobs) == [
        "lr-0.01,restore-best-true",
        "lr-0.01,restore-best-false",
        "lr-0.001,restore-best-true",
        "lr-0.001,restore-best-false",
    ]
    last = jobs["lr-0.001,restore-best-false"].training
    assert (last.arch, last.epochs, last.lr, last.restore_best) == ("baseline", 2, 0.001, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grid: {lr: 0.1}", "grid must hold flags with lists of values"),
        ("grid: {lr: [-1]}", "lr must be greater than 0, got -1"),
        ("lr: 0.1\ngrid: {lr: [1, 2]}", "lr is given as 0.1 and varied by the grid"),
        ("rate: 0.1", "unknown setting of a training 'rate'"),
        ("size: big", "size must be int | None, got 'big'"),
        ("- lr", "must hold keys and values"),
        ("lr: [", "is no YAML"),
    ],
)
def test_faulty_configurations_are_refused(tmp_path, text, said):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ParameterError, match=re.escape(said)):
        planned_jobs(read_config(file), {})


def test_a_missing_configuration_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.yaml"):
        read_config(tmp_path / "none.yaml")
