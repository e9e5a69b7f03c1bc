"""Labels of faces, checked where they enter."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError

__all__ = ["checked_labels"]


def checked_labels(y: ArrayLike | None, n: int) -> NDArray:
    """Labels of `n` faces as an array.

    Raises
    ------
    DataError
        If they are not `n`, or of fewer than two classes.
    """
    labels = np.asarray([] if y is None else y)
    if len(labels) != n or not n:
        raise DataError(
            f"expected one label for each face and at least one face, got {n} faces and "
            f"{len(labels)} labels"
        )
    labels = labels.astype(str) if labels.dtype == object else labels
    if len(np.unique(labels)) < 2:
        raise DataError(f"expected at least two classes, found only {str(labels[0])!r}")
    return labels
