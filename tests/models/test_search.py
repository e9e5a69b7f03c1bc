"""grid_search: one call from faces to a tuned recognizer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import SVC

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.features.hog import HOG
from classic_fer.models.folds import inner_folds
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import check_scoring_name, complete_grid, grid_search


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    y = np.array(["neutral", "anger"] * 16)
    X = rng.normal(120, 40, size=(32, 24, 24))
    X[::2, :, ::6] += 60
    return np.clip(X, 0, 255).astype(np.uint8), y, np.repeat(np.arange(8), 4).astype(str)


def test_faces_or_images_give_the_same_tuned_recognizer(problem):
    X, y, people = problem
    options = {"features": HOG(), "clf": "svm", "grid": {"clf__C": [1, 10]}, "groups": people}
    search = grid_search(X, y, **options)
    again = grid_search(make_faces(X), y, n_jobs=2, **options)
    assert search.n_splits_ == 5
    assert search.best_params_ == again.best_params_
    assert search.best_score_ == again.best_score_
    np.testing.assert_array_equal(search.predict_proba(X), again.predict_proba(make_faces(X)))
    assert search.best_estimator_.classes_.tolist() == ["neutral", "anger"]
    assert set(search.predict(X)) == {"neutral", "anger"}


def test_people_are_kept_together_in_the_folds_of_a_search(problem):
    _, y, people = problem
    for train, test in inner_folds(y, people, n_splits=4):
        assert not set(people[train]) & set(people[test])


def test_one_person_is_divided_at_random_with_a_warning():
    y = ["fear", "anger"] * 6
    with pytest.warns(UserWarning, match=r"all of one person \('p'\)"):
        folds = inner_folds(y, ["p"] * 12, n_splits=3)
    assert len(folds) == 3


def test_the_model_is_saved_and_loaded(problem, tmp_path):
    from classic_fer.models.persistence import load_model

    X, y, people = problem
    search = grid_search(X, y, features="hog", grid={"clf__C": [1.0]}, groups=people)
    path = search.save(tmp_path / "mine.skops")
    loaded = load_model(path)
    np.testing.assert_allclose(loaded.predict_proba(X), search.predict_proba(X), atol=1e-9)


def test_default_grids_stay_for_named_classifiers_unless_named():
    recognizer = make_recognizer("lbp", "knn")
    usual = complete_grid(recognizer, "knn", None)
    assert set(usual) == {"clf__n_neighbors", "clf__weights"}
    radius = {"features__lbp__radius": [1, 2]}
    assert set(complete_grid(recognizer, "knn", radius)) == {*usual, *radius}
    assert complete_grid(recognizer, "knn", {"clf__n_neighbors": [1]}) == {"clf__n_neighbors": [1]}
    assert complete_grid(recognizer, "knn", None, {"clf__weights": "distance"}) == {
        "clf__n_neighbors": usual["clf__n_neighbors"]
    }
    assert complete_grid(recognizer, SVC(C=3), None) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": "hogg"}, "unknown feature 'hogg'.*did you mean 'hog'"),
        ({"clf": "svn"}, "unknown classifier 'svn'.*did you mean 'svm'"),
        (
            {"scoring": "acuracy"},
            "unknown scoring 'acuracy'.*accuracy, balanced-accuracy, macro-f1",
        ),
        ({"grid": {"clf__c": [1]}}, "unknown parameter 'clf__c'.*did you mean 'clf__C'"),
        ({"grid": {"clf__C": []}}, "clf__C: expected a list of values"),
        ({"grid": {"clf__C": 3.0}}, "clf__C: expected a list of values"),
        ({"grid": {"clf__C": [1, -1.0]}}, "clf__C=-1.0: .*must be a float in the range"),
        ({"grid": {"clf__C": ["abc"]}}, "clf__C=abc: .*must be a float"),
        ({"params": {"clf__gamma": "wide"}}, "clf__gamma=wide: "),
        ({"clf": "linear-svm", "grid": {"clf__C": ["abc"]}}, "C must be above 0, got 'abc'"),
        ({"clf": "krr", "grid": {"clf__kernel": ["rbff"]}}, "unknown kernel 'rbff'"),
        ({"clf": "krr", "grid": {"clf__alpha": [0.1, 0]}}, "alpha must be above 0, got 0"),
        ({"clf": "ridge", "grid": {"clf__alpha": ["abc"]}}, "clf__alpha=abc: "),
        ({"grid": {"clf__C": [1]}, "params": {"clf__C": 2}}, "both fixed and in the grid"),
    ],
)
def test_unusable_options_list_the_choices(problem, options, message):
    X, y, _ = problem
    with pytest.raises(ParameterError, match=message):
        grid_search(X, y, **options)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["fear"] * 32, "at least two classes, found only 'fear'"),
        (["fear", "anger"], "got 32 faces and 2 labels"),
    ],
)
def test_labels_that_do_not_fit(problem, labels, message):
    with pytest.raises(DataError, match=message):
        grid_search(problem[0], labels)


def test_a_budget_keeps_the_candidates_that_are_best_on_a_part(problem):
    X, y, _ = problem
    grid = {"clf__C": [1e-6, 10.0, 1e-5], "clf__gamma": [0.3]}
    search = grid_search(X, y, features="hog", grid=grid, cv=3, budget=1e-6)
    assert [params["clf__C"] for params in search.cv_results_["params"]] == [10.0]
    assert [one.params["clf__C"] for one in search.skipped_] == [1e-6, 1e-5]
    assert all(0 <= one.score <= 1 and one.n_faces < len(y) for one in search.skipped_)
    whole = grid_search(X, y, features="hog", grid=grid, cv=3, budget=1e6)
    assert whole.skipped_ == []
    assert whole.best_params_ == search.best_params_
    with pytest.raises(ParameterError, match="budget must be a positive number of seconds, got 0"):
        grid_search(X, y, features="hog", grid=grid, cv=3, budget=0)


def test_names_of_metrics():
    assert check_scoring_name("macro-f1") == "f1_macro"
    assert check_scoring_name("balanced-accuracy") == "balanced_accuracy"
    assert check_scoring_name("neg_log_loss") == "neg_log_loss"
    assert check_scoring_name(None) is None
