"""Saved models side by side on the same faces: predictions and costs, measured in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.errors import DataError
from classic_fer.evaluation.cost import PredictionCost, measure_cost
from classic_fer.evaluation.holdout import answer_classes, evaluate
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.result import Result
from classic_fer.faces.align import align_faces
from classic_fer.models.persistence import load_model

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["ModelSource", "ModelsOnData", "compare_models"]

_Stage = Callable[[str], AbstractContextManager[Callable[[int, int], object] | None]]


@dataclass(frozen=True)
class ModelSource:
    """A model, and where it came from.

    Attributes
    ----------
    recognizer : Recognizer or OnnxRecognizer
    path : str or Path
        As `load_model` took it.
    spec : str or Path or None
        Likewise.
    """

    recognizer: Any
    path: str | Path
    spec: str | Path | None = None

    @classmethod
    def load(
        cls, path: str | Path, spec: str | Path | None = None, *, n_jobs: int = -1
    ) -> ModelSource:
        """See `load_model`."""
        return cls(load_model(path, spec=spec, n_jobs=n_jobs), path, spec)


@dataclass(frozen=True)
class ModelsOnData:
    """What `compare_models` measured, by name of the model.

    Attributes
    ----------
    results : dict of str to Result
        On the same rows.
    costs : dict of str to PredictionCost
    warnings : list of str
        Each with the name of its model.
    """

    results: dict[str, Result] = field(default_factory=dict)
    costs: dict[str, PredictionCost] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def compare_models(
    models: Mapping[str, ModelSource],
    dataset: Dataset,
    *,
    restrict_classes: bool = False,
    with_costs: bool = True,
    n_jobs: int = -1,
    random_state: int = 0,
    stage: _Stage | None = None,
) -> ModelsOnData:
    """Score models on the same faces, each aligned as it wants them, and measure what they cost.

    Parameters
    ----------
    models : mapping of str to ModelSource
    dataset : Dataset
        Not aligned. Rows of classes that a model lacks are left out for all of them, and named.
    restrict_classes, random_state
        See `evaluate`.
    with_costs : bool
        Whether costs are measured, too, which takes some seconds a model.
    n_jobs : int
        Processes that align.
    stage : callable, optional
        Called with what comes next; a context manager that gives a progress callback.

    Raises
    ------
    DataError
        If no row has a class that all models know.
    """
    told = ModelsOnData()
    known = [set(answer_classes(each.recognizer, dataset)) for each in models.values()]
    shared = set.intersection(*known)
    lacking = [name for name in dataset.classes if name not in shared]
    rows = np.isin(dataset.y, sorted(shared))
    if not rows.any():
        raise DataError(
            f"no class of the data ({', '.join(dataset.classes)}) is known to all models; choose "
            "a label policy that maps them, or other models"
        )
    if lacking:
        told.warnings.append(
            f"{int((~rows).sum())} faces of {', '.join(lacking)} are left out: not every model "
            "knows these classes"
        )
    common = dataset.subset(rows) if lacking else dataset
    for name, model in models.items():
        with nullcontext() if stage is None else stage(f"aligning faces for {name}") as progress:
            aligned = align_faces(
                common,
                alignment=model.recognizer.alignment_,
                n_jobs=n_jobs,
                progress=progress,
            )
        result = evaluate(
            model.recognizer,
            aligned,
            restrict_classes=restrict_classes,
            random_state=random_state,
        )
        told.results[name] = result
        if with_costs:
            told.costs[name] = measure_cost(model.path, aligned_faces(aligned), spec=model.spec)
        told.warnings.extend(f"{name}: {each}" for each in result.warnings)
    return told
