"""Samples: accuracy against the number of training faces, and where the curve leads."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.resampling import quantile_interval
from classic_fer.models.folds import Rows
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score
from classic_fer.studies.power_law import PowerLaw, fit_power_law
from classic_fer.studies.recognizers import HeldOutRecognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts, score

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["nested_subset", "samples_study", "usual_sizes"]

_N_SIZES = 6
_N_RESAMPLES = 200  # each is a fit
_FURTHER = (2, 4)  # times the largest size, to which the curve is followed


def nested_subset(
    rows: Rows, y: NDArray, groups: NDArray | None, size: int, *, random_state: int = 0
) -> Rows:
    """At least `size` training rows: whole groups in an order that is drawn once.

    Parameters
    ----------
    rows : ndarray of int, shape (m,)
        To choose from.
    y : ndarray of str, shape (n,)
        Labels of all rows.
    groups : ndarray, shape (n,), optional
        What stays together: people, or identical images. Single rows without it.
    size : int
        Faces; as few groups are taken as reach it. A group of each class comes first, so that
        no class is missing.
    random_state : int
        Subsets of one seed are nested: a larger one holds every smaller one.

    Returns
    -------
    ndarray of int
        Sorted.
    """
    labels = np.arange(len(y)) if groups is None else groups
    _, unit = np.unique(labels[rows], return_inverse=True)
    order = np.random.default_rng(random_state).permutation(unit.max() + 1)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    rank = place[unit]
    classes = np.unique(y[rows])
    for number, name in enumerate(classes):
        first = unit[np.argmin(np.where(y[rows] == name, place[unit], len(order)))]
        rank[unit == first] = np.minimum(rank[unit == first], number - len(classes))
    if size >= len(rows):
        return np.sort(rows)
    last = max(np.sort(rank)[size - 1], -1)  # the first groups of all classes at least
    return np.sort(rows[rank <= last])


def usual_sizes(n: int, classes: int) -> list[int]:
    """At most six sizes up to `n`, each about twice the one before, from at least three a class."""
    smallest = max(3 * classes, n // 2 ** (_N_SIZES - 1))
    return sorted({*(n // 2**k for k in range(_N_SIZES) if n // 2**k >= smallest), n})


def samples_study(
    recognizers: HeldOutRecognizers,
    dataset: Dataset,
    *,
    sizes: Sequence[int] | None = None,
    repeats: int = 1,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """A learning curve: the same test faces, answered after training on more and more people.

    Parameters
    ----------
    recognizers : HeldOutRecognizers
        Of `dataset`.
    dataset : Dataset
        Aligned.
    sizes : sequence of int, optional
        Numbers of training faces; a size beyond a training part stands for all of it. By
        default `usual_sizes` of the smallest training part.
    repeats : int
        Orders in which people are added, each with another seed.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``curve``, ``law`` and ``extrapolation``, and arrays for the fitted curve.

    Raises
    ------
    ParameterError
        For sizes below the number of classes, or no repeats.
    """
    start = time.perf_counter()
    y, faces = dataset.y, aligned_faces(dataset)
    protocol = recognizers.protocol
    chosen = _checked_sizes(sizes, recognizers)
    if repeats < 1:
        raise ParameterError(f"expected at least 1 repeat, got {repeats}")
    cells: list[Cell] = [
        {"fold": fold, "repeat": repeat, "size": size}
        for size in chosen
        for fold in range(len(protocol.folds))
        for repeat in range(repeats)
    ]
    outcomes = run_cells(
        cells,
        lambda cell: _learn(cell, recognizers, faces, y, random_state),
        settings={
            "study": "samples",
            "faces": content_hash(faces),
            "labels": content_hash(y),
            **recognizers.settings(),
            "seed": random_state,
        },
        out=out,
        resume=resume,
        progress=progress,
    )
    points = [
        _Point.of(size, cells, outcomes, protocol.folds, dataset, random_state) for size in chosen
    ]
    tables, arrays, conclusions = _curve(points, protocol.groups.kept_together, random_state)
    return StudyResult(
        name="samples",
        title=f"Training faces: {dataset.name}",
        question="How does accuracy grow with the number of training faces?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=conclusions,
        limits=[
            "Beyond the largest size the curve is an extrapolation: a law that fits these sizes "
            "need not hold for more faces, let alone for faces of another kind.",
            "The law is of this recognizer, whose capacity was not raised with the data.",
        ],
        arrays=arrays,
        settings={"sizes": chosen, "repeats": repeats, "majority": points[0].majority},
        seed=random_state,
        seconds=time.perf_counter() - start,
        **recognizers.facts(),
    )


def _checked_sizes(sizes: Sequence[int] | None, recognizers: HeldOutRecognizers) -> list[int]:
    """Sizes in ascending order, at most the smallest training part."""
    most = min(len(train) for train, _ in recognizers.protocol.folds)
    n_classes = len(recognizers.classes)
    chosen = sorted({int(size) for size in (sizes or usual_sizes(most, n_classes))})
    if chosen[0] < 2 * n_classes:
        raise ParameterError(
            f"sizes must be at least two faces for each of {n_classes} classes, got {chosen[0]}"
        )
    return sorted({min(size, most) for size in chosen})


def _learn(
    cell: Cell, recognizers: HeldOutRecognizers, faces: NDArray, y: NDArray, random_state: int
) -> dict[str, Any]:
    """Train on a nested subset of the training part of a fold, and answer its test part."""
    protocol = recognizers.protocol
    groups = protocol.groups.labels
    train, test = protocol.folds[cell["fold"]]
    seed = int(np.random.SeedSequence([random_state, cell["repeat"]]).generate_state(1)[0])
    rows = nested_subset(train, y, groups, cell["size"], random_state=seed)
    began = time.perf_counter()
    recognizer = recognizers.recipe.fit(
        faces[rows],
        y[rows],
        groups=None if groups is None else groups[rows],
        n_jobs=recognizers.n_jobs,
        random_state=random_state,
    )
    seconds = time.perf_counter() - began
    named = np.asarray(recognizer.classes_, dtype=str)
    predicted = named[recognizer.predict_proba(faces[test]).argmax(axis=1)]
    units = len(rows) if groups is None else len(np.unique(groups[rows]))
    return {"predicted": predicted, "n": len(rows), "units": units, "seconds": seconds}


class _Point:
    """One size of a learning curve: which share of its repeats named each face rightly."""

    def __init__(
        self, size: int, n: float, units: float, seconds: float, right: NDArray, groups: Any
    ) -> None:
        self.size, self.n, self.units, self.seconds = size, n, units, seconds
        self.right, self.groups = right, groups
        self.majority = 0.0
        self.accuracy: dict[str, Any] = {}

    @classmethod
    def of(
        cls,
        size: int,
        cells: Sequence[Cell],
        outcomes: Sequence[dict[str, Any]],
        folds: Sequence[tuple[Rows, Rows]],
        dataset: Dataset,
        random_state: int,
    ) -> _Point:
        mine = [(c, o) for c, o in zip(cells, outcomes) if c["size"] == size]
        y = dataset.y
        right, rows = [], []
        for fold, (_, test) in enumerate(folds):
            answers = [o["predicted"] == y[test] for c, o in mine if c["fold"] == fold]
            right.append(np.mean(answers, axis=0))
            rows.append(test)
        tested = np.concatenate(rows)
        groups = None if dataset.groups is None else dataset.groups[tested]

        def mean(name: str) -> float:
            return float(np.mean([o[name] for _, o in mine]))

        point = cls(size, mean("n"), mean("units"), mean("seconds"), np.concatenate(right), groups)
        point.majority = float(np.unique(y[tested], return_counts=True)[1].max() / len(tested))
        point.accuracy = mean_score(point.right, groups, random_state=random_state)
        return point


def _curve(
    points: list[_Point], kept_together: str, random_state: int
) -> tuple[list[StudyTable], dict[str, NDArray], list[str]]:
    """Tables, arrays and sentences of a learning curve."""
    rows = [
        {
            "training faces": round(point.n),
            "kept together": round(point.units),
            "accuracy": point.accuracy,
            "seconds": point.seconds,
        }
        for point in points
    ]
    unit = {"nothing": "single faces"}.get(kept_together, f"groups of {kept_together}")
    curve = StudyTable(
        "curve",
        f"Accuracy by number of training faces (nested subsets of {unit})",
        rows,
        formats={"seconds": ".1f"},
    )
    first, last = points[0], points[-1]
    said = [
        f"Accuracy goes from {first.accuracy['value']:.3f} with {first.n:,.0f} training faces to "
        f"{last.accuracy['value']:.3f} with {last.n:,.0f}."
    ]
    try:
        law = fit_power_law([p.n for p in points], [1 - p.accuracy["value"] for p in points])
    except DataError as error:
        return [curve], {}, [*said, f"No power law was fitted: {error}."]
    drawn = _drawn_laws(points, random_state)
    further = [last.n * times for times in _FURTHER]
    ahead = [
        {
            "training faces": round(n),
            "accuracy": score(
                float(1 - law.error(n)),
                quantile_interval([float(1 - each.error(n)) for each in drawn]),
            ),
            "kind": "extrapolated",
        }
        for n in further
    ]
    tables = [
        curve,
        StudyTable(
            "law",
            "Power law: error = floor + factor * faces ** -exponent",
            [_law_row(law, drawn)],
            formats={"residual": ".4f"},
        ),
        StudyTable("extrapolation", "Where the law leads (extrapolated, not measured)", ahead),
    ]
    grid = np.geomspace(first.n, further[-1], 80)
    spread = 1 - np.array([each.error(grid) for each in drawn])
    arrays = {
        "fit_n": grid,
        "fit_accuracy": 1 - law.error(grid),
        "fit_low": np.quantile(spread, 0.025, axis=0),
        "fit_high": np.quantile(spread, 0.975, axis=0),
    }
    twice = float(1 - law.error(further[0]))
    said.append(
        f"A power law with exponent {law.exponent:.2f} fits (residual {law.residual:.4f}); "
        f"extrapolated to twice as many faces it gives {twice:.3f}."
    )
    return tables, arrays, said


def _law_row(law: PowerLaw, drawn: list[PowerLaw]) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: score(getattr(law, name), quantile_interval([getattr(each, name) for each in drawn]))
        for name in ("floor", "factor", "exponent")
    }
    return row | {"residual": law.residual}


def _drawn_laws(points: list[_Point], random_state: int) -> list[PowerLaw]:
    """Laws of bootstrap samples of the tested people (or faces), the same ones at all sizes."""
    right = np.column_stack([point.right for point in points])
    groups = points[0].groups
    units = np.arange(len(right)) if groups is None else np.unique(groups, return_inverse=True)[1]
    counts = np.bincount(units)
    sums = np.column_stack([np.bincount(units, weights=right[:, k]) for k in range(right.shape[1])])
    rng = np.random.default_rng(random_state)
    laws = []
    for _ in range(_N_RESAMPLES):
        chosen = rng.integers(len(counts), size=len(counts))
        accuracy = sums[chosen].sum(axis=0) / counts[chosen].sum()
        laws.append(fit_power_law([point.n for point in points], 1 - accuracy))
    return laws
