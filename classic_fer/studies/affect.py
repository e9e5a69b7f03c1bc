"""Affect: valence, arousal or other ratings predicted from faces of people not trained on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.protocols import Protocol, dataset_protocol
from classic_fer.evaluation.regression_metrics import REGRESSION_METRICS, regression_scores
from classic_fer.models.expression import image_shape
from classic_fer.models.regression import REGRESSORS, make_regressor
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["affect_study", "rated", "target_columns"]

_MEAN = "mean of training"


def affect_study(
    dataset: Dataset,
    *,
    targets: Sequence[str] | None = None,
    features: str = "hog",
    params: Mapping[str, Any] | None = None,
    regressors: Sequence[str] = ("ridge", "svr", "krr"),
    middle: float | None = None,
    cv: str | int | Path | Protocol | None = None,
    inner_cv: int = 5,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Regression of numeric columns, every face by a regressor that never saw its person.

    Parameters
    ----------
    dataset : Dataset
        Aligned; rows without a rating are left out and counted.
    targets : sequence of str, optional
        Numeric columns; see `target_columns` for the default.
    features : str
        See `classic_fer.models.expression.make_features`.
    params : mapping of str to value, optional
        ``features__hog__pixels_per_cell`` and the like.
    regressors : sequence of {"ridge", "svr", "krr"}
    middle : float, optional
        Where the scale changes its sign, for SAGR; by default 0 for columns with negative values,
        else the middle between the lowest and the highest rating.
    cv : str, int, Path or Protocol, optional
        See `classic_fer.evaluation.protocols.make_protocol`.
    inner_cv : int
        Folds of the search for parameters.
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Table ``scores``: RMSE, Pearson's correlation, CCC and SAGR with intervals over people for
        each target and regressor, and of guessing the mean of the training part. Arrays ``true``
        (n, targets) and ``predicted`` (regressors, n, targets).

    Raises
    ------
    DataError, ParameterError
        For columns that are missing or no numbers, no rated faces, or an unknown regressor.
    """
    start = time.perf_counter()
    for name in regressors:
        if name not in REGRESSORS:
            raise unknown_name("regressor", name, REGRESSORS)
    if not regressors:
        raise ParameterError(f"expected at least one regressor of {', '.join(REGRESSORS)}")
    columns = target_columns(dataset, targets)
    known, warnings = rated(dataset, columns)
    y = known.samples[columns].to_numpy(dtype=np.float64)
    protocol = (
        cv if isinstance(cv, Protocol) else dataset_protocol(known, cv, random_state=random_state)
    )
    faces, people = aligned_faces(known), known.groups
    chosen = dict(params or {})
    blocks = make_regressor(features, **chosen).features.extract(faces)
    cells: list[Cell] = [
        {"fold": fold, "regressor": name}
        for fold in range(len(protocol.folds))
        for name in regressors
    ]

    def work(cell: Cell) -> dict[str, Any]:
        train, test = protocol.folds[cell["fold"]]
        model = make_regressor(
            features, cell["regressor"], random_state=random_state, inner_cv=inner_cv, **chosen
        )
        model.fit_blocks(
            {name: block[train] for name, block in blocks.items()},
            y[train],
            image_shape=image_shape(faces),
            groups=None if people is None else people[train],
        )
        predicted = model.predict_blocks({name: block[test] for name, block in blocks.items()})
        return {"predicted": predicted, "params": model.best_params_}

    settings = {
        "study": "affect",
        "targets": columns,
        "features": features,
        "params": chosen,
        "inner_cv": inner_cv,
        "protocol": protocol.hash,
        "faces": content_hash(faces),
        "ratings": content_hash(y),
        "seed": random_state,
    }
    outcomes = run_cells(cells, work, settings=settings, out=out, resume=resume, progress=progress)
    predicted = _pooled(cells, outcomes, protocol, regressors, y)
    scored = np.isfinite(predicted[0]).all(axis=1)
    table = _scores(
        columns,
        [*regressors, _MEAN],
        y[scored],
        predicted[:, scored],
        None if people is None else people[scored],
        middle,
        random_state,
    )
    return StudyResult(
        name="affect",
        title=f"{' and '.join(columns) if len(columns) < 3 else f'{len(columns)} ratings'}: "
        f"{dataset.name}",
        question="How well do ratings follow from a face whose person the regressor never saw?",
        dataset=dataset_facts(known),
        tables=[table],
        conclusions=_conclusions(table, columns),
        limits=[
            "Ratings are impressions of the people who rated, not feelings of the people shown.",
            "SAGR counts agreement about the side of the middle of the scale, wherever that is.",
        ],
        warnings=[*warnings, *protocol.warnings],
        recognizer={
            "features": features,
            "clf": ", ".join(regressors),
            "params": chosen,
            "model": None,
        },
        protocol={
            "name": protocol.name,
            "folds": len(protocol.folds),
            "groups": len(np.unique(people)) if people is not None and protocol.grouped else None,
            "kept_together": protocol.groups.kept_together,
            "repeats": protocol.repeats,
            "hash": protocol.hash,
        },
        arrays={"true": y[scored], "predicted": predicted[:-1, scored], "label": known.y[scored]},
        settings={"targets": columns, "regressors": list(regressors), "inner_cv": inner_cv},
        seed=random_state,
        seconds=time.perf_counter() - start,
    )


def target_columns(dataset: Dataset, targets: Sequence[str] | None = None) -> list[str]:
    """The numeric columns that are predicted.

    Parameters
    ----------
    dataset : Dataset
    targets : sequence of str, optional
        By default ``valence`` and ``arousal`` if the data have them, else all columns whose name
        begins with ``rating_``.

    Raises
    ------
    DataError
        If the data have none, or a named one is missing or holds no numbers.
    """
    found = {
        name: pd.to_numeric(dataset.samples[name], errors="coerce").notna().any()
        for name in dataset.extra_columns
    }
    numeric = [name for name, is_numeric in found.items() if is_numeric]
    has = f"its numeric columns: {', '.join(numeric) or 'none'}"
    if targets is None:
        usual: list[str] = [name for name in ("valence", "arousal") if name in numeric]
        usual = usual if len(usual) == 2 else [n for n in numeric if n.startswith("rating_")]
        if not usual:
            raise DataError(
                f"{dataset.name!r} has neither valence and arousal nor columns rating_...: {has}; "
                "name them with --targets, or give a manifest with such columns"
            )
        return usual
    if not targets:
        raise ParameterError(f"expected at least one target; {has}")
    for name in targets:
        if name not in numeric:
            raise DataError(f"{dataset.name!r} has no numeric column {name!r}: {has}")
    return list(targets)


def rated(dataset: Dataset, columns: Sequence[str]) -> tuple[Dataset, list[str]]:
    """The rows with all ratings, as numbers, and a sentence about those without.

    Raises
    ------
    DataError
        If fewer than ten faces have them.
    """
    values = dataset.samples[list(columns)].apply(pd.to_numeric, errors="coerce")
    complete = np.isfinite(values.to_numpy(dtype=np.float64)).all(axis=1)
    if complete.sum() < 10:
        raise DataError(
            f"only {int(complete.sum())} of {len(dataset)} faces have a number in "
            f"{', '.join(columns)}; expected at least ten"
        )
    kept = dataset.subset(complete)
    kept.samples[list(columns)] = values[complete].to_numpy()
    without = int((~complete).sum())
    said = [f"{without} faces without a rating are left out"] if without else []
    return kept, said


def _pooled(
    cells: Sequence[Cell],
    outcomes: Sequence[dict[str, Any]],
    protocol: Protocol,
    regressors: Sequence[str],
    y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Predictions of each regressor, and the mean of the training part; NaN where not tested.

    Repeated protocols test a face several times: the mean of its predictions counts.
    """
    sums = np.zeros((len(regressors) + 1, *y.shape))
    times = np.zeros(len(y))
    for cell, outcome in zip(cells, outcomes):
        test = protocol.folds[cell["fold"]][1]
        sums[list(regressors).index(cell["regressor"]), test] += outcome["predicted"]
    for train, test in protocol.folds:
        sums[-1, test] += y[train].mean(axis=0)
        times[test] += 1
    with np.errstate(invalid="ignore"):
        return sums / times[:, None]


def _scores(
    columns: Sequence[str],
    names: Sequence[str],
    y: NDArray[np.float64],
    predicted: NDArray[np.float64],
    people: NDArray | None,
    middle: float | None,
    random_state: int,
) -> StudyTable:
    rows = []
    for t, column in enumerate(columns):
        true = y[:, t]
        usual = 0.0 if true.min() < 0 else float(true.min() + true.max()) / 2
        zero = usual if middle is None else middle
        for name, values in zip(names, predicted[:, :, t]):
            sheet = regression_scores(
                true - zero, values - zero, groups=people, random_state=random_state
            )
            scores = {metric: sheet["scores"][metric] for metric in REGRESSION_METRICS}
            rows.append({"target": column, "regressor": name, **scores, "middle": zero})
    return StudyTable("scores", "Scores of each target", rows, formats={"middle": "g"})


def _conclusions(table: StudyTable, columns: Sequence[str]) -> list[str]:
    said = []
    for column in columns:
        rows = [row for row in table.rows if row["target"] == column]
        best = max(rows[:-1], key=lambda row: row["ccc"]["value"] or -1.0)
        beside = ", the best here" if len(rows) > 2 else ""
        said.append(
            f"{column.replace('_', ' ')}: CCC {best['ccc']['value'] or 0:.3f} and RMSE "
            f"{best['rmse']['value']:.3f} by {best['regressor']}{beside}; guessing the mean has "
            f"RMSE {rows[-1]['rmse']['value']:.3f}."
        )
    return said
