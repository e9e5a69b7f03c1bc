"""The search engine gives the answers of scikit-learn's GridSearchCV."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ParameterGrid,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

from classic_fer.errors import DataError
from classic_fer.models import fold_search, kernel_ridge, ridge_systems
from classic_fer.models.fold_search import settings_of
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch

GRIDS: dict[str, list[Any]] = {
    "svm": [
        {"clf__C": [0.1, 1, 10], "clf__gamma": [0.3, "scale", "auto"]},
        {"clf__kernel": ["linear"], "clf__C": [0.5, 5]},
        [{"clf__kernel": ["linear"]}, {"clf__kernel": ["poly", "rbf"], "clf__C": [1, 3]}],
        {"clf__C": [1.0], "clf__class_weight": [None, "balanced"]},
    ],
    "linear-svm": [{"clf__C": [0.1, 10.0]}],
    "ridge": [
        {"clf__alpha": [0.1, 1.0, 10.0], "scaler__method": ["standard", "center"]},
        {"clf__alpha": [0.3, 3.0], "clf__fit_intercept": [True, False]},
        {"clf__alpha": [0.3, 3.0], "clf__class_weight": [None, "balanced"]},
        [{"clf__solver": ["svd"], "clf__alpha": [1.0]}, {"clf__alpha": [1, 0.0]}],
    ],
    "krr": [
        {"clf__alpha": [0.03, 1.0], "clf__gamma": [0.5, 2.0, "scale"]},
        {"clf__alpha": [0.1, 1.0], "clf__kernel": ["linear", "rbf", [("rbf", 0.5), ("linear",)]]},
        {"clf__alpha": [0.3], "clf__class_weight": [None, "balanced"]},
        {"clf__alpha": [0.1], "clf__tol": [1e-4, 1e-5]},
    ],
    "knn": [{"clf__n_neighbors": [1, 3], "clf__weights": ["uniform", "distance"]}],
    "majority": [{}],
}
FEATURES: dict[str, dict[str, Any]] = {
    "lbp": {"features__lbp__radius": [1, 2]},
    "hog": {},
    "hog:pca": {"features__pca__n_components": [2, 5]},
}
SPLITTERS = (
    StratifiedKFold(3),
    GroupKFold(3),
    StratifiedShuffleSplit(2, test_size=0.3, random_state=1),
    RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0),
)


def small_problem(seed: int, n: int = 36, classes: int = 3):
    rng = np.random.default_rng(seed)
    y = np.array(["fear", "anger", "neutral"])[:classes][np.arange(n) % classes]
    X = rng.normal(120, 40, size=(n, 24, 24))
    for row, label in enumerate(y):
        X[row, :, {"fear": 4, "anger": 10, "neutral": 16}[label] :: 8] += 40
    return np.clip(X, 0, 255).astype(np.uint8), y, np.arange(n) // classes % 6


def assert_same_answers(ours: GridSearch, theirs: GridSearchCV) -> None:
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for name, expected in theirs.cv_results_.items():
        if name.endswith("_time") or name == "params":
            continue
        found = ours.cv_results_[name]
        if name.startswith("param_"):
            assert found.tolist() == expected.tolist(), name
        else:
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=name)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ == pytest.approx(theirs.best_score_, abs=1e-12)
    assert ours.n_splits_ == theirs.n_splits_


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    features=st.sampled_from(sorted(FEATURES)),
    clf=st.sampled_from(sorted(GRIDS)),
    pick=st.integers(0, 3),
    cv=st.sampled_from(SPLITTERS),
    scoring=st.sampled_from(["accuracy", "f1_macro", "balanced_accuracy", None]),
    classes=st.integers(2, 3),
    n_jobs=st.integers(1, 3),
)
def test_engine_equals_grid_search_cv(seed, features, clf, pick, cv, scoring, classes, n_jobs):
    X, y, people = small_problem(seed, classes=classes)
    base = GRIDS[clf][pick % len(GRIDS[clf])]
    grid = [{**FEATURES[features], **one} for one in (base if isinstance(base, list) else [base])]
    recognizer = make_recognizer(features, clf, calibration=None)
    ours = GridSearch(recognizer, grid, cv=cv, scoring=scoring, n_jobs=n_jobs)
    theirs = GridSearchCV(recognizer, grid, cv=cv, scoring=scoring)
    groups = people if isinstance(cv, GroupKFold) else None
    ours.fit(X, y, groups=groups)
    theirs.fit(X, y, groups=groups)
    assert_same_answers(ours, theirs)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("free", [0, 10**9])
def test_conjugate_gradients_score_every_candidate_as_fits_alone_do(monkeypatch, free):
    monkeypatch.setattr(ridge_systems, "FACTOR_ROWS", 10)
    for module in (fold_search, kernel_ridge):
        monkeypatch.setattr(module, "available_bytes", lambda: free)
    monkeypatch.setattr(kernel_ridge, "FACTOR_ROWS", 10)
    X, y, _ = small_problem(11, n=60)
    recognizer = make_recognizer("hog", "krr", calibration=None)
    grid = {"clf__alpha": [0.01, 0.1, 3.0], "clf__gamma": [0.25, 1.0]}
    ours = GridSearch(recognizer, grid, cv=3, n_jobs=2).fit(X, y)
    assert_same_answers(ours, GridSearchCV(recognizer, grid, cv=3).fit(X, y))
    folds = StratifiedKFold(3).split(X, y)
    best = clone(recognizer).set_params(**ours.best_params_)
    for train, test in folds:
        alone = clone(best).fit(X[train], y[train]).decision_function(X[test])
        np.testing.assert_allclose(ours.oof_scores_[test], alone, atol=5e-4)


def test_histogram_kernels_are_searched_side_by_side():
    X, y, _ = small_problem(13)
    recognizer = make_recognizer("lbp", "krr", scaler="none", calibration=None)
    grid = {"clf__kernel": ["intersection", "chi2", "exp-chi2"], "clf__gamma": [0.3, 1.0, 3.0]}
    ours = GridSearch(recognizer, grid, cv=3, n_jobs=2).fit(X, y)
    assert_same_answers(ours, GridSearchCV(recognizer, grid, cv=3).fit(X, y))


def test_an_alpha_that_cannot_be_fails_alone():
    X, y, _ = small_problem(12)
    for clf in ("krr", "ridge"):
        recognizer = make_recognizer("hog", clf, calibration=None)
        search = GridSearch(recognizer, {"clf__alpha": [-1.0, 1.0, "abc"]}, cv=2)
        with pytest.warns(FitFailedWarning, match="4 fits failed out of a total of 6"):
            search.fit(X, y)
        assert search.best_params_ == {"clf__alpha": 1.0}


def test_ties_go_to_the_first_candidate():
    X, y, _ = small_problem(0)
    recognizer = make_recognizer("hog", "majority", calibration=None)
    grid = {"scaler__method": ["none", "center", "standard"]}
    ours = GridSearch(recognizer, grid, cv=3).fit(X, y)
    assert ours.cv_results_["rank_test_score"].tolist() == [1, 1, 1]
    assert ours.best_params_ == {"scaler__method": "none"}
    assert_same_answers(ours, GridSearchCV(recognizer, grid, cv=3).fit(X, y))


def test_several_metrics_and_a_scorer_of_probabilities():
    X, y, _ = small_problem(3)
    recognizer = make_recognizer("hog", "svm", calibration=None)
    grid = {"clf__C": [0.3, 3.0]}
    several = {"scoring": ["accuracy", "f1_macro", "neg_log_loss"], "refit": "neg_log_loss"}
    ours = GridSearch(recognizer, grid, cv=3, **several).fit(X, y)
    theirs = GridSearchCV(recognizer, grid, cv=3, **several).fit(X, y)
    for name in ("accuracy", "f1_macro", "neg_log_loss"):
        key = f"mean_test_{name}"
        np.testing.assert_allclose(ours.cv_results_[key], theirs.cv_results_[key], atol=1e-9)
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    assert ours.multimetric_
    scorer = make_scorer(accuracy_score)
    single = GridSearch(recognizer, grid, cv=3, scoring=scorer).fit(X, y)
    np.testing.assert_array_equal(
        single.cv_results_["mean_test_score"], ours.cv_results_["mean_test_accuracy"]
    )


def test_refit_by_a_function_and_not_at_all():
    X, y, _ = small_problem(4)
    recognizer = make_recognizer("hog", "svm", calibration=None)
    last = GridSearch(recognizer, {"clf__C": [1, 2]}, cv=2, refit=lambda results: 1).fit(X, y)
    assert last.best_params_ == {"clf__C": 2}
    none = GridSearch(recognizer, {"clf__C": [1, 2]}, cv=2, refit=False).fit(X, y)
    assert not hasattr(none, "best_estimator_")


@pytest.mark.parametrize("features", ["hog", "hog:pca"])
def test_failed_fits_get_the_error_score_and_the_lowest_rank(features):
    X, y, _ = small_problem(1)
    grid: dict[str, list[Any]] = {"clf__C": [1.0, -1.0]}
    if features == "hog:pca":
        grid = {"features__pca__n_components": [2, -7]}
    recognizer = make_recognizer(features, "svm", calibration=None)
    ours = GridSearch(recognizer, grid, cv=3, n_jobs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = GridSearchCV(recognizer, grid, cv=3).fit(X, y)
    with pytest.warns(FitFailedWarning, match="3 fits failed out of a total of 6"):
        ours.fit(X, y)
    assert_same_answers(ours, theirs)
    with pytest.raises(ValueError, match=r"C|n_components"):
        GridSearch(recognizer, grid, cv=3, error_score="raise", n_jobs=2).fit(X, y)


def test_all_fits_failed():
    X, y, _ = small_problem(1)
    recognizer = make_recognizer("hog", "svm", calibration=None)
    with pytest.raises(DataError, match="all 2 fits of the search failed"):
        GridSearch(recognizer, {"clf__C": [-1.0]}, cv=2).fit(X, y)


def test_what_cannot_be_shared_goes_to_grid_search_cv():
    X, y, _ = small_problem(5)
    recognizer = make_recognizer("hog", "ridge", calibration=None)
    own = GridSearch(
        recognizer,
        {"clf__alpha": [0.1, 1.0]},
        cv=2,
        scoring=lambda estimator, rows, labels: float(len(estimator.predict(rows[:1]))),
    ).fit(X, y)
    assert own.cv_results_["mean_test_score"].tolist() == [1.0, 1.0]
    trained = GridSearch(recognizer, {"clf__alpha": [1.0]}, cv=2, return_train_score=True)
    assert "mean_train_score" in trained.fit(X, y).cv_results_
    plain = GridSearch(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    flat = X.reshape(len(X), -1) / 255
    assert_same_answers(
        plain.fit(flat, y), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(flat, y)
    )
    assert plain.oof_scores_ is None


class HalvesByBrightness:
    """A splitter that looks at the faces."""

    def split(self, X, y=None, groups=None):
        order = np.argsort(X.reshape(len(X), -1).mean(axis=1), kind="stable")
        yield np.sort(order[::2]), np.sort(order[1::2])

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1


def shape_of_faces(estimator, X, y):
    """A scoring function that looks at the faces."""
    return float(X.ndim + (estimator.predict(X) == y).mean())


@pytest.mark.parametrize(
    "options",
    [
        {"cv": HalvesByBrightness()},
        {"scoring": {"own": shape_of_faces, "usual": "accuracy"}, "refit": "own", "cv": 2},
        {"scoring": "neg_log_loss", "cv": 2},
        {"scoring": ["roc_auc_ovr", "accuracy"], "refit": "accuracy", "cv": 2},
        {"scoring": ["accuracy", "f1_macro"], "refit": lambda results: 1, "cv": 2},
        {"scoring": ["accuracy", "f1_macro"], "refit": False, "cv": 2},
    ],
    ids=["splitter", "function", "probabilities", "ranking", "refit by function", "no refit"],
)
def test_a_calibrated_recognizer_gets_the_scores_of_grid_search_cv(options):
    X, y, _ = small_problem(14)
    made = [
        search(make_recognizer("hog", "svm"), {"clf__C": [0.3, 3.0]}, **options).fit(X, y)
        for search in (GridSearch, GridSearchCV)
    ]
    ours, theirs = (search.cv_results_ for search in made)
    assert list(ours) == list(theirs)
    for name in theirs:
        if "_test_" in name:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-9, err_msg=name)
    for name in ("best_index_", "best_params_", "multimetric_", "n_splits_"):
        assert getattr(made[0], name, None) == getattr(made[1], name, None)


def test_a_search_that_is_handed_over_keeps_people_together_in_its_calibration():
    X, y, people = small_problem(15)
    recognizer = make_recognizer("hog", "svm", clf__C=1.0)
    search = GridSearch(recognizer, [{}], cv=GroupKFold(2), scoring="neg_log_loss")
    search.fit(X, y, groups=people)
    expected = clone(recognizer).fit(X, y, groups=people)
    assert search.best_estimator_.temperature_ == expected.temperature_


def test_a_metric_that_fails_gets_the_error_score_and_is_told():
    X, y, _ = small_problem(16)

    def broken(true, predicted):
        raise ValueError("no such thing")

    search = GridSearch(
        make_recognizer("hog", "ridge"),
        {"clf__alpha": [1.0]},
        scoring={"broken": make_scorer(broken), "accuracy": "accuracy"},
        refit="accuracy",
        error_score=0.25,
        cv=2,
    )
    with pytest.warns(UserWarning, match="scoring failed for 2 of 2 fits.*no such thing"):
        search.fit(X, y)
    assert search.cv_results_["mean_test_broken"].tolist() == [0.25]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"error_score": "ignore"}, "'error_score' parameter of GridSearch must be"),
        ({"n_jobs": "all"}, "'n_jobs' parameter of GridSearch must be"),
        ({"scoring": shape_of_faces, "memory": 2**30}, "memory works only for"),
        ({"scoring": shape_of_faces, "budget": 9.0}, "budget works only for"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    X, y, _ = small_problem(17)
    search = GridSearch(make_recognizer("hog", "ridge"), {"clf__alpha": [1.0]}, cv=2, **options)
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)


def test_out_of_fold_scores_are_those_of_recognizers_that_did_not_see_the_rows():
    X, y, people = small_problem(6)
    recognizer = make_recognizer("hog", "svm", calibration=None)
    folds = list(GroupKFold(3).split(X, y, people))
    search = GridSearch(recognizer, {"clf__C": [1.0, 10.0]}, cv=folds, n_jobs=2).fit(X, y)
    for train, test in folds:
        alone = clone(recognizer).set_params(**search.best_params_).fit(X[train], y[train])
        np.testing.assert_allclose(
            search.oof_scores_[test], alone.decision_function(X[test]), atol=1e-5
        )
    calibrated = GridSearch(make_recognizer("hog", "svm"), {"clf__C": [1.0, 10.0]}, cv=folds).fit(
        X, y
    )
    expected = make_recognizer("hog", "svm", **search.best_params_).fit(X, y)
    expected.calibrate(search.oof_scores_, y)
    assert calibrated.best_estimator_.temperature_ == pytest.approx(expected.temperature_, rel=1e-4)


def test_a_class_that_a_training_part_lacks_does_not_stop_the_search():
    X, y, _ = small_problem(7)
    rare = np.flatnonzero(y == "fear")
    rest = np.flatnonzero(y != "fear")
    folds = [(rest[6:], np.r_[rest[:6], rare]), (np.r_[rest[:12], rare], rest[12:])]
    recognizer = make_recognizer("hog", "svm")
    search = GridSearch(recognizer, {"clf__C": [1.0, 10.0]}, cv=folds).fit(X, y)
    column = search.best_estimator_.classes_.tolist().index("fear")
    assert np.isneginf(search.oof_scores_[rare, column]).all()
    assert np.isfinite(search.best_estimator_.temperature_)
    theirs = GridSearchCV(
        make_recognizer("hog", "svm", calibration=None), {"clf__C": [1.0, 10.0]}, cv=folds
    )
    assert_same_answers(search, theirs.fit(X, y))


def test_candidates_share_what_they_have_in_common():
    recognizer = make_recognizer("lbp+hog:pca", "svm")
    grid = {
        "clf__C": [1, 2, 3],
        "features__lbp__radius": [1, 2],
        "features__pca__n_components": np.array([3, 4]),
    }
    settings_made = settings_of(recognizer, list(ParameterGrid(grid)))
    assert [len(setting.classifiers) for setting in settings_made] == [3, 3, 3, 3]


def test_progress_grows_to_its_end_which_is_known_from_the_start():
    X, y, _ = small_problem(8)
    calls: list[tuple[int, int]] = []
    GridSearch(
        make_recognizer("hog", "svm"),
        {"clf__C": [1, 2]},
        cv=3,
        n_jobs=2,
        progress=lambda done, total: calls.append((done, total)),
    ).fit(X, y)
    done, total = zip(*calls)
    assert len(set(total)) == 1
    assert list(done) == sorted(done)
    assert done[-1] == total[0]


def test_an_interrupted_search_leaves_no_work_behind():
    X, y, _ = small_problem(10)
    scored: list[int] = []

    def counted(true, predicted):
        scored.append(len(true))
        return accuracy_score(true, predicted)

    def interrupt(done, total):
        if scored:
            raise KeyboardInterrupt

    search = GridSearch(
        make_recognizer("hog", "svm"),
        [{"clf__C": [1, 2, 3]}, {"clf__kernel": ["poly"], "clf__degree": [2, 3, 4, 5, 6]}],
        scoring=make_scorer(counted),
        cv=6,
        n_jobs=3,
        progress=interrupt,
    )
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    so_far = len(scored)
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(timeout=1)
    assert len(scored) == so_far < 48


def test_the_search_can_be_cloned_and_leaves_its_input_alone():
    X, y, _ = small_problem(9)
    before = X.copy()
    recognizer = make_recognizer("hog", "svm")
    search = clone(GridSearch(recognizer, {"clf__C": [1, 2]}, cv=2, n_jobs=2))
    search.fit(X, y)
    np.testing.assert_array_equal(X, before)
    assert not hasattr(recognizer, "classes_")
    assert search.get_params()["estimator__clf__C"] == 10.0
