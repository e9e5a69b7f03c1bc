"""Averages over variants of a test face: mirrored, shifted, and what a recognizer makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from classic_fer.errors import ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.explanations import OCCLUSION, explain
from classic_fer.models.face_variants import AVERAGINGS, face_variants, shifted_faces
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import make_recognizer
from classic_fer.onnx.export import export_recognizer

IMAGE = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8)


def one_face(image=IMAGE):
    landmarks = np.full((1, 68, 2), np.nan)
    landmarks[0, 36] = 0, 1  # the outer corner of the eye on the left; on the right it is 45
    return make_faces(image[np.newaxis], landmarks=landmarks, boxes=[[5, 6, 7, 8]])


def test_a_shift_moves_pixels_and_landmarks_and_repeats_the_border():
    face = one_face()
    right, up = shifted_faces(face, 1, 0), shifted_faces(face, 0, -1)
    assert right["image"][0].tolist() == [[1, 1, 2], [4, 4, 5]]
    assert up["image"][0].tolist() == [[4, 5, 6], [4, 5, 6]]
    assert right["landmarks"][0, 36].tolist() == [1, 1]
    assert up["landmarks"][0, 36].tolist() == [0, 0]
    assert np.isnan(right["landmarks"]).sum() == 2 * 67
    assert right["box"].tolist() == [[5, 6, 7, 8]]  # of the photo, which did not move
    assert face["image"][0].tolist() == IMAGE.tolist()


def test_a_shift_out_of_the_image_is_refused():
    with pytest.raises(ParameterError, match="faces of 2x3 pixels cannot be shifted by 0 and 2"):
        shifted_faces(one_face(), 0, 2)


def test_the_mirror_image_has_the_landmark_on_the_other_side():
    plain, mirrored = face_variants(one_face(), "mirror")
    assert plain["image"][0].tolist() == IMAGE.tolist()
    assert mirrored["image"][0].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert mirrored["landmarks"][0, 45].tolist() == [2, 1]
    assert np.isnan(mirrored["landmarks"]).sum() == 2 * 67
    *_, again = face_variants(mirrored, "mirror")
    assert_array_equal(again["image"], plain["image"])
    assert_array_equal(again["landmarks"], plain["landmarks"])


def test_variants_are_the_face_its_neighbours_and_those_of_its_mirror_image():
    images = [[v["image"][0].tolist() for v in face_variants(one_face(), a)] for a in AVERAGINGS]
    assert [len(each) for each in images] == [2, 5, 10]
    assert images[1] == [
        [[1, 2, 3], [4, 5, 6]],
        [[1, 1, 2], [4, 4, 5]],
        [[2, 3, 3], [5, 6, 6]],
        [[1, 2, 3], [1, 2, 3]],
        [[4, 5, 6], [4, 5, 6]],
    ]
    assert images[2][:5] == images[1]
    assert images[2][5:] == [
        [row[::-1] for row in image]
        for image in (images[1][0], images[1][2], images[1][1], *images[1][3:])
    ]


def test_decisions_are_the_mean_over_the_variants_of_one_fitted_recognizer(toy, pixels):
    plain = make_recognizer(pixels, "linear-svm").fit(toy.faces, toy.y, toy.groups)
    model = make_recognizer(pixels, "linear-svm", averaging="mirror+shift")
    model.fit(toy.faces, toy.y, toy.groups)
    expected = [plain.decision_function(f) for f in face_variants(toy.faces, "mirror+shift")]
    decisions = model.decision_function(toy.faces)
    assert_allclose(decisions, np.mean(expected, axis=0), atol=1e-12)
    assert np.abs(decisions - expected[0]).max() > 1e-3
    assert model.temperature_ == plain.temperature_  # of faces as they are
    assert_array_equal(model.predict(toy.faces), model.classes_[decisions.argmax(axis=1)])
    assert_array_equal(model.decision_function(toy.faces["image"]), decisions)
    model.set_params(averaging=None)
    assert_array_equal(model.decision_function(toy.faces), expected[0])


def test_a_mirrored_face_gets_the_answer_of_the_face(toy):
    model = make_recognizer("hog", "linear-svm", averaging="mirror", calibration=None)
    model.fit(toy.faces, toy.y)
    _, mirrored = face_variants(toy.faces, "mirror")
    assert_allclose(
        model.decision_function(mirrored), model.decision_function(toy.faces), atol=1e-12
    )


def test_a_symmetric_face_gets_what_it_gets_without_averaging(toy, pixels):
    images = np.maximum(toy.faces["image"], toy.faces["image"][:, :, ::-1])
    model = make_recognizer(pixels.set_params(step=1), "linear-svm", averaging="mirror")
    averaged = model.fit(images, toy.y).decision_function(images)
    assert_allclose(averaged, model.set_params(averaging=None).decision_function(images))


@pytest.mark.parametrize("features", ["hog", "fisher"])
@pytest.mark.parametrize("averaging", AVERAGINGS)
def test_one_face_gets_what_it_gets_among_others(toy, features, averaging):
    small = {"n_components": 4, "size": None, "window_sizes": 8, "pca_components": 5}
    params = {f"features__fisher__{k}": v for k, v in small.items()} if features == "fisher" else {}
    model = make_recognizer(features, "linear-svm", averaging=averaging, calibration=None, **params)
    model.fit(toy.faces, toy.y)
    together = model.decision_function(toy.faces[:5])
    for i in range(5):
        assert_allclose(model.decision_function(toy.faces[i : i + 1])[0], together[i], atol=1e-6)


def test_averaging_is_cloned_saved_and_loaded(toy, tmp_path):
    model = make_recognizer("hog", "ridge", averaging="shift")
    assert clone(model).get_params()["averaging"] == "shift"
    model.fit(toy.faces, toy.y)
    loaded = load_model(save_model(model, tmp_path / "model.skops"))
    assert loaded.averaging == "shift"
    assert_array_equal(loaded.predict_proba(toy.faces), model.predict_proba(toy.faces))


def test_a_model_saved_before_there_was_averaging_still_loads(toy, tmp_path):
    model = make_recognizer("hog", "ridge").fit(toy.faces, toy.y)
    expected = model.predict_proba(toy.faces)
    del model.averaging
    loaded = load_model(save_model(model, tmp_path / "model.skops"))
    assert loaded.get_params()["averaging"] is None
    assert_array_equal(loaded.predict_proba(toy.faces), expected)


def test_an_unknown_averaging_is_refused(toy):
    with pytest.raises(ParameterError, match=r"unknown averaging 'miror'.*did you mean 'mirror'"):
        make_recognizer("hog", "ridge", averaging="miror")
    model = make_recognizer("hog", "ridge").set_params(averaging="all")
    with pytest.raises(ParameterError, match="unknown averaging 'all'"):
        model.fit(toy.faces, toy.y)


def test_a_graph_of_averages_is_refused_by_name(toy, tmp_path):
    model = make_recognizer("hog", "ridge", averaging="mirror", calibration=None)
    model.fit(toy.faces, toy.y)
    with pytest.raises(ParameterError, match="averaging='mirror' cannot be exported"):
        export_recognizer(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_answers_that_are_averages_are_explained_by_occlusion(toy):
    model = make_recognizer("hog", "ridge", averaging="mirror", calibration=None)
    model.fit(toy.faces, toy.y)
    told = explain(model, toy.faces[:1])
    assert told.method == OCCLUSION
    assert_allclose(told.probabilities, model.predict_proba(toy.faces[:1]).max(axis=1))
    model = make_recognizer("hog+geometry", "ridge", averaging="mirror", calibration=None)
    with pytest.raises(ParameterError, match=r"averaging='mirror'.*set_params"):
        explain(model.fit(toy.faces, toy.y), toy.faces[:1])
