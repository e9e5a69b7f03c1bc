"""What recognizers answered under attack: accuracy by strength, with and without an attacker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.studies.cells import Cell
from classic_fer.studies.drops import mean_score
from classic_fer.studies.result import StudyTable

if TYPE_CHECKING:
    from classic_fer.studies.attack import Attacked

__all__ = ["AttackAnswers", "column"]


def column(kind: str, name: str, names: Sequence[str]) -> str:
    """The column of a recognizer; its name is left out where there is only one."""
    return kind if len(names) == 1 else f"{kind}: {name}"


class AttackAnswers:
    """Per face the share of repeats in which each recognizer was right.

    Parameters
    ----------
    sides : sequence of Attacked
    ways : sequence of str
        The attack made on each side.
    rows : list of ndarray of int
        Rows of the first side's data that are attacked, for each fold.
    cells, outcomes : sequence of dict
        See `classic_fer.studies.cells.run_cells`.
    seed : int
        For intervals.
    """

    def __init__(
        self,
        sides: Sequence[Attacked],
        ways: Sequence[str],
        rows: list[NDArray[np.intp]],
        cells: Sequence[Cell],
        outcomes: Sequence[dict[str, Any]],
        seed: int,
    ) -> None:
        self.sides, self.ways, self.rows = sides, ways, rows
        self.cells, self.outcomes, self.seed = cells, outcomes, seed
        people = sides[0].dataset.groups
        self.people = None if people is None else people[np.concatenate(rows)]

    def table(self, levels: Sequence[float]) -> StudyTable:
        """One row for each attacked recognizer and strength, with the plain faces first."""
        shown = []
        names = [side.name for side in self.sides]
        for on, way in enumerate(self.ways):
            for level in (0.0, *levels):
                row: dict[str, Any] = {
                    "made_on": self.sides[on].name,
                    "attack": way,
                    "strength": level,
                }
                for number, side in enumerate(self.sides):
                    attacked, plain, noisy = self._values(on, number, level)
                    row[column("accuracy", side.name, names)] = self._score(attacked)
                    row[column("changed at random", side.name, names)] = (
                        None if noisy is None else self._score(noisy)
                    )
                    right = plain > 0
                    row[column("fooled", side.name, names)] = (
                        float(1 - attacked[right].mean()) if right.any() else None
                    )
                shown.append(row)
        return StudyTable(
            "strengths", "Accuracy by strength of the attack", shown, formats={"strength": "g"}
        )

    def _score(self, values: NDArray[np.float64]) -> dict[str, Any]:
        return mean_score(values, self.people, random_state=self.seed)

    def _values(
        self, on: int, number: int, level: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Attacked, plain and randomly changed: per face how often it was recognized."""
        smallest = self.ways[on] == "hopskipjump"
        attacked, plain, noisy = [], [], []
        for fold, rows in enumerate(self.rows):
            if not len(rows):
                continue
            of_fold = [
                outcome
                for cell, outcome in zip(self.cells, self.outcomes)
                if cell["on"] == on
                and cell["fold"] == fold
                and (smallest or not level or cell["strength"] == level)
            ]
            before = of_fold[0][f"plain{number}"].astype(float)
            plain.append(before)
            if not level:
                attacked.append(before)
                continue
            right = [o[f"attacked{number}"].astype(float) for o in of_fold]
            if smallest:  # changes larger than this strength were not needed, but not allowed
                right = [np.where(o["size"] <= level, r, before) for o, r in zip(of_fold, right)]
            else:
                noisy.append(np.mean([o[f"random{number}"] for o in of_fold], axis=0))
            attacked.append(np.mean(right, axis=0))
        return (
            np.concatenate(attacked),
            np.concatenate(plain),
            np.concatenate(noisy) if noisy else None,
        )
