"""Landmark geometry in a graph: the numbers of `classic_fer.features.geometry`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.faces.landmarks import LANDMARK_GROUPS
from classic_fer.faces.types import N_LANDMARKS
from classic_fer.features import geometry as source
from classic_fer.features.geometry import Geometry, geometry_names
from classic_fer.onnx.graph import Graph, Value

__all__ = ["geometry_features"]

_LARGEST = np.float64(1e300)  # comparisons with NaN are false, so that smaller means finite
_X, _Y = 0, 1


def geometry_features(graph: Graph, geometry: Geometry, landmarks: Value) -> tuple[Value, Value]:
    """`Geometry` of faces.

    Parameters
    ----------
    graph : Graph
    geometry : Geometry
    landmarks : str
        float32, shape (n, 68, 2), NaN where there are none.

    Returns
    -------
    features : str
        float32, shape (n, d); any numbers where `known` is false.
    known : str
        bool, shape (n, 1): whether the face has landmarks with a shape.
    """
    points = _normalised(graph, landmarks)
    columns: dict[str, Value] = {}
    if geometry.parts != "measures":
        flat = graph.reshaped(points, 0, 2 * N_LANDMARKS)
    if geometry.parts != "points":
        columns = _measures(graph, points)
        ordered = [columns[name] for name in geometry_names(parts="measures")]
    parts = [flat] if geometry.parts == "points" else ordered
    if geometry.parts == "all":
        parts = [flat, *ordered]
    features = graph.op("Concat", *parts, axis=1)
    finite = graph.cast(graph.op("Less", graph.op("Abs", features), _LARGEST), "float32")
    known = graph.cast(graph.op("ReduceMin", finite, axes=[1], keepdims=1), "bool")
    return graph.cast(features, "float32"), known


def _rows(*members: dict[int, float]) -> NDArray[np.float64]:
    """Matrix (m, 68) of sums of points, each given by the points' factors."""
    matrix = np.zeros((len(members), N_LANDMARKS))
    for row, factors in zip(matrix, members):
        for point, factor in factors.items():
            row[point] += factor
    return matrix


def _mean(points: slice | list[int]) -> dict[int, float]:
    numbers = range(N_LANDMARKS)[points] if isinstance(points, slice) else points
    return {point: 1 / len(numbers) for point in numbers}


def _normalised(graph: Graph, landmarks: Value) -> Value:
    """`normalise_landmarks`: float64, shape (n, 68, 2)."""
    points = graph.cast(landmarks, "float64")
    # Sums before means: those of coinciding eyes are equal to the last bit.
    groups = [range(N_LANDMARKS)[LANDMARK_GROUPS[f"{side}_eye"]] for side in ("right", "left")]
    sums = graph.op("MatMul", _rows(*(dict.fromkeys(group, 1.0) for group in groups)), points)
    eyes = graph.op("Div", sums, np.float64(len(groups[0])))
    right, left = (graph.part(eyes, 1, i, i + 1) for i in (0, 1))  # (n, 1, 2)
    centre = graph.op("Div", graph.op("Add", right, left), np.float64(2))
    axis = graph.op("Sub", left, right)
    centred = graph.op("Sub", points, centre)
    # Division of complex numbers turns and scales at once.
    x, y = (graph.part(centred, 2, i, i + 1) for i in (_X, _Y))
    a, b = (graph.part(axis, 2, i, i + 1) for i in (_X, _Y))
    squares = graph.op("Add", graph.op("Mul", a, a), graph.op("Mul", b, b))
    real = graph.op("Add", graph.op("Mul", x, a), graph.op("Mul", y, b))
    imaginary = graph.op("Sub", graph.op("Mul", y, a), graph.op("Mul", x, b))
    turned = graph.op("Concat", real, imaginary, axis=2)
    return graph.op("Div", turned, squares)


def _measures(graph: Graph, points: Value) -> dict[str, Value]:
    """Named distances and angles, float64, shape (n, 1) each."""
    made: dict[str, Value] = {}
    heights = graph.part(points, 2, _Y, _Y + 1)
    lips = _mean(source._LIP_MIDDLES)

    def lengths(pairs: list[tuple[int, int]]) -> Value:
        """Distances of pairs of points, shape (n, m)."""
        vectors = graph.op("MatMul", _rows(*({i: 1.0, j: -1.0} for i, j in pairs)), points)
        return graph.op("ReduceL2", vectors, axes=[2], keepdims=0)

    def height(factors: dict[int, float]) -> Value:
        """Sum of y coordinates, shape (n, 1)."""
        return graph.reshaped(graph.op("MatMul", _rows(factors), heights), 0, 1)

    for side in ("right", "left"):
        first = LANDMARK_GROUPS[f"{side}_eye"].start
        lids = graph.summed(lengths([(first + 1, first + 5), (first + 2, first + 4)]), 1)
        width = graph.op("Mul", lengths([(first, first + 3)]), np.float64(2))
        made[f"{side}_eye_openness"] = graph.op("Div", lids, width)
        outer, inner = source._BROW_ENDS[side]
        brow = _mean(LANDMARK_GROUPS[f"{side}_brow"])
        made[f"{side}_brow_raise"] = height({point: -share for point, share in brow.items()})
        made[f"{side}_inner_brow_raise"] = height({inner: -1.0})
        made[f"{side}_outer_brow_raise"] = height({outer: -1.0})
        ends = graph.op("MatMul", _rows({outer: 1.0, inner: -1.0}), points)  # (n, 1, 2)
        across, fall = (graph.reshaped(graph.part(ends, 2, i, i + 1), 0, 1) for i in (_X, _Y))
        made[f"{side}_brow_slope"] = _arc_tangent(graph, fall, graph.op("Abs", across))
        corner = {**lips, source._MOUTH_CORNERS[side]: -1.0}
        made[f"{side}_mouth_corner_lift"] = height(corner)
    lifts = (made["left_mouth_corner_lift"], made["right_mouth_corner_lift"])
    made["mouth_corner_asymmetry"] = graph.op("Abs", graph.op("Sub", *lifts))
    gaps = lengths(list(zip(source._INNER_UPPER_LIP, source._INNER_LOWER_LIP)))
    made["mouth_openness"] = graph.op("ReduceMean", gaps, axes=[1], keepdims=1)
    distances = lengths(list(source._DISTANCES.values()))
    for i, name in enumerate(source._DISTANCES):
        made[name] = graph.part(distances, 1, i, i + 1)
    angles = _angles(graph, points, list(source._ANGLES.values()))
    for i, name in enumerate(source._ANGLES):
        made[name] = graph.part(angles, 1, i, i + 1)
    return made


def _angles(graph: Graph, points: Value, corners: list[tuple[int, int, int]]) -> Value:
    """Angles at the middle one of three points, 0 to pi, shape (n, m)."""
    a, b = (
        graph.op("MatMul", _rows(*({ends[i]: 1.0, ends[1]: -1.0} for ends in corners)), points)
        for i in (0, 2)
    )
    dot = graph.summed(graph.op("Mul", a, b), 2, keepdims=False)
    ax, ay, bx, by = (graph.part(v, 2, i, i + 1) for v in (a, b) for i in (_X, _Y))
    cross = graph.op("Sub", graph.op("Mul", ax, by), graph.op("Mul", ay, bx))
    cross = graph.op("Abs", graph.op("Squeeze", cross, np.array([2])))
    # The angle of (dot, |cross|) is a right one less that of (|cross|, dot).
    return graph.op("Sub", np.float64(np.pi / 2), _arc_tangent(graph, dot, cross, at_zero=np.inf))


def _arc_tangent(graph: Graph, y: Value, x: Value, *, at_zero: float = 0.0) -> Value:
    """``arctan2(y, x)`` for x >= 0, with the arc tangent of `at_zero` where both are 0."""
    zero = np.float64(0)
    nothing = graph.op("And", graph.op("Equal", x, zero), graph.op("Equal", y, zero))
    ratio = graph.op("Where", nothing, np.float64(at_zero), graph.op("Div", y, x))
    # onnxruntime has no arc tangent in double precision.
    return graph.cast(graph.op("Atan", graph.cast(ratio, "float32")), "float64")
