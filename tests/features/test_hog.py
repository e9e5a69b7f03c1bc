"""Histograms of oriented gradients: hand-computed edges, scikit-image as oracle, parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import hog as reference

from classic_fer.errors import ParameterError
from classic_fer.features.hog import HOG, HOG_NORMS, hog

FACE = np.random.default_rng(0).integers(0, 256, (48, 40), dtype=np.uint8)


class TestByHand:
    def test_vertical_edge_votes_for_bin_zero(self):
        # Black left, 100 right: two columns of horizontal gradients of 100 in every row.
        image = np.zeros((8, 8), dtype=np.uint8)
        image[:, 4:] = 100
        features = hog(image, orientations=4, cells_per_block=1, block_norm="L1")
        # Mean magnitude of the cell: 16 pixels of 100 over 64 pixels.
        np.testing.assert_allclose(features, [25 / (25 + 1e-5), 0, 0, 0], atol=1e-7)

    def test_horizontal_edge_votes_for_the_middle_bin(self):
        image = np.zeros((8, 8), dtype=np.uint8)
        image[4:] = 100
        features = hog(image, orientations=4, cells_per_block=1, block_norm="L2")
        np.testing.assert_allclose(features, [0, 0, 1, 0], atol=1e-6)

    def test_opposite_gradients_share_a_bin(self):
        bright = np.zeros((8, 8), dtype=np.uint8)
        bright[:, 4:] = 100
        np.testing.assert_array_equal(
            hog(bright, cells_per_block=1), hog(100 - bright, cells_per_block=1)
        )

    def test_clipping_of_two_directions(self):
        # Two cells side by side: an edge of weight 3 and one of weight 1 in the same bin.
        image = np.zeros((8, 16), dtype=np.uint8)
        image[:, 4:8] = 30
        image[:, 8:12] = 30
        image[:, 12:] = 40
        plain = hog(image, orientations=1, cells_per_block=(1, 2), block_norm="L2")
        np.testing.assert_allclose(plain, np.array([3, 1]) / np.sqrt(10), atol=1e-6)
        clipped = hog(image, orientations=1, cells_per_block=(1, 2))
        np.testing.assert_allclose(clipped, np.sqrt([0.5, 0.5]), atol=1e-6)

    def test_flat_image_is_zero(self):
        assert not hog(np.full((16, 16), 77, dtype=np.uint8)).any()


class TestAgainstScikitImage:
    @settings(max_examples=60, deadline=None)
    @given(
        data=st.data(),
        orientations=st.integers(1, 18),
        cell=st.tuples(st.integers(1, 7), st.integers(1, 7)),
        block=st.tuples(st.integers(1, 3), st.integers(1, 3)),
        block_norm=st.sampled_from(HOG_NORMS),
        transform_sqrt=st.booleans(),
    )
    def test_same_features(self, data, orientations, cell, block, block_norm, transform_sqrt):
        shape = tuple(c * b + data.draw(st.integers(2, 9)) for c, b in zip(cell, block))
        high = data.draw(st.sampled_from([1, 4, 255]))
        image = data.draw(arrays(np.uint8, shape, elements=st.integers(0, high)))
        params = {
            "orientations": orientations,
            "pixels_per_cell": cell,
            "cells_per_block": block,
            "block_norm": block_norm,
            "transform_sqrt": transform_sqrt,
        }
        np.testing.assert_allclose(hog(image, **params), reference(image, **params), atol=1e-6)

    @pytest.mark.parametrize("orientations", [4, 7, 8, 9, 12, 36])
    @pytest.mark.parametrize("transform_sqrt", [False, True])
    def test_gradients_on_the_border_of_bins(self, orientations, transform_sqrt):
        # Multiples of 45 degrees are borders for 4, 8, 12 and 36 bins.
        ramps = (np.add.outer(np.arange(16), np.arange(16)) ** 2 % 256).astype(np.uint8)
        for image in (ramps, ramps[:, ::-1], ramps.T[::-1]):
            params = {"orientations": orientations, "transform_sqrt": transform_sqrt}
            ours = hog(image, pixels_per_cell=4, **params)
            theirs = reference(image, pixels_per_cell=(4, 4), cells_per_block=(2, 2), **params)
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


class TestStep:
    @pytest.mark.parametrize("step", [3, 4, 5, 8, 12, (4, 6)])
    def test_blocks_are_those_of_grids_shifted_by_the_step(self, step):
        down, right = (step, step) if isinstance(step, int) else step
        blocks = hog(FACE, step=step).reshape((48 - 16) // down + 1, (40 - 16) // right + 1, 36)
        compared = 0
        for r, c in np.ndindex(blocks.shape[:2]):
            # A grid cut out one pixel before the block has the same gradients inside it.
            top, left = r * down, c * right
            if top == 0 or left == 0 or top + 16 == 48 or left + 16 == 40:
                continue
            patch = FACE[top - 1 : top + 17, left - 1 : left + 17]
            np.testing.assert_allclose(blocks[r, c], self.block(patch), atol=1e-6)
            compared += 1
        assert compared >= 1

    @staticmethod
    def block(patch: np.ndarray) -> np.ndarray:
        """Descriptor of the 16 x 16 pixels inside a patch of 18 x 18, straight from the paper."""
        pixels = patch.astype(float)
        down = (pixels[2:] - pixels[:-2])[:, 1:-1]
        right = (pixels[:, 2:] - pixels[:, :-2])[1:-1]
        bins = (np.degrees(np.arctan2(down, right)) % 180 // 20).astype(int)
        votes = np.hypot(down, right)[..., np.newaxis] * np.eye(9)[bins] / 64
        cells = votes.reshape(2, 8, 2, 8, 9).sum(axis=(1, 3)).ravel()
        clipped = np.minimum(cells / np.sqrt((cells**2).sum() + 1e-10), 0.2)
        return clipped / np.sqrt((clipped**2).sum() + 1e-10)

    def test_step_of_a_cell_is_the_default(self):
        np.testing.assert_array_equal(hog(FACE, step=8), hog(FACE))

    def test_half_steps_of_the_ck_reference(self):
        assert HOG(step=4).transform(np.zeros((1, 48, 48), dtype=np.uint8)).shape == (1, 9 * 9 * 36)


class TestParameters:
    def test_names_tell_block_cell_and_orientation(self):
        names = HOG().fit(FACE[np.newaxis]).get_feature_names_out()
        assert names[0] == "hog_block0-0_cell0-0_orientation0"
        assert names[-1] == "hog_block4-3_cell1-1_orientation8"

    def test_another_image_size_than_in_fit_is_refused(self):
        fitted = HOG().fit(FACE[np.newaxis])
        with pytest.raises(ParameterError, match=r"fitted on images of shape \(48, 40\), got"):
            fitted.transform(FACE[np.newaxis, :, :32])

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"orientations": 0}, "orientations must be an integer from 1 to 180, got 0"),
            ({"orientations": True}, "got True"),
            ({"pixels_per_cell": (8, 8, 8)}, "a pair"),
            ({"pixels_per_cell": 8.0}, "a pair"),
            ({"cells_per_block": -1}, "cells_per_block must be an integer from 1"),
            ({"step": 0}, "step must be an integer from 1"),
            ({"block_norm": "l2"}, "L1, L1-sqrt, L2, L2-Hys, got 'l2'"),
            ({"transform_sqrt": "yes"}, "True or False, got 'yes'"),
            ({"pixels_per_cell": 24}, "at least 48 x 48 pixels, got 48 x 40"),
        ],
    )
    def test_bad_parameters_are_named(self, params, message):
        with pytest.raises(ParameterError, match=message):
            HOG(**params).fit(FACE[np.newaxis])
        with pytest.raises(ParameterError, match=message):
            hog(FACE, **params)
