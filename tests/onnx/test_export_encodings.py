"""Encodings of dense local descriptors in graphs."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from classic_fer.features.descriptors import DESCRIPTORS
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.encodings.local import LocalDescriptors
from classic_fer.models.recognizer import make_recognizer
from classic_fer.onnx.check import check_graph
from classic_fer.onnx.converters.descriptors import local_descriptors
from classic_fer.onnx.export import export_recognizer
from classic_fer.onnx.graph import Graph

SMALL = {"n_components": 6, "size": None, "blur": 0.0, "window_sizes": (12, 18), "step": 6}
SETTINGS = [
    ("fisher", {"power": 1.0}),
    ("fisher", {"size": 36, "blur": 0.7, "mirror": True, "pyramid": (1, 2)}),
    ("fisher", {"descriptor": "patch", "position": 0.0}),
    ("vlad", {"descriptor": "hog", "mirror": True}),
    ("bow", {"assignment": "soft", "power": 0.3, "position": 1.0}),
    ("bow", {"descriptor": "lbp", "pyramid": (2,)}),
    ("fisher", {"symmetric": True, "mirror": True}),
]


def blurred(n: int, seed: int) -> tuple[NDArray, NDArray]:
    """Noisy waves, one direction a class, with a flat corner."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:28, :30]
    codes = np.arange(n) % 3
    angles = np.pi / 3 * codes[:, None, None]
    waves = np.sin(0.7 * (rows * np.sin(angles) + cols * np.cos(angles)))
    images = np.clip(128 + 60 * waves + rng.normal(0, 15, (n, 28, 30)), 0, 255).astype(np.uint8)
    images[:, :14, :14] = 90
    return images, np.array(["anger", "neutral", "sadness"])[codes]


IMAGES, LABELS = blurred(30, 0)
NEW, _ = blurred(12, 1)


@pytest.mark.parametrize(("size", "blur"), [(None, 0.0), (56, 0.7), (20, 0.0)])
@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_descriptors_and_places_are_those_of_the_feature(name, size, blur):
    describe = LocalDescriptors(name, size, blur, (10, 13), 3)
    graph = Graph()
    value, centres = local_descriptors(graph, describe, "faces", NEW.shape[1:])
    out = graph.named("out", "Identity", value)
    model = graph.model({"faces": ("uint8", ("n", *NEW.shape[1:]))}, {out: ("float32", None)})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"faces": NEW})
    for image, rows in zip(NEW, found):
        expected, places = describe(image)
        np.testing.assert_array_equal(centres, places)
        # A grey value that is rounded the other way changes some patterns of its neighbours, and
        # a gradient near the limit below which an image is flat counts or not.
        difference = np.abs(rows - expected)
        assert (difference > 1e-3).mean() < 1e-3
        assert difference.mean() < 1e-5


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_every_encoding_as_it_is_and_projected(encoding, tmp_path):
    params = {f"features__{encoding}__{key}": value for key, value in SMALL.items()}
    for expression in (encoding, f"hog+{encoding}:pca"):
        recognizer = make_recognizer(expression, "ridge", calibration=None, **params)
        recognizer.fit(IMAGES, LABELS)
        export_recognizer(recognizer, tmp_path / "graph.onnx")
        verdict = check_graph(recognizer, tmp_path / "graph.onnx", NEW)
        assert (verdict.passed, verdict.same) == (True, len(NEW))


@pytest.mark.parametrize(("encoding", "settings"), SETTINGS)
def test_parameters_of_encodings(encoding, settings, tmp_path):
    params = {f"features__{encoding}__{k}": v for k, v in {**SMALL, **settings}.items()}
    recognizer = make_recognizer(encoding, "krr", calibration=None, **params)
    recognizer.fit(IMAGES, LABELS)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    verdict = check_graph(recognizer, tmp_path / "graph.onnx", NEW)
    assert (verdict.passed, verdict.same) == (True, len(NEW))
    assert np.ptp(recognizer.predict_proba(NEW), axis=0).min() > 1e-3


@pytest.mark.parametrize(
    ("expression", "clf", "params"),
    [
        ("fisher:mpca", "compact-krr", {"features__mpca__n_components": 6}),
        ("fisher", "krr", {}),
    ],
)
def test_mirror_symmetric_recognizers(expression, clf, params, tmp_path):
    small = {f"features__fisher__{key}": value for key, value in SMALL.items()}
    symmetric = {"features__fisher__symmetric": True, "clf__kernel": "mirror-rbf"}
    recognizer = make_recognizer(
        expression, clf, calibration=None, **small, **symmetric, **params
    ).fit(IMAGES, LABELS)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    verdict = check_graph(recognizer, tmp_path / "graph.onnx", NEW)
    assert (verdict.passed, verdict.same) == (True, len(NEW))
    mirrored = check_graph(recognizer, tmp_path / "graph.onnx", NEW[:, :, ::-1])
    assert mirrored.passed
