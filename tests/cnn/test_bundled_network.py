"""The bundled network: needs onnxruntime alone."""

import subprocess
import sys

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.faces.align import align_faces
from classic_fer.models.bundled import NETWORK
from classic_fer.models.persistence import load_model, model_file

_LEAN = """
import sys
import numpy as np
from classic_fer.models.persistence import load_model
load_model("fer-cnn", n_jobs=1).predict_proba(np.zeros((1, 64, 64), np.uint8))
print([name for name in ("torch", "onnx", "skl2onnx") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def network():
    return load_model(NETWORK, n_jobs=1)


def test_it_is_small_and_knows_where_it_comes_from(network):
    assert model_file(NETWORK).stat().st_size <= 3e6
    assert network.bundle_["dataset"]["name"] == "fer2013"
    assert network.bundle_["dataset"]["n"] == 28_709
    assert network.bundle_["features"] == "pixels"
    assert network.alignment_.detector == "dlib"
    assert network.alignment_.crops_of == "fer2013"
    assert len(network.classes_) == 7


def test_it_runs_without_torch_and_onnx():
    done = subprocess.run([sys.executable, "-c", _LEAN], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_face_gets_the_same_probabilities_alone_and_in_a_batch(network):
    height, width = network.image_shape_
    faces = np.random.default_rng(0).integers(0, 256, (70, height, width), np.uint8)
    together = network.predict_proba(faces)
    assert together.sum(axis=1) == pytest.approx(1)
    alone = np.concatenate([network.predict_proba(faces[i : i + 1]) for i in (0, 64, 69)])
    assert np.abs(alone - together[[0, 64, 69]]).max() < 1e-4


@pytest.mark.realdata
def test_it_reads_faces_that_it_never_saw(network, realdata):
    """Every 24th image of the part public, brought to lie as the training faces did."""
    dataset = load_dataset(realdata("fer2013.zip"))
    rows = np.flatnonzero(dataset.split == "public")[::24]
    aligned = align_faces(dataset.subset(rows), alignment=network.alignment_)
    accuracy = (network.predict(aligned.faces) == aligned.y).mean()
    assert accuracy > 0.6
