"""What every reader returns, and the few steps that readers share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classic_fer.datasets.images import is_image_name
from classic_fer.datasets.sources import Unreadable
from classic_fer.errors import DataError

__all__ = ["NoLabelsError", "Reading", "find_file", "image_names", "index_by_tail", "share"]

_SAMPLE = 1000


class NoLabelsError(DataError):
    """There are images, but nothing tells what they express."""


@dataclass
class Reading:
    """The samples of one data set, as its reader found them.

    Attributes
    ----------
    rows : list of dict
        ``id``, ``label``, ``subject``, ``split`` and extra columns of each sample.
    unreadable : list of Unreadable
        Files and rows that are no samples.
    landmarks : list of ndarray, or None
        (68, 2) float32 for each row, where they come with the data.
    photos : list of ndarray, or None
        (H, W) uint8 for each row, where pixels come in a table.
    card : str or None
        Name of the data card, where it is not the reader's.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    landmarks: list[NDArray[np.float32]] | None = None
    photos: list[NDArray[np.uint8]] | None = None
    card: str | None = None

    def reject(self, path: str, reason: str) -> None:
        """List a file or row that is no sample."""
        self.unreadable.append(Unreadable(path, reason))

    def frame(self) -> pd.DataFrame:
        """The rows as a table that begins with id, label, subject and split."""
        table = pd.DataFrame(self.rows)
        for column in ("subject", "split"):
            values = table[column] if column in table else pd.Series([None] * len(table))
            table[column] = values.astype(object).where(values.notna(), None)
        first = ["id", "label", "subject", "split"]
        return table[first + [column for column in table.columns if column not in first]]


def image_names(names: Iterable[str]) -> list[str]:
    """The names with the suffix of an image."""
    return [name for name in names if is_image_name(name)]


def share(names: Sequence[str], pattern: re.Pattern[str]) -> float:
    """The share of `names` in which `pattern` is found, from an even sample of at most 1,000."""
    sample = names[:: max(1, len(names) // _SAMPLE)]
    return sum(bool(pattern.search(name)) for name in sample) / len(sample) if sample else 0.0


def find_file(names: Iterable[str], *wanted: str) -> str | None:
    """The least deeply nested file with one of the names `wanted` (in lower case), or None."""
    found = [name for name in names if PurePosixPath(name).name.lower() in wanted]
    return min(found, key=lambda name: (name.count("/"), name), default=None)


def index_by_tail(names: Iterable[str], parts: int) -> dict[str, str]:
    """Names by their last `parts` path components, for tables that leave out the folders above."""
    return {"/".join(name.split("/")[-parts:]): name for name in names}
