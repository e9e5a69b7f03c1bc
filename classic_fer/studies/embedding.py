"""Embedding: where faces lie in a feature, and whether emotion or person brings them together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.models.embedding import check_embedding, embed, neighbour_agreement
from classic_fer.models.expression import make_features
from classic_fer.models.scaler import FeatureScaler
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.recognizers import Recognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts
from classic_fer.studies.samples import balanced_rows

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["EMOTION", "PERSON", "RIGHT", "WRONG", "embedding_study"]

EMOTION, PERSON, ANSWER = "emotion", "person", "answer"
RIGHT, WRONG = "recognized", "mistaken"


def embedding_study(
    dataset: Dataset,
    *,
    features: str = "hog",
    params: Mapping[str, Any] | None = None,
    vectors: Callable[[NDArray], NDArray] | None = None,
    recognizers: Recognizers | None = None,
    methods: Sequence[str] = ("pca", "lda", "tsne"),
    n_faces: int = 500,
    neighbours: int = 10,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Faces as points of a plane, by several methods.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    features : str
        See `classic_fer.models.expression.make_features`; standardised.
    params : mapping of str to value, optional
        ``hog__pixels_per_cell`` and the like.
    vectors : callable, optional
        Faces to vectors (n, d), in place of features: such as a layer of a network, which
        `features` then names.
    recognizers : Recognizers, optional
        Whose answers colour the faces: recognized or mistaken.
    methods : sequence of {"pca", "lda", "tsne", "umap"}
    n_faces : int
        At most so many, of each class alike.
    neighbours : int
        How many count in the trustworthiness and in the agreement of neighbours.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``planes`` (trustworthiness) and ``neighbours`` (how often the nearest neighbours
        share emotion or person, in the features and in each plane); arrays ``points`` (methods,
        n, 2), ``faces``, ``ids`` and the colours ``emotion``, ``person`` and ``answer``.

    Raises
    ------
    ParameterError, DataError, MissingPackageError
        As `classic_fer.models.embedding.embed`.

    Notes
    -----
    LDA is fitted on the faces of half of the people (of the images, where people are not known);
    the others are the ones to look at, and its agreement is measured on them alone.
    """
    start = time.perf_counter()
    names = list(dict.fromkeys(methods))
    if not names:
        raise ParameterError("expected at least one method of pca, lda, tsne, umap")
    for name in names:
        check_embedding(name)
    rows = balanced_rows(dataset.y, n_faces, random_state=random_state)
    shown = dataset.subset(rows)
    faces, y = aligned_faces(shown), shown.y
    colours = {EMOTION: y}
    if shown.groups is not None:
        colours[PERSON] = shown.groups
    if recognizers is not None:
        colours[ANSWER] = _answers(recognizers, dataset, rows)
    seen = _half(shown, random_state)
    matrix = _matrix(faces, y, features, params, vectors)
    cells: list[Cell] = [{"method": name} for name in names]

    def work(cell: Cell) -> dict[str, Any]:
        drawn = embed(
            matrix,
            method=cell["method"],
            y=y,
            fitted_on=seen if cell["method"] == "lda" else None,
            neighbours=neighbours,
            random_state=random_state,
        )
        return {"points": drawn.points, "trustworthiness": drawn.trustworthiness}

    settings = {
        "study": "embedding",
        "neighbours": neighbours,
        "features": content_hash(matrix),
        "labels": content_hash(y),
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    planes = {name: outcome["points"] for name, outcome in zip(names, outcomes)}
    tables = [
        StudyTable(
            "planes",
            f"Trustworthiness of the planes ({neighbours} neighbours; 1 is best)",
            [
                {"method": name, "trustworthiness": outcome["trustworthiness"]}
                for name, outcome in zip(names, outcomes)
            ],
        ),
        _neighbours(matrix, planes, colours, seen, neighbours),
    ]
    facts: dict[str, Any] = {"recognizer": None, "protocol": None, "warnings": []}
    facts |= {} if recognizers is None else recognizers.facts()
    return StudyResult(
        name="embedding",
        title=f"Faces in the plane, {features}: {dataset.name}",
        question="Do faces lie together by emotion, or by person?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=_conclusions(tables[1], neighbours),
        limits=[
            "Distances between groups and their sizes in t-SNE and UMAP mean nothing; who is "
            "near whom does.",
            "LDA has seen the labels of half of the people and separates these by design: only the "
            "others (filled points) tell anything.",
        ],
        arrays={
            "points": np.stack(list(planes.values())),
            "faces": faces["image"],
            "ids": shown.ids,
            "fitted": seen,
            **colours,
        },
        settings={"methods": names, "features": features, "faces": len(rows)},
        seed=random_state,
        seconds=time.perf_counter() - start,
        **facts,
    )


def _matrix(
    faces: NDArray,
    y: NDArray[np.str_],
    features: str,
    params: Mapping[str, Any] | None,
    vectors: Callable[[NDArray], NDArray] | None,
) -> NDArray[np.float64]:
    """Standardised features of the faces."""
    if vectors is not None:
        raw = np.asarray(vectors(faces), dtype=np.float32).reshape(len(faces), -1)
    else:
        expression = make_features(features)
        expression.set_params(**dict(params or {}))
        raw = expression.fit_transform(faces, y)
    return FeatureScaler(method="standard").fit_transform(raw).astype(np.float64)


def _half(dataset: Dataset, random_state: int) -> NDArray[np.bool_]:
    """The faces of half of the people, at random."""
    units = dataset.ids if dataset.groups is None else dataset.groups
    people = np.unique(units)
    drawn = np.random.default_rng(random_state).permutation(people)[: len(people) // 2]
    return np.isin(units, drawn)


def _answers(
    recognizers: Recognizers, dataset: Dataset, rows: NDArray[np.intp]
) -> NDArray[np.str_]:
    """Whether each face is recognized by a recognizer that never saw its person."""
    told = np.full(len(dataset), "not asked", dtype="<U16")
    faces = aligned_faces(dataset)
    for fold, (_, test) in enumerate(recognizers.folds):
        asked = np.intersect1d(test, rows)
        if len(asked):
            recognizer = recognizers.recognizer(fold)
            names = np.asarray(recognizer.classes_, dtype=str)
            answers = names[np.asarray(recognizer.predict_proba(faces[asked])).argmax(axis=1)]
            told[asked] = np.where(answers == dataset.y[asked], RIGHT, WRONG)
    return told[rows]


def _neighbours(
    matrix: NDArray[np.float64],
    planes: Mapping[str, NDArray],
    colours: Mapping[str, NDArray],
    seen: NDArray[np.bool_],
    neighbours: int,
) -> StudyTable:
    rows = []
    for name, points in {"features": matrix, **planes}.items():
        kept = ~seen if name == "lda" else np.ones(len(points), dtype=bool)
        row: dict[str, Any] = {"space": name, "faces": int(kept.sum())}
        for colour in (EMOTION, PERSON):
            share = chance = None
            if colour in colours and kept.sum() > neighbours:
                labels = colours[colour][kept]
                share, chance = neighbour_agreement(points[kept], labels, neighbours=neighbours)
            row |= {f"same_{colour}": share, f"{colour}_by_chance": chance}
        rows.append(row)
    title = f"How often the {neighbours} nearest neighbours of a face share its emotion or person"
    return StudyTable("neighbours", title, rows)


def _conclusions(table: StudyTable, neighbours: int) -> list[str]:
    row = table.rows[0]
    said = []
    for colour in (EMOTION, PERSON):
        share, chance = row[f"same_{colour}"], row[f"{colour}_by_chance"]
        if share is not None:
            said.append(
                f"In the features {share:.0%} of the {neighbours} nearest neighbours have the same "
                f"{colour}, by chance {chance:.0%}."
            )
    return said
