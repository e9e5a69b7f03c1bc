"""Cross-data-set scores for people: a matrix for each recognizer, its heat map and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.reports.tables import Section, Table
from classic_fer.reports.wording import with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.benchmark_table import BenchmarkTable

__all__ = ["cross_figure", "cross_figures", "cross_sections"]

_COLOURS = "Blues"

Cells = Sequence[Mapping[str, Any]]


def cross_sections(table: BenchmarkTable) -> list[Section]:
    """A matrix for each recognizer (and protocol of the diagonal) that was crossed."""
    return [
        Section(
            f"Trained on one, tested on others: {name}",
            [_READING, *_limits(cells)],
            _matrix(name, cells),
        )
        for name, cells in _by_recognizer(table).items()
    ]


def cross_figures(table: BenchmarkTable) -> dict[str, Figure]:
    """The heat maps by the names of their files, without extension."""
    return {
        f"cross-{cells[0]['run'].partition('/')[2]}": cross_figure(cells, title=name)
        for name, cells in _by_recognizer(table).items()
    }


_READING = (
    "Rows: the data set that the recognizer was tuned and trained on. Columns: where it was "
    "tested; on the diagonal with the protocol of the run, elsewhere on all faces but a part "
    "called final. The figure is accuracy over classes that the recognizer knows; answers of a "
    "class that the tested data lack are wrong."
)


def _by_recognizer(table: BenchmarkTable) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in table.cross:
        found.setdefault(f"{cell['features']} + {cell['clf']}", []).append(cell)
    return found


def _places(cells: Cells) -> tuple[list[str], list[str], dict[tuple[str, str], Mapping[str, Any]]]:
    """Names of rows and columns, and the cell at each place."""
    rows = list(dict.fromkeys(_row_name(cell, cells) for cell in cells))
    columns = list(dict.fromkeys([cell["train"] for cell in cells] + [c["test"] for c in cells]))
    return rows, columns, {(_row_name(cell, cells), cell["test"]): cell for cell in cells}


def _row_name(cell: Mapping[str, Any], cells: Cells) -> str:
    """The data set, with the protocol where one has several."""
    several = len({other["cv"] for other in cells if other["train"] == cell["train"]}) > 1
    return f"{cell['train']} ({cell['cv']})" if several else str(cell["train"])


def _matrix(name: str, cells: Cells) -> Table:
    rows, columns, at = _places(cells)
    lines, strong = [], set()
    for i, row in enumerate(rows):
        line = [row]
        for j, column in enumerate(columns):
            cell = at.get((row, column))
            line.append("" if cell is None else with_interval(cell["scores"]["accuracy"]))
            if cell is not None and cell["train"] == cell["test"]:
                strong.add((i, j + 1))
        lines.append(line)
    heads = ["trained on", *(f"on {column}" for column in columns)]
    return Table(f"{name}: accuracy [95 %]", heads, lines, strong=strong)


def _limits(cells: Cells) -> list[str]:
    """Classes and faces that the scores away from the diagonal leave out or cannot get right."""
    said = []
    for cell in cells:
        if cell["train"] == cell["test"]:
            continue
        text = (
            f"{cell['train']} on {cell['test']}: {cell['n']:,} faces of {len(cell['classes'])} "
            f"classes, majority baseline {cell['majority_baseline']:.3f}"
        )
        if cell["left_out"]:
            out = ", ".join(f"{n:,} {name}" for name, n in cell["left_out"].items())
            text += f"; left out, as the recognizer does not know them: {out}"
        if cell["stray"]:
            text += f"; {cell['stray']:,} answers are of classes that {cell['test']} lacks"
        said.append(f"{text}.")
    return said


def cross_figure(cells: Cells, *, title: str = "") -> Figure:
    """The matrix as a heat map: accuracy as text and colour, the diagonal framed.

    Parameters
    ----------
    cells : sequence of dict
        See `classic_fer.evaluation.cross_table.cross_cells`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    rows, columns, at = _places(cells)
    values = np.array(
        [
            [at[r, c]["scores"]["accuracy"]["value"] if (r, c) in at else np.nan for c in columns]
            for r in rows
        ]
    )
    size = (max(4.6, 1.1 * len(columns) + 2.2), 0.7 * len(rows) + 1.9)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(*values.shape):
        if np.isnan(values[i, j]):
            continue
        ink = "white" if values[i, j] > 0.6 else "black"
        axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=ink)
        if at[rows[i], columns[j]]["train"] == columns[j]:
            frame = Rectangle(
                (j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=2
            )
            axes.add_patch(frame)
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, label="accuracy")
    return figure
