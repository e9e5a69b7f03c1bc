"""What a report says about a Result: sentences and tables of text, whatever shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.evaluation.protocols import PEOPLE_IGNORED

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result
    from classic_fer.models.recognizer import Recognizer

__all__ = [
    "GENERATED",
    "GENERATED_MARK",
    "Table",
    "class_table",
    "confusion_table",
    "fold_table",
    "generated_note",
    "headline",
    "marks",
    "notes",
    "parameter_table",
    "protocol_lines",
    "protocol_sentence",
    "shortened",
    "summary_sentence",
    "summary_table",
    "title",
    "unreadable_line",
]

GENERATED = "generated"
"""Name of the data set of drawn faces."""

GENERATED_MARK = "generated faces: this says nothing about real people"
_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "kappa": "Cohen's kappa",
    "mcc": "Matthews correlation",
}


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


def title(result: Result) -> str:
    """Data, recognizer and protocol in a line."""
    return (
        f"{result.dataset['name']}, {result.recognizer['features']} + {result.recognizer['clf']}, "
        f"{protocol_sentence(result)}"
    )


def headline(result: Result) -> str:
    """The figure a report leads with."""
    if result.scores:
        return f"accuracy {_with_interval(result.scores['accuracy'])}, 95 % interval over " + (
            "people" if result.interval == "people" else "images"
        )
    return (
        f"selection score {_number(result.selection_score)} ({_metric(result.scoring)}): the best "
        "of the values tried on these very faces, so optimistic; it is no accuracy, as nothing "
        "was held out"
    )


def summary_sentence(result: Result) -> str:
    """What was found, for a reader who reads nothing else."""
    if not result.scores or result.confusion is None:
        return f"{headline(result)[0].upper()}{headline(result)[1:]}."
    right = sum(
        counts[result.confusion["predicted"].index(name)]
        for name, counts in zip(result.confusion["true"], result.confusion["counts"])
        if name in result.confusion["predicted"]
    )
    total = sum(each["support"] for each in result.per_class)
    if str(result.protocol["name"]).startswith("random"):
        seen = ", after it had seen other faces of the same people"
    elif result.protocol["groups"]:
        seen = " of people it had not seen"
    else:
        seen = " it had not seen"
    weakest = min(result.per_class, key=lambda each: each["recall"])
    most = max(result.per_class, key=lambda each: each["support"])
    return (
        f"{result.recognizer['features']} + {result.recognizer['clf']} named the right one of "
        f"{len(result.dataset['classes'])} expressions on {right:,} of {total:,} faces{seen}: "
        f"{headline(result)}. Always saying {most['class']} would be right on "
        f"{most['support']:,}. It is weakest on {weakest['class']} (recall "
        f"{weakest['recall']:.3f})."
    )


def protocol_lines(result: Result) -> list[str]:
    """Protocol, seed and time in sentences."""
    lines = [
        f"{protocol_sentence(result).capitalize()}.",
        f"Seed {result.seed}; {result.seconds:,.0f} seconds.",
    ]
    if result.scores and result.folds:
        lines.insert(
            1,
            "Projections, scaler, classifier, calibration and the choice of parameters saw only "
            "the training part of each fold.",
        )
    return lines


def protocol_sentence(result: Result) -> str:
    """The outer protocol in words."""
    name, groups = result.protocol["name"], result.protocol["groups"]
    folds = result.protocol["folds"]
    n = folds if isinstance(folds, int) else len(folds)
    people = f"people held out ({groups:,} people)" if groups else "people not known"
    if str(name).startswith("random"):
        return f"{n} random folds, people ignored"
    if name == "loso":
        return f"leave one person out ({n:,} people)"
    if str(name).isdigit():
        return f"{n} folds, {people}"
    if name == "official":
        return "official split"
    if name == "evaluate":
        return "a saved recognizer, nothing trained"
    return f"protocol {name}, " + (f"{n} folds, {people}" if n else "no folds")


def marks(result: Result) -> list[str]:
    """What a reader must know before believing a figure."""
    said = []
    if result.dataset["name"] == GENERATED:
        said.append(GENERATED_MARK)
    if str(result.protocol["name"]).startswith("random"):
        said.append(PEOPLE_IGNORED)
    return said


def generated_note(recognizer: Recognizer) -> str:
    """What must stand beside predictions of a recognizer trained on generated faces, else ""."""
    card = recognizer.bundle_.get("card") or {}
    return f"trained on {GENERATED_MARK}" if card.get("name") == GENERATED else ""


def summary_table(result: Result) -> Table:
    """Scores with their intervals, spread, baseline and coverage."""
    faces = f"{result.dataset['n']:,} faces, {len(result.dataset['classes'])} classes"
    rows = [
        ("data", f"{result.dataset['name']}: {faces}"),
        ("recognizer", f"{result.recognizer['features']} + {result.recognizer['clf']}"),
        ("protocol", protocol_sentence(result)),
    ]
    rows += [(_metric(name), _with_interval(score)) for name, score in result.scores.items()]
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
                f"{_number(result.selection_score)} "
                f"({_metric(result.scoring)} of the best values tried; optimistic)",
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
                f"{_with_interval(found['scores']['accuracy'])} ({found['n']:,} faces)",
            )
        )
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
            (f"final: {_metric(name)}", _with_interval(score) + (n if name == "accuracy" else ""))
            for name, score in final["scores"].items()
        ]
    return Table("Summary", ("", ""), rows, text=True)


def parameter_table(result: Result) -> Table:
    """What the search on all training data chose."""
    rows = [(name, _value(value)) for name, value in result.best_params.items()]
    return Table("Best parameters", ("parameter", "value"), rows, text=True)


def class_table(sheet: Result | Mapping[str, Any]) -> Table:
    """Precision, recall, F1 and support of each class, of a Result or a part of it."""
    per_class = sheet["per_class"] if isinstance(sheet, Mapping) else sheet.per_class
    rows = [
        (
            each["class"],
            f"{each['precision']:.3f}",
            f"{each['recall']:.3f}",
            f"{each['f1']:.3f}",
            f"{each['support']:,}",
        )
        for each in per_class
    ]
    return Table("Classes", ("class", "precision", "recall", "F1", "support"), list(rows))


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
    true, predicted = result.confusion["true"], result.confusion["predicted"]
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


def fold_table(result: Result) -> Table:
    """Size, accuracy and chosen parameters of each outer fold."""
    rows: list[Sequence[str]] = []
    for fold in result.folds:
        accuracy = fold.get("scores", {}).get("accuracy")
        chosen = ", ".join(f"{k}={_value(v)}" for k, v in (fold.get("params") or {}).items())
        rows.append(
            (
                str(fold.get("name", len(rows) + 1)),
                f"{fold['n_train']:,}" if "n_train" in fold else "",
                f"{fold['n_test']:,}" if "n_test" in fold else "",
                _number(accuracy),
                chosen,
            )
        )
    return Table(
        "Folds", ("fold", "trained on", "tested on", "accuracy", "chosen"), rows, text_last=True
    )


def notes(result: Result) -> list[str]:
    """Warnings that are no marks, and what the label policy did."""
    said = [warning for warning in result.warnings if warning not in marks(result)]
    policy = result.label_policy
    if policy is not None:
        for old, new, count in policy.get("changes", []):
            done = "removed" if new is None else f"became {new}"
            said.append(f"labels {policy['name']}: {count:,} {old} {done}")
    return said


def unreadable_line(path: str, reason: str) -> str:
    """A file that could not be read, with its path once."""
    return f"{path}: {reason.removeprefix(f'{path}: ')}"


def _with_interval(score: Mapping[str, Any]) -> str:
    interval = score.get("ci95")
    if interval is None or interval[0] is None:
        return _number(score["value"])
    return f"{_number(score['value'])} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _metric(name: str | None) -> str:
    plain = (name or "").replace("-", "_")
    return _METRICS.get(plain, plain.replace("_", " "))


def _coverage(coverage: Mapping[str, int]) -> str:
    found, total = coverage["found"], coverage["of"]
    return f"{found:,} of {total:,} faces found ({found / max(1, total):.1%})"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def shortened(names: Sequence[str], length: int = 5) -> list[str]:
    """The first letters of each name: as few as tell them apart, at least `length`."""
    short = [name[:length] for name in names]
    if len(set(short)) == len(set(names)):
        return short
    return shortened(names, length + 1)
