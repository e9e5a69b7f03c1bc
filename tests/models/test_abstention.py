"""Doubt: thresholds by hand and as a property, and the recognizer that answers ``unsure``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.models.abstention import UNSURE, risk_coverage, threshold_for_error
from classic_fer.models.calibration import temperature_softmax
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import grid_search


def test_risk_coverage_by_hand():
    curve = risk_coverage([0.9, 0.5, 0.7, 0.7], [True, False, True, False])
    np.testing.assert_array_equal(curve.threshold, [0.9, 0.7, 0.5])
    np.testing.assert_allclose(curve.coverage, [0.25, 0.75, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 0.5])
    assert curve.area == pytest.approx(0 * 0.25 + 1 / 3 * 0.5 + 0.5 * 0.25)


def test_threshold_answers_as_many_as_the_wished_error_allows():
    confidence, right = [0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False]
    point = threshold_for_error(confidence, right, wished_error=0.25)
    assert (point.threshold, point.coverage, point.error) == (0.6, 0.8, 0.25)
    assert threshold_for_error(confidence, right, wished_error=0.4).coverage == 1
    assert threshold_for_error(confidence, right, wished_error=0).threshold == 0.9


def test_unreachable_error_answers_nothing():
    point = threshold_for_error([0.9, 0.8], [False, True], wished_error=0.1)
    assert (point.threshold, point.coverage) == (np.inf, 0)
    assert np.isnan(point.error)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_threshold_keeps_its_word(answers, wished):
    confidence = np.array([c for c, _ in answers]) / 6
    right = np.array([r for _, r in answers])
    point = threshold_for_error(confidence, right, wished_error=wished)
    kept = confidence >= point.threshold
    assert kept.mean() == pytest.approx(point.coverage)
    if kept.any():
        assert (~right[kept]).mean() == pytest.approx(point.error)
        assert point.error <= wished
    for lower in np.unique(confidence[~kept]):
        assert (~right[confidence >= lower]).mean() > wished


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: risk_coverage([0.5], [True, False]), DataError, r"shapes \(1,\) and \(2,\)"),
        (lambda: risk_coverage([], []), DataError, "at least one answer"),
        (lambda: risk_coverage([np.nan], [True]), DataError, "NaN"),
        (
            lambda: threshold_for_error([0.5], [True], wished_error=5),
            ParameterError,
            "between 0 and 1, got 5",
        ),
    ],
)
def test_misuse_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_recognizer_is_unsure_below_the_threshold_of_its_held_out_faces(toy, pixels):
    y = toy.y.copy()
    y[::5] = "anger"  # so that some answers are wrong
    scores = np.random.default_rng(0).normal(size=(48, 4))
    model = make_recognizer(pixels, "ridge", wished_error=0.5)
    model.fit_blocks(model.features.extract(toy.faces), y, image_shape=(24, 24), oof_scores=scores)
    chances = temperature_softmax(scores, model.temperature_)
    right = model.classes_[chances.argmax(axis=1)] == y
    expected = threshold_for_error(chances.max(axis=1), right, wished_error=0.5)
    assert model.threshold_ == expected.threshold > 0

    model.threshold_ = float(np.median(model.predict_proba(toy.faces).max(axis=1)))
    sure = model.predict_proba(toy.faces).max(axis=1) >= model.threshold_
    answers = model.predict(toy.faces)
    assert 0 < sure.sum() < 48
    assert set(answers[~sure]) == {UNSURE}
    plain = make_recognizer(pixels, "ridge").fit(toy.faces, y, toy.groups)
    np.testing.assert_array_equal(answers[sure], plain.predict(toy.faces)[sure])
    assert model.predict(toy.faces[3:4])[0] == answers[3]  # alone as in a batch


def test_without_a_wish_every_face_is_answered(toy, pixels):
    model = make_recognizer(pixels, "ridge").fit(toy.faces, toy.y, toy.groups)
    assert model.threshold_ == 0
    assert UNSURE not in model.predict(toy.faces)


def test_doubt_is_kept_with_the_model_and_shown_for_photos(toy, tmp_path):
    model = make_recognizer("hog", "ridge", wished_error=0.2).fit(toy.faces, toy.y, toy.groups)
    model.threshold_ = 0.99999
    model.set_bundle(alignment=Alignment(frame=Frame.standard(24), not_found="abstain"))
    loaded = load_model(save_model(model, tmp_path / "m.skops"))
    assert (loaded.threshold_, loaded.wished_error) == (0.99999, 0.2)
    faces = toy.faces[:2].copy()
    faces["found"] = [True, False]
    doubtful, missing = loaded.predict_faces(faces)
    assert doubtful.label is missing.label is None
    assert 0 < doubtful.confidence < 0.99999
    assert np.isnan(missing.confidence)
    loaded.threshold_ = 0.0
    assert [each.label is None for each in loaded.predict_faces(faces)] == [False, True]
    assert (loaded.predict(faces) == UNSURE).tolist() == [False, True]


def test_the_search_hands_its_own_held_out_scores_on(toy, pixels):
    y = toy.y.copy()
    y[::4] = "happiness"
    search = grid_search(
        toy.faces, y, features=pixels, clf="ridge", groups=toy.groups, cv=3, wished_error=0.3
    )
    model = search.best_estimator_
    chances = temperature_softmax(search.oof_scores_, model.temperature_)
    answered = chances.max(axis=1) >= model.threshold_
    wrong = model.classes_[chances.argmax(axis=1)] != y
    assert answered.any()
    assert wrong[answered].mean() <= 0.3


def test_a_wish_that_cannot_be_met_is_said(toy, pixels):
    blocks = make_recognizer(pixels).features.extract(toy.faces)
    model = make_recognizer(pixels, "ridge", wished_error=0.0)
    order = {label: i for i, label in enumerate(["neutral", "happiness", "surprise", "anger"])}
    wrong = np.eye(4)[[(order[label] + 1) % 4 for label in toy.y]]
    with pytest.warns(UserWarning, match="every answer will be 'unsure'"):
        model.fit_blocks(blocks, toy.y, image_shape=(24, 24), oof_scores=wrong)
    assert set(model.predict(toy.faces)) == {UNSURE}
    with pytest.raises(ParameterError, match=r"between 0 and 1, got 1\.5"):
        make_recognizer(pixels, wished_error=1.5).fit(toy.faces, toy.y)
    with pytest.raises(DataError, match="no threshold can be chosen"):
        make_recognizer(pixels, "ridge", wished_error=0.1).fit(toy.faces, toy.y, ["P"] * 48)
