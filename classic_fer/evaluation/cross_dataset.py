"""Cross-data-set scores: a recognizer trained on one data set, scored on each of the others.

The recognizer is the one that a run of the benchmark keeps: its parameters were chosen and it was
trained on the training data of its own data set alone. It is scored on all faces of another data
set except the part ``final``. Rows of classes that it does not know are counted and left out;
answers that the other data set has no class for count as wrong.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from classic_fer.evaluation.benchmark_runs import DataRuns, failure_text
from classic_fer.evaluation.cross_table import CROSS_PREFIX
from classic_fer.evaluation.numbered_folds import fold_spec
from classic_fer.evaluation.official_parts import official_parts
from classic_fer.evaluation.result import RESULT_FILE, Result

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["cross_runs"]


def cross_runs(parts: Sequence[DataRuns], crossed: MutableMapping[str, Result]) -> None:
    """Score the recognizers of each data set on all the others.

    Parameters
    ----------
    parts : sequence of DataRuns
        Whose runs were made; failures are noted in theirs.
    crossed : mapping of str to Result
        Gets the results by ``<train>/<run>/on-<test>``; those that are there are kept.
    """
    tested = {part.plan.name: part for part in parts}
    for trained in {part.plan.name: part for part in parts}.values():
        for run, result in list(trained.results.items()):
            if run.partition("/")[0] == trained.plan.name and _leads(result):
                others = [part for name, part in tested.items() if name != trained.plan.name]
                for other in others:
                    _attempt(run, trained, other, crossed)


def _leads(result: Result) -> bool:
    """Whether a run keeps a recognizer of its own: that of random folds is searched for wrongly."""
    spec = fold_spec(str(result.protocol["name"]))
    return spec is None or not spec.random


def _attempt(
    run: str, trained: DataRuns, other: DataRuns, crossed: MutableMapping[str, Result]
) -> None:
    name = f"{run}/{CROSS_PREFIX}{other.plan.name}"
    try:
        kept = (trained.folder / name / RESULT_FILE).is_file()
        result = Result.load(trained.folder / name) if kept else _scored(name, run, trained, other)
    except Exception as error:
        text = failure_text(error)
        trained.failures.append({"run": name, "error": text})
        trained.watcher.failed(name, text)
        return
    crossed[name] = result
    trained.watcher.finished(name, result, kept=kept)


def _scored(name: str, run: str, trained: DataRuns, other: DataRuns) -> Result:
    from classic_fer.evaluation.holdout import evaluate
    from classic_fer.faces.align import align_faces
    from classic_fer.models.persistence import load_model
    from classic_fer.reports.run_folder import RunFolder

    settings = other.plan.settings
    recognizer = load_model(trained.folder / run)
    dataset = _without_final(other.dataset(settings))
    with RunFolder.create(trained.folder / name, name) as folder:
        with trained.watcher.stage(f"{name}: aligning faces") as report:
            aligned = align_faces(
                dataset,
                alignment=recognizer.alignment_,
                detector=settings.detector,
                landmarks=settings.landmarks,
                not_found=settings.not_found,
                n_jobs=trained.n_jobs,
                progress=report,
            )
        result = evaluate(recognizer, aligned, random_state=trained.plan.settings.seed)
        folder.write(result)
    return result


def _without_final(dataset: Dataset) -> Dataset:
    parts = official_parts(dataset.split, dataset.card.official_split)
    if parts is None or parts.final is None:
        return dataset
    return dataset.subset(~np.isin(np.arange(len(dataset)), parts.final))
