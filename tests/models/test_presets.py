"""Presets: names that stand for an expression, parameters and a grid."""

from __future__ import annotations

import numpy as np
import pytest

import classic_fer.models.presets as presets
from classic_fer.evaluation.experiment import Experiment
from classic_fer.evaluation.parameter_texts import parameter_texts, parse_grid, parse_set
from classic_fer.evaluation.search_settings import SearchSettings
from classic_fer.models.presets import (
    CLASSIFIER_PRESETS,
    FEATURE_PRESETS,
    Preset,
    expand_presets,
)
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import complete_grid, grid_search


@pytest.fixture
def small(monkeypatch):
    """Presets on which a search takes no time."""
    features = Preset(
        "hog:pca",
        params={"features__hog__pixels_per_cell": 6, "features__pca__n_components": 5},
        grid={"features__hog__orientations": (4, 9)},
    )
    monkeypatch.setitem(presets.FEATURE_PRESETS, "small", features)
    clf = Preset("ridge", params={"scaler__method": "center"}, grid={"clf__alpha": (0.1, 1.0)})
    monkeypatch.setitem(presets.CLASSIFIER_PRESETS, "small", clf)


def test_other_names_and_transformers_stay():
    recipe = expand_presets("lbp+hog", "svm", {"clf__C": 1}, {"clf__gamma": [1]})
    assert (recipe.features, recipe.clf) == ("lbp+hog", "svm")
    assert (recipe.params, recipe.grid) == ({"clf__C": 1}, {"clf__gamma": [1]})
    transformer = object()
    assert expand_presets(transformer, transformer).features is transformer


def test_the_callers_parameters_take_the_place_of_the_presets(small):
    recipe = expand_presets(
        "small",
        "small",
        {"features__hog__orientations": 6, "features__pca__n_components": 3},
        {"scaler__method": ["standard", "none"]},
    )
    assert (recipe.features, recipe.clf) == ("hog:pca", "ridge")
    assert recipe.params == {
        "features__hog__pixels_per_cell": 6,
        "features__hog__orientations": 6,
        "features__pca__n_components": 3,
    }
    assert recipe.grid == {"clf__alpha": (0.1, 1.0), "scaler__method": ["standard", "none"]}


def test_presets_that_go_together_add_what_neither_could_alone():
    both = expand_presets("best", "best")
    assert (both.features, both.clf) == ("fisher:mpca", "compact-krr")
    assert both.params["clf__kernel"] == "mirror-rbf"
    assert "clf__kernel" not in expand_presets("best", "svm").params
    assert "clf__kernel" not in expand_presets("lbp", "best").params
    assert expand_presets("best", "best", {"clf__kernel": "rbf"}).params["clf__kernel"] == "rbf"


def test_a_search_with_presets_is_the_search_they_stand_for(small, toy):
    short = grid_search(toy.faces, toy.y, features="small", clf="small", cv=2)
    recipe = expand_presets("small", "small")
    long = grid_search(
        toy.faces,
        toy.y,
        features=recipe.features,
        clf=recipe.clf,
        params=recipe.params,
        grid=recipe.grid,
        cv=2,
    )
    assert short.best_params_ == long.best_params_
    assert short.best_estimator_.features.expression == "hog:pca"
    np.testing.assert_array_equal(
        short.best_estimator_.decision_function(toy.faces),
        long.best_estimator_.decision_function(toy.faces),
    )


def test_settings_say_presets_in_full_and_can_be_run_again(small):
    settings = SearchSettings(features="small", clf="small", grid=("clf__alpha=2,3",)).expanded()
    assert (settings.features, settings.clf) == ("hog:pca", "ridge")
    assert "small" not in settings.command()
    assert "features__pca__n_components=5" in settings.command()
    assert settings.expanded() == settings
    assert (
        Experiment.plan(settings).arguments
        == (
            Experiment.plan(SearchSettings(features="small", clf="small", grid=("clf__alpha=2,3",)))
        ).arguments
    )
    assert Experiment.plan(settings).arguments["grid"] == {
        "features__hog__orientations": [4, 9],
        "clf__alpha": [2, 3],
    }


def test_settings_without_presets_stay_as_they_are():
    settings = SearchSettings(fixed=("features__lbp__radius=(1,2)",))
    assert settings.expanded() is settings


@pytest.mark.parametrize("features", sorted(FEATURE_PRESETS))
@pytest.mark.parametrize("clf", sorted(CLASSIFIER_PRESETS))
def test_every_preset_stands_for_something_that_can_be_searched(features, clf):
    recipe = expand_presets(features, clf)
    assert recipe.features not in FEATURE_PRESETS
    assert recipe.clf not in CLASSIFIER_PRESETS
    recognizer = make_recognizer(features, clf)
    assert recognizer.features.expression == recipe.features
    assert complete_grid(recognizer, recipe.clf, recipe.grid, recipe.params)


def test_texts_of_parameters_read_as_the_same_values():
    values = {
        "a": [1, 0.5, None, True],
        "b": [(1, 2), ((0.5, 3), "x")],
        "c": ["scale", "1,2", "none", "l1-sqrt", "12"],
        "d": [{"anger": 2.0}],
    }
    assert parse_grid(parameter_texts(values)) == values
    assert parse_set(parameter_texts({"e": [(4, 6)]})) == {"e": (4, 6)}
