"""The report page: one HTML file that needs nothing else, for a run or a whole benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classic_fer.errors import DataError
from classic_fer.evaluation.benchmark_table import BenchmarkTable
from classic_fer.evaluation.result import Result
from classic_fer.reports import benchmark as tables
from classic_fer.reports import content, page_figures
from classic_fer.reports.mistakes import FacePictures, confident_mistakes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.calibration_metrics import ReliabilityBin

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
    gaps = [gap for gap in table.leak_gaps if gap["gap"] is not None]
    parts = []
    by_title = zip(tables.benchmark_tables(table), dict.fromkeys(row["data"] for row in table.rows))
    for shown, data in by_title:
        rows = [row for row in table.rows if row["data"] == data]
        parts.append({"table": shown, "figures": _score_figures(data, rows)})
    view = {
        "marks": tables.benchmark_marks(table),
        "sentences": tables.benchmark_sentences(table),
        "parts": parts,
        "gaps": tables.gap_table(table),
        "gap_figure": _figure(
            "Leak gap",
            page_figures.gap_figure(gaps),
            "Accuracy under random folds minus accuracy with people held out, 95 % intervals.",
        )
        if gaps
        else None,
        "gap_sentences": tables.gap_sentences(table),
        "explanations": tables.explanations(table),
        "failures": tables.failure_lines(table),
        "command": table.command,
    }
    runs = [_run_view(folder / row["run"], table.results[row["run"]], faces) for row in table.rows]
    names = ", ".join(dict.fromkeys(row["data"] for row in table.rows))
    return _render(title=f"Benchmark: {names}", benchmark=view, runs=runs)


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
    environment = [(name, str(v)) for name, v in result.environment.items() if v is not None]
    params = [(name, str(v)) for name, v in result.recognizer.get("params", {}).items()]
    return {
        "title": content.title(result),
        "headline": content.headline(result),
        "marks": content.marks(result),
        "sentence": content.summary_sentence(result),
        "summary": content.summary_table(result),
        "parameters": content.parameter_table(result) if result.best_params else None,
        "classes": content.class_table(result) if result.per_class else None,
        "bars": _bars(result),
        "confusion": _confusion(result) if result.confusion else None,
        "figures": _run_figures(run, result),
        **_mistakes(run, result, faces),
        "notes": content.notes(result),
        "unreadable": [content.unreadable_line(**each) for each in result.unreadable],
        "protocol": content.protocol_lines(result),
        "hash": result.protocol.get("hash"),
        "folds": content.fold_table(result) if result.folds else None,
        "recognizer": content.Table("", ("parameter", "value"), params, text=True)
        if params
        else None,
        "environment": content.Table("", ("", "version"), environment, text=True),
        "command": result.command,
    }


def _bars(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "name": each["class"],
            "support": f"{each['support']:,}",
            **{name: f"{each[name]:.3f}" for name in ("recall", "precision")},
            **{f"{name}_width": f"{100 * each[name]:.1f}" for name in ("recall", "precision")},
        }
        for each in result.per_class
    ]


def _confusion(result: Result) -> dict[str, Any]:
    """Rows and cells of the confusion matrix with their colours."""
    assert result.confusion is not None
    true, predicted = result.confusion["true"], result.confusion["predicted"]
    rows = []
    for name, counts in zip(true, result.confusion["counts"]):
        total = max(1, sum(counts))
        cells = [
            _cell(count, count / total, name, other) for other, count in zip(predicted, counts)
        ]
        rows.append((name, cells))
    return {"heads": list(zip(predicted, content.shortened(predicted))), "rows": rows}


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
    """Spread over folds, surface of the search, reliability: those that there are data for."""
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
    bins, words = _calibration(result)
    if bins:
        made.append(_figure("Calibration", page_figures.reliability_figure(bins), words))
    return made


def _calibration(result: Result) -> tuple[list[ReliabilityBin], str]:
    """Bins and words of the reliability diagram; no bins where there are no probabilities."""
    from classic_fer.evaluation.calibration_metrics import calibration_scores, reliability_bins
    from classic_fer.evaluation.metrics import ABSTAINED

    table = result.predictions
    names = [name for name in table.columns if name.startswith("score_")]
    classes = [name.removeprefix("score_") for name in names]
    if not names or not len(table):
        return [], ""
    table = table[(table["predicted"] != ABSTAINED) & table["true"].isin(classes)]
    known = "subject" in table and table["subject"].notna().all()
    groups = table["subject"].to_numpy(dtype=str) if known else None
    try:
        proba, true = table[names].to_numpy(dtype=float), table["true"].to_numpy(dtype=str)
        scores = calibration_scores(proba, true, classes, groups=groups, random_state=result.seed)[
            "scores"
        ]
        bins = reliability_bins(proba, true, classes, n_bins=10)
    except DataError:  # scores that are no probabilities, or no rows
        return [], ""
    words = (
        "Below the diagonal the recognizer is too sure of itself, above not sure enough. Expected "
        f"calibration error {scores['ece']['value']:.3f}, log-loss "
        f"{scores['log_loss']['value']:.3f}, Brier score {scores['brier']['value']:.3f}, right "
        f"among the first two {scores['top2']['value']:.3f}."
    )
    return bins, words


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
        "mistake_table": content.Table("", columns, rows),
    }


def _score_figures(data: str, rows: Sequence[Mapping[str, Any]]) -> list[PageFigure]:
    made = []
    for cv in dict.fromkeys(row["cv"] for row in rows):
        shown = [row for row in rows if row["cv"] == cv]
        leaks = " (people leak)" if cv.startswith("random") else ""
        caption = f"{data}, protocol {cv}{leaks}; lines: 95 % intervals; dashed: majority baseline"
        made.append(_figure("", page_figures.score_figure(shown), caption))
    return made


def _figure(title: str, figure: Figure, caption: str) -> PageFigure:
    words = f"{title}: {caption}" if title else caption
    return PageFigure(title, page_figures.data_uri(figure), words, caption)
