"""``report.md``: what the terminal shows, and all that is needed to judge and repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classic_fer.reports import content, result_tables
from classic_fer.reports.sections import sections
from classic_fer.reports.tables import (
    Table,
    markdown_section,
    markdown_table,
    markdown_text,
)

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = ["markdown_report"]


def markdown_report(result: Result) -> str:
    """A Result as a Markdown document.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        Figures are linked by their names in the run folder.
    """
    parts = [
        f"# {markdown_text(content.title(result))}",
        f"**{markdown_text(content.headline(result))}**",
    ]
    parts += [f"> **{markdown_text(mark)}**" for mark in content.marks(result)]
    parts += [markdown_text(sentence) for sentence in content.beside_the_score(result)]
    parts.append(markdown_table(result_tables.summary_table(result)))
    if result.best_params:
        parts.append(_titled(result_tables.parameter_table(result)))
    if result.per_class:
        parts.append(_titled(result_tables.class_table(result)))
    if result.confusion is not None:
        parts.append(_titled(result_tables.confusion_table(result)))
        parts.append("![confusion matrix](confusion.png)")
    parts += [_titled(table) for table in result_tables.part_class_tables(result)]
    parts += [markdown_section(section) for section in sections(result)]
    parts.append(_listed("Warnings", content.notes(result)))
    unreadable = [content.unreadable_line(**each) for each in result.unreadable]
    parts.append(_listed("Unreadable files", unreadable))
    parts.append(_protocol(result))
    parts += [_titled(table) for table in result_tables.environment_tables(result)]
    if result.command:
        parts.append(f"## Command\n\n```\n{result.command}\n```")
    return "\n\n".join(filter(None, parts)) + "\n"


def _listed(title: str, lines: Sequence[str]) -> str:
    """A heading over a list; empty without lines."""
    bullets = "\n".join(f"- {markdown_text(line)}" for line in lines)
    return f"## {title}\n\n{bullets}" if lines else ""


def _protocol(result: Result) -> str:
    lines = content.protocol_lines(result)
    if result.protocol.get("hash"):
        lines.append(f"SHA-256 of the split: `{result.protocol['hash']}`.")
    parts = ["## Protocol", "\n".join(lines)]
    if result.folds:
        parts.append(markdown_table(result_tables.fold_table(result)))
    return "\n\n".join(parts)


def _titled(table: Table) -> str:
    return f"## {table.title}\n\n{markdown_table(table)}"
