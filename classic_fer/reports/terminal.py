"""Results on a terminal, with rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from classic_fer.models.abstention import UNSURE
from classic_fer.predictions import FacePrediction
from classic_fer.reports import content, result_tables
from classic_fer.reports.installation import MISSING, OPTIONAL, WORKS, Check
from classic_fer.reports.sections import sections
from classic_fer.reports.tables import rich_section, rich_table

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = ["checks_table", "predictions_table", "result_view"]

_UNREADABLE_SHOWN = 10
_STATUS = {WORKS: "green", OPTIONAL: "yellow", MISSING: "bold red"}


def result_view(result: Result) -> Group:
    """A Result as it is printed at the end of a search or an evaluation.

    Parameters
    ----------
    result : Result

    Returns
    -------
    rich.console.Group
    """
    parts: list[RenderableType] = [Text(content.title(result))]
    parts += [Text(f"! {mark}", style="bold yellow") for mark in content.marks(result)]
    parts.append(Text(content.headline(result), style="bold"))
    parts += [Text(sentence) for sentence in content.beside_the_score(result)]
    parts.append(rich_table(result_tables.summary_table(result), head=False))
    if result.best_params:
        parts.append(rich_table(result_tables.parameter_table(result), head=False))
    if result.per_class:
        parts.append(rich_table(result_tables.class_table(result, intervals=False)))
    if result.confusion is not None:
        parts.append(rich_table(result_tables.confusion_table(result, short=True)))
    parts += [rich_section(section) for section in sections(result)]
    parts += [Text(f"warning: {note}", style="yellow") for note in content.notes(result)]
    bad = result.unreadable
    parts += [
        Text(f"unreadable: {content.unreadable_line(**each)}", style="yellow")
        for each in bad[:_UNREADABLE_SHOWN]
    ]
    if len(bad) > _UNREADABLE_SHOWN:
        parts.append(Text(f"and {len(bad) - _UNREADABLE_SHOWN:,} more in report.md"))
    return Group(*parts)


def predictions_table(predictions: Sequence[FacePrediction], *, note: str = "") -> RichTable:
    """One row a face: photo, box, label, probability and the runner-up.

    Parameters
    ----------
    predictions : sequence of FacePrediction
    note : str
        Shown below the table.

    Returns
    -------
    rich.table.Table
    """
    table = RichTable(
        box=box.SIMPLE_HEAD, caption=Text(f"! {note}", style="bold yellow") if note else None
    )
    table.add_column("photo", overflow="fold")
    table.add_column("face", justify="right")
    table.add_column("expression")
    table.add_column("probability", justify="right")
    table.add_column("next")
    table.add_column("x, y, width, height", no_wrap=True)
    faces_of: dict[str, int] = {}
    for each in predictions:
        faces_of[each.photo] = faces_of.get(each.photo, 0) + 1
        ranked = sorted(each.probabilities.items(), key=lambda item: -item[1])
        # In doubt between two classes, both are of interest.
        told = ranked[:2] if each.label is None else ranked[1:2]
        runner_up = ", ".join(f"{name} {chance:.0%}" for name, chance in told)
        box_text = "no face found" + ("" if each.label is None else ": whole image")
        if each.box is not None and each.found:
            box_text = ", ".join(f"{value:.0f}" for value in each.box)
        table.add_row(
            Text(each.photo),
            str(faces_of[each.photo]),
            Text(each.label or UNSURE, style="bold"),
            "" if np.isnan(each.confidence) else f"{each.confidence:.0%}",
            Text("" if np.isnan(each.confidence) else runner_up),
            box_text,
        )
    return table


def checks_table(checks: Sequence[Check]) -> Group:
    """The examination of an installation, and what to do about it.

    Parameters
    ----------
    checks : sequence of Check

    Returns
    -------
    rich.console.Group
    """
    table = RichTable(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("status")
    table.add_column("found", overflow="fold")
    for check in checks:
        status = Text(check.status, style=_STATUS[check.status])
        table.add_row(Text(check.name), status, Text(check.detail))
    remedies = [
        Text.assemble((f"{check.name}: ", _STATUS[check.status]), check.remedy)
        for check in checks
        if check.remedy
    ]
    missing = sum(check.status == MISSING for check in checks)
    verdict = (
        Text(f"{missing} needed things are missing", style="bold red")
        if missing
        else Text("all that is needed works", style="bold green")
    )
    return Group(table, *remedies, verdict)
