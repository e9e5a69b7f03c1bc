"""Masks: recognizers trained on plain, masked and cut faces, each asked about all three."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.paired_tests import holm
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score, paired_drop
from classic_fer.studies.masks import cut_faces, masked_faces
from classic_fer.studies.recognizers import HeldOutRecognizers, Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["KINDS", "masks_study"]

KINDS = ("plain", "masked", "cut")
GIVEN = "as given"
_EXAMPLES = 6


def masks_study(
    recognizers: Recognizers,
    dataset: Dataset,
    *,
    train: Sequence[str] = KINDS,
    test: Sequence[str] = KINDS,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Accuracy of each kind of training on each kind of test face.

    Parameters
    ----------
    recognizers : Recognizers
        `HeldOutRecognizers` of `dataset`, trained once on each kind of `train`; or a
        `GivenRecognizer`, for which `train` has no meaning.
    dataset : Dataset
        Aligned with 68 landmarks. Where its column ``masked`` is true for some photos, these are
        the masked faces and no mask is drawn.
    train, test : sequence of str
        Of `KINDS`: faces as they are, with a mask, and cut above one.
    random_state : int
        For the masks.
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``matrix`` and ``cells``; array ``examples`` of some faces in all kinds.

    Raises
    ------
    ParameterError
        For an unknown kind.
    DataError
        If no face has landmarks.
    """
    start = time.perf_counter()
    _check_kinds(train)
    _check_kinds(test)
    variants = _Variants.of(dataset, random_state)
    arms: dict[str, Recognizers] = {GIVEN: recognizers}
    if isinstance(recognizers, HeldOutRecognizers):
        arms = {
            kind: recognizers.trained_on([variants.faces[kind]], usable=variants.rows[kind])
            for kind in dict.fromkeys(train)
        }
    tests = [each for _, each in recognizers.folds]
    cells: list[Cell] = [{"train": arm, "fold": fold} for arm in arms for fold in range(len(tests))]

    outcomes = run_cells(
        cells,
        lambda cell: _answer(cell, arms, variants, test),
        settings={
            "study": "masks",
            "test": list(test),
            "faces": content_hash(*variants.faces.values()),
            "labels": content_hash(dataset.y),
            **recognizers.settings(),
            "seed": random_state,
        },
        out=out,
        resume=resume,
        progress=progress,
    )
    rows = np.concatenate(tests)
    right = {
        (arm, kind): np.concatenate([o[kind] for c, o in zip(cells, outcomes) if c["train"] == arm])
        == dataset.y[rows]
        for arm in arms
        for kind in dict.fromkeys(test)
    }
    tables = _tables(right, rows, dataset, variants, random_state)
    return StudyResult(
        name="masks",
        title=f"Masks: {dataset.name}",
        question="What does a mask cost, and what does training with masks win back?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=_conclusions(tables[1]),
        limits=variants.limits,
        warnings=[*recognizers.facts()["warnings"], *variants.notes],
        arrays={"examples": variants.examples(_EXAMPLES)},
        settings={
            "train": list(arms),
            "test": list(dict.fromkeys(test)),
            "cut_row": variants.cut_row,
            "mean_landmarks": variants.missing,
            "majority": float(np.unique(dataset.y[rows], return_counts=True)[1].max() / len(rows)),
        },
        seed=random_state,
        seconds=time.perf_counter() - start,
        recognizer=recognizers.facts()["recognizer"],
        protocol=recognizers.facts()["protocol"],
    )


def _check_kinds(kinds: Sequence[str]) -> None:
    if not kinds:
        raise ParameterError(f"expected kinds of faces to train and test on: {', '.join(KINDS)}")
    for kind in kinds:
        if kind not in KINDS:
            raise unknown_name("kind of face", kind, KINDS)


def _answer(
    cell: Cell, arms: dict[str, Recognizers], variants: _Variants, kinds: Sequence[str]
) -> dict[str, Any]:
    """For each kind of face the classes that the recognizer of a fold names, shape (n_test,)."""
    asked = arms[cell["train"]]
    recognizer, rows = asked.recognizer(cell["fold"]), asked.folds[cell["fold"]][1]
    named = np.asarray(recognizer.classes_, dtype=str)
    return {
        kind: named[recognizer.predict_proba(variants.faces[kind][rows]).argmax(axis=1)]
        for kind in dict.fromkeys(kinds)
    }


@dataclass(frozen=True)
class _Variants:
    """All faces in each kind, and which rows have a face of that kind."""

    faces: dict[str, NDArray]
    rows: dict[str, NDArray[np.bool_]]
    missing: int
    cut_row: int
    drawn: bool

    @classmethod
    def of(cls, dataset: Dataset, random_state: int) -> _Variants:
        plain = aligned_faces(dataset)
        worn = worn_masks(dataset)
        cut, row = cut_faces(plain)
        everywhere = np.ones(len(plain), dtype=bool)
        if worn is not None:
            faces = {"plain": plain, "masked": plain, "cut": cut}
            rows = {"plain": ~worn, "masked": worn, "cut": everywhere}
            return cls(faces, rows, 0, row, drawn=False)
        masked, missing = masked_faces(plain, random_state=random_state)
        faces = {"plain": plain, "masked": masked, "cut": cut}
        return cls(faces, dict.fromkeys(KINDS, everywhere), missing, row, drawn=True)

    @property
    def limits(self) -> list[str]:
        if not self.drawn:
            return ["Masked and plain faces are different photos, which differ in more than masks."]
        return [
            "The masks are drawn on faces that were found and aligned without one: faces that a "
            "detector misses because of a mask, and landmarks that it misplaces, are not part of "
            "it.",
            "Drawn masks are flatter and more alike than worn ones.",
        ]

    @property
    def notes(self) -> list[str]:
        if not self.missing:
            return []
        return [
            f"{self.missing:,} of {len(self.faces['plain']):,} faces have no landmarks; their "
            "masks lie where they would on the mean face"
        ]

    def examples(self, n: int) -> NDArray[np.uint8]:
        """Images of some faces, shape (n, n_kinds, H, W)."""
        places = np.linspace(0, len(self.faces["plain"]) - 1, n).round().astype(np.intp)
        return np.stack([self.faces[kind]["image"][places] for kind in KINDS], axis=1)


def worn_masks(dataset: Dataset) -> NDArray[np.bool_] | None:
    """Which photos show a face with a mask, by the column ``masked``; None if none is known to.

    Raises
    ------
    DataError
        If all do, so that there is nothing to compare with.
    """
    if "masked" not in dataset.samples:
        return None
    text = dataset.samples["masked"].astype(str).str.strip().str.lower()
    worn = text.isin(["true", "1", "yes"]).to_numpy()
    if worn.all():
        raise DataError(
            f"all faces of {dataset.name!r} wear a mask; give an archive that holds the plain ones "
            "beside them (LFW-FER and M-LFW-FER in one folder), or a manifest with the column "
            "masked"
        )
    return worn if worn.any() else None


def _tables(
    right: dict[tuple[str, str], NDArray[np.bool_]],
    rows: NDArray[np.intp],
    dataset: Dataset,
    variants: _Variants,
    random_state: int,
) -> list[StudyTable]:
    people = dataset.groups
    arms = list(dict.fromkeys(arm for arm, _ in right))
    kinds = list(dict.fromkeys(kind for _, kind in right))
    reference = (arms[0], kinds[0])
    scores: dict[tuple[str, str], dict[str, Any]] = {}
    details: list[dict[str, Any]] = []
    p_values: list[float] = []
    for key, answers in right.items():
        shown = variants.rows[key[1]][rows]
        groups = None if people is None else people[rows][shown]
        scores[key] = mean_score(answers[shown], groups, random_state=random_state)
        # The same photos in both kinds, where masks are drawn.
        paired = shown & variants.rows[reference[1]][rows]
        drop, p = None, 1.0
        if key != reference and paired.any():
            drop, p = paired_drop(
                right[reference][paired],
                answers[paired],
                None if people is None else people[rows][paired],
                random_state=random_state,
            )
            p_values.append(p)
        details.append(
            {
                "train": key[0],
                "test": key[1],
                "faces": int(shown.sum()),
                "accuracy": scores[key],
                "drop": "" if drop is None else drop,
                "p": "" if drop is None else p,
            }
        )
    adjusted = iter(holm(p_values)) if p_values else iter(())
    for row in details:
        if row["p"] != "":
            row["p"] = float(next(adjusted))
    matrix = [{"train": arm, **{kind: scores[arm, kind] for kind in kinds}} for arm in arms]
    return [
        StudyTable("matrix", "Accuracy: trained on (rows), asked about (columns)", matrix),
        StudyTable(
            "cells",
            f"Drop from {reference[0]} to {reference[1]} (p adjusted by Holm)",
            details,
            formats={"p": ".2g"},
        ),
    ]


def _conclusions(cells: StudyTable) -> list[str]:
    value = {(row["train"], row["test"]): row["accuracy"]["value"] for row in cells.rows}
    first = cells.rows[0]["train"]
    said = []
    if (first, "plain") in value and (first, "masked") in value:
        trained = "The recognizer" if first == GIVEN else f"A recognizer trained on {first} faces"
        said.append(
            f"{trained} has an accuracy of {value[first, 'plain']:.3f} on plain and "
            f"{value[first, 'masked']:.3f} on masked faces."
        )
    for kind in ("masked", "cut"):
        if (kind, kind) in value and ("plain", kind) in value:
            said.append(
                f"Training on {kind} faces gives {value[kind, kind]:.3f} on {kind} ones, training "
                f"on plain faces {value['plain', kind]:.3f}."
            )
    return said
