"""What a data set holds, for people: a table with bars, and a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classic_fer.reports.content import GENERATED, GENERATED_MARK, unreadable_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group
    from rich.table import Table

    from classic_fer.datasets.describe import Description

__all__ = ["description_figure", "description_view"]

_BAR_WIDTH = 30
_UNREADABLE_SHOWN = 10


def description_view(description: Description) -> Group:
    """A description as it is printed on a terminal.

    Parameters
    ----------
    description : Description
        From `classic_fer.datasets.describe.describe`.

    Returns
    -------
    rich.console.Group
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    people = "people not known" if description.people is None else f"{description.people:,} people"
    lines = [
        Text(f"{description.title}: {description.n:,} faces, {people}", style="bold"),
        Text(f"origin {description.origin}") if description.origin else Text("origin not known"),
    ]
    if description.terms:
        lines.append(Text(f"terms  {description.terms}"))
    if description.name == GENERATED:
        lines.insert(0, Text(f"! {GENERATED_MARK}", style="bold yellow"))
    comes_with = [
        *(["face boxes"] if description.boxes else []),
        *(["68 landmarks"] if description.landmarks else []),
        *description.extra_columns,
    ]
    if comes_with:
        lines.append(Text(f"with   {', '.join(comes_with)}"))
    for old, new, count in description.policy_changes:
        done = "removed" if new is None else f"now {new}"
        lines.append(Text(f"labels {old}: {count:,} {done}"))
    notes = [Text(_majority_line(part, of)) for part, of in description.majority.items()]
    bad = description.unreadable
    if bad:
        notes.append(Text(f"unreadable: {len(bad):,}", style="yellow"))
        shown = bad[:_UNREADABLE_SHOWN]
        notes += [Text(f"  {unreadable_line(each.path, each.reason)}") for each in shown]
        if len(bad) > _UNREADABLE_SHOWN:
            notes.append(Text(f"  and {len(bad) - _UNREADABLE_SHOWN:,} more (all with --json)"))
    return Group(*lines, Padding(_classes_table(description), (1, 0), expand=False), *notes)


def _classes_table(description: Description) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("class")
    table.add_column("", min_width=_BAR_WIDTH, no_wrap=True)
    table.add_column("faces", justify="right")
    table.add_column("share", justify="right")
    if description.people_per_class:
        table.add_column("people", justify="right")
    for split in description.splits:
        table.add_column(split, justify="right")
    counts = description.counts["all"]
    most = max(counts.values(), default=0)
    for name in description.classes:
        row = [name, _bar(counts[name], most), f"{counts[name]:,}"]
        row.append(f"{counts[name] / max(1, description.n):.1%}")
        if description.people_per_class:
            row.append(f"{description.people_per_class[name]:,}")
        row += [f"{description.counts[split][name]:,}" for split in description.splits]
        table.add_row(*row)
    total = ["all", "", f"{description.n:,}", "100%"]
    if description.people_per_class:
        total.append(f"{description.people:,}")
    table.add_section()
    table.add_row(*total, *(f"{n:,}" for n in description.splits.values()), style="bold")
    return table


def _bar(value: int, most: int) -> str:
    """A bar of eighths of a character: at least one for a value above 0."""
    if not value:
        return ""
    eighths = max(1, round(8 * _BAR_WIDTH * value / most))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _majority_line(part: str, majority: dict) -> str:
    where = "" if part == "all" else f" in {part}"
    return (
        f"always saying {majority['class']} is right for {majority['accuracy']:.1%}{where}: "
        "the majority baseline"
    )


def description_figure(description: Description) -> Figure:
    """The classes as a bar chart, stacked by split.

    Parameters
    ----------
    description : Description

    Returns
    -------
    matplotlib.figure.Figure
    """
    from classic_fer.reports.figures import classes_figure

    counts = {split: description.counts[split] for split in description.splits}
    without = {
        name: total - sum(of[name] for of in counts.values())
        for name, total in description.counts["all"].items()
    }
    if not counts:
        counts = {"": description.counts["all"]}
    elif any(without.values()):
        counts["(no split)"] = without
    title = f"{description.title}: {description.n:,} faces"
    if description.name == GENERATED:
        title += f"\n{GENERATED_MARK}"
    return classes_figure(counts, description.classes, title=title)
