"""A fitted feature expression and scaler in a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from classic_fer.errors import ParameterError
from classic_fer.features.geometry import Geometry
from classic_fer.features.hog import HOG
from classic_fer.features.lbp import LBP
from classic_fer.features.pixels import Pixels
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.encodings._base import ImageEncoding
from classic_fer.models.expression import FeatureExpression, term_name
from classic_fer.models.grammar import Leaf, Node, Projection, Sum
from classic_fer.models.mirror_pca import MPCA
from classic_fer.models.projections import PROJECTIONS
from classic_fer.models.scaler import FeatureScaler
from classic_fer.onnx.converters.encodings import encoded_faces
from classic_fer.onnx.converters.geometry import geometry_features
from classic_fer.onnx.converters.hog import hog_features
from classic_fer.onnx.converters.lbp import lbp_features
from classic_fer.onnx.graph import Graph, Value

__all__ = ["FaceInputs", "expression_features", "scaled_features"]


@dataclass(frozen=True)
class FaceInputs:
    """What a graph gets.

    Attributes
    ----------
    faces : str
        uint8, shape (n, height, width).
    landmarks : str
        float32, shape (n, 68, 2).
    shape : tuple of int
        Height and width.
    """

    faces: Value
    landmarks: Value
    shape: tuple[int, int]


def expression_features(graph: Graph, features: FeatureExpression, inputs: FaceInputs) -> Value:
    """Features of faces by a fitted expression, float32, shape (n, d).

    Raises
    ------
    ParameterError
        For a feature or projection that no graph can be made of.
    """

    def values(node: Node) -> Value:
        if isinstance(node, Leaf):
            return _leaf(graph, node.name, features.leaves[node.name], features, inputs)
        if isinstance(node, Sum):
            weights = [np.float32(features.weights_[term_name(each)]) for each in node.children]
            terms = [graph.op("Mul", values(each), w) for each, w in zip(node.children, weights)]
            return graph.op("Concat", *terms, axis=1)
        fitted = features.projections_[node.name]
        if isinstance(fitted, ImageEncoding):
            return encoded_faces(graph, fitted, inputs.faces, inputs.shape)
        return _projected(graph, node, fitted, values)

    return values(features.tree)


def _leaf(
    graph: Graph, name: str, leaf: Any, features: FeatureExpression, inputs: FaceInputs
) -> Value:
    if type(leaf) is LBP:
        return lbp_features(graph, leaf, inputs.faces, inputs.shape)
    if type(leaf) is HOG:
        return hog_features(graph, leaf, inputs.faces, inputs.shape)
    if type(leaf) is Pixels:
        return graph.cast(
            graph.reshaped(inputs.faces, 0, inputs.shape[0] * inputs.shape[1]), "float32"
        )
    if type(leaf) is Geometry:
        shape, known = geometry_features(graph, leaf, inputs.landmarks)
        return graph.op("Where", known, shape, features.fill_[name][np.newaxis])
    raise ParameterError(
        f"feature {name!r} ({type(leaf).__name__}) cannot be exported; supported are lbp, hog, "
        f"geometry, pixels, {', '.join(sorted(ENCODINGS))}, and pca, ica, lda and mpca of them"
    )


def _projected(graph: Graph, node: Projection, fitted: Any, values: Any) -> Value:
    if type(fitted) not in PROJECTIONS.values():
        raise ParameterError(
            f"{node.name!r} ({type(fitted).__name__}) cannot be exported; supported are the "
            "projections pca, ica, lda and mpca"
        )
    rows = values(node.child)
    if isinstance(fitted, MPCA):
        width = len(fitted.mean_)
        even = graph.op("Sub", graph.part(rows, 1, 0, width), fitted.mean_)
        odd = graph.part(rows, 1, width, None)
        halves = [
            graph.op("Mul", graph.op("MatMul", half, graph.cast(integers.T, "float32")), scales)
            for half, integers, scales in zip((even, odd), fitted.components_, fitted.scales_)
        ]
        return graph.op("Concat", *halves, axis=1)
    return graph.op("MatMul", graph.op("Sub", rows, fitted.mean_), fitted.components_.T)


def scaled_features(graph: Graph, scaler: Any, rows: Value) -> Value:
    """Rows as the fitted scaler makes them, float32, shape (n, d).

    Raises
    ------
    ParameterError
        For another scaler than `FeatureScaler`.
    """
    if type(scaler) is not FeatureScaler:
        raise ParameterError(
            f"scaler {type(scaler).__name__} cannot be exported; supported is FeatureScaler "
            "(standard, center, none)"
        )
    return graph.op("Mul", graph.op("Sub", rows, scaler.mean_), scaler.scale_)
