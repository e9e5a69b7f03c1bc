"""``report.md``: what the terminal shows, and all that is needed to judge and repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classic_fer.reports import content

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
    parts = [f"# {_escape(content.title(result))}", f"**{_escape(content.headline(result))}**"]
    parts += [f"> **{_escape(mark)}**" for mark in content.marks(result)]
    parts.append(_table(content.summary_table(result)))
    if result.best_params:
        parts.append(_section(content.parameter_table(result)))
    if result.per_class:
        parts.append(_section(content.class_table(result)))
    if result.confusion is not None:
        parts.append(_section(content.confusion_table(result)))
        parts.append("![confusion matrix](confusion.png)")
    if result.found is not None:
        found = content.class_table(result.found)
        parts.append(f"## Classes, only faces that were found\n\n{_table(found)}")
    if result.final is not None:
        parts.append(f"## Classes, final part\n\n{_table(content.class_table(result.final))}")
    notes = content.notes(result)
    if notes:
        parts.append("## Warnings\n\n" + "\n".join(f"- {_escape(note)}" for note in notes))
    if result.unreadable:
        lines = [f"- {_escape(content.unreadable_line(**each))}" for each in result.unreadable]
        parts.append("## Unreadable files\n\n" + "\n".join(lines))
    parts.append(_protocol(result))
    if result.recognizer.get("params"):
        rows = [(name, str(value)) for name, value in result.recognizer["params"].items()]
        table = content.Table("", ("parameter", "value"), rows, text=True)
        parts.append(f"## Recognizer\n\n{_table(table)}")
    rows = [(name, str(value)) for name, value in result.environment.items() if value is not None]
    environment = content.Table("", ("", "version"), rows, text=True)
    parts.append(f"## Environment\n\n{_table(environment)}")
    if result.command:
        parts.append(f"## Command\n\n```\n{result.command}\n```")
    return "\n\n".join(parts) + "\n"


def _protocol(result: Result) -> str:
    lines = content.protocol_lines(result)
    if result.protocol.get("hash"):
        lines.append(f"SHA-256 of the split: `{result.protocol['hash']}`.")
    text = "## Protocol\n\n" + "\n".join(lines)
    return text + (f"\n\n{_table(content.fold_table(result))}" if result.folds else "")


def _section(table: content.Table) -> str:
    return f"## {table.title}\n\n{_table(table)}"


def _table(table: content.Table) -> str:
    """A pipe table; cells that stand out are bold."""
    lines = ["| " + " | ".join(_escape(name) for name in table.columns) + " |"]
    aligned = [":--" if table.is_text(i) else "--:" for i in range(len(table.columns))]
    lines.append("| " + " | ".join(aligned) + " |")
    for i, row in enumerate(table.rows):
        cells = [
            f"**{_escape(cell)}**" if (i, j) in table.strong else _escape(cell)
            for j, cell in enumerate(row)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _escape(text: str) -> str:
    """Text that Markdown would take for markup, as it is."""
    for mark in ("\\", "|", "*", "_", "<", "`"):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")
