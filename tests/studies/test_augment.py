"""Generated training faces: what is added, what it gains, and how good it is."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError
from classic_fer.reports.studies.augment import augment_figures
from classic_fer.studies.augment import augment_study, copies_of_real, nearest_distances
from classic_fer.studies.recognizers import HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", {"clf__C": 0.01, "features__hog__pixels_per_cell": 8}, {})


def test_arms_share_folds_and_say_what_was_added(generated, tmp_path) -> None:
    recognizers = HeldOutRecognizers(generated, RECIPE, cv="2")
    judge = RECIPE.fit(generated.faces, generated.y, groups=generated.groups)
    judge.set_bundle(alignment=generated.alignment)
    given = {"judge": judge, "judge_name": "hog", "per_emotion": 2}
    told = augment_study(recognizers, generated, out=tmp_path, **given)
    none, simple, made = told.table("accuracy").rows
    # Of the 24 training faces 8 are neutral; two new ones of each of two emotions.
    assert [row["added_faces"] for row in (none, simple, made)] == [0, 24, 32]
    assert none["gain"] is None
    for row in (simple, made):
        difference = row["accuracy"]["value"] - none["accuracy"]["value"]
        assert row["gain"]["value"] == pytest.approx(difference)
        assert 0 < row["p_value"] <= 1
    quality = {row["emotion"]: row for row in told.table("quality").rows}
    assert set(quality) == {"happiness", "surprise"}
    assert quality["surprise"]["generated"] == 32
    assert quality["surprise"]["judge_agrees"] > 0.5
    assert all(0 <= row["near_duplicates"] <= 1 for row in quality.values())
    assert all(0.3 < row["relative_distance"] < 3 for row in quality.values())
    assert told.arrays["examples"].shape[0] == 2
    assert set(augment_figures(told)) == {"accuracy", "judge", "examples"}
    again = augment_study(recognizers, generated, out=tmp_path, resume=True, **given)
    assert again.tables == told.tables


def test_distances_are_to_other_people_by_hand() -> None:
    rows, real = np.array([[0.0], [5.0]]), np.array([[1.0], [3.0], [9.0]])
    found = nearest_distances(rows, np.array(["a", "b"]), real, np.array(["a", "b", "c"]))
    np.testing.assert_allclose(found, [3.0, 4.0])
    alone = nearest_distances(rows[:1], np.array(["a"]), real[:1], np.array(["a"]))
    assert np.isnan(alone).all()


def test_copies_are_found(generated) -> None:
    images = generated.faces["image"]
    brighter = np.clip(images[:2].astype(int) + 10, 0, 255).astype(np.uint8)
    made = np.concatenate([brighter, images[-2:]])
    np.testing.assert_array_equal(copies_of_real(made, images[:6]), [True, True, False, False])


def test_unfit_data(generated) -> None:
    rows = np.arange(len(generated))
    nobody = generated.subset(rows)
    nobody.samples["subject"] = None
    with pytest.raises(DataError, match="does not tell who is shown"):
        augment_study(HeldOutRecognizers(nobody, RECIPE, cv="2"), nobody)
    moved = generated.subset(generated.y != "neutral")
    with pytest.raises(DataError, match="no face of 'generated' is labelled 'neutral'"):
        augment_study(HeldOutRecognizers(moved, RECIPE, cv="2"), moved)
