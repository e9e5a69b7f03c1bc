"""Attacks: stay within their strength, fool what they attack, and say what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, MissingPackageError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.attacks import (
    attack_faces,
    check_attack,
    perturbation_size,
    random_changes,
)
from classic_fer.models.recognizer import make_recognizer


@pytest.fixture(scope="module")
def model(toy):
    return make_recognizer("lbp", "linear-svm", calibration=None, features__lbp__grid=(3, 3)).fit(
        toy.faces, toy.y
    )


@pytest.mark.parametrize("strength", [0.02, 0.05])
def test_the_square_attack_fools_within_its_strength(toy, model, strength):
    pytest.importorskip("art")
    faces, y = toy.faces[:12], toy.y[:12]
    assert (model.predict(faces) == y).mean() == 1
    attacked = attack_faces(model, faces, y, strength=strength, queries=150)
    change = np.abs(attacked["image"].astype(int) - faces["image"])
    assert change.max() <= int(strength * 255)
    np.testing.assert_array_equal(attacked["landmarks"], faces["landmarks"])
    right = model.decision_function(faces)
    wrong = model.decision_function(attacked)
    column = [model.classes_.tolist().index(label) for label in y]
    each = np.arange(12)
    assert (wrong[each, column] < right[each, column]).mean() > 0.8
    again = attack_faces(model, faces, y, strength=strength, queries=150)
    np.testing.assert_array_equal(again["image"], attacked["image"])


def test_an_attack_hurts_more_than_chance_of_the_same_size(toy, model):
    pytest.importorskip("art")
    faces, y = toy.faces[:24], toy.y[:24]
    attacked = attack_faces(model, faces, y, strength=0.1, queries=200)
    noisy = random_changes(faces, strength=0.1)
    assert (model.predict(attacked) == y).mean() < (model.predict(noisy) == y).mean() - 0.2


def test_hopskipjump_needs_labels_only_and_finds_small_changes(toy, model):
    pytest.importorskip("art")
    faces, y = toy.faces[:4], toy.y[:4]
    attacked = attack_faces(model, faces, y, attack="hopskipjump", queries=60)
    assert (model.predict(attacked) != y).all()
    assert (perturbation_size(faces, attacked) < 0.3).all()
    assert (perturbation_size(faces, attacked) > 0).all()


def test_global_random_numbers_are_left_alone(toy, model):
    pytest.importorskip("art")
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    attack_faces(model, toy.faces[:2], toy.y[:2], queries=5)
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_landmarks_of_each_face_are_its_own(toy, mouth):
    pytest.importorskip("art")
    both = make_recognizer("geometry", "ridge", calibration=None).fit(toy.faces, toy.y)
    attacked = attack_faces(both, toy.faces[1:5], toy.y[1:5], queries=5)
    np.testing.assert_array_equal(both.predict(attacked), both.predict(toy.faces[1:5]))


def test_the_size_of_a_change_by_hand():
    faces = make_faces(np.zeros((1, 2, 2), np.uint8))
    changed = make_faces(np.array([[[51, 0], [0, 0]]], np.uint8))
    np.testing.assert_allclose(perturbation_size(faces, changed), [0.1])
    noisy = random_changes(make_faces(np.full((2, 9, 9), 128, np.uint8)), strength=0.02)
    assert set(np.unique(noisy["image"])) == {123, 133}


def test_what_is_missing_is_named(toy, model, monkeypatch):
    with pytest.raises(ParameterError, match="unknown attack 'squared'"):
        check_attack(model, "squared")
    pytest.importorskip("art")
    with pytest.raises(ParameterError, match=r"'fgsm' follows gradients.*square, hopskipjump"):
        attack_faces(model, toy.faces, toy.y, attack="fgsm")
    with pytest.raises(ParameterError, match="unknown class 'joy'"):
        attack_faces(model, toy.faces[:1], ["joy"])
    with pytest.raises(DataError, match="at least one face"):
        attack_faces(model, toy.faces[:0], [])
    with pytest.raises(ParameterError, match=r"one grey level.*got 0\.001"):
        attack_faces(model, toy.faces[:1], toy.y[:1], strength=0.001)
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"classic_fer\[attacks\]"):
        check_attack(model, "square")
