"""A study as Markdown and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classic_fer.reports.content import GENERATED, GENERATED_MARK
from classic_fer.reports.tables import Table, markdown_table, markdown_text, rich_table
from classic_fer.reports.wording import with_interval

if TYPE_CHECKING:
    from rich.console import Group

    from classic_fer.reports.studies.figures import StudyFigure
    from classic_fer.studies.result import StudyResult, StudyTable

__all__ = ["cell_text", "markdown_study", "shown_table", "study_view"]

_NOT_KNOWN = "not known"


def cell_text(value: Any, form: str = "") -> str:
    """A cell of a `StudyTable` as people read it.

    Examples
    --------
    >>> cell_text({"value": 0.5, "ci95": [0.4, 0.6]}), cell_text(0.07, "g"), cell_text(None)
    ('0.500 [0.400, 0.600]', '0.07', 'not known')
    """
    if isinstance(value, Mapping):
        return with_interval(value)
    if value is None:
        return _NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format(value, form or ",")
    if isinstance(value, float):
        return format(value, form or ".3f")
    return str(value)


def shown_table(table: StudyTable) -> Table:
    """A table of a study with its cells as text."""
    rows = [
        [cell_text(row[name], table.formats.get(name, "")) for name in table.columns]
        for row in table.rows
    ]
    words = bool(rows) and isinstance(table.rows[0][table.columns[-1]], str)
    names = [name.replace("_", " ") for name in table.columns]
    return Table(table.title, names, rows, text_last=words)


def _majority_sentence(result: StudyResult) -> str:
    data = result.dataset
    most = data["majority"]
    if most is None:
        return ""
    return (
        f"Always guessing {most['class']} would be right on {most['accuracy']:.1%} of the "
        f"{data['n']:,} faces."
    )


def _data_lines(result: StudyResult) -> list[str]:
    """Data, recognizer and protocol in sentences."""
    data = result.dataset
    people = _NOT_KNOWN if data["people"] is None else f"{data['people']:,}"
    counts = ", ".join(f"{name} {n:,}" for name, n in (data["classes"] or {}).items())
    said = [f"Data: {data['name']}, {data['n']:,} faces (people: {people}): {counts}."]
    if data.get("found") is not None and data["found"] < data["n"]:
        lost = data["n"] - data["found"]
        said.append(f"No face was found in {lost:,} images; the whole image stands in for it.")
    who = result.recognizer
    if who is not None:
        name = f"{who['features']} + {who['clf']}"
        source = f" ({who['model']})" if who.get("model") else ""
        said.append(f"Recognizer: {name}{source}.")
    if result.protocol is not None:
        folds, groups = result.protocol["folds"], result.protocol["groups"]
        held = f"people held out ({groups:,} people)" if groups else "people not held out"
        said.append(
            f"Protocol {result.protocol['name']}: {folds} "
            f"{'fold' if folds == 1 else 'folds'}, {held}; each recognizer was trained, and its "
            "parameters chosen, on the training part of its fold alone."
        )
    return said


def _marks(result: StudyResult) -> list[str]:
    return [GENERATED_MARK] if result.dataset["name"] == GENERATED else []


def markdown_study(result: StudyResult, figures: Mapping[str, StudyFigure]) -> str:
    """A study as a Markdown document; figures are linked by their names in the run folder."""
    parts = [f"# {markdown_text(result.title)}", markdown_text(result.question)]
    parts += [f"> **{markdown_text(mark)}**" for mark in _marks(result)]
    parts += [f"**{markdown_text(sentence)}**" for sentence in result.conclusions]
    parts.append(markdown_text(_majority_sentence(result)))
    for name, each in figures.items():
        parts += [f"![{name.replace('_', ' ')}]({name}.png)", markdown_text(each.caption)]
    for table in (each for each in result.tables if each.shown):
        parts += [f"## {markdown_text(table.title)}", markdown_table(shown_table(table))]
    parts.append(_listed("What these numbers cannot show", result.limits))
    parts.append(_listed("Warnings", result.warnings))
    parts.append(_listed("Data and protocol", _data_lines(result)))
    versions = {name: value or _NOT_KNOWN for name, value in result.environment.items()}
    run = [
        f"Seed {result.seed}; {result.seconds:,.0f} seconds.",
        ", ".join(f"{name} {value}" for name, value in versions.items()) + ".",
    ]
    parts.append(_listed("Run", run))
    if result.command:
        parts.append(f"## Command\n\n```\n{result.command}\n```")
    return "\n\n".join(filter(None, parts)) + "\n"


def _listed(title: str, lines: list[str]) -> str:
    bullets = "\n".join(f"- {markdown_text(line)}" for line in lines)
    return f"## {title}\n\n{bullets}" if lines else ""


def study_view(result: StudyResult) -> Group:
    """A study as it is printed at the end of its command."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [Text(result.title), Text(result.question)]
    parts += [Text(f"! {mark}", style="bold yellow") for mark in _marks(result)]
    parts += [Text(sentence, style="bold") for sentence in result.conclusions]
    parts.append(Text(_majority_sentence(result)))
    parts += [rich_table(shown_table(table)) for table in result.tables if table.shown]
    parts += [Text(line) for line in _data_lines(result)]
    parts += [Text(f"it cannot show: {limit}") for limit in result.limits]
    parts += [Text(f"warning: {note}", style="yellow") for note in result.warnings]
    return Group(*parts)
