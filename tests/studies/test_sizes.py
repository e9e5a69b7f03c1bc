"""Sizes: recipes and trained recognizers answer the same faces."""

from __future__ import annotations

import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.cost import PredictionCost
from classic_fer.reports.studies.figures import study_figures
from classic_fer.studies import sizes
from classic_fer.studies.recognizers import GivenRecognizer, Recipe
from classic_fer.studies.sizes import recipes_of, sizes_study

RECIPE = Recipe(params={}, inner_cv=2)


def test_recipes_by_name():
    made = recipes_of(["lbp+hog/svm", "hog/lda"], Recipe(inner_cv=3))
    assert made["lbp+hog/svm"].features == "lbp+hog"
    assert made["hog/lda"].clf == "lda"
    assert made["hog/lda"].inner_cv == 3
    with pytest.raises(ParameterError, match="expected recognizers as features/classifier"):
        recipes_of(["lda"], RECIPE)
    with pytest.raises(ParameterError, match="hogg"):
        recipes_of(["hogg/lda"], RECIPE)


def test_one_table_from_small_to_large(generated, monkeypatch):
    costs = iter(
        [PredictionCost(2.0, 1.0, 3.0, 900, 0.1, 5.0), PredictionCost(1, 1, 1, 9, 1, None)]
    )
    monkeypatch.setattr(sizes, "measure_cost", lambda *_, **__: next(costs))
    trained = Recipe("hog", "lda", inner_cv=2).fit(
        generated.faces, generated.y, groups=generated.groups
    )
    given = {"mine.skops": (GivenRecognizer(trained, generated), generated)}
    recipes = recipes_of(["hog/lda"], RECIPE)
    result = sizes_study(recipes, generated, models=given, cv=2)
    table = result.table("sizes")
    assert table.column("recognizer") == ["mine.skops", "hog/lda"]  # by size of the file
    assert table.column("MB on disk") == [1, 3]
    assert table.column("MB of memory") == [None, 5]
    assert table.rows[0]["accuracy"]["value"] == 1  # it was trained on these faces
    assert "The most accurate is" in result.conclusions[0]
    assert set(study_figures(result)) == {"sizes"}


def test_models_must_know_the_classes(generated):
    two = generated.subset(generated.y != "surprise")
    trained = Recipe("hog", "lda", inner_cv=2).fit(two.faces, two.y, groups=two.groups)
    given = {"mine": (GivenRecognizer(trained, generated), generated)}
    with pytest.raises(DataError, match="mine does not know the classes of 16 test faces"):
        sizes_study(recipes_of(["hog/lda"], RECIPE), generated, models=given, cv=2)
    with pytest.raises(ParameterError, match="got none"):
        sizes_study({}, generated)
