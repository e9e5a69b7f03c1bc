"""Subgroups: counter-measures worked by hand, and before and after on generated faces."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.reports.studies.figures import study_figures
from classic_fer.studies.fairness import decide, group_thresholds, reweighed_rows
from classic_fer.studies.group_gaps import subgroups_study
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", params={"clf__C": 0.1}, inner_cv=2)


def test_reweighing_makes_group_and_class_independent():
    groups = np.array(["f"] * 30 + ["m"] * 70)
    y = np.array(["a"] * 24 + ["b"] * 6 + ["a"] * 16 + ["b"] * 54)
    rows = reweighed_rows(groups, y, random_state=3)
    counts = {(g, c): int(((groups[rows] == g) & (y[rows] == c)).sum()) for g in "fm" for c in "ab"}
    # 30 * 40 / 100, 30 * 60 / 100, 70 * 40 / 100, 70 * 60 / 100
    assert counts == {("f", "a"): 12, ("f", "b"): 18, ("m", "a"): 28, ("m", "b"): 42}
    assert rows.tolist() == reweighed_rows(groups, y, random_state=3).tolist()
    few = rows[(groups[rows] == "f") & (y[rows] == "b")]
    assert np.bincount(few)[24:30].tolist() == [3] * 6  # each as often


def test_thresholds_make_classes_as_frequent_as_they_are():
    # In group g, class a is named for all, and is right for half of them.
    chances = np.column_stack([np.linspace(0.55, 0.95, 40), 1 - np.linspace(0.55, 0.95, 40)])
    y = np.array(["b"] * 20 + ["a"] * 20)
    thresholds = group_thresholds(chances, y, ["g"] * 40, ["a", "b"])
    named = decide(chances, ["g"] * 40, thresholds, ["a", "b"])
    assert (named == y).all()
    assert thresholds["g"].mean() == pytest.approx(1)
    # Others, and groups of few faces, keep the class of the highest probability.
    assert set(decide(chances, ["h"] * 40, thresholds, ["a", "b"])) == {"a"}
    assert group_thresholds(chances[:20], y[:20], ["g"] * 20, ["a", "b"]) == {}
    with pytest.raises(DataError, match="probabilities of 3 classes"):
        group_thresholds(chances, y, ["g"] * 40, ["a", "b", "c"])


def test_thresholds_that_fit_stay_as_they_are():
    chances = np.tile([[0.9, 0.1], [0.2, 0.8]], (20, 1))
    y = np.tile(["a", "b"], 20)
    assert group_thresholds(chances, y, ["g"] * 40, ["a", "b"])["g"].tolist() == [1, 1]


def test_before_and_after(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    result = subgroups_study(held_out, generated, by=["half"])
    groups = result.table("groups")
    assert groups.column("recognizer") == [
        *["as it is"] * 2,
        *["reweighing"] * 2,
        *["thresholds"] * 2,
    ]
    assert groups.column("faces") == [24] * 6
    assert result.table("overall").column("recognizer") == [
        *["as it is", "reweighing", "thresholds"]
    ]
    # 24 faces a group are too few to be compared.
    assert result.conclusions == ["Fewer than two groups are large enough to be compared."]
    assert any("other people, expressions, cameras" in limit for limit in result.limits)
    assert set(study_figures(result)) == {"groups"}


def test_a_given_recognizer_is_only_examined(generated):
    trained = RECIPE.fit(generated.faces, generated.y, groups=generated.groups)
    result = subgroups_study(GivenRecognizer(trained, generated), generated, by=["half"])
    assert set(result.table("groups").column("recognizer")) == {"as it is"}
    assert any("counter-measures need training" in note for note in result.warnings)


def test_wrong_arguments(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    with pytest.raises(ParameterError, match="at least one column"):
        subgroups_study(held_out, generated, by=[])
    with pytest.raises(ParameterError, match="unknown column"):
        subgroups_study(held_out, generated, by=["shoe_size"])
    with pytest.raises(ParameterError, match="unknown counter-measure 'hope'"):
        subgroups_study(held_out, generated, by=["half"], measures=["hope"])
