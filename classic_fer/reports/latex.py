"""Tables for papers: LaTeX with booktabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classic_fer.reports import content, result_tables
from classic_fer.reports.benchmark import benchmark_marks, benchmark_tables, gap_table
from classic_fer.reports.tables import Table

if TYPE_CHECKING:
    from classic_fer.evaluation.benchmark_table import BenchmarkTable
    from classic_fer.evaluation.result import Result

__all__ = ["benchmark_latex", "latex_table", "run_latex"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "·": r"$\cdot$",
}


def latex_table(table: Table, *, note: str = "") -> str:
    """A table as a ``table`` environment; needs ``\\usepackage{booktabs}``.

    Parameters
    ----------
    table : Table
        Cells that stand out are bold. The title becomes the caption.
    note : str
        Added to the caption.
    """
    aligned = "".join("l" if table.is_text(i) else "r" for i in range(len(table.columns)))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape(' '.join(filter(None, [table.title + '.', note])))}}}",
        rf"\begin{{tabular}}{{{aligned}}}",
        r"\toprule",
        _row([_escape(name) for name in table.columns]),
        r"\midrule",
    ]
    for i, row in enumerate(table.rows):
        lines.append(
            _row(
                [
                    rf"\textbf{{{_escape(cell)}}}" if (i, j) in table.strong else _escape(cell)
                    for j, cell in enumerate(row)
                ]
            )
        )
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def benchmark_latex(table: BenchmarkTable) -> str:
    """The tables of a benchmark, and of its leak gaps."""
    marks = " ".join(f"{mark[0].upper()}{mark[1:]}." for mark in benchmark_marks(table))
    gaps = gap_table(table)
    shown = [*benchmark_tables(table), *([] if gaps is None else [gaps])]
    return "\n".join(latex_table(each, note=marks) for each in shown)


def run_latex(result: Result) -> str:
    """The classes and the confusion matrix of a run."""
    note = " ".join([content.title(result) + ":", content.headline(result) + ".", *_marks(result)])
    shown = []
    if result.per_class:
        shown.append(result_tables.class_table(result))
    if result.confusion is not None:
        shown.append(result_tables.confusion_table(result))
    return "\n".join(latex_table(each, note=note) for each in shown)


def _marks(result: Result) -> list[str]:
    return [f"{mark[0].upper()}{mark[1:]}." for mark in content.marks(result)]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text.replace("\n", " "))
