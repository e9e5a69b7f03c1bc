"""Mirrored images: the values of local descriptors change places, and nothing else happens."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.features.descriptors import DESCRIPTORS, local_descriptor
from classic_fer.features.descriptors.mirroring import mirror_order
from classic_fer.features.descriptors.windows import window_grid

SIZES, STEP = (16, 24), 4


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_descriptors_of_the_mirrored_image_are_those_of_the_image_in_mirror_order(name):
    image = np.random.default_rng(3).integers(0, 256, (32, 48)).astype(np.uint8)
    describe = local_descriptor(name).function
    plain, centres = describe(image, window_sizes=SIZES, step=STEP)
    mirrored, _ = describe(image[:, ::-1], window_sizes=SIZES, step=STEP)
    sizes = window_grid(*image.shape, SIZES, STEP).sizes
    places = {key: i for i, key in enumerate(_keys(sizes, centres, 1))}
    opposite = [places[key] for key in _keys(sizes, centres, -1)]
    np.testing.assert_allclose(mirrored[opposite][:, mirror_order(name)], plain, atol=1e-5)


@pytest.mark.parametrize("name", sorted(DESCRIPTORS))
def test_mirroring_twice_changes_nothing(name):
    order = mirror_order(name)
    np.testing.assert_array_equal(order[order], np.arange(local_descriptor(name).length))


def test_directions_of_sift_turn_about_the_vertical_axis():
    # Cell 0 is at the left, its mirror image cell 3; right (0) becomes left (4), down (2) stays.
    order = mirror_order("sift")
    assert order[[0, 2, 1]].tolist() == [3 * 8 + 4, 3 * 8 + 2, 3 * 8 + 3]


def _keys(sizes, centres, side):
    return [
        (int(size), round(float(side * x), 4) + 0.0, round(float(y), 4))
        for size, (x, y) in zip(sizes, centres)
    ]
