"""Cells: the independent pieces of a study, each kept on disk once it is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classic_fer.evaluation.part_files import FinishedPart, PartFiles
from classic_fer.evaluation.result import plain

__all__ = ["CELLS", "Cell", "Progress", "run_cells"]

CELLS = "cells"
"""Name of the folder of finished cells in the folder of a study."""

Cell = dict[str, Any]
"""What a cell is: plain data such as ``{"fold": 0, "level": 0.05, "repeat": 3}``."""

Progress = Callable[[int, int], object]


def run_cells(
    cells: Sequence[Cell],
    work: Callable[[Cell], dict[str, Any]],
    *,
    settings: dict[str, Any],
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Do the work of every cell that is not finished yet.

    Parameters
    ----------
    cells : sequence of dict
        What each cell is; the work of one must not depend on another.
    work : callable
        A cell to its outcome: plain data (as JSON has it: NaN becomes None) and arrays, by name.
    settings : dict
        Plain data; everything else that outcomes depend on, such as the recognizer and a hash of
        the faces. Cells of other settings are not taken for these.
    out : path, optional
        The folder of the study: finished cells are kept in its folder ``cells``, so that an
        interrupted study loses no more than the cell it was at.
    resume : bool
        Go on with the cells in `out`.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    outcomes : list of dict
        In the order of `cells`.

    Raises
    ------
    ParameterError
        If `out` holds cells and `resume` is False, or they were made with other settings.
    """
    from classic_fer import __version__

    folder = None if out is None else Path(out) / CELLS
    everything = {"version": __version__, **settings, "cells": list(cells)}
    files = PartFiles(folder, everything, resume=resume, noun="cell")
    outcomes = []
    for number, cell in enumerate(cells):
        part = files.read_part(number)
        if part is None:
            outcome = work(cell)
            arrays = {n: value for n, value in outcome.items() if isinstance(value, np.ndarray)}
            facts = plain({n: value for n, value in outcome.items() if n not in arrays})
            part = FinishedPart({"cell": cell, "outcome": facts}, arrays)
            files.write_part(number, part)
        outcomes.append({**part.facts["outcome"], **part.arrays})
        if progress is not None:
            progress(number + 1, len(cells))
    return outcomes
