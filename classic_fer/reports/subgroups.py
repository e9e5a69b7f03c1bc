"""The section on groups of faces: scores by group, gaps, and what they cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classic_fer.evaluation.subgroups import CAUTION, MIN_FACES, MIN_PEOPLE, NOT_KNOWN
from classic_fer.reports.tables import Section, Table
from classic_fer.reports.wording import metric_name, with_interval

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = ["subgroup_sections"]


def subgroup_sections(result: Result) -> list[Section]:
    """For each column every metric by group and the gaps, then what such numbers cannot show."""
    made = []
    for column in result.subgroups:
        name = column["column"].replace("_", " ")
        made.append(Section(f"By {name}", _sentences(column), _group_table(column, name)))
        if column["gaps"]:
            made.append(Section(f"Gaps by {name}", (), _gap_table(column, name)))
    return [*made, Section("What groups cannot show", [CAUTION])] if made else []


def _group_table(column: Mapping[str, Any], name: str) -> Table:
    groups = column["groups"]
    heads = [_head(row) for row in groups]
    metrics = list(dict.fromkeys(metric for row in groups for metric in row["scores"]))
    rows = [
        ("faces", *(f"{row['n']:,}" for row in groups)),
        ("people", *(_people(row) for row in groups)),
    ]
    rows += [
        (
            metric_name(metric),
            *(
                with_interval(row["scores"][metric]) if metric in row["scores"] else "none"
                for row in groups
            ),
        )
        for metric in metrics
    ]
    return Table(f"By {name}", ("", *heads), rows)


def _head(row: Mapping[str, Any]) -> str:
    return f"{row['group']} (few)" if row["small"] else str(row["group"])


def _people(row: Mapping[str, Any]) -> str:
    return NOT_KNOWN if row["people"] is None else f"{row['people']:,}"


def _gap_table(column: Mapping[str, Any], name: str) -> Table:
    rows = [
        (metric_name(metric), with_interval(gap), *_ends(gap))
        for metric, gap in column["gaps"].items()
    ]
    return Table(f"Gaps by {name}", ("", "gap [95 %]", "best", "worst"), rows)


def _ends(gap: Mapping[str, Any]) -> tuple[str, str]:
    """The best and the worst group; the same one stands for none."""
    same = gap["best"] == gap["worst"]
    return ("none", "none") if same else (gap["best"], gap["worst"])


def _sentences(column: Mapping[str, Any]) -> list[str]:
    said = []
    if column["meaning"] is not None:
        said.append(f"Measured here: {column['meaning']}; cut into thirds of the faces.")
    if any(row["small"] for row in column["groups"]):
        said.append(
            f"(few): fewer than {MIN_FACES} faces or {MIN_PEOPLE} people; says next to nothing, "
            "and takes no part in gaps."
        )
    if any(row["group"] == NOT_KNOWN for row in column["groups"]):
        said.append("Faces without a value are a group of their own, left out of gaps.")
    gap = column["gaps"].get("accuracy")
    if gap is None:
        return [*said, "Fewer than two groups are large enough to be compared."]
    if gap["best"] == gap["worst"]:
        return [*said, "Accuracy is the same in all groups that can be compared."]
    interval = gap["ci95"]
    told = f"Accuracy is highest for {gap['best']!r} and lowest for {gap['worst']!r}"
    if interval is None or interval[0] <= 0 <= interval[1]:
        return [*said, f"{told}, but there is no evidence of a difference."]
    return [*said, f"{told}: a gap of {with_interval(gap)}."]
