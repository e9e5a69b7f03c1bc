"""The registry of classifiers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterGrid
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from classic_fer.errors import ParameterError
from classic_fer.models.classifiers import (
    CLASSIFIERS,
    classifier_name,
    default_grid,
    make_classifier,
)
from classic_fer.models.scaler import FeatureScaler


def _rows(n: int = 60, d: int = 30):
    rng = np.random.default_rng(0)
    y = np.array(["anger", "fear", "sadness"])[np.arange(n) % 3]
    X = rng.normal(size=(n, d)) + 0.7 * rng.normal(size=(3, d))[np.arange(n) % 3]
    return FeatureScaler().fit_transform(X), y


@pytest.mark.parametrize("name", sorted(CLASSIFIERS))
def test_every_candidate_of_the_default_grid_trains_without_a_warning(name):
    X, y = _rows()
    for candidate in ParameterGrid(default_grid(name)):
        params = {key.removeprefix("clf__"): value for key, value in candidate.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = make_classifier(name, **params).fit(X, y)
        assert set(model.predict(X)) <= set(y)


@pytest.mark.parametrize("name", sorted(set(CLASSIFIERS) - {"majority"}))
def test_defaults_learn_what_there_is_to_learn(name):
    X, y = _rows(120)
    assert make_classifier(name).fit(X[:90], y[:90]).score(X[90:], y[90:]) > 0.7


def test_linear_svm_converges_on_more_columns_than_rows_and_the_other_way_round():
    for shape in [(30, 400), (600, 20)]:
        X, y = _rows(*shape)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            model = make_classifier("linear-svm", C=10.0).fit(X, y)
        assert model.coef_.shape == (3, shape[1])


def test_majority_is_the_floor():
    X, y = _rows()
    y[:30] = "fear"
    assert set(make_classifier("majority").fit(X, y).predict(X)) == {"fear"}


@pytest.mark.parametrize("name", sorted(n for n, spec in CLASSIFIERS.items() if spec.weighted))
def test_class_weights_move_decisions_to_the_rare_class(name):
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 190 + ["rare"] * 10)
    X = FeatureScaler().fit_transform(rng.normal(size=(200, 3)) + 1.0 * (y == "rare")[:, None])
    slack = {"C": 1.0} if name == "svm" else {}
    found = [
        (make_classifier(name, class_weight=weight, **slack).fit(X, y).predict(X) == "rare").sum()
        for weight in (None, "balanced", {"common": 1, "rare": 100})
    ]
    assert found[0] < found[1] <= found[2]


@pytest.mark.parametrize("name", sorted(n for n, s in CLASSIFIERS.items() if not s.weighted))
def test_class_weights_are_refused_where_they_would_be_ignored(name):
    with pytest.raises(ParameterError, match=r"takes no class weights.*linear-svm.*svm"):
        make_classifier(name, class_weight="balanced")


@pytest.mark.parametrize("name", sorted(CLASSIFIERS))
def test_names_are_found_again(name):
    assert classifier_name(make_classifier(name)) == name
    assert default_grid(make_classifier(name)) == default_grid(name)
    assert CLASSIFIERS[name].doc


def test_a_default_grid_is_a_copy():
    default_grid("svm")["clf__C"].clear()
    assert default_grid("svm")["clf__C"]


def test_foreign_classifiers_are_copied_and_have_no_grid():
    tree = DecisionTreeClassifier()
    made = make_classifier(tree, max_depth=2, class_weight="balanced")
    assert (made.max_depth, made.class_weight, tree.max_depth) == (2, "balanced", None)
    assert default_grid(tree) == {}
    assert classifier_name(tree) == "DecisionTreeClassifier"


def test_an_svm_predicts_its_highest_decision():
    X, y = _rows()
    model = clone(make_classifier("svm", C=0.1)).fit(X, y)
    best = model.classes_[model.decision_function(X).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), best)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clf": "scm"}, r"unknown classifier 'scm'; expected one of: .*knn.*did you mean 'svm'"),
        ({"clf": SVC}, "expected the name of a classifier"),
        ({"clf": 3}, "expected the name of a classifier"),
        ({"clf": "svm", "c": 1}, r"unknown parameter 'c'; expected one of: C,"),
        ({"clf": "svm", "class_weight": "even"}, "class_weight must be 'balanced'"),
    ],
)
def test_unknown_names_are_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        make_classifier(**arguments)
    if arguments["clf"] == "scm":
        with pytest.raises(ParameterError, match="unknown classifier"):
            default_grid("scm")
