"""Landmark geometry: a drawn face with known measures, invariances, missing landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.features.geometry import (
    Geometry,
    geometry,
    geometry_names,
    normalise_landmarks,
)


def drawn_face() -> np.ndarray:
    """Symmetric landmarks on whole numbers; eye centres 10 apart, at (-5, 0) and (5, 0)."""
    points = np.zeros((68, 2))
    points[0:17] = [(x, 20 - abs(x)) for x in range(-8, 9)]
    points[17:22] = [(-8, -4), (-7, -5), (-6, -5), (-4, -5), (-2, -4)]
    points[22:27] = [(2, -4), (4, -5), (6, -5), (7, -5), (8, -4)]
    points[27:31] = [(0, y) for y in (0, 2, 3, 4)]
    points[31:36] = [(x, 5) for x in (-2, -1, 0, 1, 2)]
    eye = np.array([(-2, 0), (-1, -0.5), (1, -0.5), (2, 0), (1, 0.5), (-1, 0.5)])
    points[36:42] = eye - np.array([5, 0])
    points[42:48] = eye + np.array([5, 0])
    points[48:55] = [(-4, 10), (-2, 9), (-1, 8), (0, 8), (1, 8), (2, 9), (4, 10)]
    points[55:60] = [(2, 11), (1, 12), (0, 12), (-1, 12), (-2, 11)]
    points[60:65] = [(-3, 10), (-1, 9), (0, 9), (1, 9), (3, 10)]
    points[65:68] = [(1, 11), (0, 11), (-1, 11)]
    return points


def measured(points: np.ndarray) -> dict[str, float]:
    return dict(zip(geometry_names(parts="measures"), geometry(points, parts="measures")))


class TestByHand:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("right_eye_openness", (1 + 1) / (2 * 4)),
            ("left_eye_openness", 0.25),
            ("left_brow_raise", (4 + 5 + 5 + 5 + 4) / 50),
            ("right_inner_brow_raise", 0.4),
            ("left_outer_brow_raise", 0.4),
            ("right_brow_slope", 0.0),
            ("inner_brow_distance", 0.4),
            ("mouth_width", 0.8),
            ("mouth_height", 0.4),
            ("mouth_openness", 0.2),
            ("upper_lip_thickness", 0.1),
            ("left_mouth_corner_lift", 0.0),
            ("mouth_corner_asymmetry", 0.0),
            ("nose_width", 0.4),
            ("nose_length", 0.5),
            ("nose_to_chin", 1.5),
            ("jaw_width", 0.8),
            ("jaw_angle", np.pi / 2),
            ("upper_lip_angle", 2 * np.arctan2(4, 2)),
            ("left_mouth_corner_angle", 2 * np.arctan2(2, 4)),
        ],
    )
    def test_measures_of_the_drawn_face(self, name, value):
        assert measured(drawn_face())[name] == pytest.approx(value, abs=1e-6)

    def test_smile_lifts_the_corners(self):
        smile = drawn_face()
        smile[[48, 54], 1] -= 2
        assert measured(smile)["right_mouth_corner_lift"] == pytest.approx(0.2)
        assert measured(smile)["mouth_corner_asymmetry"] == pytest.approx(0)

    def test_one_sided_lift_is_asymmetric(self):
        sneer = drawn_face()
        sneer[54, 1] -= 1  # the person's left
        assert measured(sneer)["left_mouth_corner_lift"] == pytest.approx(0.1)
        assert measured(sneer)["right_mouth_corner_lift"] == pytest.approx(0)
        assert measured(sneer)["mouth_corner_asymmetry"] == pytest.approx(0.1)

    def test_sad_brows_slope_up_to_the_middle(self):
        sad = drawn_face()
        sad[[21, 22], 1] -= 6
        for side in ("right", "left"):
            assert measured(sad)[f"{side}_brow_slope"] == pytest.approx(np.pi / 4)
            assert measured(sad)[f"{side}_inner_brow_raise"] == pytest.approx(1)

    def test_points_are_in_units_of_the_eye_distance(self):
        points = normalise_landmarks(drawn_face() * 3 + (100, 50))
        np.testing.assert_allclose(points, drawn_face() / 10, atol=1e-12)
        features = geometry(drawn_face(), parts="points")
        assert dict(zip(geometry_names(parts="points"), features))["y8"] == pytest.approx(2)


@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.1, 100),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_position_size_and_rotation_do_not_matter(angle, scale, shift):
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(
        geometry(drawn_face() @ turn + shift), geometry(drawn_face()), atol=1e-5
    )


def test_mirrored_face_swaps_the_sides():
    face = drawn_face()
    face[54, 1] -= 1
    mirrored = face * (-1, 1)
    order = np.arange(68)
    order[[48, 54]] = 54, 48
    for first, last in ((0, 16), (17, 26), (31, 35), (49, 53), (60, 64)):
        order[first : last + 1] = order[first : last + 1][::-1]
    order[36:48] = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order[55:60] = order[55:60][::-1]
    order[65:68] = order[65:68][::-1]
    ours, swapped = measured(face), measured(mirrored[order])
    assert swapped["right_mouth_corner_lift"] == pytest.approx(0.1)
    for name in ours:
        other = name
        if name.startswith("left_"):
            other = "right_" + name.removeprefix("left_")
        elif name.startswith("right_"):
            other = "left_" + name.removeprefix("right_")
        assert swapped[other] == pytest.approx(ours[name], abs=1e-6)


class TestMissingLandmarks:
    def faces(self, *landmarks: np.ndarray) -> np.ndarray:
        images = np.zeros((len(landmarks), 16, 16), dtype=np.uint8)
        return make_faces(images, landmarks=np.stack(landmarks))

    def test_only_their_rows_are_nan(self):
        one_missing = drawn_face()
        one_missing[30] = np.nan
        closed = drawn_face()
        closed[36:48] = 0  # eye centres coincide
        faces = self.faces(drawn_face(), np.full((68, 2), np.nan), one_missing, closed)
        rows = Geometry().fit_transform(faces)
        assert np.isfinite(rows[0]).all()
        assert np.isnan(rows[1:]).all()

    def test_faces_without_any_landmarks_are_all_nan(self):
        faces = make_faces(np.zeros((2, 16, 16), dtype=np.uint8))
        assert np.isnan(Geometry().fit_transform(faces)).all()

    def test_no_warnings(self, recwarn):
        geometry(np.stack([np.full((68, 2), np.nan), np.zeros((68, 2))]))
        assert not recwarn.list

    @pytest.mark.parametrize("X", [np.zeros((2, 48, 48), np.uint8), [[1]]], ids=["images", "list"])
    def test_plain_images_are_refused(self, X):
        with pytest.raises(
            ParameterError, match=r"needs Faces with 68 landmarks, got .*align_faces"
        ):
            Geometry().transform(X)


class TestParameters:
    def test_parts(self):
        assert len(geometry_names()) == len(geometry(drawn_face())) == 168
        assert geometry_names() == geometry_names(parts="points") + geometry_names(parts="measures")
        assert len(set(geometry_names())) == 168

    def test_unknown_part(self):
        faces = make_faces(np.zeros((1, 8, 8), dtype=np.uint8))
        with pytest.raises(ParameterError, match="all, points, measures, got 'some'"):
            Geometry(parts="some").fit(faces)

    def test_wrong_shape(self):
        with pytest.raises(ParameterError, match=r"shape \(..., 68, 2\), got \(5, 2\)"):
            geometry(np.zeros((5, 2)))
