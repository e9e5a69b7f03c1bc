"""Scores of groups of faces: by age, gender, light, or any other column of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError, unknown_name
from classic_fer.evaluation.face_columns import FACE_COLUMNS
from classic_fer.evaluation.metrics import ABSTAINED, scores_of_counts
from classic_fer.evaluation.predictions_table import (
    aligned_faces,
    fold_scores,
    score_classes,
    score_sheets,
)
from classic_fer.evaluation.resampling import drawn_sums, quantile_interval

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = [
    "CAUTION",
    "MIN_FACES",
    "MIN_PEOPLE",
    "NOT_KNOWN",
    "Grouping",
    "check_columns",
    "column_names",
    "group_columns",
    "subgroups",
]

CAUTION = (
    "Groups differ in more than this column: other people, expressions, cameras and light. The "
    "numbers show where to look, not why a group scores lower; a group that is small or not in "
    "these data can fare worse than any here. Labels are as their raters gave them, who may judge "
    "groups differently. Averages over classes take the classes that a group has. Best and worst "
    "were picked because they differ most, so that a gap tends to shrink on new faces."
)
"""What scores by group cannot show."""

NOT_KNOWN = "not known"
"""The group of faces that have no value in a column."""

MIN_FACES, MIN_PEOPLE = 30, 2
"""Smaller groups are marked, and take no part in gaps."""

_MAX_GROUPS = 30
_LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece"})


def column_names(text: str | None) -> list[str]:
    """The columns that ``--by`` names, with commas between.

    Examples
    --------
    >>> column_names("age, brightness")
    ['age', 'brightness']
    """
    return list(dict.fromkeys(filter(None, map(str.strip, (text or "").split(",")))))


def check_columns(dataset: Dataset, names: Sequence[str]) -> None:
    """Raise if faces cannot be grouped by these columns, as far as it shows before alignment.

    Raises
    ------
    ParameterError
        For a column that neither the data have nor `FACE_COLUMNS` measures, or with more than 30
        values that are no numbers; lists the choices.
    """
    choices = [*dataset.extra_columns, "split", "subject", *FACE_COLUMNS]
    for name in names:
        if name not in choices:
            raise unknown_name(f"column of {dataset.name!r} to group by", name, choices)
        if name in dataset.samples:
            _named_groups(dataset.samples[name])


@dataclass(frozen=True)
class Grouping:
    """Faces by group.

    Attributes
    ----------
    column : str
    meaning : str or None
        What was measured; None for columns of the data.
    groups : Series of ordered categories, indexed by sample id
    """

    column: str
    meaning: str | None
    groups: pd.Series


def group_columns(dataset: Dataset, names: Sequence[str]) -> list[Grouping]:
    """The group of each face in each of these columns.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    names : sequence of str
        Columns of the data, or keys of `FACE_COLUMNS` where the data have no such column.

    Returns
    -------
    groupings : list of Grouping
        Measured columns, and columns with more than 10 different numbers, are cut into thirds
        whose names say where; faces without a value are ``"not known"``.

    Raises
    ------
    ParameterError
        As `check_columns`.
    DataError
        If the data are not aligned, or no face has a value.
    """
    check_columns(dataset, names)
    faces = aligned_faces(dataset)
    made = []
    for name in names:
        if name in dataset.samples:
            meaning, groups = None, _named_groups(dataset.samples[name])
        else:
            measured = FACE_COLUMNS[name]
            meaning, groups = measured.meaning, _thirds(pd.Series(measured.measure(faces)))
        if (groups == NOT_KNOWN).all():
            advice = "; align with --landmarks 68" if name == "head_yaw" else ""
            raise DataError(f"no face of {dataset.name!r} has a value of {name!r}{advice}")
        made.append(Grouping(name, meaning, groups.set_axis(dataset.ids)))
    return made


def _named_groups(values: pd.Series) -> pd.Series:
    """Values of a column as ordered groups."""
    text = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    known = text != ""
    numbers = pd.to_numeric(text.where(known), errors="coerce")
    numeric = bool(numbers[known].notna().all())
    if numeric and numbers.nunique() > 10:
        return _thirds(numbers)
    names = sorted(text[known].unique(), key=float if numeric else str)
    if len(names) > _MAX_GROUPS:
        raise ParameterError(
            f"column {values.name!r} has {len(names)} different values, expected at most "
            f"{_MAX_GROUPS} groups; write a manifest with fewer"
        )
    return _ordered(text.where(known, NOT_KNOWN), names)


def _thirds(numbers: pd.Series) -> pd.Series:
    """Three groups with about equally many faces; fewer where many values are equal."""
    if numbers.isna().all():
        return _ordered(pd.Series([NOT_KNOWN] * len(numbers)), [])
    low, high = np.nanquantile(numbers, [1 / 3, 2 / 3])
    texts = [f"{low:.4g}", f"{high:.4g}"]
    names = [f"up to {texts[0]}", f"{texts[0]} to {texts[1]}", f"above {texts[1]}"]
    place = (numbers > low).astype(int) + (numbers > high)
    named = pd.Series([names[i] for i in place]).where(numbers.notna().to_numpy(), NOT_KNOWN)
    return _ordered(named, names)


def _ordered(groups: pd.Series, names: Sequence[str]) -> pd.Series:
    present = [name for name in dict.fromkeys([*names, NOT_KNOWN]) if (groups == name).any()]
    return pd.Series(pd.Categorical(groups, categories=present, ordered=True))


def subgroups(
    predictions: pd.DataFrame, groupings: Sequence[Grouping], *, random_state: int = 0
) -> list[dict[str, Any]]:
    """Scores by group, the gaps between groups and the worst one.

    Parameters
    ----------
    predictions : DataFrame
        Of a Result that has some.
    groupings : sequence of Grouping
        Of `group_columns`, for all ids of `predictions`.
    random_state : int
        For the bootstrap over people (over images where they are not known).

    Returns
    -------
    columns : list of dict
        For each grouping: ``column``; ``meaning``; ``groups``, a list of ``group``, ``n``
        (predictions), ``people`` (None where they are not known), ``small`` and ``scores`` as in
        a Result; and ``gaps`` {metric: {``value``, ``ci95``, ``best``, ``worst``}}, the
        difference between the best and the worst of the groups that are known and not small.
        The interval is of the difference between these two groups; None for metrics of
        probabilities. No gaps where fewer than two groups are large enough.

    References
    ----------
    Bird et al. 2020 (fairlearn, whose MetricFrame splits the rows).
    """
    return [
        {
            "column": each.column,
            "meaning": each.meaning,
            **_scores_by_group(
                predictions.assign(group=each.groups.loc[predictions["id"]].array), random_state
            ),
        }
        for each in groupings
    ]


def _scores_by_group(table: pd.DataFrame, random_state: int) -> dict[str, Any]:
    """Scores by the column ``group`` of a table of predictions."""
    rows = [
        _group_scores(str(name), part, random_state)
        for name, part in table.groupby("group", observed=True, sort=True)
    ]
    large = [row["group"] for row in rows if not row["small"] and row["group"] != NOT_KNOWN]
    return {"groups": rows, "gaps": _gaps(table, large, random_state)}


def _group_scores(name: str, part: pd.DataFrame, random_state: int) -> dict[str, Any]:
    people = part["subject"].nunique() if part["subject"].notna().all() else None
    few = part["id"].nunique() < MIN_FACES or (people is not None and people < MIN_PEOPLE)
    sheet, _ = score_sheets(part, random_state=random_state)
    return {
        "group": name,
        "n": len(part),
        "people": people,
        "small": few,
        "scores": sheet["scores"],
    }


def _gaps(table: pd.DataFrame, names: Sequence[str], random_state: int) -> dict[str, Any]:
    """Differences between the best and the worst of the named groups, by metric."""
    from fairlearn.metrics import MetricFrame

    if len(names) < 2:
        return {}
    table = table[table["group"].isin(names)].reset_index(drop=True)
    rows = table.index.to_numpy()

    def scorer(metric: str) -> Callable[[NDArray, NDArray], float]:
        return lambda chosen, _: fold_scores(table.iloc[chosen]).get(metric, np.nan)

    frame = MetricFrame(
        metrics={metric: scorer(metric) for metric in fold_scores(table)},
        y_true=rows,
        y_pred=rows,
        sensitive_features=table["group"].astype(str).to_numpy(),
    )
    drawn = _drawn_scores(table, names, random_state)
    gaps = {}
    for metric, value in frame.difference().items():
        best, worst = frame.by_group[metric].idxmax(), frame.by_group[metric].idxmin()
        if metric in _LOWER_IS_BETTER:
            best, worst = worst, best
        spread = drawn.get(metric)
        if spread is not None:
            pair = spread[:, names.index(best)] - spread[:, names.index(worst)]
        gaps[str(metric)] = {
            "value": float(value),
            "ci95": None if spread is None else quantile_interval(pair),
            "best": best,
            "worst": worst,
        }
    return gaps


def _drawn_scores(
    table: pd.DataFrame, names: Sequence[str], random_state: int
) -> dict[str, NDArray[np.float64]]:
    """Metrics of each group in bootstrap samples of all people, shape (n_resamples, n_groups).

    NaN where a sample does not hold the group. A person with faces in several groups is drawn
    with all of them.
    """
    classes = order_classes({*score_classes(table), *table["true"]})
    shape = (len(names), len(classes), len(classes) + 1)
    codes = [
        pd.Categorical(table["group"].astype(str), categories=names).codes,
        pd.Categorical(table["true"], categories=classes).codes,
        pd.Categorical(table["predicted"], categories=[*classes, ABSTAINED]).codes,
    ]
    cells = np.zeros((len(table), int(np.prod(shape))))
    cells[np.arange(len(table)), np.ravel_multi_index(codes, shape)] = 1
    people = table["subject"] if table["subject"].notna().all() else table["id"]
    drawn = drawn_sums(cells, groups=people, random_state=random_state)
    if drawn is None:
        return {}
    counts = drawn.reshape(-1, *shape)
    held = counts.any(axis=(-2, -1))
    return {
        metric: np.where(held, values, np.nan)
        for metric, values in scores_of_counts(counts).items()
    }
