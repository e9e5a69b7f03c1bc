"""RISE and its scores on recognizers whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.saliency_scores import deletion_insertion, random_maps
from classic_fer.faces.types import make_faces
from classic_fer.models.rise import random_masks, rise_maps

SIZE = 28


class Linear:
    """Probability of class 1: a weighted mean of the pixels' distance from the mean grey."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights / weights.sum()

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        images = np.abs(faces["image"].astype(float) - 128) / 128
        one = np.einsum("nhw,hw->n", images, self.weights)
        return np.column_stack([1 - one, one])


@pytest.fixture(scope="module")
def checkered() -> np.ndarray:
    """Faces whose every pixel is as far from the mean grey, 128."""
    image = np.where(np.indices((SIZE, SIZE)).sum(axis=0) % 2, 28, 228).astype(np.uint8)
    return make_faces(np.stack([image, image.T]))


@pytest.fixture(scope="module")
def spot() -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.exp(-((rows - 8) ** 2 + (columns - 19) ** 2) / 18.0)


def test_maps_of_a_linear_recognizer_follow_its_weights(checkered, spot) -> None:
    maps = rise_maps(Linear(spot), checkered, [1, 1], n_masks=2000)
    assert maps.shape == (2, SIZE, SIZE)
    for each in maps:
        assert np.corrcoef(each.ravel(), spot.ravel())[0, 1] > 0.85
        row, column = np.unravel_index(each.argmax(), each.shape)
        assert abs(row - 8) <= 2
        assert abs(column - 19) <= 2
    other = rise_maps(Linear(spot), checkered, [0, 0], n_masks=2000)
    np.testing.assert_allclose(other, -maps, atol=1e-9)


def test_maps_of_a_recognizer_that_looks_at_nothing_are_zero(checkered) -> None:
    maps = rise_maps(lambda faces: np.full((len(faces), 2), 0.5), checkered, [0, 1], n_masks=50)
    np.testing.assert_allclose(maps, 0, atol=1e-7)


def test_masks_are_smooth_seeded_and_leave_the_share_that_was_asked_for() -> None:
    masks = random_masks(400, (40, 30), cells=5, keep=0.3, random_state=4)
    np.testing.assert_array_equal(
        masks, random_masks(400, (40, 30), cells=5, keep=0.3, random_state=4)
    )
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.mean() == pytest.approx(0.3, abs=0.02)
    assert np.abs(masks.mean(axis=0) - 0.3).max() < 0.1
    assert np.abs(np.diff(masks, axis=1)).max() < 0.26  # one cell is eight pixels high


def test_numbers_out_of_range() -> None:
    with pytest.raises(ParameterError, match="between 0 and 1, got 1"):
        random_masks(1, (8, 8), keep=1)
    with pytest.raises(ParameterError, match="between 1 and 8, got 9"):
        random_masks(1, (8, 8), cells=9)
    with pytest.raises(ParameterError, match="at least one mask"):
        rise_maps(lambda f: np.ones((len(f), 2)), np.zeros((1, 8, 8), np.uint8), [0], n_masks=0)


def test_curves_of_a_linear_recognizer_by_hand() -> None:
    weights = np.array([[3.0, 1.0], [0.0, 0.0]])
    face = make_faces(np.array([[[28, 228], [28, 228]]], np.uint8))  # mean grey 128
    scores = deletion_insertion(Linear(weights), face, weights[None], [1], steps=4)
    np.testing.assert_allclose(scores.shares, [0, 0.25, 0.5, 0.75, 1])
    full = 100 / 128
    np.testing.assert_allclose(
        scores.deletion_curves[0], full * np.array([1, 0.25, 0, 0, 0]), atol=1e-12
    )
    assert scores.insertion_curves[0, -1] == pytest.approx(full)
    assert scores.deletion[0] == pytest.approx(full * (0.5 + 0.25) * 0.25)


def test_the_true_map_beats_chance_and_chance_beats_the_worst(checkered, spot) -> None:
    answer = Linear(spot)
    true = deletion_insertion(answer, checkered, np.stack([spot, spot]), [1, 1])
    chance = deletion_insertion(answer, checkered, random_maps(2, (SIZE, SIZE)), [1, 1])
    worst = deletion_insertion(answer, checkered, -np.stack([spot, spot]), [1, 1])
    assert (true.deletion < chance.deletion).all()
    assert (chance.deletion < worst.deletion).all()
    assert (true.insertion > chance.insertion).all()
    assert (chance.insertion > worst.insertion).all()


def test_maps_that_do_not_fit(checkered) -> None:
    answer = Linear(np.ones((SIZE, SIZE)))
    with pytest.raises(DataError, match=r"maps of shape \(1, 3, 3\) for faces of \(2, 28, 28\)"):
        deletion_insertion(answer, checkered, np.zeros((1, 3, 3)), [1, 1])
    with pytest.raises(DataError, match="NaN"):
        deletion_insertion(answer, checkered, np.full((2, SIZE, SIZE), np.nan), [1, 1])
