"""Tables and sections of a report, and how they look on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

__all__ = [
    "Section",
    "Table",
    "markdown_section",
    "markdown_table",
    "markdown_text",
    "rich_section",
    "rich_table",
]


@dataclass(frozen=True)
class Table:
    """Text in rows and columns.

    Attributes
    ----------
    title : str
    columns : sequence of str
        The first column is text, the others are numbers unless a flag says so.
    rows : sequence of sequence of str
    text : bool
        Whether all columns are text.
    text_last : bool
        Whether the last column is text, too.
    strong : set of (int, int)
        Row and column of cells that stand out: what is right.
    weak : set of (int, int)
        Of cells that are worth a look: what often goes wrong.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: bool = False
    text_last: bool = False
    strong: set[tuple[int, int]] = field(default_factory=set)
    weak: set[tuple[int, int]] = field(default_factory=set)

    def is_text(self, column: int) -> bool:
        """Whether a column holds text, which is aligned to the left."""
        return self.text or not column or (self.text_last and column == len(self.columns) - 1)


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    title : str
    sentences : sequence of str
    table : Table or None
    figures : mapping of str to str
        Names of figures in the run folder, without extension, to their captions.
    """

    title: str
    sentences: Sequence[str]
    table: Table | None = None
    figures: Mapping[str, str] = field(default_factory=dict)


def rich_table(table: Table, *, head: bool = True) -> RenderableType:
    """A table for a terminal, below its title.

    Parameters
    ----------
    table : Table
    head : bool
        Whether to show the names of the columns.
    """
    from rich import box
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        box=box.SIMPLE_HEAD if head else None, show_header=head, show_edge=False, padding=(0, 1)
    )
    for i, name in enumerate(table.columns):
        shown.add_column(name, justify="left" if table.is_text(i) else "right")
    for i, row in enumerate(table.rows):
        shown.add_row(*(_rich_cell(table, i, j, text) for j, text in enumerate(row)))
    return Padding(Group(Text(table.title, style="bold"), shown), (1, 0, 0, 0), expand=False)


def _rich_cell(table: Table, row: int, column: int, text: str) -> Text:
    from rich.text import Text

    if (row, column) in table.strong:
        return Text(text, style="bold green")
    return Text(text, style="yellow" if (row, column) in table.weak else "")


def rich_section(section: Section) -> RenderableType:
    """A section for a terminal, which shows no figures: its table, then its sentences."""
    from rich.console import Group
    from rich.text import Text

    table = section.table
    shown = [] if table is None else [rich_table(table, head=any(table.columns))]
    return Group(*shown, *(Text(sentence) for sentence in section.sentences))


def markdown_section(section: Section) -> str:
    """A section with a heading; figures are linked by their names."""
    parts = [f"## {markdown_text(section.title)}", markdown_text(" ".join(section.sentences))]
    if section.table is not None:
        parts.append(markdown_table(section.table))
    for name, caption in section.figures.items():
        parts += [f"![{name.replace('_', ' ')}]({name}.png)", markdown_text(caption)]
    return "\n\n".join(filter(None, parts))


def markdown_table(table: Table) -> str:
    """A pipe table without its title; cells that stand out are bold."""
    lines = ["| " + " | ".join(markdown_text(name) for name in table.columns) + " |"]
    aligned = [":--" if table.is_text(i) else "--:" for i in range(len(table.columns))]
    lines.append("| " + " | ".join(aligned) + " |")
    for i, row in enumerate(table.rows):
        cells = [
            f"**{markdown_text(cell)}**" if (i, j) in table.strong else markdown_text(cell)
            for j, cell in enumerate(row)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def markdown_text(text: str) -> str:
    """Text that Markdown would take for markup, as it is."""
    for mark in ("\\", "|", "*", "_", "<", "`"):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")
