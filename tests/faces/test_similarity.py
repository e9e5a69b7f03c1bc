from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.faces.similarity import (
    apply_similarity,
    compose,
    estimate_similarity,
    invert_similarity,
    is_identity,
    warp_face,
    whole_image,
)

coordinate = st.floats(-500, 500, allow_nan=False)
similarity = st.builds(
    lambda scale, angle, x, y: np.array(
        [
            [scale * np.cos(angle), -scale * np.sin(angle), x],
            [scale * np.sin(angle), scale * np.cos(angle), y],
        ]
    ),
    st.floats(0.05, 20),
    st.floats(-np.pi, np.pi),
    coordinate,
    coordinate,
)
# A triangle that is not degenerate: two corners at least 10 apart, the third anywhere.
triangle = st.builds(
    lambda x, y, width, third: np.array([[x, y], [x + width, y], third]),
    coordinate,
    coordinate,
    st.floats(10, 200),
    st.tuples(coordinate, coordinate),
)


@given(similarity, triangle)
def test_recovers_a_known_similarity(matrix: np.ndarray, points: np.ndarray) -> None:
    estimated = estimate_similarity(points, apply_similarity(matrix, points))
    scale = np.abs(matrix).max() + 1
    np.testing.assert_allclose(estimated, matrix, atol=1e-7 * scale)


@given(similarity, triangle)
def test_inverse_undoes_and_compose_is_one_after_the_other(
    matrix: np.ndarray, points: np.ndarray
) -> None:
    inverse = invert_similarity(matrix)
    assert is_identity(compose(inverse, matrix)) or np.allclose(
        compose(inverse, matrix), np.eye(2, 3), atol=1e-6
    )
    back = apply_similarity(inverse, apply_similarity(matrix, points))
    np.testing.assert_allclose(back, points, atol=1e-6)


@given(triangle, triangle)
def test_result_never_mirrors_and_keeps_angles(source: np.ndarray, target: np.ndarray) -> None:
    linear = estimate_similarity(source, target)[:, :2]
    gram = linear.T @ linear
    assert np.linalg.det(linear) >= -1e-9
    np.testing.assert_allclose(gram, gram[0, 0] * np.eye(2), atol=1e-8 * (1 + gram.max()))


@given(triangle, triangle, similarity)
def test_no_other_similarity_fits_better(
    source: np.ndarray, target: np.ndarray, other: np.ndarray
) -> None:
    best = apply_similarity(estimate_similarity(source, target), source)
    worse = apply_similarity(other, source)
    assert np.sum((best - target) ** 2) <= np.sum((worse - target) ** 2) * (1 + 1e-9) + 1e-9


def test_by_hand_doubled_turned_left_and_shifted() -> None:
    # (x, y) -> 2 (-y, x) + (3, 4)
    source = [(0, 0), (1, 0), (0, 1)]
    target = [(3, 4), (3, 6), (1, 4)]
    np.testing.assert_allclose(
        estimate_similarity(source, target), [[0, -2, 3], [2, 0, 4]], atol=1e-12
    )


def test_by_hand_mirrored_points_are_not_mirrored_back() -> None:
    source = np.array([(-1.0, 0.0), (1.0, 0.0), (0.0, 3.0)])
    target = source * (-1, 1)
    # Covariance of the centred sets: diag(-2/3, 2); variance 8/3; so S = diag(1, -1) and the
    # scale is (2 - 2/3) / (8/3) = 1/2: a mirror image is met half-way, not mirrored.
    matrix = estimate_similarity(source, target)
    np.testing.assert_allclose(matrix, [[0.5, 0, 0], [0, 0.5, 0.5]], atol=1e-12)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([(0, 0)], [(1, 1)], "n >= 2"),
        ([(0, 0), (1, 1)], [(0, 0)], "one shape"),
        ([(0, 0, 0), (1, 1, 1)], [(0, 0, 0), (1, 1, 1)], r"\(n, 2\)"),
        ([(0, 0), (np.nan, 1)], [(0, 0), (1, 1)], "finite"),
        ([(2, 2), (2, 2)], [(0, 0), (1, 1)], "coincide"),
        ([(0, 0), (1, 1)], [(2, 2), (2, 2)], "coincide"),
    ],
)
def test_unusable_points(source: list, target: list, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        estimate_similarity(source, target)


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_identity_keeps_every_bit() -> None:
    image = _noise(48, 48)
    warped = warp_face(image, np.eye(2, 3), 48)
    np.testing.assert_array_equal(warped, image)
    assert not np.shares_memory(warped, image)


def test_whole_number_shift_keeps_pixels_and_repeats_the_border() -> None:
    image = _noise(20, 20)
    warped = warp_face(image, np.array([[1.0, 0, 3], [0, 1, -2]]), 20)
    np.testing.assert_array_equal(warped[:18, 3:], image[2:, :17])
    np.testing.assert_array_equal(warped[:18, 0], image[2:, 0])


def test_shrinking_averages_blocks() -> None:
    image = _noise(40, 40)
    warped = warp_face(image, whole_image(image.shape, 10), 10)
    means = image.reshape(10, 4, 10, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(warped, means, atol=0.51)


def test_shrinking_does_not_alias() -> None:
    # A chessboard of single pixels is grey from afar, at any scale and angle.
    board = (np.indices((240, 240)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for scale, angle in [(0.45, 0.0), (0.3, 0.3), (0.2, 1.0)]:
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        centred = np.array([[c, -s, 0], [s, c, 0]])
        centred[:, 2] = 15.5 - centred[:, :2] @ (119.5, 119.5)
        warped = warp_face(board, centred, 32)
        assert np.abs(warped.astype(float) - 127.5).max() < 45, (scale, angle)
        assert warped.std() < 15, (scale, angle)


@pytest.mark.parametrize(
    ("shape", "corner", "opposite"),
    [
        ((10, 10), (-0.5, -0.5), (19.5, 19.5)),
        ((5, 10), (-0.5, 4.5), (19.5, 14.5)),
        ((40, 20), (4.5, -0.5), (14.5, 19.5)),
    ],
)
def test_whole_image_is_centred(shape: tuple, corner: tuple, opposite: tuple) -> None:
    matrix = whole_image(shape, 20)
    ends = apply_similarity(matrix, [(-0.5, -0.5), (shape[1] - 0.5, shape[0] - 0.5)])
    np.testing.assert_allclose(ends, [corner, opposite], atol=1e-12)
