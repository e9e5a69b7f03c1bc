"""What becomes of a local descriptor when the image is mirrored: its values change places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.features.descriptors import local_descriptor

__all__ = ["mirror_order"]


def mirror_order(name: str) -> NDArray[np.intp]:
    """Where the values of the mirrored window's descriptor stand in that of the window.

    Parameters
    ----------
    name : str
        Of a descriptor.

    Returns
    -------
    order : ndarray of intp, shape (length,)
        ``describe(mirrored)[order] == describe(window)``, and the other way round.

    Notes
    -----
    Cells change sides, and within a cell directions turn about the vertical axis.
    """
    kind = local_descriptor(name)
    in_cell = _in_cell(name, kind.length // kind.cells**2)
    places = np.arange(kind.length).reshape(kind.cells, kind.cells, -1)
    return places[:, ::-1][:, :, in_cell].ravel()


def _in_cell(name: str, n: int) -> NDArray[np.intp]:
    """The order of the n values of a cell."""
    values = np.arange(n)
    if name == "sift":  # over 360 degrees, the first direction to the right
        return (n // 2 - values) % n
    if name == "hog":  # over 180 degrees
        return -values % n
    return _mirrored_patterns() if name == "lbp" else values


def _mirrored_patterns() -> NDArray[np.intp]:
    """The label of each uniform local binary pattern of 8 neighbours, mirrored."""
    from classic_fer.features.lbp import label_table

    labels = label_table(8, "nri_uniform").astype(np.intp)
    codes = np.arange(256)
    mirrored = np.zeros(256, dtype=np.intp)
    for neighbour in range(8):  # counted anti-clockwise from the right
        mirrored |= (codes >> neighbour & 1) << ((4 - neighbour) % 8)
    order = np.empty(labels.max() + 1, dtype=np.intp)
    order[labels] = labels[mirrored]
    return order
