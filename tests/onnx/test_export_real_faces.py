"""Graphs and recognizers give real faces the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.faces.align import align_faces
from classic_fer.models.persistence import load_model
from classic_fer.models.recognizer import make_recognizer
from classic_fer.onnx.check import check_graph
from classic_fer.onnx.export import export_recognizer


@pytest.mark.realdata
@pytest.mark.parametrize(("features", "clf"), [("lbp", "svm"), ("hog", "linear-svm")])
def test_people_of_ck48_that_were_not_trained_on(features, clf, realdata, tmp_path):
    data = load_dataset(str(realdata("ck48.zip")))
    images = align_faces(data, n_jobs=1).faces["image"]
    training = np.isin(data.groups, np.unique(data.groups)[::3])
    recognizer = make_recognizer(features, clf, calibration=None)
    recognizer.fit(images[training], data.y[training])
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    verdict = check_graph(recognizer, tmp_path / "graph.onnx", images[~training])
    assert verdict.n > 500
    assert verdict.same == verdict.n
    assert verdict.difference < 1e-5


@pytest.mark.realdata
def test_the_bundled_recognizer_on_jaffe(realdata, tmp_path):
    recognizer = load_model("default")
    data = load_dataset(str(realdata("jaffe.zip")))
    few = data.subset(np.arange(0, len(data), 20))
    faces = align_faces(few, alignment=recognizer.alignment_, n_jobs=1).faces
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    verdict = check_graph(recognizer, tmp_path / "graph.onnx", faces)
    assert verdict.passed, verdict
