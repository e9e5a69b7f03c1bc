"""Damages: worked by hand, and what a damage of nothing leaves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.studies import damages
from classic_fer.studies.damages import DAMAGES, similarities
from classic_fer.studies.surroundings import faces_with_surroundings

HARMLESS = {"contrast": 1.0, "scale": 1.0}
PIXELS = sorted(name for name, each in DAMAGES.items() if each.pixels)
WARPS = sorted(name for name, each in DAMAGES.items() if each.warps)


def some_images(n=3, size=16):
    return np.random.default_rng(0).integers(0, 256, (n, size, size)).astype(np.uint8)


@pytest.mark.parametrize("name", [name for name in PIXELS if name != "jpeg"])
def test_a_harmless_level_changes_no_pixel(name):
    images = some_images()
    before = images.copy()
    made = DAMAGES[name].pixels(images, HARMLESS.get(name, 0.0), 7)
    np.testing.assert_array_equal(made, images)
    np.testing.assert_array_equal(images, before)
    assert made is not images


@pytest.mark.parametrize("name", PIXELS)
def test_each_image_is_damaged_by_itself_and_by_seed(name):
    images = some_images(4)
    level = DAMAGES[name].levels[-1]
    first, again = (DAMAGES[name].pixels(images, level, 3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(DAMAGES[name].pixels(images[:2], level, 3), first[:2])
    assert (first != images).any()
    differs = (DAMAGES[name].pixels(images, level, 4) != first).any()
    assert differs == DAMAGES[name].drawn


def test_noise_has_the_variance_that_was_asked_for():
    grey = np.full((4, 200, 200), 128, dtype=np.uint8)
    noisy = damages.gaussian_noise(grey, 0.01) / 255
    assert noisy.var() == pytest.approx(0.01, rel=0.02)
    assert noisy.mean() == pytest.approx(128 / 255, abs=0.001)


def test_light_by_hand():
    images = np.array([[[100, 200]], [[0, 10]]], dtype=np.uint8)
    assert damages.contrast(images, 2.0).tolist() == [[[50, 250]], [[0, 15]]]
    assert damages.contrast(images, 0.0).tolist() == [[[150, 150]], [[5, 5]]]
    assert damages.brightness(images, -0.4).tolist() == [[[0, 98]], [[0, 0]]]


def test_blur_keeps_what_is_even_and_the_sum_of_a_point():
    even = np.full((1, 9, 9), 77, dtype=np.uint8)
    np.testing.assert_array_equal(damages.blur(even, 2.0), even)
    point = np.zeros((1, 21, 21), dtype=np.uint8)
    point[0, 10, 10] = 255
    spread = damages.blur(point, 1.0)
    # The peak of a normal density of standard deviation 1 in the plane: 1 / (2 pi).
    assert spread[0, 10, 10] == pytest.approx(255 / (2 * np.pi), abs=1)
    assert spread[0, 10, 9] == spread[0, 9, 10]


def test_a_square_of_the_right_size_is_black():
    white = np.full((5, 20, 20), 255, dtype=np.uint8)
    covered = damages.occlusion(white, 0.25, random_state=1)
    assert ((covered == 0).sum(axis=(1, 2)) == 25).all()
    rows, columns = np.nonzero((covered == 0).any(axis=0))
    assert len(set(zip(rows, columns))) > 25  # not all at one place
    for image in covered:
        rows, columns = np.nonzero(image == 0)
        assert np.ptp(rows) == np.ptp(columns) == 4


def test_low_quality_loses_more():
    smooth = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (1, 32, 1))
    noisy = damages.gaussian_noise(smooth, 0.01)
    loss = [
        np.abs(damages.jpeg(noisy, quality).astype(int) - noisy).mean() for quality in (95, 50, 5)
    ]
    assert loss == sorted(loss)


def test_similarities_turn_about_the_centre():
    matrix = similarities(5, degrees=90.0)[0]
    # The centre is (2, 2); the right of the image goes down, as y points down.
    assert matrix @ [2, 2, 1] == pytest.approx([2, 2])
    assert matrix @ [4, 2, 1] == pytest.approx([2, 4])
    larger = similarities(5, factor=[2.0, 0.5], shift=(1.0, 0.0))
    assert larger[0] @ [3, 2, 1] == pytest.approx([5, 2])
    assert larger[1] @ [4, 2, 1] == pytest.approx([4, 2])


def test_a_wider_margin_makes_the_face_smaller():
    # A quarter of the side more on each side: the face takes 1 / 1.5 of the crop.
    assert damages.margin(1, 8, 0.25)[0, 0, 0] == pytest.approx(1 / 1.5)


@pytest.mark.parametrize("name", WARPS)
def test_no_warp_leaves_the_aligned_face(name, generated):
    around = faces_with_surroundings(generated)
    assert around.from_photos
    rows = np.arange(4)
    matrices = DAMAGES[name].warps(4, 48, HARMLESS.get(name, 0.0), 0)
    same = around.warped(rows, matrices)
    off = np.abs(same["image"].astype(int) - generated.faces["image"][:4]).max()
    assert off <= 1
    np.testing.assert_allclose(same["landmarks"], generated.faces["landmarks"][:4], atol=1e-4)


def test_landmarks_go_along_with_the_face(generated):
    around = faces_with_surroundings(generated)
    half = around.warped(np.arange(3), damages.scale(3, 48, 0.5))
    centre = 23.5
    expected = centre + 0.5 * (generated.faces["landmarks"][:3] - centre)
    np.testing.assert_allclose(half["landmarks"], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "level", "told"),
    [
        ("noise", -0.1, "variance must be from 0 to 1"),
        ("jpeg", 0, "quality must be from 1 to 100"),
        ("occlusion", 1.5, "share must be from 0 to 1"),
        ("brightness", 2, "shift must be from -1 to 1"),
    ],
)
def test_impossible_levels_are_refused(name, level, told):
    with pytest.raises(ParameterError, match=told):
        DAMAGES[name].pixels(some_images(), level, 0)


def test_other_arrays_than_grey_images_are_refused():
    with pytest.raises(ParameterError, match=r"got float64 of shape \(2, 3\)"):
        damages.blur(np.zeros((2, 3)), 1.0)


@settings(max_examples=30, deadline=None)
@given(shift=st.floats(-1, 1), factor=st.floats(0, 3))
def test_light_keeps_the_order_of_pixels(shift, factor):
    images = some_images(1, 8)
    for made in (damages.brightness(images, shift), damages.contrast(images, factor)):
        order = np.argsort(images.ravel(), kind="stable")
        assert (np.diff(made.ravel()[order].astype(int)) >= 0).all()
