"""The official division of a data set into a training part, a scored part and a final one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from classic_fer.models.folds import Rows

__all__ = ["FINAL_NAME", "Parts", "official_parts"]

FINAL_NAME = "final"

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("public", "test", "val", "valid", "validation")  # the first that occurs


@dataclass(frozen=True)
class Parts:
    """The official division of a data set: row numbers of its parts.

    Attributes
    ----------
    train, test : ndarray of intp
    test_name : str
        The name of the part that is scored, such as ``"public"``.
    final : ndarray of intp or None
    unused : dict of str to int
        Parts without a role, with their number of rows.
    """

    train: Rows
    test: Rows
    test_name: str
    final: Rows | None
    unused: dict[str, int]


def official_parts(
    split: ArrayLike | None, official: Mapping[str, Any] | None = None
) -> Parts | None:
    """The parts that a column `split` names, or None if it has no train and test part.

    Parameters
    ----------
    split : array_like of str, shape (n,), optional
    official : mapping, optional
        A data card's ``{"train": [names], "test": name, "final": name or None}``. Without it
        ``train`` is trained on, the first of ``public``, ``test``, ``val`` that occurs is scored,
        and ``final`` is final.
    """
    if split is None:
        return None
    names = np.asarray(split, dtype=str)
    present = [name for name in dict.fromkeys(names.tolist()) if name]
    if official:
        train_names = (
            [official["train"]] if isinstance(official["train"], str) else official["train"]
        )
        test_name = official.get("test")
        final_name = official.get("final")
    else:
        train_names = list(_TRAIN_NAMES)
        test_name = next((name for name in _TEST_NAMES if name in present), None)
        final_name = FINAL_NAME
    train = np.flatnonzero(np.isin(names, list(train_names)))
    test = np.flatnonzero(names == test_name) if test_name else np.array([], dtype=np.intp)
    if not len(train) or not len(test):
        return None
    final = np.flatnonzero(names == final_name) if final_name else np.array([], dtype=np.intp)
    known = {*train_names, test_name, final_name}
    unused = {name: int((names == name).sum()) for name in present if name not in known}
    return Parts(train, test, str(test_name), final if len(final) else None, unused)
