"""Histograms over the cells of an image, in a graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.onnx.graph import Graph, Value

__all__ = ["cell_histograms"]


def cell_histograms(
    graph: Graph,
    bins: Value,
    weights: Value | None,
    cells: NDArray[np.int64],
    n_bins: int,
    *,
    shape: tuple[int, int],
) -> Value:
    """Sums of the weights of the pixels of each cell by bin, float32, shape (n, n_cells, n_bins).

    Parameters
    ----------
    graph : Graph
    bins : str
        int32, shape (n, H, W).
    weights : str, optional
        float32, shape (n, H, W); every pixel counts 1 if there are none.
    cells : ndarray of int64, shape (n_cells, 4)
        Top, bottom, left, right; cells may overlap.
    n_bins : int
    shape : tuple of int
        Height and width.
    """
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    members = [numbers[t:b, le:r].ravel() for t, b, le, r in cells]
    pixels = np.concatenate(members)
    first = np.repeat(np.arange(len(cells)) * n_bins, [len(each) for each in members])

    def pixels_of_cells(image: Value) -> Value:
        return graph.op("Gather", graph.reshaped(image, 0, numbers.size), pixels, axis=1)

    places = graph.op("Add", graph.cast(pixels_of_cells(bins), "int64"), first[np.newaxis])
    if weights is None:
        values = graph.op("Expand", np.ones((1, 1), np.float32), graph.op("Shape", places))
    else:
        values = pixels_of_cells(weights)
    size = len(cells) * n_bins
    out_shape = graph.op("Concat", graph.length(bins), np.array([size]), axis=0)
    empty = graph.op("Expand", np.zeros((1, 1), np.float32), out_shape)
    sums = graph.op("ScatterElements", empty, places, values, axis=1, reduction="add")
    return graph.reshaped(sums, 0, len(cells), n_bins)
