"""Attacks: how little has to change in the pixels for a recognizer to err, and who else errs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.faces.frame import Frame
from classic_fer.faces.similarity import estimate_similarity, is_identity
from classic_fer.models.attacks import (
    BLACK_BOX,
    WHITE_BOX,
    attack_faces,
    check_attack,
    perturbation_size,
    random_changes,
)
from classic_fer.studies.attack_answers import AttackAnswers, column
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.recognizers import Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts
from classic_fer.studies.samples import rows_by_fold

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["STRENGTHS", "Attacked", "attack_study", "carry_over"]

STRENGTHS = (0.01, 0.02, 0.04, 0.08)
_EXAMPLES = 6


@dataclass(frozen=True)
class Attacked:
    """A recognizer under attack, and the data as it sees them.

    Attributes
    ----------
    name : str
    recognizers : Recognizers
    dataset : Dataset
        Aligned as its training faces were.
    """

    name: str
    recognizers: Recognizers
    dataset: Dataset


def attack_study(
    first: Attacked,
    second: Attacked | None = None,
    *,
    attack: str = "square",
    strengths: Sequence[float] = STRENGTHS,
    queries: int = 200,
    n_faces: int = 100,
    repeats: int = 1,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Accuracy on faces that were changed to deceive, and on faces changed at random as much.

    Parameters
    ----------
    first : Attacked
    second : Attacked, optional
        Another recognizer on the same data: attacks made on either are shown to both.
    attack : {"square", "hopskipjump", "fgsm", "pgd"}
        See `classic_fer.models.attacks.attack_faces`. Where it follows gradients that one of two
        recognizers does not have, that one is attacked by ``"square"``.
    strengths : sequence of float
        Shares of the grey scale.
    queries : int
    n_faces : int
        At most so many faces are attacked, of each class alike.
    repeats : int
        With other seeds.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Table ``strengths``; arrays ``original``, ``attacked`` (example faces), ``example_labels``.

    Raises
    ------
    MissingPackageError, ParameterError, DataError
        As `attack_faces`; and if the two recognizers were given different data.
    """
    start = time.perf_counter()
    sides = [first] if second is None else [first, second]
    ways = _ways(sides, attack)
    levels = _checked_strengths(strengths)
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat, got {repeats}")
    rows = _shared_rows(sides, n_faces, random_state)
    work = _Attack(sides, ways, rows, queries, random_state)
    cells: list[Cell] = [
        {"on": side, "fold": fold, "strength": level, "repeat": repeat}
        for side, way in enumerate(ways)
        for fold in range(len(rows))
        if len(rows[fold])
        for level in ([None] if way == "hopskipjump" else levels)
        for repeat in range(repeats)
    ]
    settings = {
        "study": "attack",
        "ways": ways,
        "queries": queries,
        "rows": [each.tolist() for each in rows],
        "faces": content_hash(*(aligned_faces(side.dataset)["image"] for side in sides)),
        "labels": content_hash(first.dataset.y),
        "sides": [side.recognizers.settings() for side in sides],
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    table = AttackAnswers(sides, ways, rows, cells, outcomes, random_state).table(levels)
    facts = first.recognizers.facts()
    facts["warnings"] += [] if second is None else second.recognizers.facts()["warnings"]
    return StudyResult(
        name="attack",
        title=f"Attacks on {' and '.join(side.name for side in sides)}: {first.dataset.name}",
        question="How little has to change in the pixels for a recognizer to err?",
        dataset=dataset_facts(first.dataset),
        tables=[table],
        conclusions=_conclusions(table, [side.name for side in sides]),
        limits=_limits(ways, queries),
        arrays=_examples(first.dataset, cells, outcomes, rows, levels),
        settings={
            "attacks": ways,
            "strengths": levels,
            "queries": queries,
            "faces": int(sum(map(len, rows))),
            "repeats": repeats,
            "names": [side.name for side in sides],
        },
        seed=random_state,
        seconds=time.perf_counter() - start,
        **facts,
    )


def carry_over(
    faces: NDArray, attacked: NDArray, own: Frame, others: NDArray, frame: Frame
) -> NDArray:
    """The same changes on the same photos, as another recognizer sees them.

    Parameters
    ----------
    faces, attacked : structured ndarray, shape (n,)
        Before and after, in the frame `own`.
    own : Frame
    others : structured ndarray, shape (n,)
        The same faces in the frame `frame`.
    frame : Frame

    Returns
    -------
    structured ndarray, shape (n,)
        `others` with the change added, warped (bilinearly) from frame to frame.
    """
    import cv2

    change = attacked["image"].astype(np.float32) - faces["image"]
    matrix = estimate_similarity(own.points - 0.5, frame.points - 0.5)
    if not (is_identity(matrix) and own.size == frame.size):
        size = (frame.size, frame.size)
        change = np.stack([cv2.warpAffine(each, matrix, size) for each in change])
    seen = others.copy()
    seen["image"] = np.clip(np.round(others["image"] + change), 0, 255)
    return seen


class _Attack:
    """The work of a cell: attack, and ask everybody."""

    def __init__(
        self,
        sides: Sequence[Attacked],
        ways: Sequence[str],
        rows: list[NDArray[np.intp]],
        queries: int,
        seed: int,
    ) -> None:
        self.sides, self.ways, self.rows = sides, ways, rows
        self.queries, self.seed = queries, seed

    def __call__(self, cell: Cell) -> dict[str, Any]:
        on, fold = cell["on"], cell["fold"]
        rows, attacked_side = self.rows[fold], self.sides[on]
        faces = aligned_faces(attacked_side.dataset)[rows]
        seed = int(np.random.SeedSequence([self.seed, cell["repeat"]]).generate_state(1)[0] % 2**31)
        changed = attack_faces(
            _of_fold(attacked_side, fold),
            faces,
            attacked_side.dataset.y[rows],
            attack=self.ways[on],
            strength=cell["strength"] or STRENGTHS[0],
            queries=self.queries,
            random_state=seed,
        )
        outcome: dict[str, Any] = {
            "size": perturbation_size(faces, changed),
            "examples": changed["image"][:_EXAMPLES],
        }
        if cell["strength"] is not None:
            noisy = random_changes(faces, strength=cell["strength"], random_state=seed)
        for number, side in enumerate(self.sides):
            outcome[f"plain{number}"] = self._right(side, fold, aligned_faces(side.dataset)[rows])
            outcome[f"attacked{number}"] = self._asked(number, on, fold, faces, changed)
            if cell["strength"] is not None:
                outcome[f"random{number}"] = self._asked(number, on, fold, faces, noisy)
        return outcome

    def _asked(
        self, number: int, on: int, fold: int, faces: NDArray, changed: NDArray
    ) -> NDArray[np.bool_]:
        """Whether a side is right about changed faces of the side `on`."""
        side = self.sides[number]
        if number != on:
            own, other = (_frame(self.sides[i].dataset) for i in (on, number))
            theirs = aligned_faces(side.dataset)[self.rows[fold]]
            changed = carry_over(faces, changed, own, theirs, other)
        return self._right(side, fold, changed)

    def _right(self, side: Attacked, fold: int, faces: NDArray) -> NDArray[np.bool_]:
        recognizer = _of_fold(side, fold)
        names = np.asarray(recognizer.classes_, dtype=str)
        answers = names[np.asarray(recognizer.predict_proba(faces)).argmax(axis=1)]
        return answers == side.dataset.y[self.rows[fold]]


def _of_fold(side: Attacked, fold: int) -> Any:
    """The recognizer of a side for the fold of the first side; a given one is the same for all."""
    return side.recognizers.recognizer(fold if len(side.recognizers.folds) > 1 else 0)


def _frame(dataset: Dataset) -> Frame:
    if dataset.alignment is None:
        raise DataError(f"the faces of {dataset.name!r} are not aligned")
    return dataset.alignment.frame


def _ways(sides: Sequence[Attacked], attack: str) -> list[str]:
    """The attack on each side; raises where it cannot be made."""
    ways = []
    for side in sides:
        recognizer = _of_fold(side, 0)
        has_gradients = hasattr(recognizer, "torch_module")
        fits = attack not in WHITE_BOX or has_gradients
        other = len(sides) > 1 and any(hasattr(_of_fold(s, 0), "torch_module") for s in sides)
        ways.append(attack if fits or not other else BLACK_BOX[0])
        check_attack(recognizer, ways[-1])
    return ways


def _checked_strengths(strengths: Sequence[float]) -> list[float]:
    levels = sorted({float(each) for each in strengths})
    if not levels:
        raise ParameterError("expected at least one strength, got none")
    blank = np.zeros((1, 2, 2), dtype=np.uint8)
    for level in levels:
        random_changes(blank, strength=level)
    return levels


def _shared_rows(sides: Sequence[Attacked], n_faces: int, seed: int) -> list[NDArray[np.intp]]:
    first = sides[0]
    for side in sides[1:]:
        if side.dataset.ids.tolist() != first.dataset.ids.tolist():
            raise DataError("both recognizers have to be shown the same faces in the same order")
        if (side.dataset.y != first.dataset.y).any():
            raise DataError(
                f"{first.name} and {side.name} name the classes of these data differently; choose "
                "one label policy for both with --labels"
            )
    known = [
        name
        for name in first.recognizers.classes
        if all(name in np.asarray(_of_fold(side, 0).classes_).tolist() for side in sides)
    ]
    folds = first.recognizers.folds
    return rows_by_fold(folds, first.dataset.y, n_faces, known=known, random_state=seed)


def _conclusions(table: StudyTable, names: list[str]) -> list[str]:
    said = []
    for name in names:
        own = [row for row in table.rows if row["made_on"] == name]
        before, after = (row[column("accuracy", name, names)]["value"] for row in (own[0], own[-1]))
        strength = own[-1]["strength"]
        text = (
            f"Changes of at most {strength:.0%} of the grey scale, made on {name} by "
            f"{own[-1]['attack']}, lower its accuracy from {before:.3f} to {after:.3f}"
        )
        noisy = own[-1][column("changed at random", name, names)]
        text += "." if noisy is None else f"; random changes as large, to {noisy['value']:.3f}."
        said.append(text)
        for other in names:
            if other != name:
                plain, shown = (
                    row[column("accuracy", other, names)]["value"] for row in (own[0], own[-1])
                )
                noise = own[-1][column("changed at random", other, names)]
                beside = "" if noise is None else f" (random changes: {noise['value']:.3f})"
                said.append(
                    f"Shown to {other}, the same faces lower its accuracy from {plain:.3f} to "
                    f"{shown:.3f}{beside}."
                )
    return said


def _limits(ways: Sequence[str], queries: int) -> list[str]:
    limits = [
        "An attack that fails proves nothing: a stronger one, or more questions "
        f"(here {queries}), may succeed.",
        "Changes are made on the aligned face, after detection and alignment, and landmarks stay: "
        "a changed photo would also have to survive these.",
    ]
    if "hopskipjump" in ways:
        limits.append(
            "The strength of hopskipjump is the root mean square change of a face, that of the "
            "others the most that any pixel changes."
        )
    return limits


def _examples(
    dataset: Dataset,
    cells: Sequence[Cell],
    outcomes: Sequence[dict[str, Any]],
    rows: list[NDArray[np.intp]],
    levels: Sequence[float],
) -> dict[str, NDArray]:
    """A few faces before and after the attack on the first recognizer, by the middle strength."""
    middle = levels[len(levels) // 2]
    originals, attacked, labels = [], [], []
    for cell, outcome in zip(cells, outcomes):
        if cell["on"] == 0 and cell["repeat"] == 0 and cell["strength"] in (None, middle):
            some = rows[cell["fold"]][:_EXAMPLES]
            for i, row in enumerate(some):
                if outcome["plain0"][i] and not outcome["attacked0"][i]:
                    originals.append(aligned_faces(dataset)["image"][row])
                    attacked.append(outcome["examples"][i])
                    labels.append(dataset.y[row])
    if not originals:
        return {}
    kept = slice(None, _EXAMPLES)
    return {
        "original": np.stack(originals[kept]),
        "attacked": np.stack(attacked[kept]),
        "example_labels": np.array(labels[kept]),
    }
