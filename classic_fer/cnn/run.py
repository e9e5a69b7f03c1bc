"""A training job in a run folder: the network, its scores, curves and parameters."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.cnn.job import TrainingJob
from classic_fer.cnn.training import TrainedNetwork, train_network
from classic_fer.evaluation.predictions_table import (
    aligned_faces,
    coverage_of,
    data_facts,
    fold_scores,
    pooled_scores,
    predictions_table,
)
from classic_fer.evaluation.result import Result, environment

if TYPE_CHECKING:
    import onnx

    from classic_fer.cnn.loop import Epoch
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.reports.run_folder import RunFolder

__all__ = ["CHECKPOINT_FILE", "TRAINING_FILE", "run_job"]

CHECKPOINT_FILE = "checkpoint.pt"
TRAINING_FILE = "training.json"

FEATURES = "pixels"


def run_job(
    job: TrainingJob,
    aligned: Dataset,
    folder: RunFolder,
    *,
    progress: Callable[[int, int, Epoch], None] | None = None,
) -> Result:
    """Train, export, score the exported network on the test part, and write the run folder.

    Parameters
    ----------
    job : TrainingJob
    aligned : Dataset
        From `TrainingJob.align`.
    folder : RunFolder
        Gets ``checkpoint.pt`` after every epoch, then ``model.onnx``, ``training.json``,
        ``history.csv``, ``training.md`` with ``curves`` (PNG and SVG), and what every run has.
        A training that was stopped there goes on after its last whole epoch.
    progress : callable, optional
        Called after every epoch with the number of epochs done, of all, and the epoch.

    Raises
    ------
    As `classic_fer.cnn.training.train_network`.
    """
    from classic_fer.reports.training import write_training

    checkpoint = folder.path / CHECKPOINT_FILE
    trained = train_network(
        aligned,
        job.training,
        cv=job.cv,
        checkpoint=checkpoint,
        resume=checkpoint.exists(),
        progress=progress,
    )
    graph = exported(job, aligned, trained)
    (folder.path / "model.onnx").write_bytes(graph.SerializeToString())
    result = scored(job, aligned, trained, folder.path / "model.onnx")
    facts = training_facts(job, trained)
    (folder.path / TRAINING_FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    _write_history(trained.history, folder.path / "history.csv")
    write_training(facts, result.majority_baseline, folder.path)
    folder.write(result, protocol=trained.parts.protocol, ids=aligned.ids.tolist())
    return result


def exported(job: TrainingJob, aligned: Dataset, trained: TrainedNetwork) -> onnx.ModelProto:
    """The graph of a trained network, with what is known about it as metadata."""
    from classic_fer.cnn.export import network_graph
    from classic_fer.onnx.metadata import FORMAT_VERSION

    parts, alignment, policy = trained.parts, aligned.alignment, aligned.policy
    metadata = {
        "format_version": FORMAT_VERSION,
        "classes": parts.classes,
        "alignment": None if alignment is None else alignment.to_dict(),
        "image_shape": list(aligned_faces(aligned)["image"].shape[1:]),
        "features": FEATURES,
        "clf": job.training.arch,
        "card": aligned.card.to_dict(),
        "label_policy": None if policy is None else policy.to_dict(),
        "dataset": {
            "name": aligned.name,
            "n": len(parts.fit) + len(parts.validation),
            "classes": parts.classes,
        },
        "protocol": {"name": parts.protocol.name, "hash": parts.protocol.hash},
        "best_params": job.training.to_dict(),
        "versions": environment(),
    }
    return network_graph(
        trained.network,
        metadata,
        side=trained.side,
        temperature=trained.temperature,
        mirror=job.training.mirror,
    )


def scored(job: TrainingJob, aligned: Dataset, trained: TrainedNetwork, file: Path) -> Result:
    """The Result of the exported network on the test part."""
    from classic_fer.onnx.recognizer import load_onnx

    parts, seed = trained.parts, job.training.seed
    recognizer = load_onnx(file, n_jobs=1)
    classes = [str(name) for name in recognizer.classes_]
    chances = recognizer.predict_proba(aligned_faces(aligned)[parts.test])
    name = parts.protocol.fold_names[0]
    table = predictions_table(aligned, parts.test, chances, classes, name)
    people = aligned.groups
    return Result(
        dataset={"name": aligned.name, "n": len(parts.test), "classes": parts.classes},
        protocol={
            "name": parts.protocol.name,
            "groups": _number_of_people(people, parts.test) if parts.protocol.grouped else None,
            "folds": 1,
            "repeats": 1,
            "kept_together": parts.protocol.groups.kept_together,
            "hash": parts.protocol.hash,
        },
        recognizer={"features": FEATURES, "clf": job.training.arch, "params": _params(job)},
        best_params={},
        folds=[
            {
                "name": name,
                "n_train": len(parts.fit),
                "n_test": len(parts.test),
                "scores": fold_scores(table),
                "params": {},
            }
        ],
        coverage=coverage_of(aligned, parts.test),
        warnings=_notes(trained),
        **pooled_scores(aligned, table, wished_error=None, random_state=seed),
        **data_facts(aligned),
        command=job.command(),
        seed=seed,
        environment={**environment(), **_torch_version()},
        seconds=trained.seconds,
    )


def training_facts(job: TrainingJob, trained: TrainedNetwork) -> dict[str, Any]:
    """Settings, history and sizes of a training as plain data."""
    parts = trained.parts
    return {
        "command": job.command(),
        "settings": job.training.to_dict(),
        "input_size": trained.side,
        "parameters": trained.n_parameters,
        "layers": trained.layers,
        "faces": {
            "fit": len(parts.fit),
            "validation": len(parts.validation),
            "test": len(parts.test),
        },
        "best_epoch": trained.best_epoch,
        "kept_epoch": trained.kept_epoch,
        "temperature": trained.temperature,
        "seconds": trained.seconds,
        "history": [asdict(epoch) for epoch in trained.history],
    }


def _params(job: TrainingJob) -> dict[str, Any]:
    return {name: value for name, value in job.training.to_dict().items() if name != "arch"}


def _notes(trained: TrainedNetwork) -> list[str]:
    """Warnings of the protocol, and that one fold of several was scored."""
    protocol = trained.parts.protocol
    notes = list(protocol.warnings)
    if len(protocol.folds) > 1:
        notes.append(
            f"one network was trained, and scored on the first of {len(protocol.folds)} folds"
        )
    return notes


def _number_of_people(people: NDArray | None, rows: NDArray[np.intp]) -> int | None:
    return None if people is None else len(np.unique(people[rows]))


def _torch_version() -> dict[str, str]:
    from importlib.metadata import version

    return {"torch": version("torch")}


def _write_history(history: list[Epoch], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(asdict(history[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)
