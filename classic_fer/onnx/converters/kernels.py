"""Kernels between rows of features and stored rows, in a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike, NDArray

from classic_fer.models.kernel_search import working_dtype
from classic_fer.models.kernels import EXPONENTIAL_KERNELS, KernelTerm
from classic_fer.onnx.graph import Graph, Value

__all__ = ["compact_kernel", "kernel_values", "products", "squared_distances"]

_LEAST = np.float32(1e-30)  # keeps two empty bins from dividing 0 by 0


def squared_distances(
    graph: Graph, rows: Value, stored: NDArray, *, dtype: DTypeLike = np.float64
) -> Value:
    """Squared Euclidean distances, float64, shape (n, m).

    Parameters
    ----------
    graph : Graph
    rows : str
        float32, shape (n, d).
    stored : ndarray, shape (m, d)
    dtype : {float64, float32}
        Precision of the inner products; squares and sums are in double precision.
    """
    squares = _squared_lengths(graph, rows)
    norms = np.einsum("ij,ij->i", stored, stored, dtype=np.float64)
    twice = graph.op("Mul", products(graph, rows, stored, dtype), np.float64(2))
    return graph.op("Sub", graph.op("Add", squares, norms[np.newaxis]), twice)


def products(graph: Graph, rows: Value, stored: NDArray, dtype: DTypeLike = np.float64) -> Value:
    """Inner products, formed in `dtype`, as float64 of shape (n, m)."""
    columns = graph.constant(np.asarray(stored, dtype=np.float32).T)
    if dtype == np.float32:
        return graph.cast(graph.op("MatMul", rows, columns), "float64")
    return graph.op("MatMul", graph.cast(rows, "float64"), graph.cast(columns, "float64"))


def kernel_values(
    graph: Graph, terms: Sequence[KernelTerm | tuple], rows: Value, stored: NDArray
) -> Value:
    """`classic_fer.models.kernels.kernel_sum` of rows (n, d) and stored rows (m, d), float64."""
    total: Value | None = None
    for term in (KernelTerm(*each) for each in terms):
        columns, known = (
            graph.part(rows, 1, term.start, term.stop),
            stored[:, term.start : term.stop],
        )
        if term.kernel == "mirror-rbf":
            values = _mirrored(graph, columns, known, float(term.gamma))
        else:
            values = _KERNELS[term.kernel](graph, columns, known)
        if term.kernel in EXPONENTIAL_KERNELS:
            values = graph.op("Exp", graph.op("Mul", values, np.float64(-float(term.gamma))))
        values = graph.op("Mul", values, np.float64(term.weight))
        total = values if total is None else graph.op("Add", total, values)
    assert total is not None
    return total


def compact_kernel(
    graph: Graph,
    term: KernelTerm,
    rows: Value,
    integers: NDArray[np.int8],
    scales: NDArray[np.float32],
) -> Value:
    """RBF or mirrored RBF kernel with rows that are stored as bytes, float64, shape (n, m).

    Parameters
    ----------
    graph : Graph
    term : KernelTerm
        ``"rbf"`` or ``"mirror-rbf"``, of all columns.
    rows : str
        float32, shape (n, d).
    integers : ndarray of int8, shape (m, d)
    scales : ndarray of float32, shape (d,)
        A stored row is its integers times these.
    """
    gamma = float(term.gamma)
    stored = integers * scales
    norms = np.einsum("ij,ij->i", stored, stored, dtype=np.float64)
    lengths = graph.op("Add", _squared_lengths(graph, rows), norms[np.newaxis])
    steps = graph.op("Mul", rows, scales)
    half = integers.shape[1] // 2
    parts = []
    for start, stop in ((0, half), (half, integers.shape[1])):
        columns = graph.cast(graph.constant(integers[:, start:stop].T), "float32")
        product = graph.op("MatMul", graph.part(steps, 1, start, stop), columns)
        parts.append(graph.cast(product, "float64"))
    even, odd = parts
    if term.kernel == "rbf":
        return _near(graph, lengths, graph.op("Add", even, odd), gamma)
    return _mean_of_mirrored(graph, lengths, even, odd, gamma)


def _squared_lengths(graph: Graph, rows: Value) -> Value:
    exact = graph.cast(rows, "float64")
    return graph.op("ReduceSumSquare", exact, axes=[1], keepdims=1)


def _near(graph: Graph, lengths: Value, inner: Value, gamma: float) -> Value:
    """RBF kernel of the sums of squared lengths and the inner products of rows."""
    distances = graph.op("Sub", lengths, graph.op("Mul", inner, np.float64(2)))
    distances = graph.op("Max", distances, np.float64(0))
    return graph.op("Exp", graph.op("Mul", distances, np.float64(-gamma)))


def _mean_of_mirrored(graph: Graph, lengths: Value, even: Value, odd: Value, gamma: float) -> Value:
    """Mean of the kernels with rows and mirrored rows; inner products come by half."""
    both = [_near(graph, lengths, graph.op(sign, even, odd), gamma) for sign in ("Add", "Sub")]
    return graph.op("Mul", graph.op("Add", *both), np.float64(0.5))


def _mirrored(graph: Graph, rows: Value, stored: NDArray, gamma: float) -> Value:
    norms = np.einsum("ij,ij->i", stored, stored, dtype=np.float64)
    lengths = graph.op("Add", _squared_lengths(graph, rows), norms[np.newaxis])
    half, dtype = stored.shape[1] // 2, working_dtype(len(stored))
    even, odd = (
        products(graph, graph.part(rows, 1, start, stop), stored[:, start:stop], dtype)
        for start, stop in ((0, half), (half, stored.shape[1]))
    )
    return _mean_of_mirrored(graph, lengths, even, odd, gamma)


def _linear(graph: Graph, rows: Value, stored: NDArray) -> Value:
    return products(graph, rows, stored, working_dtype(len(stored)))


def _distances(graph: Graph, rows: Value, stored: NDArray) -> Value:
    distances = squared_distances(graph, rows, stored, dtype=working_dtype(len(stored)))
    return graph.op("Max", distances, np.float64(0))


def _chi2_distances(graph: Graph, rows: Value, stored: NDArray) -> Value:
    def against(body: Graph, row: Value, all_rows: Value) -> Value:
        difference, total = body.op("Sub", row, all_rows), body.op("Add", row, all_rows)
        total = body.op("Add", total, _LEAST)
        return body.op("Div", body.op("Mul", difference, difference), total)

    return _row_by_row(graph, rows, stored, against)


def _additive_chi2(graph: Graph, rows: Value, stored: NDArray) -> Value:
    sums = graph.summed(graph.cast(rows, "float64"), 1)
    both = graph.op("Add", sums, stored.sum(axis=1, dtype=np.float64)[np.newaxis])
    twice = graph.op("Sub", both, _chi2_distances(graph, rows, stored))
    return graph.op("Mul", twice, np.float64(0.5))


def _minima(graph: Graph, rows: Value, stored: NDArray) -> Value:
    def against(body: Graph, row: Value, all_rows: Value) -> Value:
        return body.op("Min", row, all_rows)

    return _row_by_row(graph, rows, stored, against)


def _row_by_row(graph: Graph, rows: Value, stored: NDArray, against) -> Value:
    """Sums over the columns of what `against` makes of one row and all stored ones.

    A row at a time, so that memory does not grow with the product of both.
    """
    body = Graph()
    all_rows = body.constant(np.asarray(stored, dtype=np.float32))
    sums = body.summed(against(body, "row", all_rows), 1, keepdims=False)
    out = body.op("Identity", sums)
    shape = stored.shape
    inner = body.body("one_row", {"row": ("float32", shape[1:])}, {out: ("float32", (shape[0],))})
    return graph.cast(graph.op("Scan", rows, body=inner, num_scan_inputs=1), "float64")


_KERNELS = {
    "linear": _linear,
    "rbf": _distances,
    "chi2": _additive_chi2,
    "exp-chi2": _chi2_distances,
    "intersection": _minima,
}
