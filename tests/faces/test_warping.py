"""Piecewise affine warps, blending, mirror images, change of frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Frame
from classic_fer.faces.types import make_faces
from classic_fer.faces.warping import blend_inside, flip_faces, to_frame, warp_to_landmarks

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (40, 50), dtype=np.uint8)
SQUARE = np.array([[15.0, 10.0], [35.0, 10.0], [35.0, 30.0], [15.0, 30.0], [25.0, 20.0]])


def test_landmarks_that_stay_change_no_pixel() -> None:
    np.testing.assert_array_equal(warp_to_landmarks(NOISE, SQUARE, SQUARE), NOISE)


def test_a_landmark_takes_its_pixel_along_and_the_border_stays() -> None:
    image = np.full((41, 41), 100, dtype=np.uint8)
    image[18:23, 18:23] = 250
    image[0], image[-1] = 7, 9
    warped = warp_to_landmarks(image, [[20.0, 20.0]], [[26.0, 23.0]])
    assert warped[23, 26] == 250
    np.testing.assert_array_equal(warped[0], image[0])
    np.testing.assert_array_equal(warped[-1], image[-1])


def test_inside_a_triangle_the_warp_is_its_affine_map() -> None:
    rows, columns = np.mgrid[:60, :60]
    ramp = (2 * columns + rows).astype(np.uint8)  # bilinear sampling is exact on a plane
    source = np.array([[10.0, 10.0], [40.0, 12.0], [20.0, 40.0]])
    target = np.array([[12.0, 8.0], [45.0, 15.0], [18.0, 44.0]])
    warped = warp_to_landmarks(ramp, source, target)
    matrix = np.linalg.solve(np.column_stack([target, np.ones(3)]), source)
    for x, y in ((20, 18), (25, 20), (22, 30)):
        from_x, from_y = np.array([x, y, 1.0]) @ matrix
        assert warped[y, x] == pytest.approx(2 * from_x + from_y, abs=0.6)


def test_landmarks_outside_the_image_do_not_move_anything() -> None:
    outside = np.array([[-5.0, 20.0], [70.0, 20.0]])
    np.testing.assert_array_equal(warp_to_landmarks(NOISE, outside, outside + 3), NOISE)


def test_warping_needs_landmarks_of_one_shape() -> None:
    with pytest.raises(DataError, match="no landmarks"):
        warp_to_landmarks(NOISE, SQUARE, np.full((5, 2), np.nan))
    with pytest.raises(ParameterError, match=r"one shape .*\(5, 2\) and \(4, 2\)"):
        warp_to_landmarks(NOISE, SQUARE, SQUARE[:4])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_any_targets_give_an_image_of_values_that_occur(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(50, 60, (30, 30), dtype=np.uint8)
    warped = warp_to_landmarks(image, rng.uniform(0, 29, (6, 2)), rng.uniform(-5, 35, (6, 2)))
    assert warped.shape == image.shape
    assert warped.min() >= 50
    assert warped.max() < 60


def test_blending_takes_the_inside_and_leaves_the_far_outside() -> None:
    image, other = np.zeros((96, 96), np.uint8), np.full((96, 96), 200, np.uint8)
    square = [[30, 30], [60, 30], [60, 60], [30, 60]]
    mixed = blend_inside(image, other, square)
    assert mixed[45, 45] == 200
    assert mixed[10, 10] == 0
    assert 60 < mixed[45, 30] < 160  # the edge is soft
    assert blend_inside(image, other, square, strength=0.5)[45, 45] == 100
    np.testing.assert_array_equal(blend_inside(image, other, square, strength=0), image)
    with pytest.raises(ParameterError, match="between 0 and 1, got 2"):
        blend_inside(image, other, square, strength=2)


def test_a_face_flipped_twice_is_the_face_and_eyes_keep_their_names() -> None:
    drawn = synthetic_faces(1, 1, size=64, emotions=["happiness"])
    faces = make_faces(drawn.images, landmarks=drawn.landmarks)
    flipped = flip_faces(faces)
    again = flip_faces(flipped)
    np.testing.assert_array_equal(again["image"], faces["image"])
    np.testing.assert_allclose(again["landmarks"], faces["landmarks"], rtol=1e-6)
    np.testing.assert_array_equal(flipped["image"][0], faces["image"][0][:, ::-1])
    right_eye, left_eye = slice(36, 42), slice(42, 48)
    for each in (faces, flipped):  # the right eye lies on the left of the image
        points = each["landmarks"][0]
        assert points[right_eye, 0].mean() < points[left_eye, 0].mean()
    assert np.abs(flipped["landmarks"] - faces["landmarks"]).max() < 10


def test_a_face_comes_into_another_frame_with_its_landmarks() -> None:
    small, large = Frame.standard(48, 0.3), Frame.standard(96, 0.3)
    image = np.zeros((48, 48), np.uint8)
    image[20:24, 30:34] = 255
    faces = make_faces(image[None], landmarks=np.full((1, 68, 2), (31.5, 21.5)))
    moved = to_frame(faces, small, large)
    assert moved["image"].shape == (1, 96, 96)
    x, y = moved["landmarks"][0, 0]
    np.testing.assert_allclose([x, y], [63.5, 43.5], atol=1e-5)
    assert moved["image"][0, 43, 63] == 255
    assert to_frame(faces, small, small) is faces
