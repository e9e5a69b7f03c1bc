"""What a report says about a Result: its sentences, whatever shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classic_fer.evaluation.neutral_reference import NEUTRAL_KNOWN, NEUTRAL_SUFFIX
from classic_fer.evaluation.numbered_folds import fold_spec
from classic_fer.evaluation.protocols import PEOPLE_IGNORED
from classic_fer.models.abstention import UNSURE
from classic_fer.reports.wording import metric_name, number, with_interval

if TYPE_CHECKING:
    from classic_fer.evaluation.result import Result
    from classic_fer.models.photo_predictions import PhotoPredictionsMixin

__all__ = [
    "GENERATED",
    "GENERATED_MARK",
    "beside_the_score",
    "generated_note",
    "headline",
    "marks",
    "notes",
    "protocol_lines",
    "protocol_sentence",
    "summary_sentence",
    "title",
    "unreadable_line",
]

GENERATED = "generated"
"""Name of the data set of drawn faces."""

GENERATED_MARK = "generated faces: this says nothing about real people"


def title(result: Result) -> str:
    """Data, recognizer and protocol in a line."""
    return (
        f"{result.dataset['name']}, {result.recognizer['features']} + {result.recognizer['clf']}, "
        f"{protocol_sentence(result)}"
    )


def headline(result: Result) -> str:
    """The figure a report leads with."""
    if result.scores:
        counted = f", {UNSURE} counts as wrong" if _unsure(result) else ""
        score = with_interval(result.scores["accuracy"])
        return f"accuracy {score}, 95 % interval over {result.interval}{counted}"
    return (
        f"selection score {number(result.selection_score)} ({metric_name(result.scoring)}): the "
        "best of the values tried on these very faces, so optimistic; it is no accuracy, as "
        "nothing was held out"
    )


def _unsure(result: Result) -> int:
    """How many faces were not answered."""
    return 0 if result.answered is None else result.answered["of"] - result.answered["n"]


def beside_the_score(result: Result) -> list[str]:
    """What belongs right beside the score: doubt, and how far the labels can be trusted."""
    said = []
    if result.answered is not None:
        said.append(_answer_sentence(result.answered))
    return said + [_noise_sentence(each) for each in result.label_noise]


def _noise_sentence(noise: Mapping[str, Any]) -> str:
    text = f"Labels ({noise['column']}): {noise['sentence']}."
    if noise["accuracy"] is not None:
        text += f" The recognizer's accuracy on these faces is {with_interval(noise['accuracy'])}."
    return text


def _answer_sentence(answered: Mapping[str, Any]) -> str:
    wished = answered["wished_error"]
    if answered["accuracy"] is None:
        return f"It was {UNSURE} about all {answered['of']:,} faces."
    text = (
        f"It was {UNSURE} about {answered['of'] - answered['n']:,} of {answered['of']:,} faces; "
        f"accuracy among the {answered['n']:,} that it answered is "
        f"{with_interval(answered['accuracy'])}."
    )
    if wished is None:
        return text
    error, bounds = with_interval(answered["error"]), answered["error"]["ci95"]
    kept = "kept" if answered["held"] else "not kept"
    text += f" The wished error of {wished:g} was {kept} on held-out faces: {error}"
    if bounds is not None and bounds[0] <= wished <= bounds[1]:
        text += ", which may be chance"
    folds = answered["folds"]
    if folds and folds > 1:
        text += f"; it was kept in {answered['folds_held']} of {folds} folds"
    return f"{text}."


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
            "Projections, scaler, classifier, calibration, the choice of parameters and the "
            "threshold of doubt saw only the training part of each fold."
            if result.answered and result.answered["wished_error"] is not None
            else "Projections, scaler, classifier, calibration and the choice of parameters saw "
            "only the training part of each fold.",
        )
    return lines


def protocol_sentence(result: Result) -> str:
    """The outer protocol in words."""
    name = str(result.protocol["name"])
    if name.endswith(NEUTRAL_SUFFIX):
        return f"{_folds_sentence(result, name.removesuffix(NEUTRAL_SUFFIX))}, neutral faces known"
    return _folds_sentence(result, name)


def _folds_sentence(result: Result, name: str) -> str:
    groups = result.protocol["groups"]
    folds = result.protocol["folds"]
    n = folds if isinstance(folds, int) else len(folds)
    people = f"people held out ({groups:,} people)" if groups else "people not known"
    together = str(result.protocol.get("kept_together"))
    copies = ", identical images kept in one fold" if "identical images" in together else ""
    repeats = result.protocol.get("repeats", 1)
    times = f"{repeats} x {n // repeats}" if repeats > 1 else f"{n:,}"
    if name.startswith("random"):
        return f"{times} random folds, people ignored"
    if name == "loso":
        return f"leave one person out ({n:,} people)"
    if fold_spec(name):
        return f"{times} folds, {people}{copies}"
    if name == "official":
        return f"official split{copies} of the search" if copies else "official split"
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
    if str(result.protocol["name"]).endswith(NEUTRAL_SUFFIX):
        said.append(NEUTRAL_KNOWN)
    return said


def generated_note(recognizer: PhotoPredictionsMixin) -> str:
    """What must stand beside predictions of a recognizer trained on generated faces, else ""."""
    card = recognizer.bundle_.get("card") or {}
    return f"trained on {GENERATED_MARK}" if card.get("name") == GENERATED else ""


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
