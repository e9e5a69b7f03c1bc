"""The recognizers that come with the package."""

from __future__ import annotations

import json
import warnings
import zipfile

import numpy as np
import pytest

import classic_fer
from classic_fer.errors import MissingFileError
from classic_fer.models.bundled import BUNDLED
from classic_fer.models.half_precision import halved, widened
from classic_fer.models.persistence import load_model, model_file, save_model
from classic_fer.models.recognizer import make_recognizer


@pytest.fixture(scope="module")
def default():
    return classic_fer.load_model()


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_a_bundled_model_is_at_most_five_megabytes(name):
    assert model_file(name).stat().st_size <= 5e6


def test_it_loads_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_model("default")


def test_its_file_holds_no_object_of_scikit_learn():
    """Guards against a file that only one version of scikit-learn can read."""
    with zipfile.ZipFile(model_file("default")) as archive:
        schema = json.loads(archive.read("schema.json"))
    modules: set[str] = set()

    def visit(node: object) -> None:
        if isinstance(node, dict):
            modules.add(str(node.get("__module__", "")).partition(".")[0])
            for part in node.values():
                visit(part)
        elif isinstance(node, list):
            for part in node:
                visit(part)

    visit(schema)
    assert modules <= {"", "builtins", "numpy", "classic_fer", "collections"}


def test_it_knows_its_training_data_alignment_and_card(default):
    assert default.bundle_["dataset"]["name"] == "fer2013"
    assert default.bundle_["dataset"]["n"] == 28709
    assert default.alignment_.detector == "dlib"
    assert len(default.classes_) == 7
    assert default.temperature_ != 1.0


def test_a_file_of_that_name_does_not_take_its_place(default, tmp_path, monkeypatch, toy):
    monkeypatch.chdir(tmp_path)
    mine = make_recognizer("hog", "ridge", calibration=None, features__hog__pixels_per_cell=6)
    save_model(mine.fit(toy.faces, toy.y), "default")
    assert load_model("default").classes_.tolist() == default.classes_.tolist()
    assert len(load_model("./default").classes_) == 4


def test_an_unknown_name_lists_the_bundled_ones():
    with pytest.raises(MissingFileError, match="bundled model: default"):
        load_model("defualt")


def test_half_precision_rounds_large_arrays_alone(toy):
    model = make_recognizer("hog", "linear-svm", features__hog__pixels_per_cell=6)
    model.fit(toy.faces, toy.y)
    stored = halved(model)
    assert stored.clf_.coef_.dtype == np.float16
    assert stored.clf_.intercept_.dtype == model.clf_.intercept_.dtype
    again = widened(stored)
    assert again.clf_.coef_.dtype == model.clf_.coef_.dtype == np.float32
    error = np.abs(again.clf_.coef_ - model.clf_.coef_).max()
    assert 0 < error <= 2**-11 * np.abs(model.clf_.coef_).max()
    np.testing.assert_allclose(
        again.predict_proba(toy.faces), model.predict_proba(toy.faces), atol=2e-3
    )


def test_numbers_out_of_the_range_of_half_precision_stay(toy):
    model = make_recognizer("hog", "ridge", calibration=None, features__hog__pixels_per_cell=6)
    model.fit(toy.faces, toy.y)
    model.scaler_.scale_ = model.scaler_.scale_ * np.float32(1e9)
    model.scaler_.mean_ = model.scaler_.mean_ * np.float32(1e-9)
    stored = halved(model)
    assert stored.scaler_.scale_.dtype == np.float32
    assert stored.scaler_.mean_.dtype == np.float32


def test_a_model_saved_in_half_precision_is_smaller_and_predicts_what_its_file_says(toy, tmp_path):
    model = make_recognizer("lbp", "linear-svm", features__lbp__grid=3)
    model.fit(toy.faces, toy.y)
    small = save_model(model, tmp_path / "small.skops", half=True)
    whole = save_model(model, tmp_path / "whole.skops")
    assert small.stat().st_size < 0.7 * whole.stat().st_size
    loaded = load_model(small)
    np.testing.assert_array_equal(
        loaded.predict_proba(toy.faces), widened(halved(model)).predict_proba(toy.faces)
    )
