"""The matrix of cross-data-set scores: trained on one data set, scored on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classic_fer.evaluation.result import Result

__all__ = ["CROSS_PREFIX", "cross_cells"]

CROSS_PREFIX = "on-"
"""Beginning of the names of the folders, inside a run folder, of scores on other data sets."""


def cross_cells(
    results: Mapping[str, Result], crossed: Mapping[str, Result]
) -> list[dict[str, Any]]:
    """The cells of all matrices, those of the diagonal included.

    Parameters
    ----------
    results : mapping of str to Result
        By ``<train>/<run>``: the diagonal, scored under the protocol of the run.
    crossed : mapping of str to Result
        By ``<train>/<run>/on-<test>``.

    Returns
    -------
    cells : list of dict
        ``train``, ``test``, ``features``, ``clf``, ``cv`` (of the run), ``run`` (folder),
        ``n``, ``classes`` (scored), ``left_out`` (class that the recognizer lacks to number of
        faces), ``stray`` (answers of classes that the tested data lack, counted as wrong),
        ``scores``, ``interval`` and ``majority_baseline``. Of runs that were not crossed there is
        no cell.
    """
    cells: list[dict[str, Any]] = []
    for name, result in crossed.items():
        run, _, test = name.rpartition("/" + CROSS_PREFIX)
        own = results.get(run)
        if own is None:
            continue
        train = run.partition("/")[0]
        if not any(cell["run"] == run for cell in cells):
            cells.append(_cell(own, own, run, train, train))
        cells.append(_cell(result, own, name, train, test))
    return cells


def _cell(result: Result, own: Result, run: str, train: str, test: str) -> dict[str, Any]:
    classes = result.dataset["classes"]
    answers = result.predictions["predicted"]
    return {
        "train": train,
        "test": test,
        "features": own.recognizer["features"],
        "clf": own.recognizer["clf"],
        "cv": str(own.protocol["name"]),
        "run": run,
        "n": result.dataset["n"],
        "classes": classes,
        "left_out": result.left_out,
        "stray": int(answers.isin(set(own.dataset["classes"]) - set(classes)).sum()),
        "scores": result.scores,
        "interval": result.interval,
        "majority_baseline": result.majority_baseline,
    }
