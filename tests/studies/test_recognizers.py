"""Whom studies ask: nobody answers about people that it was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", grid={"clf__C": [0.01, 0.1]}, inner_cv=3)


def answers(recognizers, dataset):
    named = np.empty(len(dataset), dtype=object)
    for fold, (_, test) in enumerate(recognizers.folds):
        named[test] = recognizers.recognizer(fold).predict(dataset.faces[test])
    return named


def test_held_out_recognizers_answer_as_cross_validation_does(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=4)
    result, _, _ = cross_validate(
        generated, features="hog", clf="linear-svm", grid=RECIPE.grid, inner_cv=3, cv=4
    )
    expected = result.predictions.set_index("id")["predicted"].loc[generated.ids]
    assert answers(held_out, generated).tolist() == expected.tolist()
    facts = held_out.facts()
    assert facts["protocol"]["hash"] == result.protocol["hash"]
    assert facts["protocol"]["groups"] == 8


def test_no_recognizer_saw_the_people_it_is_asked_about(generated, monkeypatch):
    held_out = HeldOutRecognizers(
        generated, RECIPE, cv=4, versions=[generated.faces, generated.faces]
    )
    seen = []
    monkeypatch.setattr(
        Recipe, "fit", lambda self, faces, y, *, groups, **_: seen.append(groups) or "trained"
    )
    for fold, (_, test) in enumerate(held_out.folds):
        assert held_out.recognizer(fold) == "trained"
        assert not set(seen[-1]) & set(generated.groups[test])
        assert len(seen[-1]) == 2 * (len(generated) - len(test))


def test_versions_of_a_face_stay_together_where_people_are_not_known(generated, monkeypatch):
    samples = generated.samples.assign(subject=None)
    unknown = replace(generated, samples=samples)
    held_out = HeldOutRecognizers(unknown, RECIPE, cv=4, versions=[generated.faces] * 2)
    seen = {}
    monkeypatch.setattr(Recipe, "fit", lambda self, faces, y, **told: seen.update(told))
    held_out.recognizer(0)
    half = len(seen["groups"]) // 2
    assert (seen["groups"][:half] == seen["groups"][half:]).all()
    assert held_out.facts()["protocol"]["groups"] is None


def test_other_versions_must_fit(generated):
    with pytest.raises(ParameterError, match="expected versions of 48 faces"):
        HeldOutRecognizers(generated, RECIPE, cv=4, versions=[generated.faces[:3]])


def test_a_given_recognizer_answers_what_it_knows(generated):
    two = generated.subset(generated.y != "surprise")
    trained = RECIPE.fit(two.faces, two.y, groups=two.groups)
    given = GivenRecognizer(trained, generated)
    assert given.folds[0][1].tolist() == np.flatnonzero(generated.y != "surprise").tolist()
    assert any("16 faces of class 'surprise' are left out" in note for note in given.warnings)
    with pytest.raises(DataError, match="none of the classes"):
        GivenRecognizer(trained, generated.subset(generated.y == "surprise"))


def test_a_given_recognizer_says_where_it_was_trained(generated):
    trained = RECIPE.fit(generated.faces, generated.y, groups=generated.groups)
    trained.set_bundle(dataset={"name": "generated"})
    assert "trained on 'generated'" in GivenRecognizer(trained, generated).warnings[0]


def test_a_given_recognizer_answers_the_test_part_alone(generated):
    split = np.where(np.arange(48) < 30, "train", np.where(np.arange(48) < 40, "test", "final"))
    parted = replace(generated, samples=generated.samples.assign(split=split))
    trained = RECIPE.fit(generated.faces, generated.y, groups=generated.groups)
    given = GivenRecognizer(trained, parted)
    assert given.folds[0][1].tolist() == list(range(30, 40))
    assert "only the part 'test' of the data is asked" in given.warnings
