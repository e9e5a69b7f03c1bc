"""Encodings of dense local descriptors in a graph: Fisher vectors, VLAD and bags of words."""

from __future__ import annotations

from typing import Any

import numpy as np

from classic_fer.models.encodings._base import ImageEncoding
from classic_fer.models.encodings.bow import BOW
from classic_fer.models.encodings.fisher import Fisher
from classic_fer.models.encodings.pooling import Affinity, pyramid_regions
from classic_fer.models.encodings.vlad import VLAD
from classic_fer.onnx.converters.descriptors import local_descriptors
from classic_fer.onnx.graph import Graph, Value

__all__ = ["encoded_faces"]

_LEAST = np.float64(1e-150)


def encoded_faces(
    graph: Graph, encoding: ImageEncoding, faces: Value, shape: tuple[int, int]
) -> Value:
    """A fitted encoding of faces, float32, shape (n, d).

    Parameters
    ----------
    graph : Graph
    encoding : Fisher, VLAD or BOW
    faces : str
        uint8, shape (n, H, W).
    shape : tuple of int
        Height and width.
    """
    rows = _encoded(graph, encoding, faces, shape)
    signs = encoding.signs_
    if signs is not None:
        rows = _halves(graph, rows, signs, len(encoding.means_), mirror=encoding.mirror)
    elif encoding.mirror:
        mirrored = graph.part(faces, 2, -1, np.iinfo(np.int64).min, -1)
        both = graph.op("Add", rows, _encoded(graph, encoding, mirrored, shape))
        rows = _of_length_1(graph, both)
    return graph.cast(rows, "float32")


def _halves(graph: Graph, rows: Value, signs: Any, k: int, *, mirror: bool) -> Value:
    """Symmetric Fisher vectors: what mirroring leaves, and what it turns the sign of."""
    d = len(signs)
    size = k // 2 * d
    parts = [graph.part(rows, 1, i * size, (i + 1) * size) for i in range(4)]
    turn = np.tile(signs.astype(np.float64), k // 2)
    means = parts[0], graph.op("Mul", parts[1], turn)
    deviations = parts[2], parts[3]

    def half(sign: str) -> Value:
        pair = [graph.op(sign, *means), graph.op(sign, *deviations)]
        whole = graph.op("Concat", *pair, axis=1)
        return graph.op("Div", whole, np.float64(np.sqrt(2)))

    if mirror:
        return _of_length_1(graph, half("Add"))
    return graph.op("Concat", half("Add"), half("Sub"), axis=1)


def _encoded(graph: Graph, encoding: Any, faces: Value, shape: tuple[int, int]) -> Value:
    """Rows of faces as they are, float64."""
    local, centres = local_descriptors(graph, encoding._descriptors(), faces, shape)
    centred = graph.op("Sub", local, encoding.mean_)
    rows = graph.op("MatMul", centred, encoding.components_.T)
    if encoding.position_scale_:
        places = centres * np.float32(encoding.position_scale_)
        every = graph.op("Concat", graph.length(faces), np.array([1, 1]), axis=0)
        rows = graph.op("Concat", rows, graph.op("Expand", places[np.newaxis], every), axis=2)
    if type(encoding) is Fisher:
        rows = graph.op("Concat", rows, graph.op("Mul", rows, rows), axis=2)
    shares = _shares(graph, rows, encoding._affinity())
    regions = pyramid_regions(centres, encoding._pyramid)
    parts = []
    for region in range(encoding._n_regions):
        members = np.flatnonzero((regions == region).any(axis=1))
        chosen = [
            each if len(members) == len(centres) else graph.op("Gather", each, members, axis=1)
            for each in (shares, rows)
        ]
        values = _VALUES[type(encoding)](graph, encoding, *chosen)
        parts.append(_normalised(graph, values, float(encoding.power)))
    return graph.op("Div", graph.op("Concat", *parts, axis=1), np.float64(np.sqrt(len(parts))))


def _shares(graph: Graph, rows: Value, affinity: Affinity) -> Value:
    """How much of each descriptor belongs to each word, float32, shape (n, n_windows, k)."""
    logits = graph.op("Add", graph.op("MatMul", rows, affinity.weights), affinity.bias)
    below = graph.op("Sub", logits, graph.op("ReduceMax", logits, axes=[2], keepdims=1))
    near = graph.op("GreaterOrEqual", below, np.float32(affinity.floor))
    weights = graph.op("Where", near, graph.op("Exp", below), np.float32(0))
    return graph.op("Div", weights, graph.summed(weights, 2))


def _counts(graph: Graph, shares: Value) -> Value:
    """Descriptors of each word, float64, shape (n, k)."""
    return graph.cast(graph.summed(shares, 1, keepdims=False), "float64")


def _sums(graph: Graph, shares: Value, rows: Value) -> Value:
    """Sums of the descriptors of each word, float64, shape (n, k, d)."""
    across = graph.op("Transpose", shares, perm=[0, 2, 1])
    return graph.cast(graph.op("MatMul", across, rows), "float64")


def _fisher(graph: Graph, fisher: Fisher, shares: Value, rows: Value) -> Value:
    counts, sums = _counts(graph, shares), _sums(graph, shares, rows)
    k, d = fisher.means_.shape
    first, second = graph.part(sums, 2, 0, d), graph.part(sums, 2, d, None)
    number = graph.op("Max", graph.summed(counts, 1), np.float64(1))  # (n, 1)
    number = graph.op("Unsqueeze", number, np.array([2]))
    counts = graph.op("Unsqueeze", counts, np.array([2]))
    means, variances = fisher.means_, fisher.variances_
    moved = graph.op("Sub", first, graph.op("Mul", counts, means))
    moved = graph.op("Div", moved, np.sqrt(variances))
    squares = graph.op("Sub", second, graph.op("Mul", first, 2 * means))
    squares = graph.op("Add", squares, graph.op("Mul", counts, means**2))
    spread = graph.op("Sub", graph.op("Div", squares, variances), counts)
    spread = graph.op("Div", spread, np.float64(np.sqrt(2)))
    unit = graph.op("Mul", number, np.sqrt(fisher.weights_)[:, np.newaxis])
    parts = [graph.reshaped(graph.op("Div", each, unit), 0, k * d) for each in (moved, spread)]
    return graph.op("Concat", *parts, axis=1)


def _vlad(graph: Graph, vlad: VLAD, shares: Value, rows: Value) -> Value:
    counts = graph.op("Unsqueeze", _counts(graph, shares), np.array([2]))
    words = vlad.words_.astype(np.float64)
    differences = graph.op("Sub", _sums(graph, shares, rows), graph.op("Mul", counts, words))
    return graph.reshaped(differences, 0, words.size)


def _bow(graph: Graph, bow: BOW, shares: Value, rows: Value) -> Value:
    counts = _counts(graph, shares)
    return graph.op("Div", counts, graph.op("Max", graph.summed(counts, 1), np.float64(1)))


_VALUES: dict[type, Any] = {Fisher: _fisher, VLAD: _vlad, BOW: _bow}


def _normalised(graph: Graph, values: Value, power: float) -> Value:
    """Signed power, then Euclidean length 1."""
    if power != 1:
        size = graph.op("Pow", graph.op("Abs", values), np.float64(power))
        values = graph.op("Mul", graph.op("Sign", values), size)
    return _of_length_1(graph, values)


def _of_length_1(graph: Graph, rows: Value) -> Value:
    squares = graph.op("ReduceSumSquare", rows, axes=[1], keepdims=1)
    return graph.op("Div", rows, graph.op("Max", graph.op("Sqrt", squares), _LEAST))
