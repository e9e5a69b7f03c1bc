"""Dense local descriptors in a graph: those of `classic_fer.features.descriptors`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.features.descriptors import hog, lbp, patch, sift
from classic_fer.features.descriptors._kernels import _FLAT
from classic_fer.features.descriptors.preparation import prepared
from classic_fer.features.descriptors.windows import LEAST_LENGTH, Windows, cell_sums, window_grid
from classic_fer.features.lbp import _Operator
from classic_fer.models.encodings.local import LocalDescriptors, counts
from classic_fer.onnx.converters.lbp import pattern_labels
from classic_fer.onnx.graph import Graph, Value

__all__ = ["local_descriptors"]


def local_descriptors(
    graph: Graph, describe: LocalDescriptors, faces: Value, shape: tuple[int, int]
) -> tuple[Value, NDArray[np.float32]]:
    """Descriptors of the windows of faces.

    Parameters
    ----------
    graph : Graph
    describe : LocalDescriptors
    faces : str
        uint8, shape (n, H, W).
    shape : tuple of int
        Height and width.

    Returns
    -------
    descriptors : str
        float32, shape (n, n_windows, length).
    centres : ndarray of float32, shape (n_windows, 2)
    """
    # Resizing and blurring are linear along rows and columns.
    down, across = _preparation(describe, shape)
    grey = graph.op("MatMul", graph.op("MatMul", down, graph.cast(faces, "float32")), across.T)
    size = len(down), len(across)
    sides = counts("window_sizes", describe.window_sizes, low=4, high=4096)
    windows = window_grid(*size, sides, int(describe.step))
    return _KINDS[describe.name](graph, grey, size, windows), windows.centres


def _preparation(
    describe: LocalDescriptors, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrices (new height, height) and (new width, width) of `prepared`."""
    matrices = []
    for axis in (0, 1):
        columns = []
        for i in range(shape[axis]):
            stripe = np.zeros(shape, np.float32)
            stripe[(i, slice(None)) if axis == 0 else (slice(None), i)] = 1
            out = prepared(stripe, size=describe.size, blur=describe.blur)
            columns.append(out[:, 0] if axis == 0 else out[0])
        matrices.append(np.stack(columns, axis=1))
    return matrices[0], matrices[1]


def _cell_sums(
    graph: Graph,
    channels: Value,
    size: tuple[int, int],
    windows: Windows,
    cells: int,
    depth: int,
) -> Value:
    """Sums of channels (n, depth, H, W) over the cells of windows, (n, n_windows, cells^2 depth).

    `size` is (H, W). Cells of one size are the products of intervals of rows and of columns.
    """
    parts = []
    for side in dict.fromkeys(windows.sizes.tolist()):
        corners = windows.corners[windows.sizes == side]
        borders = np.rint(side * np.arange(cells + 1) / cells).astype(np.int64)
        rows, row_of = _intervals(corners[:, 1], borders)
        cols, col_of = _intervals(corners[:, 0], borders)
        sums = graph.op("MatMul", _members(rows, size[0]), channels)
        sums = graph.op("MatMul", sums, _members(cols, size[1]).T)
        flat = graph.reshaped(sums, 0, depth, len(rows) * len(cols))
        flat = graph.op("Transpose", flat, perm=[0, 2, 1])
        places = row_of[:, :, np.newaxis] * len(cols) + col_of[:, np.newaxis, :]
        chosen = graph.op("Gather", flat, places.ravel(), axis=1)
        parts.append(graph.reshaped(chosen, 0, len(corners), cells * cells * depth))
    return graph.op("Concat", *parts, axis=1)


def _intervals(
    starts: NDArray[np.int64], borders: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different intervals (m, 2) of the cells of windows, and which each cell is, (n, cells)."""
    ends = starts[:, np.newaxis] + borders
    pairs = np.stack([ends[:, :-1], ends[:, 1:]], axis=-1)
    unique, which = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
    return unique, which.reshape(len(starts), -1)


def _members(intervals: NDArray[np.int64], length: int) -> NDArray[np.float32]:
    """Matrix (m, length) that is 1 where a pixel lies in an interval."""
    pixels = np.arange(length)
    inside = (pixels >= intervals[:, :1]) & (pixels < intervals[:, 1:])
    return inside.astype(np.float32)


def _direction_channels(graph: Graph, grey: Value, n: int, *, signed: bool) -> Value:
    """`gradient_channels`, float32, shape (n, directions, H, W)."""
    padded = graph.op("Pad", grey, np.array([0, 1, 1, 0, 1, 1]), mode="edge")
    differences = []
    for axis in (1, 2):
        inner = graph.part(padded, 3 - axis, 1, -1)
        after, before = graph.part(inner, axis, 2, None), graph.part(inner, axis, 0, -2)
        differences.append(graph.op("Sub", after, before))
    dy, dx = differences
    squares = graph.op("Add", graph.op("Mul", dx, dx), graph.op("Mul", dy, dy))
    length = graph.op("Sqrt", squares)
    flat = graph.op("Less", length, np.float32(_FLAT))
    angle = graph.op("Atan", graph.op("Div", dy, dx))  # but for half turns
    if signed:
        back = graph.op("Less", dx, np.float32(0))
        angle = graph.op("Add", angle, graph.op("Where", back, np.float32(np.pi), np.float32(0)))
    place = graph.op("Mul", angle, np.float32(n / (2 * np.pi) if signed else n / np.pi))
    place = graph.op("Where", flat, np.float32(0), place)
    length = graph.op("Where", flat, np.float32(0), length)
    channel = np.array([1])
    place, length = (graph.op("Unsqueeze", each, channel) for each in (place, length))
    directions = np.arange(n, dtype=np.float32).reshape(1, n, 1, 1)
    distance = graph.op("Abs", graph.op("Sub", place, directions))
    around = graph.op("Abs", graph.op("Sub", distance, np.float32(n)))
    share = graph.op("Sub", np.float32(1), graph.op("Min", distance, around))
    return graph.op("Mul", graph.op("Max", share, np.float32(0)), length)


def _normalised(graph: Graph, rows: Value) -> Value:
    """Rows of Euclidean length 1; those of nothing but rounding errors become 0."""
    length = graph.op("ReduceL2", rows, axes=[2], keepdims=1)
    unit = graph.op("Div", rows, graph.op("Max", length, LEAST_LENGTH))
    return graph.op("Where", graph.op("Greater", length, LEAST_LENGTH), unit, np.float32(0))


def _sift(graph: Graph, grey: Value, size: tuple[int, int], windows: Windows) -> Value:
    n = sift._DIRECTIONS
    channels = _direction_channels(graph, grey, n, signed=True)
    unit = _normalised(graph, _cell_sums(graph, channels, size, windows, sift._CELLS, n))
    clipped = graph.op("Min", unit, np.float32(sift._CLIP))
    total = graph.op("Max", graph.summed(clipped, 2), LEAST_LENGTH)
    return graph.op("Sqrt", graph.op("Div", clipped, total))


def _hog(graph: Graph, grey: Value, size: tuple[int, int], windows: Windows) -> Value:
    n = hog._DIRECTIONS
    channels = _direction_channels(graph, grey, n, signed=False)
    unit = _normalised(graph, _cell_sums(graph, channels, size, windows, hog._CELLS, n))
    return _normalised(graph, graph.op("Min", unit, np.float32(hog._CLIP)))


def _lbp(graph: Graph, grey: Value, size: tuple[int, int], windows: Windows) -> Value:
    rounded = graph.op("Clip", graph.op("Round", grey), np.float32(0), np.float32(255))
    labels = pattern_labels(graph, _Operator(1.0, 8, "nri_uniform"), rounded, size)
    numbers = np.arange(lbp._LABELS, dtype=np.int32).reshape(1, -1, 1, 1)
    which = graph.op("Equal", graph.op("Unsqueeze", labels, np.array([1])), numbers)
    channels = graph.cast(which, "float32")
    sums = _cell_sums(graph, channels, size, windows, lbp._CELLS, lbp._LABELS)
    return _normalised(graph, graph.op("Sqrt", sums))


def _patch(graph: Graph, grey: Value, size: tuple[int, int], windows: Windows) -> Value:
    areas = cell_sums(np.ones((*size, 1), np.float32), windows, patch._CELLS)
    grey = graph.op("Unsqueeze", grey, np.array([1]))
    sums = _cell_sums(graph, grey, size, windows, patch._CELLS, 1)
    rows = graph.op("Div", sums, np.maximum(areas, 1)[np.newaxis])
    rows = graph.op("Sub", rows, graph.op("ReduceMean", rows, axes=[2], keepdims=1))
    variance = graph.op("ReduceMean", graph.op("Mul", rows, rows), axes=[2], keepdims=1)
    contrast = graph.op("Add", variance, np.float32(patch._LEAST_CONTRAST))
    return graph.op("Div", rows, graph.op("Sqrt", contrast))


_KINDS = {"hog": _hog, "lbp": _lbp, "patch": _patch, "sift": _sift}
