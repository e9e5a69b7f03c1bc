"""What every classifier and projection must obey inside a recognizer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline

from classic_fer.faces.types import make_faces
from classic_fer.models.classifiers import CLASSIFIERS, default_grid
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.expression import FeatureExpression, make_features
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.projections import PROJECTIONS
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.models.scaler import FeatureScaler
from classic_fer.models.shared_search import GridSearch

EXPRESSIONS = [
    "lbp",
    "hog",
    "lbp+hog:pca",
    *[f"lbp:{name}" for name in sorted(PROJECTIONS)],
    *sorted(ENCODINGS),
    "lbp+fisher:pca",
]
SMALL = {"features__lbp__grid": 2}
SMALL_STEPS = {
    "lbp": {"lbp__grid": 2},
    **{
        name: {f"{name}__n_components": 4, f"{name}__size": None, f"{name}__window_sizes": 12}
        for name in ENCODINGS
    },
}


def _faces(n: int = 45) -> tuple[NDArray, NDArray, NDArray]:
    """Striped faces: three classes, five people."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:32, :32]
    codes = np.arange(n) % 3
    angles = np.pi / 3 * codes[:, None, None]
    waves = np.sin(1.3 * (rows * np.sin(angles) + cols * np.cos(angles)))
    images = np.clip(128 + 60 * waves + rng.normal(0, 20, (n, 32, 32)), 0, 255).astype(np.uint8)
    labels = np.array(["anger", "happiness", "neutral"])[codes]
    return make_faces(images), labels, np.arange(n) // 3 % 5


FACES, LABELS, PEOPLE = _faces()


def _features(expression: str) -> FeatureExpression:
    features = make_features(expression)
    steps = [name for name, _ in features.steps if name in SMALL_STEPS]
    return features.set_params(**{k: v for name in steps for k, v in SMALL_STEPS[name].items()})


@pytest.fixture(scope="module", params=sorted(CLASSIFIERS))
def fitted(request: pytest.FixtureRequest) -> Recognizer:
    return make_recognizer("lbp", request.param, **SMALL).fit(FACES, LABELS, PEOPLE)


def test_it_is_a_classifier_that_learns(fitted):
    assert is_classifier(fitted)
    floor = 0.3 if fitted.clf.__class__.__name__ == "DummyClassifier" else 0.9
    assert fitted.score(FACES, LABELS) > floor


def test_columns_are_classes_in_the_one_order(fitted):
    assert fitted.classes_.tolist() == ["neutral", "happiness", "anger"]
    chances = fitted.predict_proba(FACES)
    assert chances.shape == fitted.decision_function(FACES).shape == (len(FACES), 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[chances.argmax(axis=1)], fitted.predict(FACES))


def test_one_row_is_the_same_row_of_a_batch(fitted):
    whole = fitted.predict_proba(FACES)
    for i in (0, 7, 44):
        np.testing.assert_allclose(fitted.predict_proba(FACES[i : i + 1]), whole[[i]], atol=1e-5)


def test_training_and_predicting_leave_input_and_parameters_alone(fitted):
    model = clone(fitted)
    faces, labels = FACES.copy(), LABELS.copy()
    before = str(model.get_params())
    model.fit(faces, labels, PEOPLE).predict(faces)
    assert faces.tobytes() == FACES.tobytes()
    assert (labels == LABELS).all()
    assert str(model.get_params()) == before


def test_training_again_gives_the_same(fitted):
    again = clone(fitted).fit(FACES, LABELS, PEOPLE)
    np.testing.assert_array_equal(again.predict_proba(FACES), fitted.predict_proba(FACES))


def test_the_order_of_classes_in_the_data_does_not_matter(fitted):
    reverse = clone(fitted).set_params(calibration=None).fit(FACES[::-1], LABELS[::-1])
    assert reverse.classes_.tolist() == fitted.classes_.tolist()


def test_saving_and_loading_changes_nothing(fitted, tmp_path):
    loaded = load_model(save_model(fitted, tmp_path / "model.skops"))
    np.testing.assert_array_equal(loaded.predict_proba(FACES), fitted.predict_proba(FACES))
    assert loaded.bundle_["clf"] in CLASSIFIERS


def test_its_default_grid_names_parameters_that_exist(fitted):
    name = next(n for n, s in CLASSIFIERS.items() if default_grid(fitted.clf) == dict(s.grid))
    known = make_recognizer("lbp", name).get_params()
    assert set(default_grid(name)) <= set(known)


def test_it_can_be_searched_by_scikit_learn(fitted):
    grid = {key: values[:1] for key, values in default_grid(fitted.clf).items()}
    search = GridSearchCV(
        clone(fitted).set_params(calibration=None), grid, cv=GroupKFold(2), error_score="raise"
    ).fit(FACES, LABELS, groups=PEOPLE)
    assert 0.2 < search.best_score_ <= 1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_features_are_float32_named_and_the_same_for_one_row(expression):
    features = _features(expression)
    out = features.fit(FACES, LABELS).transform(FACES)
    assert out.dtype == np.float32
    names = features.get_feature_names_out()
    assert len(set(names)) == len(names) == out.shape[1]
    np.testing.assert_allclose(features.transform(FACES[4:5]), out[4:5], atol=1e-5)
    np.testing.assert_allclose(features.transform(FACES["image"]), out, atol=1e-5)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_features_fit_into_a_pipeline_of_scikit_learn(expression):
    pipeline = Pipeline(
        [
            ("features", _features(expression)),
            ("scaler", FeatureScaler()),
            ("clf", make_recognizer("lbp", "ridge").clf),
        ]
    )
    assert clone(pipeline).fit(FACES, LABELS).score(FACES, LABELS) > 0.8


def test_geometry_of_faces_without_landmarks_is_imputed_not_lost():
    rng = np.random.default_rng(0)
    faces = FACES.copy()
    faces["landmarks"] = rng.uniform(4, 28, (len(faces), 68, 2))
    faces["landmarks"][::4] = np.nan
    model = make_recognizer("lbp+geometry", "ridge", **SMALL).fit(faces, LABELS, PEOPLE)
    assert np.isfinite(model.predict_proba(faces)).all()
    assert model.predict_proba(FACES).shape == (len(FACES), 3)


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_encodings_are_saved_and_loaded(encoding, tmp_path):
    model = make_recognizer(_features(f"lbp+{encoding}"), "ridge").fit(FACES, LABELS, PEOPLE)
    loaded = load_model(save_model(model, tmp_path / "model.skops"))
    np.testing.assert_array_equal(loaded.predict_proba(FACES), model.predict_proba(FACES))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_over_an_encoding_gives_scikit_learns_answer(n_jobs):
    recognizer = make_recognizer(_features("vlad"), "ridge", calibration=None)
    grid = {"features__vlad__n_components": [2, 4], "clf__alpha": [0.1, 10.0]}
    ours = GridSearch(recognizer, grid, cv=GroupKFold(2), n_jobs=n_jobs)
    ours.fit(FACES, LABELS, groups=PEOPLE)
    theirs = GridSearchCV(recognizer, grid, cv=GroupKFold(2)).fit(FACES, LABELS, groups=PEOPLE)
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], atol=1e-12
    )


def test_the_default_scaler_keeps_the_length_of_encodings():
    assert make_recognizer("lbp+fisher", "ridge").scaler.method == "center"
    assert make_recognizer("bow:pca", "ridge").scaler.method == "center"
    assert make_recognizer("lbp+pixels:pca", "ridge").scaler.method == "standard"
    assert make_recognizer("fisher", "ridge", scaler="none").scaler.method == "none"
