"""Local binary patterns in a graph; their labels are those of `classic_fer.features.lbp`.

In flat parts of an image the sign of neighbour minus centre hangs on the rounding of the
interpolation, so it is computed as there: in double precision, in the same order.
"""

from __future__ import annotations

import numpy as np

from classic_fer.features.lbp import LBP, _Operator, _samples, label_table
from classic_fer.onnx.converters.histograms import cell_histograms
from classic_fer.onnx.graph import Graph, Value

__all__ = ["lbp_features", "pattern_labels"]


def lbp_features(graph: Graph, lbp: LBP, faces: Value, shape: tuple[int, int]) -> Value:
    """`LBP` of faces, float32, shape (n, d).

    Parameters
    ----------
    graph : Graph
    lbp : LBP
    faces : str
        uint8, shape (n, H, W).
    shape : tuple of int
        Height and width.
    """
    cells = lbp._cells(*shape)
    areas = ((cells[:, 1] - cells[:, 0]) * (cells[:, 3] - cells[:, 2])).astype(np.float64)
    parts = []
    for operator in lbp._operators():
        labels = pattern_labels(graph, operator, faces, shape)
        counts = cell_histograms(graph, labels, None, cells, operator.bins, shape=shape)
        if lbp.norm in ("l1", "l1-sqrt"):
            shares = (1 / areas).astype(np.float32)[np.newaxis, :, np.newaxis]
            counts = graph.op("Mul", counts, shares)
        if lbp.norm == "l1-sqrt":
            counts = graph.op("Sqrt", counts)
        if lbp.norm == "l2":
            length = graph.op("ReduceL2", counts, axes=[2], keepdims=1)
            counts = graph.op("Div", counts, length)
        parts.append(graph.reshaped(counts, 0, len(cells) * operator.bins))
    return graph.op("Concat", *parts, axis=1)


def pattern_labels(
    graph: Graph, operator: _Operator, faces: Value, shape: tuple[int, int]
) -> Value:
    """Label of each pixel, int32, shape (n, H, W); see `classic_fer.features.lbp.lbp_codes`."""
    height, width = shape
    samples, down, right = _samples(operator.radius, operator.points, height, width)
    margin = int(np.abs(samples[:, 1:]).max())
    centre = graph.cast(faces, "float64")
    pads = np.array([0, margin, margin, 0, margin, margin])
    padded = graph.op("Pad", centre, pads)  # by 0

    def shifted(value: Value, axis: int, offset: int) -> Value:
        return graph.part(value, axis, margin + offset, margin + offset + shape[axis - 1])

    def between(axis: int, value: Value, low: int, high: int, fraction: np.ndarray) -> Value:
        parts = [
            graph.op("Mul", shifted(value, axis, offset), share)
            for offset, share in ((low, 1 - fraction), (high, fraction))
        ]
        return graph.op("Add", *parts)

    bits = []
    for (bit, top, bottom, left, right_), rows, cols in zip(samples.tolist(), down, right):
        if top == bottom and left == right_:
            value = shifted(shifted(padded, 2, left), 1, top)
        else:
            columns = between(2, padded, left, right_, cols)
            value = between(1, columns, top, bottom, rows[:, np.newaxis])
        is_set = graph.op("GreaterOrEqual", value, centre)
        bits.append(graph.op("Where", is_set, np.float32(1 << bit), np.float32(0)))
    code = graph.cast(graph.op("Sum", *bits), "int32")
    table = label_table(operator.points, operator.method).astype(np.int32)
    return graph.op("Gather", table, code)
