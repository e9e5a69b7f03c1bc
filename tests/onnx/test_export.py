"""Exported graphs: every feature and classifier gives the recognizer's own answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import MinMaxScaler

from classic_fer.errors import MissingPackageError, ModelFileError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.features import FEATURES
from classic_fer.models.classifiers import CLASSIFIERS
from classic_fer.models.projections import PROJECTIONS
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.onnx import export as export_module
from classic_fer.onnx.check import check_graph
from classic_fer.onnx.export import export_recognizer
from classic_fer.onnx.metadata import read_metadata

# mpca is of symmetric Fisher vectors alone: test_export_encodings.py.
OF_ANY_FEATURES = sorted(set(PROJECTIONS) - {"mpca"})
FEATURE_SETTINGS = [
    ("lbp", {"lbp__method": "uniform", "lbp__norm": "l2", "lbp__overlap": 0.4}),
    ("lbp", {"lbp__method": "default", "lbp__points": 6, "lbp__norm": "none"}),
    ("lbp", {"lbp__radius": (1, 2.5), "lbp__points": (8, 12), "lbp__norm": "l1", "lbp__grid": 3}),
    ("hog", {"hog__step": 4, "hog__block_norm": "L2", "hog__orientations": 12}),
    ("hog", {"hog__block_norm": "L1-sqrt", "hog__transform_sqrt": True}),
    ("hog", {"hog__block_norm": "L1", "hog__pixels_per_cell": (6, 5), "hog__cells_per_block": 1}),
    ("geometry", {"geometry__parts": "points"}),
    ("geometry", {"geometry__parts": "measures"}),
    ("lbp+hog:pca", {"pca__n_components": 5}),
    ("(lbp+geometry):pca:lda", {"pca__n_components": 6}),
    *[(f"pixels:{name}", {f"{name}__n_components": 2}) for name in OF_ANY_FEATURES],
]
CLASSIFIER_SETTINGS = [
    *[("svm", {"clf__kernel": kernel}) for kernel in ("linear", "poly", "sigmoid")],
    ("knn", {"clf__weights": "distance"}),
    *[
        ("krr", {"clf__kernel": kernel, "clf__gamma": "scale", "scaler": "none"})
        for kernel in ("linear", "chi2", "exp-chi2", "intersection")
    ],
    ("krr", {"clf__kernel": [("rbf", 0.5, 1.0, 0, 60), ("linear", 2.0, 1.0, 60, None)]}),
    ("majority", {"clf__strategy": "most_frequent"}),
]


def striped(n: int, labels: list[str], seed: int = 0) -> tuple[NDArray, NDArray, NDArray]:
    """Faces whose stripes turn with the class, labels and people; one has no landmarks."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:28, :24]
    codes = np.arange(n) % len(labels)
    angles = np.pi / len(labels) * codes[:, None, None]
    waves = np.sin(1.3 * (rows * np.sin(angles) + cols * np.cos(angles)))
    images = np.clip(128 + 60 * waves + rng.normal(0, 30, (n, 28, 24)), 0, 255).astype(np.uint8)
    images[:, :6, :6] = 77  # flat, where all hangs on rounding
    landmarks = rng.uniform(2, 22, (n, 68, 2))
    landmarks[5] = np.nan  # of one alone: which of equal rows are nearest, nobody says
    return make_faces(images, landmarks=landmarks), np.array(labels)[codes], np.arange(n) // 4 % 6


# A classifier that is trained for each face, and features of another recognizer, are no graph.
EXPORTED_CLASSIFIERS = sorted(set(CLASSIFIERS) - {"local"})
EXPORTED_FEATURES = sorted(set(FEATURES) - {"transfer"})

FACES, LABELS, PEOPLE = striped(48, ["anger", "neutral", "surprise", "happiness"])
NEW, _, _ = striped(33, ["anger", "neutral", "surprise", "happiness"], seed=1)


def trained(features: str, clf: str, **params: object) -> Recognizer:
    params.setdefault("calibration", None)
    return make_recognizer(features, clf, **params).fit(FACES, LABELS, PEOPLE)


def answers(file: Path, faces: NDArray) -> tuple[NDArray, NDArray]:
    """Labels and probabilities of a graph."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    inputs = {"faces": np.ascontiguousarray(faces["image"])}
    if len(session.get_inputs()) == 2:
        inputs["landmarks"] = np.ascontiguousarray(faces["landmarks"])
    return tuple(session.run(["label", "probabilities"], inputs))


def assert_same_answers(recognizer: Recognizer, file: Path, faces: NDArray = NEW) -> None:
    labels, chances = answers(file, faces)
    expected = recognizer.predict_proba(faces)
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances, expected, atol=2e-6)
    np.testing.assert_array_equal(labels, recognizer.predict(faces))
    varied = np.ptp(expected, axis=0).max() > 1e-3
    assert varied or recognizer.clf_.__class__.__name__ == "DummyClassifier"


@pytest.mark.parametrize("clf", EXPORTED_CLASSIFIERS)
@pytest.mark.parametrize("features", EXPORTED_FEATURES)
def test_every_feature_with_every_classifier(features, clf, tmp_path):
    small = {"features__lbp__grid": 2} if features == "lbp" else {}
    recognizer = trained(features, clf, **small)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx")


@pytest.mark.parametrize(("features", "params"), FEATURE_SETTINGS)
def test_parameters_of_features(features, params, tmp_path):
    named = {f"features__{name}": value for name, value in params.items()}
    recognizer = trained(features, "linear-svm", **named)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx")


@pytest.mark.parametrize(("clf", "params"), CLASSIFIER_SETTINGS)
def test_parameters_of_classifiers(clf, params, tmp_path):
    recognizer = trained("lbp", clf, features__lbp__grid=2, **params)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx")


@pytest.mark.parametrize("clf", EXPORTED_CLASSIFIERS)
def test_two_classes(clf, tmp_path):
    faces, labels, people = striped(24, ["sadness", "happiness"])
    recognizer = make_recognizer("hog", clf).fit(faces, labels, people)
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx", striped(9, ["a", "b"], seed=2)[0])


def test_a_classifier_of_scikit_learn_and_columns_in_the_order_of_emotions(tmp_path):
    recognizer = trained("lbp", LogisticRegression(), features__lbp__grid=2)
    assert recognizer.classes_.tolist() != recognizer.clf_.classes_.tolist()
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx")


def test_doubt_is_answered_with_unsure(tmp_path):
    rng = np.random.default_rng(3)
    noise = make_faces(rng.integers(0, 256, (40, 28, 24), dtype=np.uint8))
    recognizer = trained("hog", "linear-svm", calibration="temperature")
    recognizer.threshold_ = float(np.median(recognizer.predict_proba(noise).max(axis=1)))
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert_same_answers(recognizer, tmp_path / "graph.onnx", noise)
    labels, _ = answers(tmp_path / "graph.onnx", noise)
    assert 0 < (labels == "unsure").sum() < len(noise)
    recognizer.threshold_ = np.inf
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert set(answers(tmp_path / "graph.onnx", noise)[0]) == {"unsure"}


@pytest.mark.parametrize(
    ("features", "clf", "part"), [("hog", "local", "LocalRidge"), ("transfer", "lda", "transfer")]
)
def test_what_is_no_graph_is_refused_by_name(features, clf, part, tmp_path):
    recognizer = trained(features, clf)
    with pytest.raises(ParameterError, match=f"{part}.* cannot be exported; supported are"):
        export_recognizer(recognizer, tmp_path / "graph.onnx")


def test_one_face_is_the_same_face_of_a_batch_and_no_faces_are_fine(tmp_path):
    export_recognizer(trained("lbp+hog+geometry", "svm"), tmp_path / "graph.onnx")
    labels, chances = answers(tmp_path / "graph.onnx", NEW)
    one_label, one_row = answers(tmp_path / "graph.onnx", NEW[3:4])
    assert one_label[0] == labels[3]
    np.testing.assert_allclose(one_row[0], chances[3], atol=1e-6)
    assert answers(tmp_path / "graph.onnx", NEW[:0])[1].shape == (0, 4)


def test_what_is_written_is_told_and_kept_as_metadata(tmp_path):
    written = export_recognizer(trained("lbp+geometry", "lda"), tmp_path / "graph.onnx")
    assert written.bytes == (tmp_path / "graph.onnx").stat().st_size
    assert (written.opset, written.ir_version) == (17, 8)
    assert written.inputs == ("faces", "landmarks")
    session = onnxruntime.InferenceSession(str(written.file))
    metadata = read_metadata(session.get_modelmeta().custom_metadata_map, "graph.onnx")
    assert metadata["classes"] == ["neutral", "happiness", "surprise", "anger"]
    assert metadata["image_shape"] == [28, 24]
    assert (metadata["features"], metadata["clf"]) == ("lbp+geometry", "lda")
    shapes = {each.name: each.shape for each in session.get_inputs()}
    assert shapes == {"faces": ["n", 28, 24], "landmarks": ["n", 68, 2]}


ALONE = """
import json, sys

BLOCKED = {"classic_fer", "cv2", "numba", "onnx", "scipy", "skimage", "sklearn"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Blocker())
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
metadata = json.loads(session.get_modelmeta().custom_metadata_map["classic_fer"])
label, probabilities = session.run(None, {"faces": np.load(sys.argv[2])})
print(json.dumps([metadata["classes"], label.tolist(), probabilities.tolist()]))
"""


def test_onnxruntime_and_numpy_are_all_that_a_graph_needs(tmp_path):
    recognizer = trained("lbp+hog", "svm", calibration="temperature")
    export_recognizer(recognizer, tmp_path / "graph.onnx")
    np.save(tmp_path / "faces.npy", NEW["image"])
    (tmp_path / "alone.py").write_text(ALONE)
    done = subprocess.run(
        [sys.executable, "alone.py", "graph.onnx", "faces.npy"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    classes, labels, chances = json.loads(done.stdout)
    assert classes == recognizer.classes_.tolist()
    assert labels == recognizer.predict(NEW).tolist()
    np.testing.assert_allclose(chances, recognizer.predict_proba(NEW), atol=1e-6)


def test_another_recognizer_does_not_pass_the_check(tmp_path):
    export_recognizer(trained("hog", "ridge"), tmp_path / "graph.onnx")
    assert check_graph(trained("hog", "ridge"), tmp_path / "graph.onnx", NEW).passed
    verdict = check_graph(trained("hog", "knn"), tmp_path / "graph.onnx", NEW["image"])
    assert not verdict.passed
    assert verdict.n == 33
    assert verdict.close < 33
    assert verdict.difference > 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clf": GaussianNB()}, r"classifier GaussianNB cannot be exported; supported are svm"),
        ({"scaler": MinMaxScaler()}, r"scaler MinMaxScaler cannot be exported"),
        ({"clf__metric": "manhattan"}, r"knn with metric 'manhattan' cannot be exported"),
        ({"clf": "svm", "clf__decision_function_shape": "ovo"}, r"decision_function_shape='ovo'"),
    ],
)
def test_a_part_without_a_graph_is_named(change, message, tmp_path):
    recognizer = trained("hog", change.pop("clf", "knn"), **change)
    with pytest.raises(ParameterError, match=message):
        export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert not list(tmp_path.iterdir())


def test_a_feature_of_ones_own_is_named(tmp_path):
    from classic_fer.features.hog import HOG

    class Halves(HOG):
        pass

    recognizer = make_recognizer([Halves()], "ridge").fit(FACES, LABELS, PEOPLE)
    with pytest.raises(ParameterError, match=r"\(Halves\) cannot be exported; supported are lbp"):
        export_recognizer(recognizer, tmp_path / "graph.onnx")


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    recognizer = trained("hog", "ridge")
    monkeypatch.setattr(export_module, "_MOST_DIFFERENCE", -1.0)
    with pytest.raises(ModelFileError, match=r"not written: it answers otherwise"):
        export_recognizer(recognizer, tmp_path / "graph.onnx")
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    recognizer = trained("hog", "ridge")
    monkeypatch.setitem(sys.modules, "classic_fer.onnx.graph", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'classic_fer\[export\]'"):
        export_recognizer(recognizer, tmp_path / "graph.onnx")


def test_a_graph_beyond_two_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "_MOST_BYTES", 1000)
    with pytest.raises(ModelFileError, match=r"an ONNX file holds at most 2 GB"):
        export_recognizer(trained("hog", "svm"), tmp_path / "graph.onnx")
