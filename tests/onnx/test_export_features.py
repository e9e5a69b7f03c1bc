"""Features in graphs, value by value."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from classic_fer.features.geometry import Geometry, geometry
from classic_fer.features.hog import HOG
from classic_fer.features.lbp import _operators, lbp_codes
from classic_fer.onnx.converters.geometry import geometry_features
from classic_fer.onnx.converters.histograms import cell_histograms
from classic_fer.onnx.converters.hog import hog_features
from classic_fer.onnx.converters.lbp import pattern_labels
from classic_fer.onnx.graph import Graph


def run(graph: Graph, inputs: dict[str, NDArray], outputs: dict[str, str]) -> list[NDArray]:
    """Results of a graph: `outputs` gives the element type of each."""
    infos = {name: (str(each.dtype), ("n", *each.shape[1:])) for name, each in inputs.items()}
    named = {
        graph.named(f"out{i}", "Identity", value): (dtype, None)
        for i, (value, dtype) in enumerate(outputs.items())
    }
    model = graph.model(infos, named)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    """Noise, coarse steps, flat and two-valued images, in which many differences are 0."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, 21, 26))
    flat = np.broadcast_to(np.array([0, 77, 255])[:, None, None], (3, 21, 26))
    steps = np.kron(rng.integers(0, 256, (3, 3, 4)), np.ones((7, 7), int))[:, :21, :26]
    return np.concatenate([noise, flat, steps, noise // 128 * 255]).astype(np.uint8)


@pytest.mark.parametrize("method", ["nri_uniform", "uniform", "default"])
@pytest.mark.parametrize(("radius", "points"), [(1, 8), (2, 8), (1.5, 12), (3, 4), (2, 16)])
def test_labels_of_patterns_are_exactly_those_of_the_feature(images, radius, points, method):
    graph = Graph()
    (operator,) = _operators(radius, points, method)
    labels = pattern_labels(graph, operator, "faces", images.shape[1:])
    (found,) = run(graph, {"faces": images}, {labels: "int32"})
    expected = lbp_codes(images, radius=radius, points=points, method=method)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("orientations", [1, 4, 6, 8, 9, 12])
@pytest.mark.parametrize("root", [False, True])
def test_gradient_histograms_agree_also_for_directions_on_a_border(images, orientations, root):
    feature = HOG(
        orientations=orientations, pixels_per_cell=5, cells_per_block=2, transform_sqrt=root
    )
    graph = Graph()
    values = hog_features(graph, feature, "faces", images.shape[1:])
    (found,) = run(graph, {"faces": images}, {values: "float32"})
    np.testing.assert_allclose(found, feature.transform(images), atol=2e-6)


def test_histograms_of_overlapping_cells_by_hand():
    bins = np.array([[[0, 1, 1], [2, 1, 0]]], dtype=np.int32)
    weights = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.float32)
    cells = np.array([[0, 2, 0, 2], [0, 1, 1, 3]])
    graph = Graph()
    counts = cell_histograms(graph, "bins", None, cells, 3, shape=(2, 3))
    sums = cell_histograms(graph, "bins", "weights", cells, 3, shape=(2, 3))
    inputs = {"bins": bins, "weights": weights}
    found = run(graph, inputs, {counts: "float32", sums: "float32"})
    assert found[0].tolist() == [[[1, 2, 1], [0, 2, 0]]]
    assert found[1].tolist() == [[[1, 7, 4], [0, 5, 0]]]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("parts", ["all", "points", "measures"])
def test_geometry_agrees_and_knows_faces_without_a_shape(parts):
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(0, 48, (8, 68, 2)).astype(np.float32)
    landmarks[1] = np.nan
    landmarks[2, 40, 1] = np.inf
    landmarks[3, 36:48] = 20  # all points of the eyes
    landmarks[4, [17, 21]] = 5  # the ends of a brow
    landmarks[5, 48] = landmarks[5, 51]  # two corners of an angle
    landmarks[6, :, 1] = landmarks[6, 0, 1]  # a line
    graph = Graph()
    values, known = geometry_features(graph, Geometry(parts=parts), "landmarks")
    found, has_shape = run(graph, {"landmarks": landmarks}, {values: "float32", known: "bool"})
    expected = geometry(landmarks, parts=parts)
    finite = np.isfinite(expected).all(axis=1)
    np.testing.assert_array_equal(has_shape[:, 0], finite)
    assert finite.sum() == 5
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-6, atol=1e-6)


def test_an_operation_on_the_same_values_is_written_once():
    graph = Graph()
    first = graph.op("Add", "x", np.float32(1))
    assert graph.op("Add", "x", np.float32(1)) == first
    assert graph.op("Add", "x", np.float32(2)) != first
    assert graph.op("Add", "x", np.float64(1)) != first
    assert graph.op("Sub", "x", np.float32(1)) != first
