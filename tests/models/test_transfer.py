"""Transfer: features that another recognizer learned."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from classic_fer.errors import MissingFileError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.transfer import Transfer


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (12, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module")
def labels():
    return np.array(["anger", "happiness"] * 6)


@pytest.fixture(scope="module")
def taught(images, labels, tmp_path_factory):
    """A recognizer with features that learned, in a file."""
    model = make_recognizer("pixels:pca", "lda", features__pca__n_components=3, calibration=None)
    return save_model(model.fit(images, labels), tmp_path_factory.mktemp("model") / "a.skops")


def test_it_gives_the_features_of_that_recognizer(taught, images):
    expected = load_model(taught).features_.transform(images)
    np.testing.assert_array_equal(Transfer(str(taught)).transform(images), expected)


def test_by_default_those_of_the_bundled_one():
    images = np.random.default_rng(1).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    expected = load_model("fer2013-fisher").features_.transform(images)
    np.testing.assert_array_equal(Transfer().transform(images), expected)


def test_images_of_another_size_are_resized(taught, images):
    twice = np.stack([cv2.resize(image, (64, 64)) for image in images])
    back = np.stack([cv2.resize(image, (32, 32)) for image in twice])
    feature = Transfer(str(taught))
    np.testing.assert_array_equal(feature.transform(twice), feature.transform(back))


def test_a_saved_model_keeps_the_features_it_was_trained_with(taught, images, labels, tmp_path):
    copy = tmp_path / "teacher.skops"
    copy.write_bytes(taught.read_bytes())
    model = make_recognizer(
        "lbp+transfer", "lda", calibration=None, features__transfer__model=str(copy)
    ).fit(images, labels)
    file = save_model(model, tmp_path / "pupil.skops")
    copy.unlink()
    loaded = load_model(file)
    np.testing.assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))


def test_features_of_unit_length_are_not_scaled_column_by_column():
    assert make_recognizer("lbp+transfer").scaler.method == "center"
    assert make_recognizer("lbp").scaler.method == "standard"


def test_a_recognizer_that_needs_landmarks_is_refused(images, labels, tmp_path):
    points = np.random.default_rng(2).uniform(0, 32, (12, 68, 2))
    faces = make_faces(images, landmarks=points)
    model = make_recognizer("lbp+geometry", "lda", calibration=None).fit(faces, labels)
    file = save_model(model, tmp_path / "with_geometry.skops")
    with pytest.raises(ParameterError, match=r"'lbp\+geometry'; choose a recognizer without"):
        Transfer(str(file)).transform(images)


def test_a_model_that_is_not_there_is_named(images):
    with pytest.raises(MissingFileError, match=r"no model file nowhere\.skops"):
        Transfer("nowhere.skops").transform(images)
