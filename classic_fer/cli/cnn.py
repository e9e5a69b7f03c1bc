"""``classic-fer cnn``: small convolutional networks to compare with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from classic_fer.cli import cnn_options, options
from classic_fer.cli.console import Session, guard, output_console, say, show_result

if TYPE_CHECKING:
    from classic_fer.cnn.job import TrainingJob
    from classic_fer.cnn.loop import Epoch
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.result import Result
    from classic_fer.reports.run_folder import RunFolder

__all__ = ["app", "train"]

app = typer.Typer(name="cnn", help="Networks to compare with.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Networks to compare with."""


@app.command()
def train(
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: cnn_options.Labels = None,
    arch: cnn_options.Arch = None,
    weights: cnn_options.Weights = None,
    input_size: cnn_options.InputSize = None,
    dropout: cnn_options.Dropout = None,
    mirror: cnn_options.Mirror = None,
    epochs: cnn_options.Epochs = None,
    batch_size: cnn_options.BatchSize = None,
    lr: cnn_options.LearningRate = None,
    schedule: cnn_options.Schedule = None,
    warmup: cnn_options.Warmup = None,
    plateau_factor: cnn_options.PlateauFactor = None,
    plateau_patience: cnn_options.PlateauPatience = None,
    momentum: cnn_options.Momentum = None,
    weight_decay: cnn_options.WeightDecay = None,
    averaging: cnn_options.Averaging = None,
    patience: cnn_options.Patience = None,
    restore_best: cnn_options.RestoreBest = None,
    validation: cnn_options.Validation = None,
    class_weights: cnn_options.ClassWeights = None,
    label_smoothing: cnn_options.LabelSmoothing = None,
    half_precision: cnn_options.HalfPrecision = None,
    flip: cnn_options.Flip = None,
    shift: cnn_options.Shift = None,
    rotation: cnn_options.Rotation = None,
    scale: cnn_options.Scale = None,
    contrast: cnn_options.Contrast = None,
    erasing: cnn_options.Erasing = None,
    mixup: cnn_options.Mixup = None,
    cv: cnn_options.Protocol = None,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    not_found: cnn_options.NotFound = None,
    size: options.Size = None,
    config: cnn_options.Config = None,
    jobs: options.Jobs = -1,
    threads: cnn_options.Threads = -1,
    seed: cnn_options.Seed = None,
    out: options.Out = None,
    resume: cnn_options.Resume = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Train a network in PyTorch and leave it as ONNX, which runs without PyTorch."""
    flags = {
        name: value
        for name, value in {**locals(), "format": data_format}.items()
        if value is not None and name not in _NOT_OF_A_JOB
    }
    flags = {
        name: str(value) if isinstance(value, Path) else value for name, value in flags.items()
    }
    with guard(debug) as session:
        from classic_fer.cnn.config import planned_jobs, read_config
        from classic_fer.cnn.job import TrainingJob
        from classic_fer.cnn.threads import set_threads
        from classic_fer.cnn.torch_extra import require_torch
        from classic_fer.errors import ParameterError
        from classic_fer.reports.run_folder import RunFolder, load_settings, run_name

        require_torch()
        if resume is not None and (out is not None or config is not None):
            raise ParameterError(
                f"--resume {resume} goes on in that folder with its settings; leave out --out and "
                "--config"
            )
        set_threads(threads)
        if resume is not None:
            job = TrainingJob.resumed_from(load_settings(resume), flags, folder=str(resume))
            folder = RunFolder.open(resume)
            result = _train(job, job.load(), folder, session, jobs=jobs)
            show_result(result, folder.path, as_json=as_json)
            return
        plan = planned_jobs({} if config is None else read_config(config), flags)
        if list(plan) == [""]:
            job = plan[""]
            dataset = job.load()  # refuses unfit data before there is a folder
            name = run_name(dataset.name, "cnn", job.training.arch, job.cv or "holdout")
            folder = RunFolder.create(out, name, job.to_dict())
            result = _train(job, dataset, folder, session, jobs=jobs)
            show_result(result, folder.path, as_json=as_json)
        else:
            place = out or Path("runs") / "cnn-experiments"
            again = ["cnn", "train", "--config", str(config), "--out", str(place)]
            session.resume = shlex.join(again)
            _experiments(plan, place, session, jobs=jobs, as_json=as_json)


_NOT_OF_A_JOB = (
    "data_format",
    "config",
    "jobs",
    "threads",
    "out",
    "resume",
    "as_json",
    "debug",
)


def _train(
    job: TrainingJob, dataset: Dataset, folder: RunFolder, session: Session, *, jobs: int
) -> Result:
    """One training in its folder."""
    from classic_fer.cli.progress import tracked
    from classic_fer.cnn.run import run_job

    with folder:
        session.run_folder = folder.path
        session.resume = session.resume or f"cnn train --resume {shlex.quote(str(folder.path))}"
        with tracked("aligning faces") as report:
            aligned = job.align(dataset, n_jobs=jobs, progress=report)
        with tracked("training") as report:

            def show(done: int, total: int, epoch: Epoch) -> None:
                report(done, total)
                say(f"epoch {epoch.number}", _line(epoch), style="green")

            return run_job(job, aligned, folder, progress=show)


def _line(epoch: Epoch) -> str:
    return (
        f"loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}; validation loss "
        f"{epoch.validation_loss:.3f}, accuracy {epoch.validation_accuracy:.3f}; learning rate "
        f"{epoch.lr:.2g}, {epoch.seconds:.0f} s"
    )


def _experiments(
    plan: dict[str, TrainingJob], place: Path, session: Session, *, jobs: int, as_json: bool
) -> None:
    """Every training of a grid; those that are finished are not done again."""
    import json

    from classic_fer.cnn.experiments import experiment_rows, open_experiment
    from classic_fer.reports.tables import rich_table
    from classic_fer.reports.training import experiments_table

    for name, job in plan.items():
        folder, finished = open_experiment(place / name, job)
        if finished:
            say(name, "was there already", style="green")
            continue
        say(name, job.command(), style="green")
        _train(job, job.load(), folder, session, jobs=jobs)
    rows = experiment_rows(place, plan)
    (place / "experiments.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        output_console().print(rich_table(experiments_table(rows)))
    say("table", str(place / "experiments.json"), style="green")
