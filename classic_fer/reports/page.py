"""The report page: one HTML file that needs nothing else, for a run or a whole benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classic_fer.evaluation.benchmark_table import BenchmarkTable
from classic_fer.evaluation.result import Result
from classic_fer.reports import benchmark as tables
from classic_fer.reports import content, page_figures, result_tables
from classic_fer.reports.benchmark_figures import (
    leak_gap_figure,
    rank_figures,
    score_figures,
)
from classic_fer.reports.cross import cross_figures, cross_sections
from classic_fer.reports.doubt_figures import doubt_figures
from classic_fer.reports.mistakes import FacePictures, confident_mistakes
from classic_fer.reports.sections import sections
from classic_fer.reports.tables import Section, Table
from classic_fer.reports.wording import answer_name, shortened, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["benchmark_page", "run_page"]

_LIGHT, _DARK = np.array([247, 251, 255]), np.array([8, 48, 107])  # the ends of "Blues"


@dataclass(frozen=True)
class PageFigure:
    """A picture of the page, its address (which holds it) and its words."""

    title: str
    address: str
    description: str
    caption: str


def run_page(run: Path, result: Result, *, faces: FacePictures | None = None) -> str:
    """The page of one run.

    Parameters
    ----------
    run : Path
        Its folder.
    result : Result
    faces : FacePictures, optional
        Shows the most confident mistakes as pictures; as a table, if not given.
    """
    view = _run_view(run, result, faces)
    return _render(title=content.title(result), benchmark=None, runs=[view])


def benchmark_page(
    folder: Path, table: BenchmarkTable, *, faces: FacePictures | None = None
) -> str:
    """The page of a benchmark: its table, leak gaps, and each run.

    Parameters
    ----------
    folder : Path
    table : BenchmarkTable
    faces : FacePictures, optional
        See `run_page`.
    """
    gaps = leak_gap_figure(table)
    parts = []
    by_title = zip(tables.benchmark_tables(table), dict.fromkeys(row["data"] for row in table.rows))
    for shown, data in by_title:
        scores, ranks = score_figures(table, data), rank_figures(table, data)
        parts.append(
            {
                "table": shown,
                "figures": [_figure("", figure, caption) for figure, caption in scores],
                "ranks": [_figure("", figure, caption) for figure, caption in ranks],
            }
        )
    view = {
        "marks": tables.benchmark_marks(table),
        "sentences": tables.benchmark_sentences(table),
        "parts": parts,
        "gaps": tables.gap_table(table),
        "gap_figure": None
        if gaps is None
        else _figure(
            "Leak gap",
            gaps,
            "Accuracy under random folds minus accuracy with people held out, 95 % intervals.",
        ),
        "gap_sentences": tables.gap_sentences(table),
        "copies": tables.dedup_table(table),
        "cross": list(zip(cross_sections(table), _cross_figures(table))),
        "explanations": tables.explanations(table),
        "failures": tables.failure_lines(table),
        "command": table.command,
    }
    runs = [_run_view(folder / row["run"], table.results[row["run"]], faces) for row in table.rows]
    names = ", ".join(dict.fromkeys(row["data"] for row in table.rows))
    return _render(title=f"Benchmark: {names}", benchmark=view, runs=runs)


def _cross_figures(table: BenchmarkTable) -> list[PageFigure]:
    caption = "Accuracy; framed: tested on the data set that it was trained on."
    return [_figure("Heat map", figure, caption) for figure in cross_figures(table).values()]


def _render(**view: Any) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from classic_fer import __version__

    folder = files("classic_fer.reports") / "templates"
    template, css = (
        (folder / name).read_text(encoding="utf-8") for name in ("page.html", "page.css")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template).render(css=Markup(css), version=__version__, **view)


def _run_view(run: Path, result: Result, faces: FacePictures | None) -> dict[str, Any]:
    """What the template shows of a run."""
    class_tables = [
        *([result_tables.class_table(result)] if result.per_class else []),
        *result_tables.part_class_tables(result),
    ]
    return {
        "title": content.title(result),
        "headline": content.headline(result),
        "marks": content.marks(result),
        "sentence": content.summary_sentence(result),
        "beside": content.beside_the_score(result),
        "summary": result_tables.summary_table(result),
        "parameters": result_tables.parameter_table(result) if result.best_params else None,
        "classes": class_tables,
        "bars": _bars(result),
        "confusion": _confusion(result) if result.confusion else None,
        "figures": _run_figures(run, result),
        "sections": [(section, _section_figures(section, result)) for section in sections(result)],
        **_mistakes(run, result, faces),
        "notes": content.notes(result),
        "unreadable": [content.unreadable_line(**each) for each in result.unreadable],
        "protocol": content.protocol_lines(result),
        "hash": result.protocol.get("hash"),
        "folds": result_tables.fold_table(result) if result.folds else None,
        "details": result_tables.environment_tables(result),
        "command": result.command,
    }


def _bars(result: Result) -> list[dict[str, Any]]:
    """Bars of each class; lengths and places in per cent."""
    bars = []
    for each in result.per_class:
        bar = {"name": each["class"], "support": f"{each['support']:,}", "rates": []}
        for name in ("recall", "precision"):
            bounds = each.get("ci95", {}).get(name)
            bar["rates"].append(
                {
                    "title": f"{name} {with_interval({'value': each[name], 'ci95': bounds})}",
                    "width": f"{100 * each[name]:.1f}",
                    "low": None if bounds is None else f"{100 * bounds[0]:.1f}",
                    "range": None if bounds is None else f"{100 * (bounds[1] - bounds[0]):.1f}",
                }
            )
        bars.append(bar)
    return bars


def _confusion(result: Result) -> dict[str, Any]:
    """Rows and cells of the confusion matrix with their colours."""
    assert result.confusion is not None
    true = result.confusion["true"]
    predicted = [answer_name(name) for name in result.confusion["predicted"]]
    rows = []
    for name, counts in zip(true, result.confusion["counts"]):
        total = max(1, sum(counts))
        cells = [
            _cell(count, count / total, name, other) for other, count in zip(predicted, counts)
        ]
        rows.append((name, cells))
    return {"heads": list(zip(predicted, shortened(predicted))), "rows": rows}


def _cell(count: int, share: float, true: str, predicted: str) -> dict[str, Any]:
    red, green, blue = (_LIGHT + share * (_DARK - _LIGHT)).round().astype(int).tolist()
    return {
        "text": f"{count:,}" if count else "·",
        "title": f"{true} taken for {predicted}: {count:,} ({share:.0%})",
        "background": f"rgb({red},{green},{blue})",
        "ink": "#fff" if share > 0.45 else "#1b1b1b",
        "right": true == predicted,
    }


def _run_figures(run: Path, result: Result) -> list[PageFigure]:
    """Spread over folds and surface of the search: those that there are data for."""
    made = []
    if len(result.fold_accuracies) > 1:
        low, high = min(result.fold_accuracies), max(result.fold_accuracies)
        words = f"Accuracy of single folds: {low:.3f} to {high:.3f}."
        made.append(_figure("Spread over folds", page_figures.fold_figure(result), words))
    candidates = run / "cv_results.csv"
    if candidates.is_file():
        surface = page_figures.surface_figure(pd.read_csv(candidates))
        if surface is not None:
            made.append(_figure("Grid search", *surface))
    return made


def _section_figures(section: Section, result: Result) -> list[PageFigure]:
    figures = doubt_figures(result) if section.figures else {}
    return [_figure("", figure, section.figures[name]) for name, figure in figures.items()]


def _mistakes(run: Path, result: Result, faces: FacePictures | None) -> dict[str, Any]:
    mistakes = confident_mistakes(result)
    pictures: dict[str, str] = {}
    note = ""
    if faces is not None and mistakes:
        pictures, terms, problem = faces.of(run, result, [each.id for each in mistakes])
        if problem:
            note = f"Without pictures: {problem}"
        elif result.dataset["name"] == content.GENERATED:
            note = "Drawn faces, no real people."
        else:
            note = (
                f"Real people. Terms of the data: {terms.rstrip('.') or 'not known'}. Leave the "
                "pictures out with --no-faces before you pass this page on, unless the terms "
                "allow it."
            )
    rows = [
        (m.id, m.true, m.predicted, f"{m.confidence:.2f}", f"{m.true_probability:.2f}")
        for m in mistakes
    ]
    columns = ("face", "true", "predicted", "confidence", "probability of the true class")
    return {
        "mistakes": mistakes,
        "pictures": pictures,
        "mistakes_note": note,
        "mistake_table": Table("", columns, rows),
    }


def _figure(title: str, figure: Figure, caption: str) -> PageFigure:
    words = f"{title}: {caption}" if title else caption
    return PageFigure(title, page_figures.data_uri(figure), words, caption)
