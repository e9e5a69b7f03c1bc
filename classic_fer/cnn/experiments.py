"""Several trainings side by side: one folder each, and a table of what they gave."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classic_fer.cnn.job import TrainingJob
from classic_fer.cnn.run import TRAINING_FILE
from classic_fer.evaluation.result import RESULT_FILE, Result
from classic_fer.reports.run_folder import RunFolder, has_settings, load_settings

__all__ = ["experiment_rows", "open_experiment"]


def open_experiment(path: Path, job: TrainingJob) -> tuple[RunFolder, bool]:
    """The run folder of one training, new or not, and whether it is finished.

    Raises
    ------
    ParameterError
        If the folder was started with other settings.
    """
    if not has_settings(path):
        return RunFolder.create(path, path.name, job.to_dict()), False
    flags = {name: value for name, value in job.to_dict().items() if name != "command"}
    TrainingJob.resumed_from(load_settings(path), flags, folder=str(path))
    return RunFolder.open(path), (path / RESULT_FILE).exists()


def experiment_rows(place: Path, names: Iterable[str]) -> list[dict[str, Any]]:
    """What each finished training gave, as plain data.

    Parameters
    ----------
    place : Path
        Folder of the run folders.
    names : iterable of str
        Of these.

    Returns
    -------
    rows : list of dict
        ``name``, ``accuracy`` and ``macro_f1`` ({``value``, ``ci95``}) on the scored part,
        ``majority_baseline``, ``epochs``, ``best_epoch``, ``kept_epoch``,
        ``validation_accuracy`` and ``validation_loss`` of the kept epoch, ``seconds``.
    """
    rows = []
    for name in names:
        result = Result.load(place / name)
        facts = json.loads((place / name / TRAINING_FILE).read_text(encoding="utf-8"))
        kept = facts["history"][facts["kept_epoch"] - 1]
        rows.append(
            {
                "name": name,
                "accuracy": result.scores["accuracy"],
                "macro_f1": result.scores["macro_f1"],
                "majority_baseline": result.majority_baseline,
                "epochs": len(facts["history"]),
                "best_epoch": facts["best_epoch"],
                "kept_epoch": facts["kept_epoch"],
                "validation_accuracy": kept["validation_accuracy"],
                "validation_loss": kept["validation_loss"],
                "seconds": facts["seconds"],
            }
        )
    return rows
