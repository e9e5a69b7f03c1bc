"""Saving and loading: nothing is lost, nothing foreign is let in."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

import classic_fer.models.persistence as persistence
from classic_fer.errors import MissingFileError, ModelFileError, ParameterError
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.features import FEATURES, feature_class
from classic_fer.models.classifiers import CLASSIFIERS
from classic_fer.models.model_bundle import TRUSTED_TYPES
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.projections import PROJECTIONS
from classic_fer.models.recognizer import make_recognizer


class Foreign:
    """A type that no model file may ask for."""

    def __init__(self) -> None:
        self.value = 1


@pytest.fixture(scope="module")
def recognizer(toy):
    model = make_recognizer("lbp:pca", "svm", features__lbp__grid=(2, 2))
    model.fit(toy.faces, toy.y, toy.groups)
    alignment = Alignment(frame=Frame.standard(24), not_found="abstain")
    return model.set_bundle(
        alignment=alignment, card={"name": "toy", "terms": "none"}, label_policy="keep"
    )


@pytest.fixture
def saved(recognizer, tmp_path) -> Path:
    return save_model(recognizer, tmp_path / "model.skops")


def _content(path: Path) -> dict:
    return skops.io.load(path, trusted=list(TRUSTED_TYPES))


def test_predictions_are_identical_after_a_round_trip(recognizer, saved, toy):
    loaded = load_model(saved)
    np.testing.assert_array_equal(
        loaded.predict_proba(toy.faces), recognizer.predict_proba(toy.faces)
    )
    np.testing.assert_array_equal(loaded.predict(toy.faces), recognizer.predict(toy.faces))
    assert loaded.classes_.tolist() == recognizer.classes_.tolist()
    assert str(loaded.get_params()) == str(recognizer.get_params())


def test_the_bundle_travels_with_the_model(recognizer, saved):
    loaded = load_model(saved)
    assert loaded.alignment_ == recognizer.alignment_
    assert loaded.bundle_["card"] == {"name": "toy", "terms": "none"}
    assert loaded.bundle_["label_policy"] == "keep"
    assert loaded.bundle_["features"] == "lbp:pca"
    assert loaded.bundle_["clf"] == "svm"
    assert loaded.bundle_["classes"] == ["neutral", "happiness", "surprise", "anger"]
    assert loaded.bundle_["image_shape"] == [24, 24]
    assert {"classic_fer", "numpy", "scikit-learn"} <= set(loaded.bundle_["versions"])


def test_a_loaded_model_can_be_saved_again(saved, tmp_path, toy):
    again = load_model(save_model(load_model(saved), tmp_path / "again.skops"))
    np.testing.assert_array_equal(
        again.predict_proba(toy.faces), load_model(saved).predict_proba(toy.faces)
    )


def test_a_run_folder_stands_for_the_model_in_it(recognizer, tmp_path):
    assert save_model(recognizer, tmp_path) == tmp_path / "model.skops"
    assert load_model(tmp_path).classes_.tolist() == recognizer.classes_.tolist()


def test_missing_parent_folders_are_made_and_no_draft_is_left(recognizer, tmp_path):
    path = save_model(recognizer, tmp_path / "runs" / "one" / "mine.skops")
    assert [p.name for p in path.parent.iterdir()] == ["mine.skops"]


def test_the_golden_faces_are_patterns_not_training_faces(saved, toy):
    golden = _content(saved)["golden_faces"]["image"]
    assert golden.shape == (4, 24, 24)
    assert not any((face == golden).all(axis=(1, 2)).any() for face in toy.faces["image"])


def test_every_registered_part_may_be_saved():
    """Guards against a feature, projection or classifier that trains but cannot be loaded."""
    classes = [feature_class(name) for name in FEATURES] + list(PROJECTIONS.values())
    for spec in CLASSIFIERS.values():
        weight = {"class_weight": None} if spec.weighted else {}
        classes.append(type(spec.factory(random_state=0, **weight)))
    names = [f"{cls.__module__}.{cls.__qualname__}" for cls in classes]
    assert [n for n in names if not n.startswith("sklearn.") and n not in TRUSTED_TYPES] == []


def test_no_trusted_type_is_missing_from_the_package():
    from importlib import import_module

    for name in TRUSTED_TYPES:
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(import_module(module), attribute), type)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b"path,label\na.png,fear\n", r"expected a skops file \(a zip archive\), found bytes"),
        (pickle.dumps({"a": 1}), "found a pickle; pickles are never loaded"),
        (b"PK\x03\x04 not really", "is damaged or not a classic_fer model"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, content, message):
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load_model(path)


def test_a_pickle_is_never_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "model.skops"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelFileError, match="pickle"):
        load_model(path)
    assert not (tmp_path / "exploded").exists()


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(ModelFileError, match=r"not a classic_fer model \(KeyError: .*schema.json"):
        load_model(path)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (SVC().fit([[0.0], [1.0]], [0, 1]), "it holds a SVC; expected a file made by save_model"),
        ({"format": "other"}, "it holds a dict; expected a file made by save_model"),
        ([1, 2], "it holds a list"),
        ({"format": "classic_fer model", "format_version": 99}, "has format version 99"),
        (
            {"format": "classic_fer model", "format_version": 1, "recognizer": SVC()},
            "it holds no recognizer",
        ),
    ],
)
def test_skops_files_of_something_else_are_refused(tmp_path, thing, message):
    path = tmp_path / "model.skops"
    skops.io.dump(thing, path)
    with pytest.raises(ModelFileError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    ("intruder", "name"),
    [
        (os.system, r"\.system"),
        (Foreign(), r"Foreign"),
        (FunctionTransformer(os.remove), r"\.remove"),
        (RandomForestClassifier(1).fit([[0.0], [1.0]], [0, 1]), r"sklearn\.tree\._tree\.Tree"),
    ],
)
def test_other_types_are_refused_before_anything_is_built(saved, tmp_path, intruder, name):
    content = _content(saved)
    content["metadata"] = {**content["metadata"], "extra": intruder}
    path = tmp_path / "intruder.skops"
    skops.io.dump(content, path)
    with pytest.raises(ModelFileError, match=f"types that are not trusted: .*{name}.*not loaded"):
        load_model(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(saved, tmp_path, share):
    content = saved.read_bytes()
    path = tmp_path / "cut.skops"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match=r"cut.skops is damaged .*copy it again"):
        load_model(path)


def test_a_flipped_byte_is_noticed_wherever_it_lies(saved, tmp_path):
    """Each file is either refused or still gives the golden probabilities."""
    content = bytearray(saved.read_bytes())
    path = tmp_path / "flipped.skops"
    refused = 0
    for place in np.linspace(0, len(content) - 1, 40).astype(int):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        path.write_bytes(bytes(broken))
        try:
            load_model(path)
        except ModelFileError:
            refused += 1
    assert refused >= 30


def test_golden_vectors_that_do_not_match_are_refused(saved, tmp_path):
    content = _content(saved)
    content["golden_probabilities"] = content["golden_probabilities"][:, ::-1].copy()
    path = tmp_path / "other.skops"
    skops.io.dump(content, path)
    with pytest.raises(ModelFileError, match=r"golden vectors differ by .*saved with .*running"):
        load_model(path)


def test_golden_vectors_that_are_not_numbers_are_refused(saved, tmp_path):
    content = _content(saved)
    content["golden_probabilities"] = content["golden_probabilities"] * np.nan
    path = tmp_path / "nan.skops"
    skops.io.dump(content, path)
    with pytest.raises(ModelFileError, match="golden vectors differ by nan"):
        load_model(path)


def test_a_recognizer_without_its_fitted_parts_is_refused(saved, tmp_path):
    content = _content(saved)
    del content["recognizer"].clf_
    path = tmp_path / "empty.skops"
    skops.io.dump(content, path)
    with pytest.raises(ModelFileError, match="is damaged"):
        load_model(path)


def test_other_versions_are_no_trouble_as_long_as_the_golden_vectors_match(
    recognizer, tmp_path, monkeypatch
):
    monkeypatch.setattr("sklearn.base.__version__", "1.6.0")
    path = save_model(recognizer, tmp_path / "old.skops")
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_model(path)
    assert loaded.classes_.tolist() == recognizer.classes_.tolist()


def test_what_could_not_be_loaded_is_not_saved(toy, pixels, tmp_path):
    model = make_recognizer(pixels, "ridge").fit(toy.faces, toy.y)
    with pytest.raises(ModelFileError, match=r"cannot be saved: it holds .*Pixels"):
        save_model(model, tmp_path / "model.skops")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_is_not_plain_data_is_not_saved(recognizer, tmp_path):
    before = recognizer.bundle_
    recognizer.bundle_ = {"card": object()}
    try:
        with pytest.raises(ParameterError, match="must be plain data"):
            save_model(recognizer, tmp_path / "model.skops")
    finally:
        recognizer.bundle_ = before


def test_a_failed_write_leaves_the_old_model(saved, recognizer, monkeypatch):
    before = saved.read_bytes()

    def full_disk(self, target):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save_model(recognizer, saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["model.skops"]


def test_a_missing_model_says_what_was_expected(tmp_path):
    with pytest.raises(MissingFileError, match=r"no model file .*none\.skops; expected"):
        load_model(tmp_path / "none.skops")
    with pytest.raises(MissingFileError, match=r"no model\.skops or model\.onnx in the folder"):
        load_model(tmp_path)


def test_the_tolerance_of_golden_vectors_lets_rounding_pass(saved, monkeypatch, tmp_path):
    content = _content(saved)
    content["golden_probabilities"] = content["golden_probabilities"] + 5e-6
    path = tmp_path / "rounded.skops"
    skops.io.dump(content, path)
    assert load_model(path).classes_.size == 4
    monkeypatch.setattr(persistence, "_GOLDEN_TOLERANCE", 1e-6)
    with pytest.raises(ModelFileError, match="golden vectors"):
        load_model(path)
