"""Subgroups: accuracy by group, and what two counter-measures do to the gaps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.predictions_table import aligned_faces, predictions_table
from classic_fer.evaluation.subgroups import CAUTION, Grouping, group_columns, subgroups
from classic_fer.models.folds import inner_folds
from classic_fer.studies.cells import Cell, Progress, run_cells
from classic_fer.studies.drops import mean_score, paired_drop
from classic_fer.studies.fairness import decide, group_thresholds, reweighed_rows
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers
from classic_fer.studies.result import StudyResult, StudyTable, dataset_facts

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["MEASURES", "subgroups_study"]

BEFORE = "as it is"
MEASURES = ("reweighing", "thresholds")
_LIMITS = (
    "Thresholds of a group need to know the group of each face when it is asked about, which may "
    "be unknown, or unlawful to use; smaller gaps can come from serving the better group worse, "
    "which the table of groups shows.",
    "Equal scores do not make it right to judge people by a recognized expression.",
)
_SHOWN = ("accuracy", "balanced_accuracy", "macro_f1")


def subgroups_study(
    recognizers: HeldOutRecognizers | GivenRecognizer,
    dataset: Dataset,
    *,
    by: Sequence[str],
    measures: Sequence[str] = MEASURES,
    random_state: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> StudyResult:
    """Scores by group and the gaps between groups, before and after counter-measures.

    Parameters
    ----------
    recognizers : HeldOutRecognizers or GivenRecognizer
        The latter is only examined: counter-measures need training.
    dataset : Dataset
        Aligned.
    by : sequence of str
        Columns of the data, or measured ones; see `classic_fer.evaluation.subgroups`.
    measures : sequence of str
        Of `MEASURES`: training on faces drawn so that group and class are independent
        (`reweighed_rows`), and thresholds for each group (`group_thresholds`).
    random_state : int
    out, resume, progress
        See `classic_fer.studies.cells.run_cells`.

    Returns
    -------
    StudyResult
        Tables ``gaps``, ``groups`` and ``overall``.

    Raises
    ------
    ParameterError
        For no columns, or an unknown column or measure.
    DataError
        If no face has a value in a column.
    """
    start = time.perf_counter()
    if not by:
        raise ParameterError("expected at least one column to group by, such as brightness")
    for name in measures:
        if name not in MEASURES:
            raise unknown_name("counter-measure", name, MEASURES)
    held_out = isinstance(recognizers, HeldOutRecognizers)
    used = list(dict.fromkeys(measures)) if held_out else []
    groupings = {each.column: each for each in group_columns(dataset, list(by))}
    cells: list[Cell] = [
        {"measure": measure, "column": column, "fold": fold}
        for measure, column in [(BEFORE, None), *((m, c) for m in used for c in groupings)]
        for fold in range(len(recognizers.folds))
    ]
    work = _Work(recognizers, dataset, groupings, random_state)
    outcomes = run_cells(
        cells,
        work.answer,
        settings={
            "study": "subgroups",
            "faces": content_hash(aligned_faces(dataset)),
            "labels": content_hash(dataset.y),
            "groups": {
                name: content_hash(each.groups.astype(str).to_numpy(dtype=str))
                for name, each in groupings.items()
            },
            **recognizers.settings(),
            "seed": random_state,
        },
        out=out,
        resume=resume,
        progress=progress,
    )
    arms = _arms(cells, outcomes, recognizers, dataset)
    tables = _tables(arms, groupings, random_state)
    facts = recognizers.facts()
    notes = facts.pop("warnings")
    if measures and not held_out:
        notes.append("counter-measures need training; a given recognizer is only examined")
    return StudyResult(
        name="subgroups",
        title=f"Subgroups: {dataset.name}",
        question=f"Who is recognized worse, by {', '.join(groupings)}, and what helps?",
        dataset=dataset_facts(dataset),
        tables=tables,
        conclusions=_conclusions(tables[0]),
        limits=[CAUTION, *_LIMITS],
        warnings=notes,
        settings={
            "by": list(groupings),
            "measures": used,
            "meanings": {name: each.meaning for name, each in groupings.items()},
        },
        seed=random_state,
        seconds=time.perf_counter() - start,
        **facts,
    )


class _Work:
    """Answers of each fold under each measure."""

    def __init__(
        self,
        recognizers: HeldOutRecognizers | GivenRecognizer,
        dataset: Dataset,
        groupings: dict[str, Grouping],
        random_state: int,
    ) -> None:
        self.recognizers, self.faces, self.y = recognizers, aligned_faces(dataset), dataset.y
        self.random_state = random_state
        self.sides = {
            name: each.groups.astype(str).to_numpy(dtype=str) for name, each in groupings.items()
        }

    def answer(self, cell: Cell) -> dict[str, Any]:
        asked, fold = self.recognizers, cell["fold"]
        train, test = asked.folds[fold]
        if cell["measure"] == BEFORE or not isinstance(asked, HeldOutRecognizers):
            return self._answers(asked.recognizer(fold), test)
        sides = self.sides[cell["column"]]
        people = asked.protocol.groups.labels
        if cell["measure"] == "reweighing":
            drawn = reweighed_rows(sides[train], self.y[train], random_state=self.random_state)
            rows = train[drawn]
            # Copies of a face stay in one fold of the search.
            kept = rows if people is None else people[rows]
            trained = asked.recipe.fit(
                self.faces[rows],
                self.y[rows],
                groups=kept,
                n_jobs=asked.n_jobs,
                random_state=self.random_state,
            )
            return self._answers(trained, test)
        recognizer = asked.recognizer(fold)
        classes = [str(name) for name in recognizer.classes_]
        chances = self._out_of_fold(recognizer, train, people, asked.recipe.inner_cv)
        thresholds = group_thresholds(chances, self.y[train], sides[train], classes)
        made = self._answers(recognizer, test)
        made["predicted"] = decide(made["chances"], sides[test], thresholds, classes)
        return made

    def _answers(self, recognizer: Any, test: NDArray[np.intp]) -> dict[str, Any]:
        chances = np.asarray(recognizer.predict_proba(self.faces[test]), dtype=np.float64)
        classes = np.asarray(recognizer.classes_, dtype=str)
        named = classes[chances.argmax(axis=1)]
        return {"predicted": named, "chances": chances, "classes": classes}

    def _out_of_fold(
        self, recognizer: Any, train: NDArray[np.intp], people: NDArray | None, n_splits: int
    ) -> NDArray[np.float64]:
        """Probabilities of training faces by recognizers that did not see their people."""
        y, faces = self.y[train], self.faces[train]
        groups = None if people is None else people[train]
        place = {name: i for i, name in enumerate(recognizer.classes_.tolist())}
        chances = np.zeros((len(train), len(place)))
        for inner, held in inner_folds(
            y, groups, n_splits=n_splits, random_state=self.random_state
        ):
            part = clone(recognizer).fit(
                faces[inner], y[inner], groups=None if groups is None else groups[inner]
            )
            columns = np.array([place[name] for name in part.classes_.tolist()])
            chances[np.ix_(held, columns)] = part.predict_proba(faces[held])
        return chances


def _arms(
    cells: Sequence[Cell],
    outcomes: Sequence[dict[str, Any]],
    recognizers: HeldOutRecognizers | GivenRecognizer,
    dataset: Dataset,
) -> dict[tuple[str, str | None], pd.DataFrame]:
    """Predictions by measure and column."""
    parts: dict[tuple[str, str | None], list[pd.DataFrame]] = {}
    for cell, outcome in zip(cells, outcomes):
        test = recognizers.folds[cell["fold"]][1]
        classes = [str(name) for name in outcome["classes"]]
        fold = str(cell["fold"] + 1)
        table = predictions_table(dataset, test, outcome["chances"], classes, fold)
        table["predicted"] = outcome["predicted"].astype(object)
        parts.setdefault((cell["measure"], cell["column"]), []).append(table)
    return {key: pd.concat(each, ignore_index=True) for key, each in parts.items()}


def _tables(
    arms: dict[tuple[str, str | None], pd.DataFrame],
    groupings: dict[str, Grouping],
    random_state: int,
) -> list[StudyTable]:
    gaps: list[dict[str, Any]] = []
    by_group: list[dict[str, Any]] = []
    overall: list[dict[str, Any]] = []
    plain = arms[BEFORE, None]
    for name, grouping in groupings.items():
        for (measure, column), table in arms.items():
            if column not in (None, name):
                continue
            (scores,) = subgroups(table, [grouping], random_state=random_state)
            by_group += [
                {
                    "column": name,
                    "recognizer": measure,
                    "group": f"{row['group']}{' (few)' if row['small'] else ''}",
                    "faces": row["n"],
                    "people": row["people"],
                    **{metric: row["scores"].get(metric) for metric in _SHOWN},
                }
                for row in scores["groups"]
            ]
            gaps += [
                {
                    "column": name,
                    "recognizer": measure,
                    "metric": metric,
                    "gap": {"value": gap["value"], "ci95": gap["ci95"]},
                    "best": gap["best"],
                    "worst": gap["worst"],
                }
                for metric, gap in scores["gaps"].items()
                if metric in _SHOWN
            ]
            overall.append(_overall(name, measure, table, plain, random_state))
    columns = ["column", "recognizer", "metric", "gap", "best", "worst"]
    return [
        StudyTable("gaps", "Gaps between the best and the worst group", gaps, columns),
        StudyTable("groups", "Scores by group", by_group),
        StudyTable("overall", "All faces: what a counter-measure costs", overall),
    ]


def _overall(
    column: str, measure: str, table: pd.DataFrame, plain: pd.DataFrame, random_state: int
) -> dict[str, Any]:
    known = table["subject"].notna().all()
    people = table["subject"].to_numpy(dtype=str) if known else None
    right = (table["predicted"] == table["true"]).to_numpy(dtype=bool)
    before = (plain["predicted"] == plain["true"]).to_numpy(dtype=bool)
    drop, p = paired_drop(before, right, people, random_state=random_state)
    return {
        "column": column,
        "recognizer": measure,
        "accuracy": mean_score(right, people, random_state=random_state),
        "drop": "" if measure == BEFORE else drop,
        "p": "" if measure == BEFORE else p,
    }


def _conclusions(gaps: StudyTable) -> list[str]:
    said = []
    rows = [row for row in gaps.rows if row["metric"] == "accuracy"]
    for column in dict.fromkeys(row["column"] for row in rows):
        before, *after = [row for row in rows if row["column"] == column]
        interval = before["gap"]["ci95"]
        sure = interval is not None and interval[0] > 0
        said.append(
            f"By {column.replace('_', ' ')} accuracy differs by {before['gap']['value']:.3f} "
            f"between {before['best']!r} and {before['worst']!r}"
            + ("" if sure else ", which may be chance")
            + "".join(f"; with {row['recognizer']} by {row['gap']['value']:.3f}" for row in after)
            + "."
        )
    return said or ["Fewer than two groups are large enough to be compared."]
