"""The flags of a search: as a command that repeats it, and against those of --resume."""

from __future__ import annotations

import json
import shlex

import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation.search_settings import SearchSettings

CHANGED = SearchSettings(
    data="my faces.zip",
    features="(lbp+hog):pca",
    fixed=("features__lbp__radius=2",),
    grid=("clf__C=1,10", "clf__gamma=scale"),
    nested=False,
    final=True,
    class_weight="balanced",
    inner_cv=3,
)


def test_command_names_what_differs_from_the_defaults():
    assert SearchSettings().command() == (
        "classic-fer gridsearch --features lbp --clf svm --seed 0"
    )
    assert shlex.split(CHANGED.command()) == [
        *["classic-fer", "gridsearch", "--data", "my faces.zip", "--features", "(lbp+hog):pca"],
        *["--clf", "svm", "--set", "features__lbp__radius=2", "--grid", "clf__C=1,10"],
        *["--grid", "clf__gamma=scale", "--class-weight", "balanced", "--inner-cv", "3"],
        *["--no-nested", "--final", "--seed", "0"],
    ]


def test_settings_survive_json():
    stored = json.loads(json.dumps(CHANGED.to_dict()))
    assert SearchSettings().resumed_from(stored, folder="runs/x") == CHANGED


def test_flags_may_be_repeated_but_not_changed():
    stored = CHANGED.to_dict()
    assert SearchSettings(inner_cv=3).resumed_from(stored, folder="runs/x") == CHANGED
    with pytest.raises(ParameterError, match="runs/x was started with --clf svm, now it is knn"):
        SearchSettings(clf="knn").resumed_from(stored, folder="runs/x")
    with pytest.raises(ParameterError, match="--set features__lbp__radius=2, now it is a=1"):
        SearchSettings(fixed=("a=1",)).resumed_from(stored, folder="runs/x")


def test_settings_of_another_version_are_refused():
    stored = CHANGED.to_dict() | {"wishes": "10m"}
    with pytest.raises(ParameterError, match=r"another version of classic_fer.*wishes"):
        SearchSettings().resumed_from(stored, folder="runs/x")
