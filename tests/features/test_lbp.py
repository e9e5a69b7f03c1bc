"""Local binary patterns: hand-computed images, scikit-image as oracle, parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import local_binary_pattern

from classic_fer.errors import ParameterError
from classic_fer.features.lbp import LBP, LBP_METHODS, LBP_NORMS, lbp_codes, lbp_histogram

RNG = np.random.default_rng(0)
FACE = RNG.integers(0, 256, (48, 40), dtype=np.uint8)


def images(high: int = 255):
    return st.tuples(st.integers(5, 20), st.integers(5, 20)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.integers(0, high))
    )


class TestByHand:
    # Four neighbours: right is bit 0, above 1, left 2, below 3; outside the image is 0.
    IMAGE = np.array([[3, 7, 2], [6, 5, 1], [4, 5, 9]], dtype=np.uint8)

    def test_codes(self):
        # Top left 3: right 7 and below 6. Centre 5: above 7, left 6, below 5 (equal counts).
        # Bottom middle 5: right 9, above 5. Bottom right 9: nothing.
        codes = lbp_codes(self.IMAGE, points=4, method="default")
        assert codes.tolist() == [[1 + 8, 0, 4], [0, 2 + 4 + 8, 2 + 4 + 8], [1 + 2, 1 + 2, 0]]

    def test_uniform_counts_the_ones(self):
        labels = lbp_codes(self.IMAGE, points=4, method="uniform")
        assert labels[0, 0] == 2
        assert labels[1, 1] == 3
        assert labels[2, 2] == 0

    def test_diagonal_neighbours_are_interpolated(self):
        # At 45 degrees and radius 1 a sample lies 0.7071 up and right. Only the corner pixel is
        # bright: it weighs 0.5, so the sample reaches 50.0005 of 100, and the centre is 50 or 51.
        for centre, expected in ((50, 1), (60, 0)):
            image = np.zeros((3, 3), dtype=np.uint8)
            image[1, 1] = centre
            image[0, 2] = 100
            weight_of_centre = 0.29289**2
            value = 0.70711**2 * 100 + weight_of_centre * centre
            code = lbp_codes(image, method="default")[1, 1]
            assert (code >> 1 & 1) == (value >= centre) == expected

    def test_black_image_has_only_ones(self):
        assert (lbp_codes(np.zeros((5, 5), dtype=np.uint8), method="default") == 255).all()

    def test_histogram_counts_each_cell(self):
        image = np.zeros((4, 6), dtype=np.uint8)
        image[1, 1] = 9
        counts = lbp_histogram(image, method="uniform", grid=(2, 3), norm="none").reshape(2, 3, 10)
        assert (counts.sum(axis=-1) == 4).all()
        assert counts[0, 0, 0] == 1  # the bright pixel
        assert counts[0, 0, 8] == 3  # black beside it: all neighbours are at least as bright

    def test_norms_of_one_cell(self):
        image = np.zeros((4, 4), dtype=np.uint8)
        image[1, 1] = 9
        values = {
            norm: lbp_histogram(image, method="uniform", grid=1, norm=norm)[[0, 8]]
            for norm in LBP_NORMS
        }
        np.testing.assert_allclose(values["none"], [1, 15])
        np.testing.assert_allclose(values["l1"], [1 / 16, 15 / 16])
        np.testing.assert_allclose(values["l1-sqrt"], np.sqrt([1 / 16, 15 / 16]))
        np.testing.assert_allclose(values["l2"], np.array([1, 15]) / np.sqrt(226), rtol=1e-6)


class TestAgainstScikitImage:
    @settings(max_examples=60, deadline=None)
    @given(
        image=images() | images(high=3),
        radius=st.sampled_from([1, 1.3, 2, 2.5, 3, 4.7]),
        points=st.sampled_from([4, 5, 8, 12, 16]),
        method=st.sampled_from(LBP_METHODS),
    )
    def test_same_codes(self, image, radius, points, method):
        ours = lbp_codes(image, radius=radius, points=points, method=method)
        np.testing.assert_array_equal(ours, local_binary_pattern(image, points, radius, method))

    @pytest.mark.parametrize("method", LBP_METHODS)
    def test_every_code_of_eight_points_has_the_same_label(self, method):
        # 3 x 3 neighbourhoods, far apart, with every pattern of bright pixels around the centre.
        around = [(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]
        image = np.full((256 * 3, 3), 100, dtype=np.uint8)
        for code in range(256):
            for bit, (r, c) in enumerate(around):
                bright, dark = (255, 0) if bit % 2 else (101, 99)  # corners outweigh the sides
                image[3 * code + r, c] = bright if code >> bit & 1 else dark
        ours = lbp_codes(image, method=method)
        np.testing.assert_array_equal(ours, local_binary_pattern(image, 8, 1, method))
        assert len(np.unique(ours[1::3, 1])) == {"default": 256, "uniform": 10}.get(method, 59)

    @pytest.mark.parametrize("value", [1, 77, 254, 255])
    def test_flat_images_where_rounding_decides(self, value):
        image = np.full((140, 9), value, dtype=np.uint8)
        ours = lbp_codes(image, radius=2, points=16, method="default")
        np.testing.assert_array_equal(ours, local_binary_pattern(image, 16, 2, "default"))

    def test_twenty_four_points(self):
        ours = lbp_codes(FACE // 64, radius=3, points=24)
        np.testing.assert_array_equal(ours, local_binary_pattern(FACE // 64, 24, 3, "nri_uniform"))

    def test_same_histograms(self):
        codes = local_binary_pattern(FACE, 8, 2, "nri_uniform").astype(int)
        cells = [
            np.bincount(codes[r : r + 8, c : c + 8].ravel(), minlength=59) / 64
            for r in range(0, 48, 8)
            for c in range(0, 40, 8)
        ]
        ours = lbp_histogram(FACE, radius=2, grid=(6, 5), norm="l1")
        np.testing.assert_allclose(ours, np.concatenate(cells), atol=1e-6)


class TestParameters:
    def test_default_is_the_u2_operator_on_six_by_six_cells(self):
        assert LBP().transform(np.zeros((1, 48, 48), dtype=np.uint8)).shape == (1, 2124)

    def test_several_radii_are_concatenated(self):
        both = lbp_histogram(FACE, radius=(1, 2), points=(8, 16))
        one, two = lbp_histogram(FACE), lbp_histogram(FACE, radius=2, points=16)
        np.testing.assert_array_equal(both, np.concatenate([one, two]))

    @pytest.mark.parametrize("shape", [(48, 48), (50, 37), (6, 6), (11, 7)])
    def test_cells_cover_each_pixel_once_whatever_the_size(self, shape):
        image = np.zeros(shape, dtype=np.uint8)
        counts = lbp_histogram(image, grid=6, norm="none").reshape(36, 59).sum(axis=1)
        assert counts.sum() == shape[0] * shape[1]
        assert counts.min() >= 1

    def test_overlapping_cells_share_half(self):
        # Three cells of 8 pixels in steps of 4 cover 16.
        image = np.zeros((16, 16), dtype=np.uint8)
        counts = lbp_histogram(image, grid=3, overlap=0.5, norm="none").reshape(9, 59)
        assert (counts.sum(axis=1) == 64).all()

    def test_names_tell_radius_cell_and_label(self):
        names = LBP(radius=(1, 2.5), grid=(2, 3)).fit(FACE[np.newaxis]).get_feature_names_out()
        assert names[0] == "lbp_radius1_row0_col0_label0"
        assert names[-1] == "lbp_radius2.5_row1_col2_label58"

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"radius": 0}, "radius must be a positive number"),
            ({"radius": float("nan")}, "radius must be a positive number"),
            ({"radius": ()}, "same length"),
            ({"radius": (1, 2), "points": (8,)}, "same length"),
            ({"radius": 40}, "does not fit into images of 48 x 40"),
            ({"points": 3}, "integer from 4 to 24, got 3"),
            ({"points": 8.0}, "got 8.0"),
            ({"points": 20, "method": "default"}, "integer from 4 to 16"),
            ({"method": "u2"}, "nri_uniform, uniform, default, got 'u2'"),
            ({"norm": "L1"}, "none, l1, l1-sqrt, l2, got 'L1'"),
            ({"grid": (6, 6, 6)}, "a pair"),
            ({"grid": "6"}, "a pair"),
            ({"grid": 0}, "grid must be an integer from 1"),
            ({"grid": 41}, "at least 41 x 41 pixels"),
            ({"overlap": 1}, "from 0 to 0.9"),
        ],
    )
    def test_bad_parameters_are_named(self, params, message):
        with pytest.raises(ParameterError, match=message):
            LBP(**params).fit(FACE[np.newaxis])
        with pytest.raises(ParameterError, match=message):
            lbp_histogram(FACE, **params)

    def test_codes_of_a_batch(self):
        batch = np.stack([FACE, FACE[::-1]])
        expected = [lbp_codes(FACE), lbp_codes(FACE[::-1])]
        np.testing.assert_array_equal(lbp_codes(batch), expected)

    def test_codes_take_one_radius_only(self):
        with pytest.raises(ParameterError, match="takes one radius"):
            lbp_codes(FACE, radius=(1, 2))

    @pytest.mark.parametrize(
        "image", [FACE.astype(float), FACE[0], FACE[:0]], ids=["float", "1-D", "empty"]
    )
    def test_ill_formed_image(self, image):
        with pytest.raises(ParameterError, match="one grey image as a uint8 array"):
            lbp_codes(image)
