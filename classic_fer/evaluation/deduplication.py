"""``--dedup``: the scores with and without test images that training has a copy of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.evaluation.duplicates import Duplicates, leaked_rows
from classic_fer.evaluation.predictions_table import score_sheets
from classic_fer.evaluation.protocols import Protocol
from classic_fer.evaluation.result import Result

__all__ = ["deduplicated_scores"]


def deduplicated_scores(
    result: Result, protocol: Protocol, copies: Duplicates, *, random_state: int = 0
) -> dict[str, Any]:
    """Scores over the predictions of faces that training has no copy of.

    A prediction is left out if the training part of its fold holds an identical image; in the
    second set of scores, also if it holds a near copy. Nothing is trained anew.

    Parameters
    ----------
    result : Result
        Of nested cross-validation under `protocol`; its predictions are in the order of the folds.
    protocol : Protocol
    copies : Duplicates
        Of the same rows, near copies included.
    random_state : int
        For the bootstrap.

    Returns
    -------
    sheets : dict
        ``identical`` and ``copies`` (identical or near), each with ``left_out`` (predictions),
        ``n`` (those that stay), ``scores`` as in a Result (empty if none stay) and ``interval``;
        and ``sentence``, which says it in words.
    """
    sheets = {
        name: _without(result, _leaked(protocol, labels), random_state)
        for name, labels in (("identical", copies.fingerprints.content), ("copies", copies.labels))
    }
    return {**sheets, "sentence": _sentence(result, sheets)}


def _leaked(protocol: Protocol, labels: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which predictions, in the order of the folds, are of a copy of a training image."""
    parts = [np.isin(test, leaked_rows(labels, train, test)) for train, test in protocol.folds]
    return np.concatenate(parts)


def _without(result: Result, leaked: NDArray[np.bool_], random_state: int) -> dict[str, Any]:
    stay = result.predictions[~leaked]
    counts = {"left_out": int(leaked.sum()), "n": len(stay)}
    if not len(stay):
        return {**counts, "scores": {}, "interval": result.interval}
    sheet, _ = score_sheets(stay, random_state=random_state)
    return {**counts, "scores": sheet["scores"], "interval": sheet["interval"]}


def _sentence(result: Result, sheets: dict[str, dict[str, Any]]) -> str:
    total = len(result.predictions)
    identical, copies = sheets["identical"], sheets["copies"]
    if not copies["left_out"]:
        return f"None of the {total:,} scored faces has a copy in the training part of its fold."
    said = (
        f"Of {total:,} scored faces, {identical['left_out']:,} are identical to an image in the "
        f"training part of their fold, and {copies['left_out']:,} identical or a near copy. "
    )
    if not copies["n"]:
        return said + "None is left to score without them."
    accuracy = copies["scores"]["accuracy"]["value"]
    return said + (
        f"Without these the same predictions have an accuracy of {accuracy:.3f} instead of "
        f"{result.accuracy:.3f}; nothing was trained anew."
    )
