"""Recognizer: training, order of classes, calibration, photos."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from classic_fer.emotions import POLICIES
from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.models.decisions import class_scores
from classic_fer.models.expression import make_features
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import Recognizer, make_recognizer

ALIGNMENT = Alignment(frame=Frame.standard(24))


@pytest.fixture
def fitted(toy, pixels) -> Recognizer:
    return make_recognizer(pixels, "linear-svm").fit(toy.faces, toy.y, toy.groups)


def test_it_learns_and_its_columns_have_the_order_of_emotions(toy, fitted):
    assert fitted.classes_.tolist() == ["neutral", "happiness", "surprise", "anger"]
    assert fitted.score(toy.faces, toy.y) > 0.9
    decisions = fitted.decision_function(toy.faces)
    assert decisions.shape == (48, 4)
    for column, label in enumerate(fitted.classes_):
        assert decisions[toy.y == label, column].mean() > decisions[toy.y != label, column].mean()


def test_probabilities_sum_to_one_and_agree_with_decisions_and_predictions(toy, fitted):
    chances = fitted.predict_proba(toy.faces)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_array_equal(
        chances.argmax(axis=1), fitted.decision_function(toy.faces).argmax(axis=1)
    )
    np.testing.assert_array_equal(
        fitted.classes_[chances.argmax(axis=1)], fitted.predict(toy.faces)
    )


@pytest.mark.parametrize("clf", ["svm", "ridge", "lda", "knn", "lp", "majority"])
def test_two_classes_have_two_columns(two_class_toy, pixels, clf):
    X, y, groups = two_class_toy
    model = make_recognizer(pixels, clf).fit(X, y, groups)
    assert model.classes_.tolist() == ["happiness", "sadness"]
    assert model.decision_function(X).shape == model.predict_proba(X).shape == (36, 2)
    if clf != "majority":
        assert model.score(X, y) > 0.8


def test_scores_of_a_classifier_are_put_into_the_wanted_order():
    X, y = np.array([[0.0], [1.0], [5.0], [6.0]]), np.array(["a", "a", "b", "b"])
    scores = class_scores(SVC(kernel="linear").fit(X, y), X, ["b", "unseen", "a"])
    np.testing.assert_allclose(scores[:, 0], -scores[:, 2])
    assert (scores[2:, 0] > 0).all()
    assert (scores[:, 1] == -np.inf).all()


def test_scores_of_a_classifier_without_decisions_are_log_probabilities():
    X, y = np.array([[0.0], [1.0], [5.0]]), np.array(["a", "a", "b"])
    scores = class_scores(KNeighborsClassifier(1).fit(X, y), X, ["a", "b"])
    np.testing.assert_allclose(scores, np.log([[1, 1e-6], [1, 1e-6], [1e-6, 1]]), atol=1e-12)


def test_plain_images_and_faces_give_the_same(toy, pixels):
    of_faces = make_recognizer(pixels, "ridge").fit(toy.faces, toy.y)
    of_images = make_recognizer(pixels, "ridge").fit(toy.faces["image"], toy.y)
    np.testing.assert_array_equal(
        of_faces.predict_proba(toy.faces), of_images.predict_proba(toy.faces["image"])
    )


def test_training_on_extracted_blocks_is_training_on_faces(toy, pixels, fitted):
    model = make_recognizer(pixels, "linear-svm")
    blocks = model.features.extract(toy.faces)
    model.fit_blocks(blocks, toy.y, image_shape=(24, 24), groups=toy.groups)
    np.testing.assert_array_equal(
        model.decision_from_blocks(blocks), fitted.decision_function(toy.faces)
    )
    assert model.temperature_ == fitted.temperature_


def test_the_callers_out_of_fold_scores_are_used_for_the_calibration(toy, pixels):
    model = make_recognizer(pixels, "linear-svm")
    blocks = model.features.extract(toy.faces)
    scores = np.random.default_rng(0).normal(size=(48, 4))
    model.fit_blocks(blocks, toy.y, image_shape=(24, 24), oof_scores=scores)
    expected = clone(model).fit(toy.faces, toy.y).calibrate(scores, toy.y).temperature_
    assert model.temperature_ == expected


def test_people_never_straddle_the_folds_of_the_calibration(toy, pixels, monkeypatch):
    """Guards against probabilities calibrated on people that the classifier knows."""
    model = make_recognizer(pixels, "ridge")
    seen: list[tuple[set, set]] = []
    original = Recognizer._fit_parts

    def fit_parts(self, blocks, y):
        rows = [np.flatnonzero((toy_rows == row).all(axis=1))[0] for row in blocks["pixels"]]
        seen.append(set(toy.groups[rows]))
        return original(self, blocks, y)

    toy_rows = pixels.transform(toy.faces)
    monkeypatch.setattr(Recognizer, "_fit_parts", fit_parts)
    model.fit(toy.faces, toy.y, toy.groups)
    assert len(seen) == 6  # all faces, then five folds
    assert all(len(people) < 6 for people in seen[1:])


def test_without_enough_people_probabilities_are_left_uncalibrated_with_a_warning(toy, pixels):
    model = make_recognizer(pixels, "ridge")
    with pytest.warns(UserWarning, match="probabilities are not calibrated"):
        model.fit(toy.faces, toy.y, np.full(48, "P1"))
    assert model.temperature_ == 1.0


def test_people_of_one_class_each_do_not_break_the_training(two_class_toy, pixels):
    model = make_recognizer(pixels, "ridge")
    with pytest.warns(UserWarning, match="probabilities are not calibrated"):
        model.fit(two_class_toy.faces, two_class_toy.y, two_class_toy.y)
    assert model.score(two_class_toy.faces, two_class_toy.y) > 0.9


def test_the_calibration_can_be_left_out(toy, pixels):
    model = make_recognizer(pixels, "ridge", calibration=None).fit(toy.faces, toy.y)
    assert model.temperature_ == 1.0
    with pytest.raises(ParameterError, match="calibration must be 'temperature' or None"):
        make_recognizer(pixels, calibration="platt").fit(toy.faces, toy.y)


def test_nested_parameters_reach_their_parts_and_survive_clone(pixels, mouth):
    features = make_features([pixels, mouth])
    model = make_recognizer(
        features, "svm", features__pixels__step=3, scaler__method="center", clf__C=7.0
    )
    copy = clone(model).set_params(features__mouth__point=5, clf=SVC(), clf__C=2.0)
    assert copy.get_params()["features__pixels__step"] == 3
    assert copy.scaler.method == "center"
    assert (copy.clf.C, model.clf.C) == (2.0, 7.0)
    assert (copy.features.leaves["mouth"].point, mouth.point) == (5, 48)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("features__pixel__step", "features__pixels__step"),
        ("clf__gama", "clf__gamma"),
        ("scaler__methods", "scaler__method"),
        ("calibrations", "calibration"),
    ],
)
def test_unknown_parameters_list_the_known_ones(pixels, name, near):
    with pytest.raises(ParameterError, match=f"{name}'.*expected one of.*did you mean '{near}'"):
        make_recognizer(pixels, "svm", **{name: 1})


def test_any_scikit_learn_scaler_and_classifier_will_do(toy, pixels):
    from sklearn.preprocessing import MinMaxScaler

    model = make_recognizer(pixels, DummyClassifier(), scaler=MinMaxScaler())
    assert model.fit(toy.faces, toy.y).predict(toy.faces).shape == (48,)


def test_it_works_inside_scikit_learns_search_with_people(toy, pixels):
    search = GridSearchCV(
        make_recognizer(pixels, "ridge", calibration=None),
        {"clf__alpha": [0.1, 10.0], "features__pixels__step": [2, 4]},
        cv=GroupKFold(3),
    ).fit(toy.faces, toy.y, groups=toy.groups)
    assert search.best_score_ > 0.8
    scores = cross_val_score(
        search.best_estimator_, toy.faces, toy.y, groups=toy.groups, cv=GroupKFold(3)
    )
    assert scores.mean() == pytest.approx(search.best_score_)


def test_labels_may_come_as_objects_of_a_table(toy, pixels):
    model = make_recognizer(pixels, "ridge").fit(toy.faces, toy.y.astype(object))
    assert model.classes_.dtype.kind == "U"


@pytest.mark.parametrize(
    ("n_faces", "labels", "message"),
    [
        (4, ["a", "b", "a"], "got 4 faces and 3 labels"),
        (0, [], "at least one face, got 0 faces"),
        (3, ["a", "a", "a"], r"at least two classes, found only \['a'\]"),
        (2, [["a"], ["b"]], r"labels of shape \(n,\), got shape \(2, 1\)"),
    ],
)
def test_training_data_that_cannot_be_used_are_refused(toy, pixels, n_faces, labels, message):
    with pytest.raises(DataError, match=message):
        make_recognizer(pixels).fit(toy.faces[:n_faces], labels)


def test_faces_of_another_size_are_refused(fitted):
    with pytest.raises(DataError, match=r"faces of 30x20 pixels.*trained on 24x24"):
        fitted.predict(np.zeros((1, 30, 20), np.uint8))


def test_an_unfitted_recognizer_says_so(toy, pixels):
    with pytest.raises(NotFittedError):
        make_recognizer(pixels).predict(toy.faces)


def test_predictions_of_faces_are_plain_data(toy, fitted):
    fitted.set_bundle(alignment=ALIGNMENT, card="toy")
    faces = toy.faces[:2].copy()
    faces["box"][0] = [1, 2, 30, 40]
    faces["found"][1] = False
    first, second = fitted.predict_faces(faces, photo="a.jpg")
    assert first.box == (1.0, 2.0, 30.0, 40.0)
    assert second.box is None
    assert (first.found, second.found) == (True, False)
    assert first.photo == "a.jpg"
    assert list(first.probabilities) == fitted.classes_.tolist()
    assert first.label == max(first.probabilities, key=first.probabilities.__getitem__)
    assert first.confidence == max(first.probabilities.values())
    assert second.label is not None
    assert fitted.predict_faces(toy.faces[:0]) == []


def test_the_label_policy_of_the_training_data_is_known(fitted):
    assert fitted.label_policy_ is None
    fitted.set_bundle(label_policy=POLICIES["3class"].to_dict())
    assert fitted.label_policy_ == POLICIES["3class"]


def test_landmarks_are_passed_on_face_by_face(toy, fitted):
    points = np.full((68, 2), 7, dtype=np.float32)
    first, second = fitted.predict_faces(toy.faces[:2], landmarks=[points, None])
    np.testing.assert_array_equal(first.landmarks, points)
    assert second.landmarks is None


def test_a_model_that_abstains_gives_faces_that_were_not_found_no_label(toy, fitted):
    fitted.set_bundle(alignment=Alignment(frame=Frame.standard(24), not_found="abstain"))
    faces = toy.faces[:2].copy()
    faces["found"][1] = False
    first, second = fitted.predict_faces(faces)
    assert first.label is not None
    assert second.label is None
    assert np.isnan(second.confidence)


def test_a_photo_is_aligned_as_the_training_faces_were(toy, fitted, monkeypatch):
    import classic_fer.faces.align as align
    from classic_fer.faces.single import FoundFaces

    calls = []

    def find_faces(photo, alignment, *, largest=True):
        calls.append((photo, alignment, largest))
        return FoundFaces(toy.faces[:2], [None, None])

    monkeypatch.setattr(align, "find_faces", find_faces)
    fitted.set_bundle(alignment=ALIGNMENT)
    table = fitted.predict_frame(["a.jpg", "b.jpg"])
    assert calls == [("a.jpg", ALIGNMENT, False), ("b.jpg", ALIGNMENT, False)]
    assert table["photo"].tolist() == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]
    assert table["label"].tolist() == fitted.predict(toy.faces[:2]).tolist() * 2


def test_photos_need_a_known_alignment(fitted):
    with pytest.raises(DataError, match=r"trained on plain images.*set_bundle\(alignment=...\)"):
        fitted.predict_photo("a.jpg")


@pytest.mark.realdata
def test_a_real_photo_gets_the_probabilities_of_its_aligned_face(realdata, tmp_path):
    """Guards against training and prediction that align differently."""
    import zipfile

    from classic_fer.datasets.images import decode
    from classic_fer.faces.align import align_photo

    with zipfile.ZipFile(realdata("jaffe.zip")) as archive:
        names = [n for n in archive.namelist() if ".HA" in n or ".SU" in n][:12]
        photos = [decode(archive.read(name), path=name) for name in names]
    alignment = Alignment(frame=Frame.standard(48))
    faces = np.concatenate([align_photo(photo, alignment) for photo in photos])
    labels = ["happiness" if ".HA" in name else "surprise" for name in names]
    model = make_recognizer("lbp+geometry", "ridge").fit(faces, labels)
    loaded = load_model(save_model(model.set_bundle(alignment=alignment), tmp_path / "m.skops"))
    (prediction,) = loaded.predict_photo(photos[3])
    np.testing.assert_allclose(
        list(prediction.probabilities.values()), model.predict_proba(faces[3:4])[0], atol=1e-6
    )
    assert prediction.found
    assert prediction.box is not None
    assert prediction.landmarks.shape == (68, 2)
