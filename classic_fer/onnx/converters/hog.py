"""Histograms of oriented gradients in a graph."""

from __future__ import annotations

import numpy as np

from classic_fer.features.hog import HOG, _bin_table, _borders
from classic_fer.onnx.converters.histograms import cell_histograms
from classic_fer.onnx.graph import Graph, Value

__all__ = ["hog_features"]

_EPS = 1e-5
_CLIP = 0.2
_ON_BORDER = 1e-12  # rounding of roots, below which a gradient lies on the border of two bins


def hog_features(graph: Graph, hog: HOG, faces: Value, shape: tuple[int, int]) -> Value:
    """`HOG` of faces, float32, shape (n, d).

    Parameters
    ----------
    graph : Graph
    hog : HOG
    faces : str
        uint8, shape (n, H, W).
    shape : tuple of int
        Height and width.
    """
    patch, cell, step, block, n_blocks = hog._layout(*shape)
    orientations = int(hog.orientations)
    gradients = _root_gradients if hog.transform_sqrt else _gradients
    bins, magnitudes = gradients(graph, orientations, faces)
    # Blocks overlap: each cell that several of them have is counted once.
    places = np.indices((*n_blocks, *block)).reshape(4, -1).T
    corners = (places[:, :2] * step + places[:, 2:] * cell) * patch
    unique, which = np.unique(corners, axis=0, return_inverse=True)
    size = cell * patch
    cells = np.stack(
        [unique[:, 0], unique[:, 0] + size[0], unique[:, 1], unique[:, 1] + size[1]], axis=1
    )
    sums = cell_histograms(graph, bins, magnitudes, cells, orientations, shape=shape)
    means = graph.op("Mul", sums, np.float32(1 / size.prod()))
    values = graph.op("Gather", means, which.ravel().astype(np.int64), axis=1)
    count, length = int(n_blocks.prod()), int(block.prod()) * orientations
    blocks = graph.reshaped(values, 0, count, length)
    return graph.reshaped(_normalised(graph, blocks, hog.block_norm), 0, count * length)


def _normalised(graph: Graph, blocks: Value, norm: str) -> Value:
    """Blocks (n, n_blocks, length) normalised along their last axis."""
    if norm in ("L1", "L1-sqrt"):
        total = graph.op("ReduceSum", blocks, np.array([2]), keepdims=1)
        shares = graph.op("Div", blocks, graph.op("Add", total, np.float32(_EPS)))
        return graph.op("Sqrt", shares) if norm == "L1-sqrt" else shares
    unit = _unit_length(graph, blocks)
    if norm == "L2":
        return unit
    return _unit_length(graph, graph.op("Min", unit, np.float32(_CLIP)))


def _unit_length(graph: Graph, blocks: Value) -> Value:
    squares = graph.op("ReduceSumSquare", blocks, axes=[2], keepdims=1)
    length = graph.op("Sqrt", graph.op("Add", squares, np.float32(_EPS**2)))
    return graph.op("Div", blocks, length)


def _differences(graph: Graph, image: Value) -> tuple[Value, Value]:
    """Centred differences down and to the right; 0 across the border of the image."""
    both = []
    for axis in (1, 2):
        after, before = graph.part(image, axis, 2, None), graph.part(image, axis, 0, -2)
        pads = np.zeros(6, dtype=np.int64)
        pads[[axis, axis + 3]] = 1
        both.append(graph.op("Pad", graph.op("Sub", after, before), pads))
    return both[0], both[1]


def _gradients(graph: Graph, orientations: int, faces: Value) -> tuple[Value, Value]:
    """Bin (int32) and magnitude (float32) of each pixel."""
    down, right = _differences(graph, graph.cast(faces, "int32"))
    squares = graph.op("Add", graph.op("Mul", down, down), graph.op("Mul", right, right))
    magnitude = graph.op("Sqrt", graph.cast(squares, "float32"))
    # Opposite gradients have one bin: the half of the table from gradient 0 on serves both.
    table = _bin_table(orientations)
    middle, width = table.shape[0] // 2, table.shape[1]
    place = graph.op("Add", graph.op("Mul", down, np.int32(width)), right)
    half = table.ravel()[middle * width + middle :]
    return graph.cast(graph.op("Gather", half, graph.op("Abs", place)), "int32"), magnitude


def _root_gradients(graph: Graph, orientations: int, faces: Value) -> tuple[Value, Value]:
    """As `_gradients`, of the square roots of the grey values."""
    roots = graph.op("Sqrt", graph.cast(faces, "float64"))
    down, right = _differences(graph, roots)
    squares = graph.op("Add", graph.op("Mul", down, down), graph.op("Mul", right, right))
    magnitude = graph.cast(graph.op("Sqrt", squares), "float32")
    # Of the two opposite directions the one from 0 to 180 degrees.
    zero = np.float64(0)
    level = graph.op("And", graph.op("Equal", down, zero), graph.op("Less", right, zero))
    turned = graph.op("Or", graph.op("Less", down, zero), level)
    up = graph.op("Abs", down)
    along = graph.op("Where", turned, graph.op("Neg", right), right)
    borders = np.deg2rad(_borders(orientations)[1:-1])
    # The bin is the number of borders on whose far side the gradient lies.
    last = np.array([3])
    side = graph.op(
        "Sub",
        graph.op("Mul", graph.op("Unsqueeze", up, last), np.cos(borders)),
        graph.op("Mul", graph.op("Unsqueeze", along, last), np.sin(borders)),
    )
    beyond = graph.cast(graph.op("GreaterOrEqual", side, np.float64(-_ON_BORDER)), "int32")
    return graph.summed(beyond, 3, keepdims=False), magnitude
