"""The leak gap: how much a score gains when people are on both sides of the folds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from classic_fer.errors import DataError
from classic_fer.evaluation.matched_predictions import match_predictions
from classic_fer.evaluation.resampling import N_RESAMPLES, drawn_sums, percentile_interval
from classic_fer.evaluation.result import Result

__all__ = ["LeakGap", "leak_gap", "paired_accuracy_difference", "people_held_out"]


@dataclass(frozen=True)
class LeakGap:
    """Accuracy under random folds minus accuracy with people held out, on the same faces.

    Attributes
    ----------
    held_out, random : float or None
        The two accuracies; `random` is None if it was not measured.
    gap : float or None
        None where it cannot be measured.
    ci95 : [low, high] or None
        Paired bootstrap over people.
    n, n_people : int or None
    sentence : str
        What it means, in plain words.
    """

    held_out: float
    random: float | None
    gap: float | None
    ci95: list[float] | None
    n: int
    n_people: int | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def people_held_out(result: Result) -> bool:
    """Whether the folds of a Result keep people together, so that a leak gap can be measured."""
    return bool(result.protocol.get("groups"))


def leak_gap(
    held_out: Result,
    random: Result | None,
    *,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> LeakGap:
    """The leak gap of one recognizer.

    Parameters
    ----------
    held_out : Result
        Under folds that keep people together (``--cv 10``).
    random : Result or None
        The same recognizer on the same faces under folds that ignore people (``--cv random10``).
        None where people are not known: random folds would be the same protocol again.
    n_resamples, random_state : int
        Of the bootstrap.

    Returns
    -------
    LeakGap

    Raises
    ------
    DataError
        If the two Results are not of the same faces and recognizer, or one has no predictions.
    """
    if held_out.accuracy is None:
        raise DataError("a plain search predicts nothing, so it has no leak gap; use outer folds")
    n = len(held_out.predictions)
    if random is None or not people_held_out(held_out):
        sentence = (
            "The leak gap cannot be measured: the data do not tell who is shown. If people occur "
            "more than once, the score above may hold such a gap already."
        )
        return LeakGap(held_out.accuracy, None, None, None, n, None, sentence)
    for part in ("features", "clf"):
        ours, theirs = held_out.recognizer[part], random.recognizer[part]
        if ours != theirs:
            raise DataError(f"a leak gap compares one recognizer, got {part} {ours} and {theirs}")
    gap, ci95, people = paired_accuracy_difference(
        random, held_out, n_resamples=n_resamples, random_state=random_state
    )
    assert random.accuracy is not None  # its predictions were just matched
    return LeakGap(
        held_out.accuracy, random.accuracy, gap, ci95, n, people, _sentence(gap, ci95, people)
    )


def paired_accuracy_difference(
    first: Result,
    second: Result,
    *,
    n_resamples: int = N_RESAMPLES,
    random_state: int = 0,
) -> tuple[float, list[float] | None, int | None]:
    """Accuracy of the first minus that of the second, on the same faces.

    Returns
    -------
    difference : float
    ci95 : [low, high] or None
        Paired bootstrap over people, over images where people are not known. None where there
        is only one to draw.
    n_people : int or None

    Raises
    ------
    DataError
        If the two did not predict the same faces.
    """
    matched = match_predictions({"first": first.predictions, "second": second.predictions})
    right = matched.right.astype(np.float64)
    sums = np.column_stack([np.ones(len(right)), right[:, 0] - right[:, 1]])
    drawn = drawn_sums(
        sums, groups=matched.units, n_resamples=n_resamples, random_state=random_state
    )
    interval = percentile_interval(lambda s: s[..., 1] / s[..., 0], drawn)
    people = None if matched.people is None else len(np.unique(matched.people))
    return float(sums[:, 1].mean()), interval, people


def _sentence(gap: float, ci95: list[float] | None, people: int | None) -> str:
    points = f"{100 * gap:+.1f}"
    if ci95 is not None:
        points += f" [{100 * ci95[0]:.1f}, {100 * ci95[1]:.1f}]"
    facts = f"random folds score {points} points against folds with people held out"
    if ci95 is None:
        return f"{facts.capitalize()}; too few people for an interval, so it may be chance."
    facts += f" (95 % interval over {people} people)"
    if ci95[0] > 0:
        return (
            f"{facts.capitalize()}: so much of their accuracy comes from other faces of the same "
            "people in training, and is lost on people who were not seen."
        )
    if ci95[1] < 0:
        return (
            f"{facts.capitalize()}: lower, which is not what a leak does; look at the folds of "
            "both runs."
        )
    return f"No evidence of a leak gap: {facts}."
