"""Augmentation: do generated training faces help more than simple variants, and are they good?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fingerprints import THUMBNAIL, thumbnail
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.near_duplicates import Components, near_pairs
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.faces.frame import Frame
from classic_fer.faces.warping import to_frame
from classic_fer.models.expression_shapes import NEUTRAL, ExpressionShapes, with_landmarks
from classic_fer.models.new_faces import NewFaces, expressive_faces, simple_variants
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score, paired_drop
from classic_fer.studies.recognizers import HeldOutRecognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["ARMS", "augment_study", "copies_of_real", "nearest_distances"]

NONE, SIMPLE, GENERATED = ARMS = ("none", "simple", "generated")
_EXAMPLES = 4


def augment_study(
    recognizers: HeldOutRecognizers,
    dataset: Dataset,
    *,
    judge: Any = None,
    judge_name: str = "judge",
    per_emotion: int = 1,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Accuracy with no, simple and generated augmentation, under the same folds of people.

    Parameters
    ----------
    recognizers : HeldOutRecognizers
        Recipe and folds. Parameters are chosen once a fold, on the real training faces.
    dataset : Dataset
        Aligned, with landmarks, neutral and other faces, and people.
    judge : Recognizer, optional
        One that was trained on other data and says whether generated faces show what they should.
    judge_name : str
    per_emotion : int
        New faces of each emotion for each neutral training face. Simple variants are as many, as
        nearly as whole variants of each training face allow.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``accuracy`` and ``quality``; arrays ``examples`` (emotions, k, H, W) and
        ``example_sources``.

    Raises
    ------
    DataError, ParameterError
        Without people, landmarks, neutral faces or another emotion.

    Notes
    -----
    Displacements are learned from the training people of the fold alone, and only their neutral
    faces are warped. Generated faces are real to nobody: their quality is the share that the judge
    recognizes, beside that of real faces; how far they lie from the nearest real face of that
    emotion and another person, relative to how far real ones do; and how many are near duplicates
    of a real training face.
    """
    start = time.perf_counter()
    faces, y, people = aligned_faces(dataset), dataset.y, dataset.groups
    if people is None:
        raise DataError(
            f"{dataset.name!r} does not tell who is shown, so that nobody can be held out of the "
            "generator; give a manifest with a column subject"
        )
    if per_emotion < 1:
        raise ParameterError(f"expected at least one new face of each emotion, got {per_emotion}")
    with_landmarks(faces, y)
    if NEUTRAL not in dataset.classes:
        raise DataError(
            f"no face of {dataset.name!r} is labelled {NEUTRAL!r}, and neutral faces are what new "
            "ones are made of; choose data with neutral faces, such as JAFFE"
        )
    work = _Fold(recognizers, dataset, judge, per_emotion, random_state)
    cells: list[Cell] = [{"fold": fold} for fold in range(len(recognizers.folds))]
    settings = {
        "study": "augment",
        "per_emotion": per_emotion,
        "judge": judge_name if judge is not None else None,
        "faces": content_hash(faces["image"], faces["landmarks"]),
        "labels": content_hash(y),
        **recognizers.settings(),
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    tables = [
        _accuracy(recognizers, dataset, outcomes, random_state),
        _quality(outcomes, judge is not None),
    ]
    names = [name for name in dataset.classes if name != NEUTRAL]
    facts = recognizers.facts()
    return StudyResult(
        name="augment",
        title=f"Generated training faces: {dataset.name}",
        question="Does training on faces with generated expressions help, more than simple "
        "variants do?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=_conclusions(tables[0], tables[1], judge_name if judge is not None else None),
        limits=[
            "Generated faces move landmarks of neutral ones and cannot show what landmarks do not "
            "hold: wrinkles, teeth, shading.",
            "Parameters are those that suit the real training faces; a search with augmented ones "
            "might choose others.",
        ],
        arrays={
            "examples": outcomes[0]["examples"],
            "example_sources": outcomes[0]["example_sources"],
        },
        settings={"per_emotion": per_emotion, "judge": judge_name, "emotions": names},
        seed=random_state,
        seconds=time.perf_counter() - start,
        **facts,
    )


@dataclass
class _Fold:
    """The work of a fold: all three recognizers, and the quality of the generated faces."""

    recognizers: HeldOutRecognizers
    dataset: Dataset
    judge: Any
    per_emotion: int
    seed: int

    def __call__(self, cell: Cell) -> dict[str, Any]:
        fold = cell["fold"]
        train, test = self.recognizers.folds[fold]
        faces, y = aligned_faces(self.dataset), self.dataset.y
        people = self.dataset.groups
        assert people is not None  # checked in augment_study
        plain = self.recognizers.recognizer(fold)
        seed = int(np.random.SeedSequence([self.seed, fold]).generate_state(1)[0] % 2**31)
        shapes = ExpressionShapes().fit(faces[train], y[train], people[train])
        generated = expressive_faces(
            shapes,
            faces[train],
            y[train],
            per_emotion=self.per_emotion,
            frame=self._frame(),
            random_state=seed,
        )
        n_each = max(1, round(len(generated.y) / len(train)))
        simple = simple_variants(faces[train], y[train], n_each=n_each, random_state=seed)
        outcome: dict[str, Any] = {"n_real": len(train)}
        for arm, extra in ((NONE, None), (SIMPLE, simple), (GENERATED, generated)):
            recognizer = plain
            if extra is not None:
                recognizer = clone(plain).fit(
                    np.concatenate([faces[train], extra.faces]),
                    np.concatenate([y[train], extra.y]),
                    groups=np.concatenate([people[train], people[train][extra.source]]),
                )
            names = np.asarray(recognizer.classes_, dtype=str)
            answers = names[recognizer.predict_proba(faces[test]).argmax(axis=1)]
            outcome[f"right_{arm}"] = answers == y[test]
            outcome[f"n_{arm}"] = 0 if extra is None else len(extra.y)
        outcome |= self._measured(plain, generated, train, test)
        return outcome | self._examples(generated, train)

    def _measured(
        self, plain: Any, generated: NewFaces, train: NDArray[np.intp], test: NDArray[np.intp]
    ) -> dict[str, Any]:
        """What the judge says, distances in the features, and copies; by emotion."""
        faces, y = aligned_faces(self.dataset), self.dataset.y
        people = self.dataset.groups
        assert people is not None
        real, owners = faces[train], people[train]
        known = _features(plain, real)
        new = _features(plain, generated.faces)
        made_from = owners[generated.source]
        copies = copies_of_real(generated.faces["image"], real["image"])
        by_emotion: dict[str, Any] = {}
        for name in np.unique(generated.y).tolist():
            rows, same = generated.y == name, y[train] == name
            among = known[same], owners[same]
            distance = nearest_distances(new[rows], made_from[rows], *among)
            usual = nearest_distances(*among, *among)
            by_emotion[name] = {
                "n": int(rows.sum()),
                "distance": _median(distance),
                "usual": _median(usual),
                "copies": int(copies[rows].sum()),
                **self._judged(generated.faces[rows], name, faces[test][y[test] == name]),
            }
        return {"quality": by_emotion}

    def _judged(self, made: NDArray, name: str, real: NDArray) -> dict[str, Any]:
        """How many generated and real faces of an emotion the judge recognizes."""
        if self.judge is None or name not in np.asarray(self.judge.classes_).tolist():
            return {"agreed": None, "real_right": None, "real_n": len(real)}
        classes = np.asarray(self.judge.classes_, dtype=str)

        def right(asked: NDArray) -> int:
            if not len(asked):
                return 0
            alignment = self.judge.alignment_
            frame = self.dataset.alignment.frame if self.dataset.alignment else None
            if alignment is not None and frame is not None:
                asked = to_frame(asked, frame, alignment.frame)
            answers = classes[np.asarray(self.judge.predict_proba(asked)).argmax(axis=1)]
            return int((answers == name).sum())

        return {"agreed": right(made), "real_right": right(real), "real_n": len(real)}

    def _examples(self, generated: NewFaces, train: NDArray[np.intp]) -> dict[str, Any]:
        """For each emotion new faces of a few people, and the neutral faces they were made of."""
        emotions = [name for name in self.dataset.classes if name in generated.y]
        sources = np.unique(generated.source)[:_EXAMPLES]
        faces = aligned_faces(self.dataset)["image"][train]

        def first(name: str, source: int) -> NDArray[np.uint8]:
            rows = np.flatnonzero((generated.y == name) & (generated.source == source))
            return generated.faces["image"][rows[0]]

        shown = [[first(name, source) for source in sources] for name in emotions]
        return {"examples": np.array(shown), "example_sources": faces[sources]}

    def _frame(self) -> Frame | None:
        """Into which new faces are aligned: that of the data, unless they are crops."""
        alignment = self.dataset.alignment
        return None if alignment is None or alignment.detector == "none" else alignment.frame


def nearest_distances(
    rows: NDArray, owners: NDArray, real: NDArray, real_owners: NDArray
) -> NDArray[np.float64]:
    """Distance of each row to the nearest real one of another person, NaN where there is none.

    Parameters
    ----------
    rows, real : ndarray, shapes (n, d) and (m, d)
    owners, real_owners : ndarray of str, shapes (n,) and (m,)
    """
    from sklearn.metrics import pairwise_distances

    distances = pairwise_distances(rows, real)
    distances[np.asarray(owners)[:, None] == np.asarray(real_owners)] = np.inf
    nearest = distances.min(axis=1, initial=np.inf)
    return np.where(np.isfinite(nearest), nearest, np.nan)


def copies_of_real(made: NDArray[np.uint8], real: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which generated images are near duplicates of a real one, shape (n,).

    Parameters
    ----------
    made, real : ndarray of uint8, shapes (n, H, W) and (m, H, W)
    """
    both = np.concatenate([made, real])
    small = np.stack([thumbnail(image, THUMBNAIL) for image in both])
    joined = Components(len(small))
    joined.join(near_pairs(small).tolist())
    labels = joined.labels()
    return np.isin(labels[: len(made)], labels[len(made) :])


def _features(recognizer: Any, faces: NDArray) -> NDArray[np.float64]:
    """What the classifier sees."""
    return recognizer.scaler_.transform(recognizer.features_.transform(faces)).astype(np.float64)


def _median(values: NDArray[np.float64]) -> float | None:
    defined = values[~np.isnan(values)]
    return float(np.median(defined)) if len(defined) else None


def _accuracy(
    recognizers: HeldOutRecognizers,
    dataset: Dataset,
    outcomes: Sequence[dict[str, Any]],
    seed: int,
) -> StudyTable:
    tested = np.concatenate([test for _, test in recognizers.folds])
    assert dataset.groups is not None
    people = dataset.groups[tested]
    right = {
        arm: np.concatenate([o[f"right_{arm}"] for o in outcomes]).astype(float) for arm in ARMS
    }
    rows = []
    for arm in ARMS:
        row: dict[str, Any] = {
            "augmentation": arm,
            "real_faces": float(np.mean([o["n_real"] for o in outcomes])),
            "added_faces": float(np.mean([o[f"n_{arm}"] for o in outcomes])),
            "accuracy": mean_score(right[arm], people, random_state=seed),
            "gain": None,
            "p_value": None,
        }
        if arm != NONE:
            gain, p_value = paired_drop(right[arm], right[NONE], people, random_state=seed)
            row |= {"gain": gain, "p_value": p_value}
        rows.append(row)
    title = "Accuracy with people held out, and what augmentation gains"
    formats = {"real_faces": ".0f", "added_faces": ".0f"}
    return StudyTable("accuracy", title, rows, formats=formats)


def _quality(outcomes: Sequence[dict[str, Any]], judged: bool) -> StudyTable:
    names = list(dict.fromkeys(name for o in outcomes for name in o["quality"]))
    rows = []
    for name in names:
        parts = [o["quality"][name] for o in outcomes if name in o["quality"]]
        n = sum(part["n"] for part in parts)
        ratios = [p["distance"] / p["usual"] for p in parts if p["distance"] and p["usual"]]
        row = {
            "emotion": name,
            "generated": n,
            "relative_distance": float(np.median(ratios)) if ratios else None,
            "near_duplicates": sum(part["copies"] for part in parts) / n,
        }
        if judged:
            agreed = [part["agreed"] for part in parts]
            real = sum(part["real_n"] for part in parts)
            known = None not in agreed
            row |= {
                "judge_agrees": sum(agreed) / n if known else None,
                "judge_right_on_real": (
                    sum(p["real_right"] for p in parts) / real if known and real else None
                ),
            }
        rows.append(row)
    title = "Quality of the generated faces"
    return StudyTable("quality", title, rows)


def _conclusions(accuracy: StudyTable, quality: StudyTable, judge: str | None) -> list[str]:
    none, simple, generated = accuracy.rows
    said = []
    for row, what in ((simple, "Simple variants"), (generated, "Generated faces")):
        gain, p_value = row["gain"]["value"], row["p_value"]
        sure = "" if p_value < 0.05 else ", which may be chance"
        verb = "raise" if gain > 0 else "lower"
        said.append(
            f"{what} {verb} accuracy by {100 * abs(gain):.1f} points, from "
            f"{none['accuracy']['value']:.3f} to {row['accuracy']['value']:.3f} "
            f"(p = {p_value:.2g}{sure})."
            if gain
            else f"{what} leave accuracy at {none['accuracy']['value']:.3f}."
        )
    if judge is not None:
        made = [each for each in quality.column("judge_agrees") if each is not None]
        real = [each for each in quality.column("judge_right_on_real") if each is not None]
        if made and real:
            said.append(
                f"The judge, {judge}, recognizes {np.mean(made):.0%} of the generated faces as "
                f"what they should show, of real ones {np.mean(real):.0%} (means over emotions)."
            )
    copies = np.mean(quality.column("near_duplicates")) if quality.rows else 0.0
    said.append(f"{copies:.0%} of the generated faces are near duplicates of a real training face.")
    return said
