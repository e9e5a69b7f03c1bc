"""The table of a benchmark for people: sentences and tables, on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from classic_fer.reports import content
from classic_fer.reports.cross import cross_sections
from classic_fer.reports.tables import (
    Table,
    markdown_section,
    markdown_table,
    markdown_text,
    rich_section,
    rich_table,
)
from classic_fer.reports.wording import with_interval

if TYPE_CHECKING:
    from rich.console import Group

    from classic_fer.evaluation.benchmark_table import BenchmarkTable

__all__ = [
    "benchmark_markdown",
    "benchmark_marks",
    "benchmark_sentences",
    "benchmark_tables",
    "benchmark_view",
    "dedup_table",
    "explanations",
    "failure_lines",
    "gap_sentences",
    "gap_table",
]

_LEAKS = "people leak"


def benchmark_marks(table: BenchmarkTable) -> list[str]:
    """What a reader must know before believing a figure, each once."""
    said = [mark for result in table.results.values() for mark in content.marks(result)]
    rows = f"rows marked {_LEAKS!r}"
    return [
        mark.replace(_LEAKS, rows, 1) if mark == content.PEOPLE_IGNORED else mark
        for mark in dict.fromkeys(said)
    ]


def benchmark_sentences(table: BenchmarkTable) -> list[str]:
    """The best run of each data set and protocol, in a sentence; random folds left out."""
    said = []
    for data, rows in _by_data(table.rows).items():
        for cv in dict.fromkeys(row["cv"] for row in rows):
            if cv.startswith("random"):
                continue
            ranked = [row for row in rows if row["cv"] == cv]
            best = ranked[0]
            text = (
                f"{data}, {content.protocol_sentence(table.results[best['run']])}: "
                f"{_recognizer(best)} has the highest accuracy, "
                f"{with_interval(best['scores']['accuracy'])}; always saying the most frequent "
                f"class is right for {best['majority_baseline']:.3f}"
            )
            level = [_recognizer(row) for row in ranked[1:] if not _is_behind(row)]
            if level:
                text += f"; no evidence of a difference from {', '.join(level)}"
            elif len(ranked) > 1:
                text += "; all others are behind it"
            said.append(f"{text}.")
    return said


def benchmark_tables(table: BenchmarkTable) -> list[Table]:
    """A table for each data set: the best first, within each protocol."""
    return [_data_table(table, data, rows) for data, rows in _by_data(table.rows).items()]


def _data_table(table: BenchmarkTable, data: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    first = rows[0]
    known = [row["people"] for row in rows if row["people"]]
    people = f"{known[0]:,} people" if known else "people not known"
    title = f"{data}: {first['n']:,} faces, {first['n_classes']} classes, {people}"
    columns = (
        *("recognizer", "cv", "accuracy [95 %]", "rank", "behind best [95 %]"),
        *("macro F1", "baseline", "seconds"),
    )
    lines, strong, weak = [], set(), set()
    for place, row in enumerate(rows):
        leaks = any(
            mark == content.PEOPLE_IGNORED for mark in content.marks(table.results[row["run"]])
        )
        behind = row["behind_best"]
        lines.append(
            (
                _recognizer(row),
                f"{row['cv']} ({_LEAKS})" if leaks else row["cv"],
                with_interval(row["scores"]["accuracy"]),
                str(row["rank"]),
                "" if behind is None else with_interval(behind, sign="+"),
                f"{row['scores']['macro_f1']['value']:.3f}",
                f"{row['majority_baseline']:.3f}",
                f"{row['seconds']:,.0f}" if row["seconds"] >= 10 else f"{row['seconds']:.1f}",
            )
        )
        if row["rank"] == 1 and not leaks:
            strong.add((place, 2))
        elif leaks:
            weak.add((place, 1))
    return Table(title, columns, lines, strong=strong, weak=weak)


def gap_table(table: BenchmarkTable) -> Table | None:
    """Accuracy with people held out and under random folds, and the gap; None without gaps."""
    measured = [gap for gap in table.leak_gaps if gap["gap"] is not None]
    if not measured:
        return None
    rows = [
        (
            f"{gap['data']}: {_recognizer(gap)}",
            f"{gap['held_out']:.3f}",
            f"{gap['random']:.3f}",
            with_interval({"value": gap["gap"], "ci95": gap["ci95"]}, sign="+"),
        )
        for gap in measured
    ]
    columns = ("", "people held out", "random folds", "leak gap [95 %]")
    return Table("Leak gap: what random folds add", columns, rows)


def dedup_table(table: BenchmarkTable) -> Table | None:
    """Accuracy with and without copies of training images; None where none was asked for."""
    rows = []
    for row in table.rows:
        if row["dedup"] is None:
            continue
        cells = [f"{row['data']}: {_recognizer(row)}, {row['cv']}"]
        cells.append(with_interval(row["scores"]["accuracy"]))
        for name in ("identical", "copies"):
            sheet = row["dedup"][name]
            score = with_interval(sheet["scores"]["accuracy"]) if sheet["scores"] else "none left"
            cells += [score, f"{sheet['left_out']:,}"]
        rows.append(cells)
    if not rows:
        return None
    columns = (
        *("", "all [95 %]", "without identical images", "left out"),
        *("without near copies, too", "left out"),
    )
    return Table("Copies of training images", columns, rows)


def gap_sentences(table: BenchmarkTable) -> list[str]:
    """What the leak gaps mean, gaps of one data set that mean the same in one sentence."""
    said = []
    for data, gaps in _by_data(table.leak_gaps).items():
        clear = [gap for gap in gaps if gap["ci95"] is not None and gap["ci95"][0] > 0]
        if len(clear) > 1:
            points = sorted(100 * gap["gap"] for gap in clear)
            said.append(
                f"{data}: Random folds score {points[0]:.1f} to {points[-1]:.1f} points more than "
                f"folds with people held out, for {len(clear)} recognizers (each interval is above "
                "0): so much of their accuracy comes from other faces of the same people in "
                "training, and is lost on people who were not seen."
            )
            gaps = [gap for gap in gaps if gap not in clear]
        for gap in gaps:
            who = "" if gap["gap"] is None else f", {_recognizer(gap)}"
            said.append(f"{data}{who}: {gap['sentence']}")
    return list(dict.fromkeys(said))


def explanations(table: BenchmarkTable) -> list[str]:
    """How to read the tables."""
    intervals = {row["interval"] for row in table.rows}
    over = " or, where these are not known, ".join(
        name for name in ("people", "images") if name in intervals
    )
    said = [
        f"Intervals are 95 % bootstrap intervals over {over}. Every face was predicted by a "
        "recognizer that did not see it; parameters were chosen inside the training parts.",
        "Rank: by accuracy, among runs with the same folds. Behind best: paired difference from "
        "the best of them; where its interval holds 0 there is no evidence of a difference. The "
        "best of many is chosen on these scores, so its own score is a little optimistic.",
        "Baseline: accuracy of always saying the most frequent class.",
    ]
    if any("identical images" in str(row["kept_together"]) for row in table.rows):
        said.append(
            "Where people are not known or are on identical images, these images are kept in one "
            "fold; official parts are as they are, so there this holds in the search only."
        )
    if any(row["dedup"] for row in table.rows):
        said.append(
            "Copies: scored faces that are identical to an image in the training part of their "
            "fold, or also a near copy of one, are left out of the score; training is the same."
        )
    return said


def failure_lines(table: BenchmarkTable) -> list[str]:
    """What could not be run, and why."""
    return [f"{each['run']}: {each['error']}" for each in table.failures]


def benchmark_view(table: BenchmarkTable) -> Group:
    """A benchmark as it is printed on a terminal."""
    from rich.console import Group, RenderableType
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(f"! {mark}", style="bold yellow") for mark in benchmark_marks(table)
    ]
    parts += [Text(text, style="bold") for text in benchmark_sentences(table)]
    parts += [rich_table(each) for each in benchmark_tables(table)]
    gaps = gap_table(table)
    copies = dedup_table(table)
    parts += [rich_table(each) for each in (gaps, copies) if each is not None]
    parts += [rich_section(each) for each in cross_sections(table)]
    parts.append(Text(""))
    parts += [Text(text) for text in gap_sentences(table)]
    parts += [Text(text, style="dim") for text in explanations(table)] if table.rows else []
    parts += [Text(f"failed: {line}", style="bold red") for line in failure_lines(table)]
    return Group(*parts)


def benchmark_markdown(table: BenchmarkTable) -> str:
    """A benchmark as a Markdown document."""
    parts = ["# Benchmark"]
    parts += [f"> **{markdown_text(mark)}**" for mark in benchmark_marks(table)]
    parts.append("\n".join(f"- {markdown_text(text)}" for text in benchmark_sentences(table)))
    parts += [
        f"## {markdown_text(each.title)}\n\n{markdown_table(each)}"
        for each in benchmark_tables(table)
    ]
    gaps, said = gap_table(table), gap_sentences(table)
    if said:
        lines = "\n".join(f"- {markdown_text(text)}" for text in said)
        parts.append(
            "## Leak gap" + (f"\n\n{markdown_table(gaps)}" if gaps else "") + f"\n\n{lines}"
        )
    copies = dedup_table(table)
    if copies is not None:
        parts.append(f"## {copies.title}\n\n{markdown_table(copies)}")
    parts += [markdown_section(each) for each in cross_sections(table)]
    if table.rows:
        parts.append("\n".join(f"- {markdown_text(text)}" for text in explanations(table)))
    if table.failures:
        lines = "\n".join(f"- {markdown_text(line)}" for line in failure_lines(table))
        parts.append(f"## Failed\n\n{lines}")
    if table.command:
        parts.append(f"## Command\n\n```\n{table.command}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _by_data(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        parts.setdefault(row["data"], []).append(row)
    return parts


def _is_behind(row: Mapping[str, Any]) -> bool:
    """Whether the interval of the difference from the best run leaves 0 out."""
    behind = row["behind_best"]
    return behind is not None and behind["ci95"] is not None and behind["ci95"][1] < 0


def _recognizer(row: Mapping[str, Any]) -> str:
    return f"{row['features']} + {row['clf']}"
