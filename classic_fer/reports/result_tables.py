"""The tables of a Result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.reports.content import protocol_sentence
from classic_fer.reports.tables import Table
from classic_fer.reports.wording import (
    answer_name,
    metric_name,
    number,
    shortened,
    value_text,
    with_interval,
)

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result

__all__ = [
    "answer_table",
    "class_table",
    "confusion_table",
    "dedup_table",
    "environment_tables",
    "fold_table",
    "parameter_table",
    "part_class_tables",
    "summary_table",
]


def summary_table(result: Result) -> Table:
    """Scores with their intervals, spread, baseline and coverage."""
    faces = f"{result.dataset['n']:,} faces, {len(result.dataset['classes'])} classes"
    rows = [
        ("data", f"{result.dataset['name']}: {faces}"),
        ("recognizer", f"{result.recognizer['features']} + {result.recognizer['clf']}"),
        ("protocol", protocol_sentence(result)),
    ]
    rows += [(metric_name(name), with_interval(score)) for name, score in result.scores.items()]
    spread = result.fold_accuracies
    if len(spread) > 1:
        rows.append(
            (
                "spread over folds",
                f"{min(spread):.3f} to {max(spread):.3f}, "
                f"standard deviation {np.std(spread, ddof=1):.3f}",
            )
        )
    if result.selection_score is not None:
        rows.append(
            (
                "selection score",
                f"{number(result.selection_score)} "
                f"({metric_name(result.scoring)} of the best values tried; optimistic)",
            )
        )
    if result.majority_baseline is not None:
        rows.append(("majority baseline", f"{result.majority_baseline:.3f} (accuracy)"))
    rows.append(("coverage", _coverage(result.coverage)))
    if result.found is not None:
        found = result.found
        rows.append(
            (
                "accuracy, found only",
                f"{with_interval(found['scores']['accuracy'])} ({found['n']:,} faces)",
            )
        )
    if result.answered is not None and result.answered["accuracy"] is not None:
        n = f" ({result.answered['n']:,} faces)"
        rows.append(("accuracy, answered only", with_interval(result.answered["accuracy"]) + n))
    if result.left_out:
        total = sum(result.left_out.values())
        classes = ", ".join(f"{name} {count:,}" for name, count in result.left_out.items())
        rows.append(("left out", f"{total:,} faces of classes it does not know: {classes}"))
    if result.unreadable:
        rows.append(("unreadable files", f"{len(result.unreadable):,}"))
    if result.final is not None:
        final = result.final
        n = f" ({final['n']:,} faces)" if "n" in final else ""
        rows += [
            (
                f"final: {metric_name(name)}",
                with_interval(score) + (n if name == "accuracy" else ""),
            )
            for name, score in final["scores"].items()
        ]
    return Table("Summary", ("", ""), rows, text=True)


def answer_table(result: Result) -> Table | None:
    """Faces answered and errors among them; None where every face was answered."""
    answered = result.answered
    if answered is None:
        return None
    rows = [("share answered", with_interval(answered["share"]))]
    if answered["accuracy"] is not None:
        rows.append(("accuracy among answered", with_interval(answered["accuracy"])))
        rows.append(("error among answered", with_interval(answered["error"])))
    if answered["wished_error"] is not None:
        rows.append(("wished error", number(answered["wished_error"])))
    if answered["folds"]:
        rows.append(("folds that kept it", f"{answered['folds_held']} of {answered['folds']}"))
    return Table("Doubt", ("", ""), rows, text=True)


def dedup_table(result: Result) -> Table | None:
    """Scores of all predictions beside those without copies of training images; None without."""
    if result.dedup is None:
        return None
    sheets = [
        ("all", {"n": len(result.predictions), "scores": result.scores}),
        ("without identical images", result.dedup["identical"]),
        ("without near copies, too", result.dedup["copies"]),
    ]
    rows = [
        (
            name,
            f"{sheet['n']:,}",
            *(
                with_interval(sheet["scores"][metric]) if sheet["scores"] else "none left"
                for metric in ("accuracy", "macro_f1")
            ),
        )
        for name, sheet in sheets
    ]
    columns = ("scored faces", "n", "accuracy [95 %]", "macro F1 [95 %]")
    return Table("Copies of training images", columns, rows)


def parameter_table(result: Result) -> Table:
    """What the search on all training data chose."""
    rows = [(name, value_text(value)) for name, value in result.best_params.items()]
    return Table("Best parameters", ("parameter", "value"), rows, text=True)


def class_table(sheet: Result | Mapping[str, Any], *, intervals: bool = True) -> Table:
    """Precision, recall, F1 and support of each class.

    Parameters
    ----------
    sheet : Result or mapping
        A Result, or a part of it such as `Result.found`.
    intervals : bool
        Whether there is room for them.
    """
    per_class = sheet["per_class"] if isinstance(sheet, Mapping) else sheet.per_class
    rows = []
    for each in per_class:
        bounds = each.get("ci95", {}) if intervals else {}
        cells = [
            with_interval({"value": each[name], "ci95": bounds.get(name)})
            for name in ("precision", "recall", "f1")
        ]
        rows.append((each["class"], *cells, f"{each['support']:,}"))
    return Table("Classes", ("class", "precision", "recall", "F1", "support"), rows)


def part_class_tables(result: Result) -> list[Table]:
    """The classes among found faces only, and in the final part, where these differ."""
    parts = (("only faces that were found", result.found), ("final part", result.final))
    return [
        replace(class_table(sheet), title=f"Classes, {part}")
        for part, sheet in parts
        if sheet is not None
    ]


def confusion_table(result: Result, *, short: bool = False) -> Table:
    """Counts; rows are true classes, columns predicted ones.

    Parameters
    ----------
    result : Result
        With a confusion matrix.
    short : bool
        Shorten the names of the columns so that the table fits a terminal.
    """
    assert result.confusion is not None, "a plain search has no confusion matrix"
    true = result.confusion["true"]
    predicted = [answer_name(name) for name in result.confusion["predicted"]]
    counts = np.asarray(result.confusion["counts"])
    rows: list[Sequence[str]] = []
    strong: set[tuple[int, int]] = set()
    weak: set[tuple[int, int]] = set()
    for i, name in enumerate(true):
        total = counts[i].sum()
        rows.append((name, *(f"{count:,}" if count else "·" for count in counts[i])))
        for j, other in enumerate(predicted):
            if name == other:
                strong.add((i, j + 1))
            elif total and counts[i, j] / total >= 0.15:
                weak.add((i, j + 1))
    heads = shortened(predicted) if short else predicted
    heading = "Confusion matrix (rows are true, columns predicted)"
    return Table(heading, ("", *heads), rows, strong=strong, weak=weak)


def environment_tables(result: Result) -> list[Table]:
    """All parameters of the recognizer, and the versions it ran with."""
    params = [(name, str(value)) for name, value in result.recognizer.get("params", {}).items()]
    versions = [(name, str(value)) for name, value in result.environment.items() if value]
    tables = [
        Table("All parameters of the recognizer", ("parameter", "value"), params, text=True),
        Table("Environment", ("", "version"), versions, text=True),
    ]
    return [table for table in tables if table.rows]


def fold_table(result: Result) -> Table:
    """Size, accuracy and chosen parameters of each outer fold."""
    rows: list[Sequence[str]] = []
    for fold in result.folds:
        accuracy = fold.get("scores", {}).get("accuracy")
        chosen = ", ".join(f"{k}={value_text(v)}" for k, v in (fold.get("params") or {}).items())
        rows.append(
            (
                str(fold.get("name", len(rows) + 1)),
                f"{fold['n_train']:,}" if "n_train" in fold else "",
                f"{fold['n_test']:,}" if "n_test" in fold else "",
                number(accuracy),
                chosen,
            )
        )
    return Table(
        "Folds", ("fold", "trained on", "tested on", "accuracy", "chosen"), rows, text_last=True
    )


def _coverage(coverage: Mapping[str, int]) -> str:
    found, total = coverage["found"], coverage["of"]
    return f"{found:,} of {total:,} faces found ({found / max(1, total):.1%})"
