"""Dense local descriptors against direct implementations of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from classic_fer.errors import ParameterError
from classic_fer.features.descriptors import DESCRIPTORS, local_descriptor
from classic_fer.features.descriptors.hog import dense_hog
from classic_fer.features.descriptors.lbp import dense_lbp
from classic_fer.features.descriptors.patch import dense_patches
from classic_fer.features.descriptors.preparation import prepared
from classic_fer.features.descriptors.sift import dense_sift, gradient_channels
from classic_fer.features.descriptors.windows import cell_sums, window_grid

every = pytest.mark.parametrize("name", sorted(DESCRIPTORS))


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    return prepared(rng.integers(0, 256, (20, 24), dtype=np.uint8), size=40, blur=1)


def _votes(image: np.ndarray, n: int, turn: float) -> np.ndarray:
    """Length of each gradient shared between the directions on both sides of it."""
    padded = np.pad(image.astype(float), 1, mode="edge")
    dx, dy = padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]
    angles = np.arctan2(dy, dx)[..., None] % turn
    centres = turn / n * np.arange(n)
    distance = np.abs(angles - centres)
    distance = np.minimum(distance, turn - distance)
    return np.hypot(dx, dy)[..., None] * np.maximum(0, 1 - distance / (turn / n))


def _histograms(votes: np.ndarray, x: int, y: int, size: int, cells: int) -> np.ndarray:
    c = size // cells
    window = votes[y : y + size, x : x + size].reshape(cells, c, cells, c, -1)
    return window.sum(axis=(1, 3)).ravel()


def _corners(image: np.ndarray, size: int, centres: np.ndarray) -> np.ndarray:
    return np.rint((centres + 0.5) * image.shape[::-1] - size / 2).astype(int)


def test_sift_is_its_definition(image):
    rows, centres = dense_sift(image, window_sizes=(16,), step=8)
    votes = _votes(image, 8, 2 * np.pi)
    for row, (x, y) in zip(rows, _corners(image, 16, centres)):
        sums = _histograms(votes, x, y, 16, 4)
        clipped = np.minimum(sums / np.linalg.norm(sums), 0.2)
        np.testing.assert_allclose(row, np.sqrt(clipped / clipped.sum()), atol=2e-5)


def test_hog_is_its_definition(image):
    rows, centres = dense_hog(image, window_sizes=(16,), step=8)
    votes = _votes(image, 9, np.pi)
    for row, (x, y) in zip(rows, _corners(image, 16, centres)):
        sums = _histograms(votes, x, y, 16, 2)
        clipped = np.minimum(sums / np.linalg.norm(sums), 0.2)
        np.testing.assert_allclose(row, clipped / np.linalg.norm(clipped), atol=2e-5)


def test_lbp_counts_scikit_images_labels(image):
    rows, centres = dense_lbp(image, window_sizes=(16,), step=8)
    grey = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    labels = local_binary_pattern(grey, 8, 1, "nri_uniform")
    votes = labels[..., None] == np.arange(59)
    for row, (x, y) in zip(rows, _corners(image, 16, centres)):
        counts = _histograms(votes, x, y, 16, 2)
        np.testing.assert_allclose(row, np.sqrt(counts / counts.sum()), atol=1e-6)


def test_a_patch_is_reduced_centred_and_scaled():
    image = np.kron(np.arange(64).reshape(8, 8), np.ones((2, 2)))  # of blocks of 2 x 2 pixels
    rows, centres = dense_patches(image, window_sizes=(16,), step=4)
    expected = (np.arange(64) - 31.5) / np.sqrt(np.arange(64).var() + 10)
    np.testing.assert_allclose(rows, [expected], rtol=1e-5)
    np.testing.assert_array_equal(centres, [[0, 0]])


def test_a_gradient_between_two_directions_is_shared_by_them():
    ramp = np.add.outer(np.zeros(5), np.arange(5.0))  # to the right by 1, 2 by central differences
    channels = gradient_channels(ramp.astype(np.float32), 8, signed=True)
    np.testing.assert_allclose(channels[2, 2], [2, 0, 0, 0, 0, 0, 0, 0])
    tilted = ramp + 0.5 * ramp.T  # angle arctan(0.5), 0.59 of the way to 45 degrees
    share = np.arctan(0.5) / (np.pi / 4)
    got = gradient_channels(tilted.astype(np.float32), 8, signed=True)[2, 2]
    np.testing.assert_allclose(got[:2], np.sqrt(5) * np.array([1 - share, share]), rtol=1e-5)


def test_the_opposite_gradient_differs_with_a_sign_and_not_without():
    left = np.add.outer(np.zeros(5), -np.arange(5.0)).astype(np.float32)
    assert gradient_channels(left, 8, signed=True)[2, 2].argmax() == 4
    assert gradient_channels(left, 9, signed=False)[2, 2].argmax() == 0


def test_windows_are_centred_in_the_image():
    windows = window_grid(20, 30, (16,), 4)
    assert windows.corners.tolist() == [[x, y] for y in (0, 4) for x in (1, 5, 9, 13)]
    np.testing.assert_allclose(windows.centres.mean(axis=0), 0, atol=1e-7)
    assert windows.centres[0].tolist() == pytest.approx([9 / 30 - 0.5, 8 / 20 - 0.5])


def test_windows_that_do_not_fit_are_left_out():
    both = window_grid(20, 20, (16, 24), 4)
    assert set(both.sizes.tolist()) == {16}
    with pytest.raises(ParameterError, match=r"no window of 24, 32 pixels fits .* 20 x 20"):
        window_grid(20, 20, (24, 32), 4)


def test_cells_of_uneven_windows_cover_them():
    windows = window_grid(10, 10, (10,), 1)
    sums = cell_sums(np.ones((10, 10, 1), np.float32), windows, 4)
    assert sums.sum() == 100
    assert set(sums.ravel().tolist()) <= {4, 6, 9}


@every
def test_rows_are_of_the_length_that_is_registered(name, image):
    rows, centres = local_descriptor(name).function(image, window_sizes=(16, 24), step=4)
    assert rows.shape == (len(centres), local_descriptor(name).length)
    assert rows.dtype == centres.dtype == np.float32
    assert np.isfinite(rows).all()
    assert np.abs(centres).max() < 0.5


@every
def test_a_flat_image_has_no_contrast_to_describe(name):
    flat = prepared(np.full((20, 20), 77, np.uint8), size=40, blur=0.7)
    rows, _ = local_descriptor(name).function(flat, window_sizes=(16,), step=8)
    if name != "lbp":  # where all neighbours being equal is a pattern, too
        np.testing.assert_allclose(rows, 0, atol=1e-4)
    assert np.isfinite(rows).all()


@every
def test_a_flat_half_next_to_texture_stays_flat(name):
    """Guards against rounding errors of integral images that were normalised to length 1."""
    half = np.full((40, 80), 100.0)
    half[:, :40] = np.random.default_rng(0).uniform(0, 255, (40, 40))
    rows, centres = local_descriptor(name).function(half, window_sizes=(16,), step=8)
    if name != "lbp":
        np.testing.assert_allclose(rows[centres[:, 0] > 0.15], 0, atol=1e-4)


def test_sift_of_the_mirrored_image_is_a_permutation(image):
    rows, centres = dense_sift(image, window_sizes=(16,), step=4)
    mirrored, places = dense_sift(image[:, ::-1], window_sizes=(16,), step=4)
    order = np.lexsort((-centres[:, 0].round(4), centres[:, 1].round(4)))
    np.testing.assert_allclose(places * [-1, 1], centres[order], atol=1e-6)
    turned = rows[order].reshape(-1, 4, 4, 8)[:, :, ::-1, (4 - np.arange(8)) % 8]
    np.testing.assert_allclose(mirrored, turned.reshape(mirrored.shape), atol=1e-5)


def test_brightness_and_contrast_do_not_change_sift(image):
    rows, _ = dense_sift(image)
    brighter, _ = dense_sift(0.5 * image + 60)
    np.testing.assert_allclose(rows, brighter, atol=1e-4)


def test_images_are_resized_in_proportion_and_flat_ones_stay_flat():
    assert prepared(np.zeros((8, 9), np.uint8), size=12).shape == (12, 14)
    assert prepared(np.zeros((8, 9), np.uint8)).shape == (8, 9)
    np.testing.assert_allclose(prepared(np.full((7, 9), 50), size=15, blur=2), 50, rtol=1e-5)
    shrunk = prepared(np.kron([[0, 4], [8, 12]], np.ones((4, 4))), size=2)
    np.testing.assert_allclose(shrunk, [[0, 4], [8, 12]], atol=1e-5)


@every
@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 5)), np.zeros(7), np.zeros((0, 4)), "face"])
def test_what_is_no_grey_image_is_refused(name, wrong):
    with pytest.raises(ParameterError, match="one grey image of shape"):
        local_descriptor(name).function(wrong)


def test_unknown_descriptors_list_the_choices():
    with pytest.raises(ParameterError, match=r"'surf'; expected one of: hog, lbp, patch, sift"):
        local_descriptor("surf")
