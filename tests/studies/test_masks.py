"""Masks: where they lie, that they are seeded, and the matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.reports.studies.figures import study_figures
from classic_fer.studies.mask_matrix import masks_study, worn_masks
from classic_fer.studies.masks import (
    CUT_GREY,
    MASK_SHAPES,
    cut_faces,
    draw_mask,
    mask_outline,
    masked_faces,
    with_mean_landmarks,
)
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", params={"clf__C": 0.1}, inner_cv=2)


@pytest.mark.parametrize("shape", sorted(MASK_SHAPES))
def test_a_mask_covers_the_mouth_and_not_the_eyes(generated, shape):
    face = generated.faces[0]
    white = np.full((48, 48), 255, dtype=np.uint8)
    cover = draw_mask(white, face["landmarks"], shape=shape, grey=0) < 250
    for x, y in face["landmarks"][48:68]:
        if y < 47:
            assert cover[round(float(y)), round(float(x))]
    for x, y in face["landmarks"][36:48]:
        assert not cover[round(float(y)), round(float(x))]


def test_an_outline_by_hand():
    # A face whose jaw is a rectangle from (0, 0) to (16, 10), with the nose at (8, 0).
    points = np.zeros((68, 2))
    points[:17] = [(k, 0 if k in (0, 1, 15, 16) else 10) for k in range(17)]
    points[27:31] = (8, 0)
    outline = mask_outline(points, "surgical")
    assert outline[0].tolist() == [8, 0]
    assert outline[1].tolist() == [4.5, 0]  # half way from the nose to landmark 1: no sag
    assert outline[2].tolist() == [1, 0]  # a side is not moved
    assert outline[9].tolist() == pytest.approx([8, 10.6])  # the chin is, by 6 %


def test_outside_the_mask_nothing_changes_and_light_darkens_a_side(generated):
    face = generated.faces[0]
    masked = draw_mask(face["image"], face["landmarks"], grey=200, light=1.0)
    assert (masked[:10] == face["image"][:10]).all()
    middle = round(float(face["landmarks"][51, 1]))
    x = float(face["landmarks"][8, 0])
    left, right = masked[middle, round(x - 8)], masked[middle, round(x + 8)]
    assert right > left


def test_twins_are_seeded_and_differ(generated):
    first, missing = masked_faces(generated.faces, random_state=1)
    again, _ = masked_faces(generated.faces, random_state=1)
    other, _ = masked_faces(generated.faces, random_state=2)
    assert first.tobytes() == again.tobytes()
    few, _ = masked_faces(generated.faces[:5], random_state=1)
    assert few.tobytes() == first[:5].tobytes()
    assert (first["image"] != other["image"]).any()
    assert missing == 0
    assert np.isnan(first["landmarks"][:, 48:]).all()
    assert np.isfinite(first["landmarks"][:, 36:48]).all()


def test_faces_without_landmarks_get_the_mean_mask_and_are_counted(generated):
    faces = generated.faces.copy()
    faces["landmarks"][3] = np.nan
    points, missing = with_mean_landmarks(faces)
    assert missing == 1
    others = np.delete(faces["landmarks"], 3, axis=0).mean(axis=0)
    np.testing.assert_allclose(points[3], others, rtol=1e-5)
    faces["landmarks"] = np.nan
    with pytest.raises(DataError, match="--landmarks 68"):
        with_mean_landmarks(faces)


def test_a_cut_face_ends_above_the_mask(generated):
    cut, row = cut_faces(generated.faces)
    eyes = generated.faces["landmarks"][:, 36:48, 1].mean()
    assert eyes - 3 < row < generated.faces["landmarks"][:, 33, 1].min()
    assert (cut["image"][:, row:] == CUT_GREY).all()
    np.testing.assert_array_equal(cut["image"][:, :row], generated.faces["image"][:, :row])


def test_the_matrix_has_a_row_for_each_training(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    result = masks_study(held_out, generated, train=("plain", "cut"))
    assert result.table("matrix").column("train") == ["plain", "cut"]
    assert result.table("matrix").columns == ["train", "plain", "masked", "cut"]
    value = {(r["train"], r["test"]): r["accuracy"]["value"] for r in result.table("cells").rows}
    # The mouth tells these expressions apart; a mask hides it.
    assert value["plain", "plain"] > value["plain", "masked"]
    assert result.arrays["examples"].shape == (6, 3, 48, 48)
    assert set(study_figures(result)) == {"matrix", "examples"}


def test_a_given_recognizer_has_one_row(generated):
    trained = RECIPE.fit(generated.faces, generated.y, groups=generated.groups)
    result = masks_study(GivenRecognizer(trained, generated), generated, test=("plain", "masked"))
    assert result.table("matrix").column("train") == ["as given"]


def test_worn_masks_are_taken_where_the_data_have_them(generated, monkeypatch):
    worn = np.arange(48) % 2 == 0
    data = replace(generated, samples=generated.samples.assign(masked=worn))
    assert worn_masks(data).tolist() == worn.tolist()
    trained = {}
    held_out = HeldOutRecognizers(data, RECIPE, cv=2)
    fit = Recipe.fit

    def noted(self, faces, y, **told):
        trained[len(trained)] = len(y)
        return fit(self, faces, y, **told)

    monkeypatch.setattr(Recipe, "fit", noted)
    result = masks_study(held_out, data, train=("plain", "masked"))
    assert list(trained.values()) == [12, 12, 12, 12]  # half of each training part
    assert {row["faces"] for row in result.table("cells").rows if row["test"] != "cut"} == {24}
    with pytest.raises(DataError, match="wear a mask"):
        worn_masks(replace(generated, samples=generated.samples.assign(masked="True")))


def test_unknown_kinds(generated):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    with pytest.raises(ParameterError, match="unknown kind of face 'veiled'"):
        masks_study(held_out, generated, train=("veiled",))
