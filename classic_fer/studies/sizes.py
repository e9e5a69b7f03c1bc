"""Sizes: recognizers and networks from small to large, accuracy beside speed and memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.cost import measure_cost
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.paired_tests import holm
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score, paired_drop
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["USUAL_RECIPES", "recipes_of", "sizes_study"]

USUAL_RECIPES = ("hog/lda", "hog/linear-svm", "lbp/linear-svm", "lbp+hog/svm", "fisher/ridge")

_COST = {
    "ms_single": "ms a face",
    "ms_batch": "ms a face in batches",
    "megabytes": "MB on disk",
    "parameters": "parameters",
    "peak_megabytes": "MB of memory",
    "load_seconds": "s to load",
}


def recipes_of(names: list[str], base: Recipe) -> dict[str, Recipe]:
    """Recipes of ``<features>/<classifier>``, trained otherwise like `base`.

    Raises
    ------
    ParameterError
        For a name of another form, or features or classifiers that do not exist.
    """
    from dataclasses import replace

    from classic_fer.models.recognizer import make_recognizer

    made = {}
    for name in names:
        features, _, clf = name.rpartition("/")
        if not features or not clf:
            raise ParameterError(
                f"expected recognizers as features/classifier, such as lbp+hog/svm, got {name!r}"
            )
        make_recognizer(features, clf)
        made[name] = replace(base, features=features, clf=clf)
    return made


def sizes_study(
    recipes: Mapping[str, Recipe],
    dataset: Dataset,
    *,
    models: Mapping[str, tuple[GivenRecognizer, Dataset]] | None = None,
    specs: Mapping[str, str] | None = None,
    cv: Any = None,
    n_jobs: int = 1,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """One table of recognizers of growing size.

    Parameters
    ----------
    recipes : mapping of str to Recipe
        Trained here, with people held out.
    dataset : Dataset
        Aligned.
    models : mapping of str to (GivenRecognizer, Dataset), optional
        Trained recognizers and networks, by their paths or bundled names, each with these data
        aligned as it needs them. They answer the same test faces.
    specs : mapping of str to str, optional
        Specs of networks of others, by the names of `models`.
    cv : str, int, Path or Protocol, optional
        Outer protocol of the recipes.
    n_jobs, random_state
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Table ``sizes``, from the smallest file to the largest. Speed is of one thread and of
        aligned faces; a recipe's cost is that of the recognizer of the first fold.

    Raises
    ------
    DataError
        If a model knows not all classes of the test faces.
    """
    start = time.perf_counter()
    given, specs = dict(models or {}), dict(specs or {})
    if not recipes and not given:
        raise ParameterError("expected recognizers or models to compare, got none")
    arms = {
        name: HeldOutRecognizers(dataset, recipe, cv=cv, n_jobs=n_jobs, random_state=random_state)
        for name, recipe in recipes.items()
    }
    some = next(iter(arms.values()), None) or next(iter(given.values()))[0]
    tests = np.concatenate([test for _, test in some.folds])
    _check_classes(given, tests)
    cells: list[Cell] = [{"name": name} for name in (*arms, *given)]

    def examine(cell: Cell) -> dict[str, Any]:
        name = cell["name"]
        if name in arms:
            return _train_and_measure(arms[name], aligned_faces(dataset))
        model, own = given[name]
        faces = aligned_faces(own)[tests]
        cost = measure_cost(name, faces, spec=specs.get(name))
        answers = _named(model.recognizer(0), faces)
        return {"predicted": answers, "seconds": None, **cost.to_dict()}

    outcomes = run_cells(
        cells,
        examine,
        settings={
            "study": "sizes",
            "faces": content_hash(aligned_faces(dataset)),
            "labels": content_hash(dataset.y),
            "recipes": {name: each.settings() for name, each in arms.items()},
            "models": {name: each.settings() for name, (each, _) in given.items()},
            "seed": random_state,
        },
        out=out,
        resume=resume,
        progress=progress,
    )
    names = [cell["name"] for cell in cells]
    table = _table(names, outcomes, tests, dataset, random_state)
    facts = [each.facts() for each in arms.values()]
    facts += [model.facts() for model, _ in given.values()]
    notes = list(dict.fromkeys(note for each in facts for note in each["warnings"]))
    y = dataset.y[tests]
    return StudyResult(
        name="sizes",
        title=f"Sizes: {dataset.name}",
        question="What does a larger recognizer or network win, and what does it cost?",
        dataset=dataset_facts(dataset),
        tables=[table],
        conclusions=_conclusions(table),
        limits=[
            "Speed and memory are of this machine, on one thread, from aligned faces; finding and "
            "aligning a face costs more than most of these recognizers.",
            "The best of many was picked on these faces, and is a little worse on others.",
        ],
        warnings=notes,
        protocol=facts[0]["protocol"],
        settings={"majority": float(np.unique(y, return_counts=True)[1].max() / len(y))},
        seed=random_state,
        seconds=time.perf_counter() - start,
    )


def _check_classes(given: Mapping[str, tuple[GivenRecognizer, Dataset]], tests: Any) -> None:
    for name, (model, _) in given.items():
        lacking = set(tests.tolist()) - set(model.folds[0][1].tolist())
        if lacking:
            raise DataError(
                f"{name} does not know the classes of {len(lacking)} test faces; choose a label "
                "policy that maps them (--labels), or leave it out"
            )


def _train_and_measure(held_out: HeldOutRecognizers, faces: Any) -> dict[str, Any]:
    """Answers of all folds; time of training and cost of the recognizer of the first one."""
    parts, costs, seconds = [], {}, 0.0
    for fold, (_, test) in enumerate(held_out.folds):
        began = time.process_time()
        recognizer = held_out.recognizer(fold)
        if not fold:
            seconds = time.process_time() - began
            costs = _cost(recognizer, faces[test])
        parts.append(_named(recognizer, faces[test]))
    return {"predicted": np.concatenate(parts), "seconds": seconds, **costs}


def _named(recognizer: Any, faces: Any) -> Any:
    return np.asarray(recognizer.classes_, dtype=str)[
        recognizer.predict_proba(faces).argmax(axis=1)
    ]


def _cost(recognizer: Any, faces: Any) -> dict[str, Any]:
    """Cost of a recognizer that was just trained: of its file, which is gone afterwards."""
    from classic_fer.models.persistence import save_model

    with tempfile.TemporaryDirectory() as folder:
        return measure_cost(save_model(recognizer, Path(folder) / "model.skops"), faces).to_dict()


def _table(
    names: list[str],
    outcomes: list[dict[str, Any]],
    tests: Any,
    dataset: Dataset,
    random_state: int,
) -> StudyTable:
    y = dataset.y[tests]
    groups = None if dataset.groups is None else dataset.groups[tests]
    right = {name: outcome["predicted"] == y for name, outcome in zip(names, outcomes)}
    best = max(names, key=lambda name: right[name].mean())
    others = [name for name in names if name != best]
    drops = {
        name: paired_drop(right[best], right[name], groups, random_state=random_state)
        for name in others
    }
    adjusted = dict(zip(others, holm([drops[name][1] for name in others]))) if others else {}
    rows = [
        {
            "recognizer": name,
            "accuracy": mean_score(right[name], groups, random_state=random_state),
            "below the best": drops[name][0] if name in drops else "",
            "p": float(adjusted[name]) if name in drops else "",
            **{column: outcome[key] for key, column in _COST.items()},
            "s to train": outcome["seconds"],
        }
        for name, outcome in zip(names, outcomes)
    ]
    forms = dict.fromkeys(_COST.values(), ".3g") | {"parameters": ",", "p": ".2g"}
    return StudyTable(
        "sizes",
        "From the smallest to the largest file (p of the difference to the best, adjusted by "
        "Holm; times are CPU time of one thread; training with its search, on the first fold)",
        sorted(rows, key=lambda row: row["MB on disk"]),
        formats=forms | {"s to train": ".3g"},
    )


def _conclusions(table: StudyTable) -> list[str]:
    best = max(table.rows, key=lambda row: row["accuracy"]["value"])
    said = [
        f"The most accurate is {best['recognizer']} with {best['accuracy']['value']:.3f}, "
        f"{best['MB on disk']:.2g} MB and {best['ms a face']:.2g} ms a face."
    ]
    alike = [row for row in table.rows if row["p"] != "" and row["p"] >= 0.05]
    if alike:
        names = ", ".join(f"{row['recognizer']} ({row['MB on disk']:.2g} MB)" for row in alike)
        said.append(f"Not told apart from it on these faces: {names}.")
    return said
