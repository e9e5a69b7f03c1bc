"""Expression transfer: neutral faces take an expression, and it is measured how well they do."""

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
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.faces.landmarks import box_around, eyes_and_mouth, predict_landmarks
from classic_fer.faces.similarity import apply_similarity
from classic_fer.models.expression_shapes import (
    NEUTRAL,
    ExpressionShapes,
    give_expression,
    with_landmarks,
)
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score
from classic_fer.studies.recognizers import Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts, score
from classic_fer.studies.samples import balanced_rows

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["STRENGTHS", "donor_displacement", "landmark_error", "transfer_study"]

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_FRAMES = 9  # strengths of the animation, from neutral to full


def transfer_study(
    recognizers: Recognizers,
    dataset: Dataset,
    *,
    emotions: Sequence[str] | None = None,
    donor: str | None = None,
    strengths: Sequence[float] = STRENGTHS,
    n_faces: int = 20,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Give neutral faces the mean expression of an emotion, or that of one face.

    Parameters
    ----------
    recognizers : Recognizers
        Who label the results; a `HeldOutRecognizers` by the recognizer of the fold in which the
        face's person is held out.
    dataset : Dataset
        Aligned, with landmarks, neutral and other faces.
    emotions : sequence of str, optional
        All but neutral by default. Mean expressions are those of all other people.
    donor : str, optional
        Id of a face whose expression is taken instead, measured from a neutral face of its person
        where there is one.
    strengths : sequence of float
        Factors of the displacement of landmarks.
    n_faces : int
        At most so many neutral faces.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Table ``strengths``; arrays ``frames`` (emotions, strengths, H, W), one face from neutral
        to full, and ``frame_strengths``.

    Raises
    ------
    DataError, ParameterError
        Without landmarks, neutral faces or people to learn from, and for unknown names.
    """
    start = time.perf_counter()
    faces, y = aligned_faces(dataset), dataset.y
    with_landmarks(faces, y)
    levels = sorted({float(each) for each in strengths})
    if not levels or not 0 < levels[0] <= levels[-1] <= 3:
        raise ParameterError(f"strengths must lie above 0 and up to 3, got {levels or 'none'}")
    known = np.isfinite(faces["landmarks"]).all(axis=(1, 2))
    rows, fold_of = _neutral_rows(recognizers, y, known, n_faces, random_state)
    names = _chosen_emotions(dataset, emotions, donor)
    maker = _Maker(dataset, known, names, donor)
    cells: list[Cell] = [{"row": int(row)} for row in rows]

    def work(cell: Cell) -> dict[str, Any]:
        row = cell["row"]
        recognizer = recognizers.recognizer(fold_of[row])
        shown = maker.faces_of(row, [0.0, *levels])
        classes = np.asarray(recognizer.classes_, dtype=str)
        labels = classes[np.asarray(recognizer.predict_proba(shown)).argmax(axis=1)]
        errors = np.array([landmark_error(face, face["landmarks"]) for face in shown])
        moved = maker.displacements_of(row, [0.0, *levels])
        frames = maker.faces_of(row, np.linspace(0, max(levels), _FRAMES).tolist())
        outcome: dict[str, Any] = {"labels": labels, "errors": errors, "moved": moved}
        if row == rows[0]:
            outcome["frames"] = frames["image"]
        return outcome

    settings = {
        "study": "transfer",
        "strengths": levels,
        "emotions": names,
        "donor": donor,
        "faces": content_hash(faces["image"], faces["landmarks"]),
        "labels": content_hash(y),
        **recognizers.settings(),
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    people = None if dataset.groups is None else dataset.groups[rows]
    table = _table(names, [0.0, *levels], outcomes, people, random_state)
    real = _real_recall(recognizers, dataset, names)
    frames = outcomes[0]["frames"]
    facts = recognizers.facts()
    facts["warnings"] += maker.warnings
    return StudyResult(
        name="transfer",
        title=f"Expression transfer: {dataset.name}",
        question="Does a neutral face that takes an expression show it, to landmarks and to "
        "recognizers?",
        dataset=dataset_facts(dataset),
        tables=[table, real],
        conclusions=_conclusions(table, real, levels[-1]),
        limits=[
            "Only landmarks move: wrinkles, teeth outside the blended mouth and shading stay those "
            "of the neutral face.",
            "The landmark error is measured by the predictor that the landmarks come from; its own "
            "error on the unchanged face is the row of strength 0.",
        ],
        arrays={
            "frames": frames.reshape(len(names), _FRAMES, *frames.shape[1:]),
            "frame_strengths": np.linspace(0, max(levels), _FRAMES),
        },
        settings={"emotions": names, "strengths": levels, "faces": len(rows), "donor": donor},
        seed=random_state,
        seconds=time.perf_counter() - start,
        **facts,
    )


def landmark_error(face: Any, target: NDArray) -> float:
    """Mean distance of the landmarks that dlib finds in a face to where they should lie.

    Parameters
    ----------
    face : one row of Faces
    target : ndarray, shape (68, 2)
        In pixels of the face; the box for the predictor is put around its eyes and mouth.

    Returns
    -------
    float
        As a share of the distance between the eye centres.
    """
    points = eyes_and_mouth(target)
    found = predict_landmarks(face["image"], box_around(points))
    distance = np.linalg.norm(points[1] - points[0])
    return float(np.linalg.norm(found - target, axis=1).mean() / distance)


def donor_displacement(
    shapes: ExpressionShapes, landmarks: NDArray, neutral: NDArray | None
) -> NDArray[np.float64]:
    """The expression of one face, from its own neutral face, or from the mean neutral shape.

    Returns
    -------
    ndarray of float64, shape (68, 2)
        In the frame of ``shapes.neutral_shape_``.
    """
    start = (
        shapes.neutral_shape_
        if neutral is None
        else apply_similarity(shapes.to_mean(neutral), neutral)
    )
    return apply_similarity(shapes.to_mean(landmarks), landmarks) - start


@dataclass
class _Maker:
    """Gives expressions to faces, learned from all people but the face's own."""

    dataset: Dataset
    known: NDArray[np.bool_]
    emotions: list[str]
    donor: str | None

    def __post_init__(self) -> None:
        self.warnings: list[str] = []
        self._last: tuple[object, ExpressionShapes] | None = None
        if self.dataset.groups is None:
            self.warnings.append(
                "people are not known: mean expressions are learned from all faces, those of the "
                "same person among them"
            )

    def faces_of(self, row: int, strengths: Sequence[float]) -> NDArray:
        """One face with each emotion at each strength, emotion by emotion."""
        face = aligned_faces(self.dataset)[row]
        shapes = self._shapes(row)
        alignment = self.dataset.alignment
        photos = alignment is not None and alignment.detector != "none"
        frame = alignment.frame if alignment is not None and photos else None
        made = []
        for emotion in self.emotions:
            displacement, mouth = self._expression(shapes, emotion)
            for strength in strengths:
                target = shapes.target(face["landmarks"], displacement, strength=strength)
                share = min(1.0, strength)
                made.append(give_expression(face, target, mouth=mouth, frame=frame, strength=share))
        return np.array(made, dtype=face.dtype)

    def displacements_of(self, row: int, strengths: Sequence[float]) -> NDArray[np.float64]:
        """Mean movement of the landmarks as a share of the eye distance, in the same order."""
        landmarks = aligned_faces(self.dataset)[row]["landmarks"].astype(np.float64)
        shapes, points = self._shapes(row), eyes_and_mouth(landmarks)
        eyes = np.linalg.norm(points[1] - points[0])
        moved = []
        for emotion in self.emotions:
            displacement, _ = self._expression(shapes, emotion)
            for strength in strengths:
                target = shapes.target(landmarks, displacement, strength=strength)
                moved.append(np.linalg.norm(target - landmarks, axis=1).mean() / eyes)
        return np.array(moved)

    def _expression(self, shapes: ExpressionShapes, emotion: str) -> tuple[NDArray, Any]:
        """Displacement and the face whose mouth is blended in."""
        if self.donor is None:
            return shapes.displacement(emotion), shapes.mouths_[emotion]
        faces, groups = aligned_faces(self.dataset), self.dataset.groups
        row = int(np.flatnonzero(self.dataset.ids == self.donor)[0])
        neutral = None
        if groups is not None:
            same = (groups == groups[row]) & (self.dataset.y == NEUTRAL) & self.known
            if same.any():
                neutral = faces["landmarks"][np.flatnonzero(same)[0]].astype(np.float64)
        landmarks = faces["landmarks"][row].astype(np.float64)
        displacement = donor_displacement(shapes, landmarks, neutral)
        return displacement, (faces["image"][row], landmarks)

    def _shapes(self, row: int) -> ExpressionShapes:
        groups = self.dataset.groups
        person = None if groups is None else groups[row]
        if self._last is None or self._last[0] != person:
            others = self.known if groups is None else self.known & (groups != person)
            if not others.any():
                raise DataError(
                    "all faces are of one person, and expressions are learned from other people; "
                    "choose data of several people"
                )
            wanted = others & np.isin(self.dataset.y, [NEUTRAL, *self.emotions])
            shapes = ExpressionShapes().fit(
                aligned_faces(self.dataset)[wanted],
                self.dataset.y[wanted],
                None if groups is None else groups[wanted],
            )
            self._last = person, shapes
        return self._last[1]


def _neutral_rows(
    recognizers: Recognizers,
    y: NDArray[np.str_],
    known: NDArray[np.bool_],
    n_faces: int,
    random_state: int,
) -> tuple[NDArray[np.intp], dict[int, int]]:
    """Neutral faces with landmarks, and the fold whose recognizer labels each."""
    fold_of = {int(row): i for i, (_, test) in enumerate(recognizers.folds) for row in test}
    rows = np.array([row for row in fold_of if y[row] == NEUTRAL and known[row]], dtype=np.intp)
    if not len(rows):
        raise DataError(
            f"no face labelled {NEUTRAL!r} with landmarks is there to take an expression; choose "
            "data with neutral faces, such as JAFFE"
        )
    drawn = balanced_rows(y, n_faces, among=np.sort(rows), random_state=random_state)
    return np.array(sorted(drawn, key=lambda row: fold_of[int(row)])), fold_of


def _chosen_emotions(
    dataset: Dataset, emotions: Sequence[str] | None, donor: str | None
) -> list[str]:
    others = [name for name in dataset.classes if name != NEUTRAL]
    if donor is not None:
        if emotions is not None:
            raise ParameterError("give emotions, or one face whose expression is taken, not both")
        found = np.flatnonzero(dataset.ids == donor)
        if not len(found):
            raise unknown_name("face", donor, dataset.ids.tolist()[:20])
        label = str(dataset.y[found[0]])
        if label == NEUTRAL:
            raise ParameterError(f"the face {donor!r} is neutral; name one with an expression")
        return [label]
    if not others:
        raise DataError(f"all {len(dataset)} faces are {NEUTRAL!r}; expected another emotion")
    for name in emotions or []:
        if name not in others:
            raise unknown_name("emotion", name, others)
    return list(emotions or others)


def _table(
    names: Sequence[str],
    levels: Sequence[float],
    outcomes: Sequence[dict[str, Any]],
    people: NDArray | None,
    seed: int,
) -> StudyTable:
    shape = (len(outcomes), len(names), len(levels))
    labels = np.stack([outcome["labels"] for outcome in outcomes]).reshape(shape)
    errors, moved = (
        np.stack([o[key] for o in outcomes]).reshape(shape) for key in ("errors", "moved")
    )
    rows = [
        {
            "emotion": name,
            "strength": level,
            "displacement": float(moved[:, i, j].mean()),
            "landmark_error": mean_score(errors[:, i, j], people, random_state=seed),
            "recognized": mean_score(labels[:, i, j] == name, people, random_state=seed),
            "taken_for_neutral": float((labels[:, i, j] == NEUTRAL).mean()),
        }
        for i, name in enumerate(names)
        for j, level in enumerate(levels)
    ]
    title = "Landmark error in eye distances, and how faces with a new expression are labelled"
    return StudyTable("strengths", title, rows, formats={"strength": "g"})


def _real_recall(recognizers: Recognizers, dataset: Dataset, names: Sequence[str]) -> StudyTable:
    """How often the same recognizers recognize real faces of these emotions."""
    right: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in names}
    for fold, (_, test) in enumerate(recognizers.folds):
        rows = test[np.isin(dataset.y[test], list(names))]
        if not len(rows):
            continue
        recognizer = recognizers.recognizer(fold)
        classes = np.asarray(recognizer.classes_, dtype=str)
        answers = classes[recognizer.predict_proba(aligned_faces(dataset)[rows]).argmax(axis=1)]
        for name in names:
            of_class = dataset.y[rows] == name
            right[name].append(answers[of_class] == name)
    rows_of = [
        {
            "emotion": name,
            "faces": int(sum(map(len, parts))),
            "recognized": score(float(np.concatenate(parts).mean()) if parts else None),
        }
        for name, parts in right.items()
    ]
    return StudyTable("real", "Real faces of these emotions, by the same recognizers", rows_of)


def _conclusions(table: StudyTable, real: StudyTable, level: float) -> list[str]:
    full = [row for row in table.rows if row["strength"] == level]
    share = np.mean([row["recognized"]["value"] for row in full])
    usual = np.mean([value for value in real.column("recognized") if value is not None])
    error = np.mean([row["landmark_error"]["value"] for row in full])
    moved = np.mean([row["displacement"] for row in full])
    own = np.mean([r["landmark_error"]["value"] for r in table.rows if r["strength"] == 0])
    return [
        f"At strength {level:g} {share:.0%} of the new faces are recognized as what they were "
        f"given, of real faces {usual:.0%}.",
        f"Their landmarks are found {error:.3f} eye distances from the target, after a movement of "
        f"{moved:.3f}; on the unchanged faces the predictor itself is {own:.3f} off.",
    ]
