"""Finished outer folds on disk, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.disk_arrays import in_parts
from classic_fer.evaluation.part_files import FinishedPart, PartFiles

__all__ = ["FinishedFold", "FoldFiles", "content_hash"]

_PROBABILITIES = "probabilities"


@dataclass
class FinishedFold:
    """What an outer fold leaves.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_test, n_classes)
    facts : dict
        Plain data: chosen parameters, selection score.
    """

    probabilities: NDArray[np.float64]
    facts: dict[str, Any]


def content_hash(*arrays: NDArray) -> str:
    """SHA-256 over dtype, shape and bytes of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.descr}{array.shape}".encode())
        for part in in_parts(array):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


class FoldFiles(PartFiles):
    """The folder ``folds`` of a run: its settings, and a file for each finished fold."""

    def read(self, number: int) -> FinishedFold | None:
        """Fold `number`, or None if it is not finished, or damaged (with a warning)."""
        part = self.read_part(number)
        return None if part is None else FinishedFold(part.arrays[_PROBABILITIES], part.facts)

    def write(self, number: int, fold: FinishedFold) -> None:
        """Keep a finished fold; the file appears whole or not at all."""
        self.write_part(number, FinishedPart(fold.facts, {_PROBABILITIES: fold.probabilities}))
