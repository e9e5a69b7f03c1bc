"""Learning curves: nested subsets of whole people, and the power law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.errors import DataError, ParameterError
from classic_fer.reports.studies.figures import study_figures
from classic_fer.studies.learning_curve import nested_subset, samples_study, usual_sizes
from classic_fer.studies.power_law import fit_power_law
from classic_fer.studies.recognizers import HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", params={"clf__C": 0.1}, inner_cv=2)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), people=st.integers(4, 20), size=st.integers(4, 60))
def test_subsets_are_nested_whole_people_with_all_classes(seed, people, size):
    rng = np.random.default_rng(seed)
    groups = rng.integers(people, size=80)
    y = np.array(["a", "b", "c"])[rng.integers(3, size=80)]
    rows = np.sort(rng.permutation(80)[:70])
    small, large = (
        nested_subset(rows, y, groups, each, random_state=seed) for each in (size, size + 10)
    )
    assert set(small) <= set(large) <= set(rows)
    assert len(small) >= size
    kept = set(groups[small])
    assert set(rows[np.isin(groups[rows], list(kept))]) == set(small)
    assert set(y[small]) == set(y[rows])
    everything = nested_subset(rows, y, groups, 1000, random_state=seed)
    assert everything.tolist() == rows.tolist()


def test_without_groups_the_size_is_met():
    y = np.array(["a", "b"] * 20)
    assert len(nested_subset(np.arange(40), y, None, 11)) == 11


def test_usual_sizes_double():
    assert usual_sizes(28709, 7) == [897, 1794, 3588, 7177, 14354, 28709]
    assert usual_sizes(100, 7) == [25, 50, 100]


def test_a_power_law_is_found_again():
    n = np.array([100, 300, 1000, 3000, 10000])
    law = fit_power_law(n, 0.3 + 2 * n**-0.4)
    assert (law.floor, law.factor, law.exponent) == pytest.approx((0.3, 2, 0.4), rel=1e-3)
    assert law.residual < 1e-6
    assert law.error(10**12) == pytest.approx(0.3, abs=1e-3)
    flat = fit_power_law(n, np.full(5, 0.25))
    assert flat.error([50, 10**6]) == pytest.approx([0.25, 0.25])
    with pytest.raises(DataError, match="at least 4 sizes, got 3"):
        fit_power_law(n[:3], [0.3, 0.2, 0.1])


@pytest.mark.filterwarnings("ignore:the faces of a search are all of one person")
def test_a_learning_curve(generated, tmp_path):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    told = {"sizes": [6, 12, 18, 24], "repeats": 2, "out": tmp_path}
    result = samples_study(held_out, generated, **told)
    curve = result.table("curve")
    assert curve.column("training faces") == [6, 12, 18, 24]
    assert curve.column("kept together") == [1, 2, 3, 4]
    ahead = result.table("extrapolation")
    assert ahead.column("kind") == ["extrapolated"] * 2
    assert ahead.column("training faces") == [48, 96]
    assert "extrapolated to twice as many faces" in result.conclusions[1]
    assert samples_study(held_out, generated, **told, resume=True).tables == result.tables
    (figure,) = study_figures(result).values()
    labels = figure.figure.axes[0].get_legend_handles_labels()[1]
    assert "extrapolated, not measured" in labels


def test_all_of_a_training_part_is_what_cross_validation_trains_on(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    result = samples_study(held_out, generated, sizes=[10**6])
    right = [
        held_out.recognizer(fold).predict(generated.faces[test]) == generated.y[test]
        for fold, (_, test) in enumerate(held_out.folds)
    ]
    assert result.table("curve").column("accuracy") == [np.concatenate(right).mean()]
    assert "No power law was fitted" in result.conclusions[1]


def test_too_few_faces_are_refused(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    with pytest.raises(ParameterError, match="at least two faces for each of 3 classes, got 4"):
        samples_study(held_out, generated, sizes=[4, 24])
