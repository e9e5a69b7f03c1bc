"""Saliency: where recognizers look, by several methods, and which method is right about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import ParameterError, unknown_name
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.saliency_scores import deletion_insertion, random_maps
from classic_fer.models.explanations import CONTRIBUTIONS, OCCLUSION, explain
from classic_fer.models.rise import rise_maps
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score, paired_drop
from classic_fer.studies.recognizers import Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts
from classic_fer.studies.samples import rows_by_fold

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["METHODS", "check_methods", "saliency_maps", "saliency_study", "usable_methods"]

RISE, CHANCE = "rise", "chance"
GRADIENTS = ("gradient", "guided")
METHODS = (CONTRIBUTIONS, OCCLUSION, RISE, *GRADIENTS)


def saliency_study(
    recognizers: Recognizers,
    dataset: Dataset,
    *,
    methods: Sequence[str] | None = None,
    n_faces: int = 70,
    n_masks: int = 500,
    steps: int = 32,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Maps of what speaks for the predicted class, scored by deletion and insertion.

    Parameters
    ----------
    recognizers : Recognizers
    dataset : Dataset
        Aligned.
    methods : sequence of str, optional
        Of `METHODS`; by default all that the recognizer allows (see `usable_methods`).
    n_faces : int
        At most so many faces, of each class alike.
    n_masks : int
        Of RISE.
    steps : int
        Portions in which pixels are deleted and inserted.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Table ``scores``; arrays ``maps`` (methods, classes, H, W), the mean maps over the faces
        for which each class was predicted, each map scaled to a largest size of 1; ``mean_faces``
        (classes, H, W), ``curves`` (2, methods + 1, steps + 1) and ``shares``.

    Raises
    ------
    ParameterError
        For methods that are unknown or that the recognizer does not allow.
    """
    start = time.perf_counter()
    rows = rows_by_fold(recognizers.folds, dataset.y, n_faces, random_state=random_state)
    first = next(fold for fold, some in enumerate(rows) if len(some))
    names = usable_methods(recognizers.recognizer(first), aligned_faces(dataset)[:1], methods)
    faces = aligned_faces(dataset)
    cells: list[Cell] = [
        {"fold": fold, "method": name}
        for fold in range(len(rows))
        if len(rows[fold])
        for name in [*names, CHANCE]
    ]

    def work(cell: Cell) -> dict[str, Any]:
        some, recognizer = faces[rows[cell["fold"]]], recognizers.recognizer(cell["fold"])
        column = np.asarray(recognizer.predict_proba(some)).argmax(axis=1)
        if cell["method"] == CHANCE:
            shape = some["image"].shape[1:]
            maps = random_maps(len(some), shape, random_state=random_state)
        else:
            maps = saliency_maps(
                recognizer,
                some,
                column,
                method=cell["method"],
                n_masks=n_masks,
                random_state=random_state,
            )
        scores = deletion_insertion(recognizer.predict_proba, some, maps, column, steps=steps)
        return {
            "maps": maps.astype(np.float32),
            "explained": np.asarray(recognizer.classes_, dtype=str)[column],
            "deletion": scores.deletion_curves,
            "insertion": scores.insertion_curves,
        }

    settings = {
        "study": "saliency",
        "masks": n_masks,
        "steps": steps,
        "rows": [each.tolist() for each in rows],
        "faces": content_hash(faces["image"]),
        **recognizers.settings(),
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    told = _Maps(dataset, rows, names, cells, outcomes, steps, random_state)
    classes, arrays = told.arrays()
    table = told.table()
    return StudyResult(
        name="saliency",
        title=f"Where recognizers look: {dataset.name}",
        question="Which parts of a face does the recognizer need, and which method tells?",
        dataset=dataset_facts(dataset),
        tables=[table],
        conclusions=_conclusions(table),
        limits=[
            "A map explains the answer of the recognizer, right or wrong, not the expression.",
            "Deleted pixels make faces that no camera takes; a recognizer may err on them for "
            "other reasons than what is missing. Maps of chance are as coarse as RISE's masks.",
            "Landmarks stay when pixels go: what a recognizer takes from them is on no map.",
        ],
        arrays=arrays,
        settings={
            "methods": names,
            "classes": classes,
            "faces": int(sum(map(len, rows))),
            "masks": n_masks,
            "steps": steps,
        },
        seed=random_state,
        seconds=time.perf_counter() - start,
        **recognizers.facts(),
    )


def check_methods(methods: Sequence[str] | None) -> Sequence[str] | None:
    """The methods themselves; raises a ParameterError for an unknown one, or none."""
    if methods is not None and not methods:
        raise ParameterError(f"expected at least one method of {', '.join(METHODS)}")
    for name in methods or []:
        if name not in METHODS:
            raise unknown_name("saliency method", name, METHODS)
    return methods


def usable_methods(
    recognizer: Any, face: NDArray, methods: Sequence[str] | None = None
) -> list[str]:
    """The methods that are asked for, or all that this recognizer allows.

    Parameters
    ----------
    recognizer : Recognizer
        Or any other with `predict_proba`; gradients need one with `torch_module`, see
        `classic_fer.cnn.differentiable`.
    face : Faces of shape (1,)
        To try whether decisions are a linear function of features with a place in the face.
    methods : sequence of str, optional

    Raises
    ------
    ParameterError
        For an unknown method, or one that this recognizer does not allow; says why.
    """
    check_methods(methods)
    usable = [OCCLUSION, RISE]
    if explain(recognizer, face).method == CONTRIBUTIONS:
        usable.insert(0, CONTRIBUTIONS)
    if hasattr(recognizer, "torch_module"):
        usable += GRADIENTS
    if methods is None:
        return usable
    for name in methods:
        if name not in usable:
            why = (
                "has no gradients; give --model the run folder of a network that was trained here"
                if name in GRADIENTS
                else "is not linear in features with a place in the face"
            )
            raise ParameterError(f"{name!r} cannot be drawn, as this recognizer {why}")
    return list(dict.fromkeys(methods))


def saliency_maps(
    recognizer: Any,
    faces: NDArray,
    column: NDArray[np.intp],
    *,
    method: str,
    n_masks: int = 500,
    random_state: int = 0,
) -> NDArray[np.float64]:
    """Maps of what speaks for a class, (n, H, W), by any of `METHODS`.

    Parameters
    ----------
    recognizer : Recognizer
        Or any other that allows the method.
    faces : Faces of shape (n,)
    column : ndarray of int, shape (n,)
        Which of its classes, for each face.
    method : str
    n_masks, random_state
        Of RISE.
    """
    if method == RISE:
        return rise_maps(
            recognizer.predict_proba, faces, column, n_masks=n_masks, random_state=random_state
        )
    if method in GRADIENTS:
        from classic_fer.cnn.gradients import gradient_maps

        return gradient_maps(recognizer, faces, column, guided=method == "guided")
    target = np.asarray(recognizer.classes_, dtype=str)[column]
    return explain(recognizer, faces, target=target, method=method).maps()


@dataclass
class _Maps:
    """Outcomes of all cells, pooled by method."""

    dataset: Dataset
    rows: list[NDArray[np.intp]]
    names: list[str]
    cells: Sequence[Cell]
    outcomes: Sequence[dict[str, Any]]
    steps: int
    seed: int

    def pooled(self, method: str, key: str) -> NDArray:
        """What the cells of a method hold, fold by fold."""
        return np.concatenate(
            [o[key] for c, o in zip(self.cells, self.outcomes) if c["method"] == method]
        )

    def table(self) -> StudyTable:
        """Deletion and insertion of each method beside chance."""
        asked = np.concatenate(self.rows)
        people = None if self.dataset.groups is None else self.dataset.groups[asked]
        by_chance = {key: self._areas(CHANCE, key) for key in ("deletion", "insertion")}
        rows = []
        for name in [*self.names, CHANCE]:
            row: dict[str, Any] = {"method": name}
            for key in ("deletion", "insertion"):
                areas = self._areas(name, key)
                row[key] = mean_score(areas, people, random_state=self.seed)
                better, p_value = None, None
                if name != CHANCE:
                    sign = 1 if key == "deletion" else -1
                    better, p_value = paired_drop(
                        sign * by_chance[key], sign * areas, people, random_state=self.seed
                    )
                row |= {f"{key}_better_than_chance": better, f"{key}_p_value": p_value}
            rows.append(row)
        title = "Deletion (lower is better) and insertion (higher is better)"
        return StudyTable("scores", title, rows)

    def arrays(self) -> tuple[list[str], dict[str, NDArray]]:
        """Classes that were predicted, and what figures are drawn from."""
        explained = self.pooled(self.names[0], "explained")
        classes = order_classes(np.unique(explained).tolist())
        images = aligned_faces(self.dataset)["image"][np.concatenate(self.rows)]
        means = []
        for name in self.names:
            maps = self.pooled(name, "maps").astype(np.float64)
            largest = np.abs(maps).max(axis=(1, 2), keepdims=True)
            scaled = maps / np.where(largest > 0, largest, 1)
            means.append([scaled[explained == label].mean(axis=0) for label in classes])
        curves = [
            [self.pooled(name, key).mean(axis=0) for name in [*self.names, CHANCE]]
            for key in ("deletion", "insertion")
        ]
        return classes, {
            "maps": np.array(means),
            "mean_faces": np.array([images[explained == c].mean(axis=0) for c in classes]),
            "counts": np.array([(explained == c).sum() for c in classes]),
            "curves": np.array(curves),
            "shares": np.linspace(0, 1, self.steps + 1),
        }

    def _areas(self, method: str, key: str) -> NDArray[np.float64]:
        curves = self.pooled(method, key)
        return (curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2


def _conclusions(table: StudyTable) -> list[str]:
    *rows, chance = table.rows
    best = min(rows, key=lambda row: row["deletion"]["value"])
    most = max(rows, key=lambda row: row["insertion"]["value"])
    said = [
        f"By deletion {best['method']} finds best what the recognizer needs: the probability falls "
        f"to {best['deletion']['value']:.3f} on average, by chance to "
        f"{chance['deletion']['value']:.3f}.",
        f"By insertion {most['method']} does: {most['insertion']['value']:.3f}, by chance "
        f"{chance['insertion']['value']:.3f}.",
    ]
    for row in rows:
        for key in ("deletion", "insertion"):
            if row[f"{key}_better_than_chance"]["value"] <= 0:
                said.append(f"By {key}, {row['method']} is no better than chance.")
    return said
