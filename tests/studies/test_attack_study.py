"""The study of attacks: stronger ones hurt more, and changes are shown to others in their frame."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Frame
from classic_fer.faces.types import make_faces
from classic_fer.studies.attack import Attacked, attack_study, carry_over
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe
from classic_fer.studies.samples import balanced_rows, rows_by_fold

pytest.importorskip("art")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe("lbp", "linear-svm", {"features__lbp__grid": (4, 4), "clf__C": 0.1}, {})


@pytest.fixture(scope="module")
def first(generated, recipe) -> Attacked:
    held_out = HeldOutRecognizers(generated, recipe, cv="2")
    return Attacked("lbp", held_out, generated)


def test_stronger_attacks_hurt_more_and_more_than_chance(first, tmp_path) -> None:
    given = {"strengths": [0.02, 0.1], "queries": 40, "n_faces": 18}
    result = attack_study(first, out=tmp_path, **given)
    rows = result.tables[0].rows
    accuracy = [row["accuracy"]["value"] for row in rows]
    assert [row["strength"] for row in rows] == [0, 0.02, 0.1]
    assert accuracy[0] > accuracy[1] >= accuracy[2]
    assert accuracy[2] < rows[2]["changed at random"]["value"]
    assert rows[0]["fooled"] == 0
    change = result.arrays["attacked"].astype(int) - result.arrays["original"]
    assert 0 < np.abs(change).max() <= 25
    again = attack_study(first, out=tmp_path, resume=True, **given)
    assert again.tables == result.tables


def test_attacks_are_shown_both_ways(first, generated, recipe) -> None:
    model = Recipe("hog", "linear-svm", {"features__hog__pixels_per_cell": 8}, {}).fit(
        generated.faces, generated.y, groups=generated.groups
    )
    second = Attacked("hog", GivenRecognizer(model, generated, model="hog"), generated)
    result = attack_study(first, second, strengths=[0.1], queries=20, n_faces=9)
    rows = result.tables[0].rows
    assert [(row["made_on"], row["strength"]) for row in rows] == [
        *(("lbp", 0), ("lbp", 0.1), ("hog", 0), ("hog", 0.1))
    ]
    assert rows[0]["accuracy: hog"] == rows[2]["accuracy: hog"]
    assert len(result.conclusions) == 4


def test_changes_travel_from_frame_to_frame() -> None:
    small, large = Frame.standard(32, 0.3), Frame.standard(64, 0.3)
    faces = make_faces(np.full((1, 32, 32), 100, np.uint8))
    attacked = faces.copy()
    attacked["image"][0, 10:14, 20:24] = 140
    others = make_faces(np.full((1, 64, 64), 60, np.uint8))
    seen = carry_over(faces, attacked, small, others, large)
    assert seen["image"][0, 24, 44] == 100  # 60 + 40
    assert seen["image"][0, 5, 5] == 60
    same = carry_over(faces, attacked, small, faces, small)
    np.testing.assert_array_equal(same["image"], attacked["image"])


def test_the_smallest_changes_of_hopskipjump_are_measured(first) -> None:
    result = attack_study(
        first, attack="hopskipjump", strengths=[0.001 + 1 / 255, 0.5], queries=20, n_faces=3
    )
    rows = result.tables[0].rows
    assert rows[1]["accuracy"]["value"] >= rows[2]["accuracy"]["value"]
    assert rows[1]["changed at random"] is None


def test_drawn_faces_are_balanced_and_those_that_are_tested() -> None:
    y = np.array(["a"] * 20 + ["b"] * 4)
    rows = balanced_rows(y, 10)
    assert (y[rows] == "b").sum() == 4
    assert len(rows) == 10
    folds = [(np.arange(12, 24), np.arange(12)), (np.arange(12), np.arange(12, 24))]
    divided = rows_by_fold(folds, y, 10)
    np.testing.assert_array_equal(np.sort(np.concatenate(divided)), rows)
    assert (divided[0] < 12).all()
    assert len(rows_by_fold(folds, y, 100, known=["b"])[0]) == 0
    with pytest.raises(DataError, match="class that all recognizers know: c"):
        rows_by_fold(folds, y, 10, known=["c"])


def test_unfit_requests(first) -> None:
    with pytest.raises(ParameterError, match="unknown attack"):
        attack_study(first, attack="hammer")
    with pytest.raises(ParameterError, match="follows gradients"):
        attack_study(first, attack="pgd")
    with pytest.raises(ParameterError, match="one grey level"):
        attack_study(first, strengths=[0.0001])
    with pytest.raises(ParameterError, match="at least 1 repeat"):
        attack_study(first, repeats=0)
