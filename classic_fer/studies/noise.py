"""Noise and other damage: how accuracy falls with it, and what training with it wins back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.paired_tests import holm
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.damages import DAMAGES, Damage
from classic_fer.studies.drops import mean_score, paired_drop, quartile_outliers
from classic_fer.studies.recognizers import HeldOutRecognizers, Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts
from classic_fer.studies.surroundings import Surroundings, faces_with_surroundings

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["checked_levels", "noise_study"]

PLAIN, HARDENED = "as it is", "trained with damage"
UNDAMAGED = "undamaged"
ALPHA = 0.05


def noise_study(
    recognizers: Recognizers,
    dataset: Dataset,
    *,
    damage: str = "noise",
    levels: Sequence[float] | None = None,
    repeats: int = 10,
    train_level: float | None = None,
    n_jobs: int = 1,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Accuracy on damaged faces, level by level, against the same faces without damage.

    Parameters
    ----------
    recognizers : Recognizers
        `GivenRecognizer`, or `HeldOutRecognizers` of `dataset`.
    dataset : Dataset
        Aligned. Test faces are damaged; see `classic_fer.studies.damages`.
    damage : str
        A key of `classic_fer.studies.damages.DAMAGES`.
    levels : sequence of float, optional
        By default those of the damage.
    repeats : int
        Of each level, with another seed; 1 for damages that draw nothing.
    train_level : float, optional
        The counter-measure: also train recognizers on each training face twice, as it is and
        damaged at this level. Only with `HeldOutRecognizers`.
    n_jobs : int
        Worker processes of the second alignment for damages of the alignment.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``levels`` and ``repeats``.

    Raises
    ------
    ParameterError
        For an unknown damage, levels it cannot have, or a `train_level` with a given recognizer.
    """
    start = time.perf_counter()
    chosen = checked_levels(damage, levels)
    kind = DAMAGES[damage]
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat, got {repeats}")
    times = repeats if kind.drawn else 1
    faces = aligned_faces(dataset)
    arms: dict[str, Recognizers] = {PLAIN: recognizers}
    if train_level is not None:
        checked_levels(damage, [train_level])
        _check_trainable(recognizers)
    around = faces_with_surroundings(dataset, n_jobs=n_jobs) if kind.warps else None
    damaging = _Damaging(kind, faces, around, random_state)
    if train_level is not None and isinstance(recognizers, HeldOutRecognizers):
        damaged = damaging.of(np.arange(len(faces)), train_level, _TRAINING_REPEAT)
        arms[HARDENED] = recognizers.trained_on([faces, damaged])
    cells = _cells(arms, chosen, times)
    outcomes = run_cells(
        cells,
        lambda cell: _answer(cell, arms, damaging),
        settings={
            "study": "noise",
            "damage": damage,
            "train_level": train_level,
            "faces": content_hash(faces),
            "labels": content_hash(dataset.y),
            **recognizers.settings(),
            "seed": random_state,
        },
        out=out,
        resume=resume,
        progress=progress,
    )
    answers = _Answers(dataset, recognizers, cells, outcomes, random_state)
    tables = _tables(answers, list(arms), chosen, times, kind)
    return StudyResult(
        name="noise",
        title=f"{damage.capitalize()}: {dataset.name}",
        question=f"How does accuracy fall with {damage} ({kind.level})?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=_conclusions(tables[0], damage),
        limits=_limits(kind, damaging),
        settings={
            "damage": damage,
            "level": kind.level,
            "levels": chosen,
            "repeats": times,
            "train_level": train_level,
            "majority": answers.majority,
        },
        seed=random_state,
        seconds=time.perf_counter() - start,
        **recognizers.facts(),
    )


_TRAINING_REPEAT = 2**20  # no repeat of a test face has this number


def _check_trainable(recognizers: Recognizers) -> None:
    if not isinstance(recognizers, HeldOutRecognizers):
        raise ParameterError(
            "training with damage needs recognizers that are trained here: leave the model out and "
            "choose features and a classifier"
        )


def _cells(arms: dict[str, Recognizers], levels: list[float], repeats: int) -> list[Cell]:
    """Each fold of each arm without damage (level None), then at each level with each seed."""
    asked = [(None, 0), *((level, repeat) for level in levels for repeat in range(repeats))]
    return [
        {"arm": arm, "fold": fold, "level": level, "repeat": repeat}
        for arm, recognizers in arms.items()
        for fold in range(len(recognizers.folds))
        for level, repeat in asked
    ]


def _answer(cell: Cell, arms: dict[str, Recognizers], damaging: _Damaging) -> dict[str, Any]:
    """The classes that the recognizer of a fold names, shape (n_test,)."""
    asked, fold = arms[cell["arm"]], cell["fold"]
    test = asked.folds[fold][1]
    shown = damaging.faces[test]
    if cell["level"] is not None:
        shown = damaging.of(test, cell["level"], cell["repeat"])
    recognizer = asked.recognizer(fold)
    named = np.asarray(recognizer.classes_, dtype=str)
    return {"predicted": named[recognizer.predict_proba(shown).argmax(axis=1)]}


def checked_levels(damage: str, levels: Sequence[float] | None = None) -> list[float]:
    """The levels of a damage without doubles, its usual ones if none are given.

    Raises
    ------
    ParameterError
        For an unknown damage, or a level that it cannot have.
    """
    if damage not in DAMAGES:
        raise unknown_name("damage", damage, DAMAGES)
    kind = DAMAGES[damage]
    values = list(
        dict.fromkeys(float(each) for each in (kind.levels if levels is None else levels))
    )
    if not values:
        raise ParameterError("expected at least one level of damage, got none")
    for level in values:  # each is tried on a tiny image
        if kind.pixels is not None:
            kind.pixels(np.zeros((1, 8, 8), dtype=np.uint8), level, 0)
        elif kind.warps is not None:
            kind.warps(1, 8, level, 0)
    return values


@dataclass(frozen=True)
class _Damaging:
    """Applies a damage to rows of a data set."""

    kind: Damage
    faces: NDArray
    surroundings: Surroundings | None
    random_state: int

    def of(self, rows: NDArray[np.intp], level: float, repeat: int) -> NDArray:
        """Faces of these rows, damaged; the same for the same rows, level and repeat."""
        drawn = np.random.SeedSequence([self.random_state, repeat]).generate_state(1)
        seed = int(drawn[0])
        if self.surroundings is not None and self.kind.warps is not None:
            size = self.faces["image"].shape[1]
            matrices = self.kind.warps(len(self.faces), size, level, seed)
            return self.surroundings.warped(rows, matrices[rows])
        assert self.kind.pixels is not None  # a damage has one or the other
        made = self.faces[rows].copy()
        made["image"] = self.kind.pixels(self.faces["image"][rows], level, seed)
        return made


class _Answers:
    """Whether each face was named rightly: by arm, level and repeat."""

    def __init__(
        self,
        dataset: Dataset,
        recognizers: Recognizers,
        cells: Sequence[Cell],
        outcomes: Sequence[dict[str, Any]],
        random_state: int,
    ) -> None:
        self.random_state = random_state
        tests = [test for _, test in recognizers.folds]
        rows = np.concatenate(tests)
        y = dataset.y
        self.groups = None if dataset.groups is None else dataset.groups[rows]
        if self.groups is None and len(np.unique(rows)) < len(rows):
            self.groups = dataset.ids[rows]  # predicted repeatedly: drawn together
        self.majority = float(np.unique(y[rows], return_counts=True)[1].max() / len(rows))
        parts: dict[tuple[str, float | None, int], list[NDArray]] = {}
        for cell, outcome in zip(cells, outcomes):
            key = cell["arm"], cell["level"], cell["repeat"]
            parts.setdefault(key, []).append(outcome["predicted"] == y[tests[cell["fold"]]])
        self._right = {key: np.concatenate(each) for key, each in parts.items()}

    def right(self, arm: str, level: float | None, repeat: int) -> NDArray[np.bool_]:
        """Shape (n_answers,)."""
        return self._right[arm, level, repeat]

    def share(self, arm: str, level: float | None, repeats: int) -> NDArray[np.float64]:
        """In how many of the repeats each answer is right, shape (n_answers,)."""
        return np.mean([self.right(arm, level, r) for r in range(repeats)], axis=0)


def _tables(
    answers: _Answers, arms: list[str], levels: list[float], repeats: int, kind: Damage
) -> list[StudyTable]:
    summary: list[dict[str, Any]] = []
    each_repeat: list[dict[str, Any]] = []
    for arm in arms:
        before = answers.share(arm, None, 1)
        rows: list[dict[str, Any]] = []
        p_values: list[float] = []
        for level in levels:
            after = answers.share(arm, level, repeats)
            drop, p = paired_drop(before, after, answers.groups, random_state=answers.random_state)
            p_values.append(p)
            accuracies = [float(answers.right(arm, level, r).mean()) for r in range(repeats)]
            each_repeat += [
                {"recognizer": arm, "level": level, "repeat": r + 1, "accuracy": accuracy}
                for r, accuracy in enumerate(accuracies)
            ]
            seeded = mean_score(after, answers.groups, random_state=answers.random_state)
            rows.append(
                {
                    "recognizer": arm,
                    "level": level,
                    "accuracy": seeded,
                    "median": float(np.median(accuracies)),
                    "lowest": min(accuracies),
                    "highest": max(accuracies),
                    "outliers": len(quartile_outliers(accuracies)),
                    "drop": drop,
                }
            )
        whole = mean_score(before, answers.groups, random_state=answers.random_state)
        summary.append(
            {
                "recognizer": arm,
                "level": UNDAMAGED,
                "accuracy": whole,
                "median": whole["value"],
                "lowest": whole["value"],
                "highest": whole["value"],
                "outliers": 0,
                "drop": "",
                "p": "",
            }
        )
        summary += [row | {"p": float(p)} for row, p in zip(rows, holm(p_values))]
    formats = {"level": "g", "p": ".2g"}
    return [
        StudyTable(
            "levels",
            f"Accuracy by level ({kind.level}; {repeats} "
            f"{'repeat' if repeats == 1 else 'repeats'}; p of the drop, adjusted by Holm)",
            summary,
            formats=formats,
        ),
        StudyTable("repeats", "Accuracy of each repeat", each_repeat, formats=formats, shown=False),
    ]


def _conclusions(table: StudyTable, damage: str) -> list[str]:
    said = []
    by_arm: dict[str, list[dict[str, Any]]] = {}
    for row in table.rows:
        by_arm.setdefault(row["recognizer"], []).append(row)
    for arm, (whole, *rows) in by_arm.items():
        name = "The recognizer" if len(by_arm) == 1 else f"The recognizer {arm}"
        significant = [row for row in rows if row["p"] < ALPHA and row["drop"]["value"] > 0]
        worst = min(rows, key=lambda row: row["accuracy"]["value"])
        told = (
            f"{name} has an accuracy of {whole['accuracy']['value']:.3f} without damage and "
            f"{worst['accuracy']['value']:.3f} at its worst level of {damage}, {worst['level']:g}"
        )
        if significant:
            where = ", ".join(f"{row['level']:g}" for row in significant)
            said.append(f"{told}; the drop is significant (p < {ALPHA:g} after Holm) at {where}.")
        else:
            said.append(f"{told}; no drop is significant (p < {ALPHA:g} after Holm).")
    return said


def _limits(kind: Damage, damaging: _Damaging) -> list[str]:
    if damaging.surroundings is None:
        return [
            "The damage is done to the aligned face: faces that a detector would miss in a damaged "
            "photo, and landmarks that it would misplace, are not part of it."
        ]
    if damaging.surroundings.from_photos:
        return ["Faces are warped again from their photos; the detector saw undamaged photos."]
    return [
        "These faces come as crops: what would surround them is not known, and their border is "
        "repeated instead."
    ]
