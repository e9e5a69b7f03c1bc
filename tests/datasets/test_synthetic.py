"""Generated faces: reproducible, anatomically sound, found by dlib, telling expressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.datasets.synthetic import (
    GENERATED_EMOTIONS,
    SyntheticFaces,
    generated_dataset,
    synthetic_faces,
)
from classic_fer.datasets.synthetic_drawing import add_bump, blur, fill, noise, spline, stroke
from classic_fer.datasets.synthetic_expressions import (
    ACTION_UNITS,
    EXPRESSIONS,
    action_unit_displacements,
    sample_action_units,
)
from classic_fer.datasets.synthetic_shape import Pose, pose_face, sample_identity, sample_pose
from classic_fer.errors import ParameterError
from classic_fer.faces.types import MIRRORED_LANDMARKS

FRONTAL = Pose(yaw=0, pitch=0, roll=0, scale=0.23, x=0.5, y=0.5, gaze=(0.0, 0.0))


@pytest.fixture(scope="module")
def faces() -> SyntheticFaces:
    return synthetic_faces(15, 1, random_state=3)


def test_shapes_dtypes_and_people(faces: SyntheticFaces) -> None:
    assert faces.images.shape == (105, 192, 192)
    assert faces.images.dtype == np.uint8
    assert faces.landmarks.shape == (105, 68, 2)
    assert faces.landmarks.dtype == np.float32
    assert len(faces) == len(set(faces.ids)) == 105
    assert faces.ids[8] == "P01/happiness/1"
    people, counts = np.unique(faces.subjects, return_counts=True)
    assert len(people) == 15
    assert set(counts) == {7}
    assert sorted(set(faces.labels)) == sorted(GENERATED_EMOTIONS)


def test_same_seed_same_pixels_and_other_seed_other_pixels() -> None:
    first = synthetic_faces(2, 1, size=64, random_state=5)
    again = synthetic_faces(2, 1, size=64, random_state=5)
    other = synthetic_faces(2, 1, size=64, random_state=6)
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.landmarks, again.landmarks)
    assert (first.images != other.images).mean() > 0.5


def test_number_of_opencv_threads_does_not_change_a_pixel() -> None:
    import cv2

    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = synthetic_faces(1, 1, emotions=["fear"])
        cv2.setNumThreads(4)
        four = synthetic_faces(1, 1, emotions=["fear"])
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(one.images, four.images)


def test_more_people_and_other_emotions_change_no_picture() -> None:
    few = synthetic_faces(1, 1, size=64, emotions=["fear"])
    many = synthetic_faces(3, 2, size=64, emotions=["contempt", "fear"])
    row = list(many.ids).index("P00/fear/1")
    np.testing.assert_array_equal(many.images[row], few.images[0])


def test_landmarks_lie_inside_the_image_in_anatomical_order(faces: SyntheticFaces) -> None:
    points = faces.landmarks
    assert points.min() >= 0
    assert points.max() <= 191
    x, y = points[..., 0], points[..., 1]
    assert (np.diff(x[:, 3:14], axis=1) > 0).all(), "jaw from left to right"
    assert (np.diff(x[:, 17:27], axis=1) > 0).all(), "brows from left to right"
    assert (np.diff(y[:, 27:31], axis=1) > 0).all(), "nose from root to tip"
    assert (np.diff(x[:, 31:36], axis=1) > 0).all(), "nostrils from left to right"
    brows, eyes, nose = y[:, 17:27].mean(1), y[:, 36:48].mean(1), y[:, 33]
    mouth, chin = y[:, 48:68].mean(1), y[:, 8]
    assert (brows < eyes).all()
    assert (eyes < nose).all()
    assert (nose < mouth).all()
    assert (mouth < chin).all()
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert (y[:, upper] < y[:, lower]).all(), "upper lid above lower lid"
    assert (x[:, 39] < x[:, 42]).all()
    assert (x[:, 48] < x[:, 54]).all()


def test_dlib_finds_the_faces_and_their_landmarks(faces: SyntheticFaces) -> None:
    import dlib
    import face_recognition_models

    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    errors = []
    for image, known in zip(faces.images, faces.landmarks):
        boxes = detector(image, 0)
        if len(boxes) == 0:
            continue
        largest = max(boxes, key=lambda box: box.area())
        parts = predictor(image, largest).parts()
        found = np.array([(part.x, part.y) for part in parts])
        eye_distance = np.linalg.norm(known[36:42].mean(0) - known[42:48].mean(0))
        errors.append(np.linalg.norm(found - known, axis=1).mean() / eye_distance)
    assert len(errors) >= 0.95 * len(faces)
    assert np.mean(errors) < 0.08


def mean_change(faces: SyntheticFaces, emotion: str, measure) -> float:
    """Mean over people of `measure` (eye distances) in `emotion` minus that in the neutral face."""
    upright = np.array([_upright(points) for points in faces.landmarks])
    values = measure(upright)
    return float(values[faces.labels == emotion].mean() - values[faces.labels == "neutral"].mean())


def _upright(points: np.ndarray) -> np.ndarray:
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    across = (right - left).astype(float)
    turned = (points - (left + right) / 2) @ np.array(
        [[across[0], -across[1]], [across[1], across[0]]]
    )
    return turned / (across @ across)


def corners_up(p):
    return p[:, [51, 57], 1].mean(1) - p[:, [48, 54], 1].mean(1)


def mouth_open(p):
    return p[:, 66, 1] - p[:, 62, 1]


def mouth_width(p):
    return p[:, 54, 0] - p[:, 48, 0]


def inner_brow_up(p):
    return -p[:, 21:23, 1].mean(1)


def outer_brow_up(p):
    return -p[:, [18, 25], 1].mean(1)


def eyes_open(p):
    return (p[:, [40, 41, 46, 47], 1] - p[:, [38, 37, 44, 43], 1]).mean(1)


def lip_height(p):
    return p[:, 57, 1] - p[:, 51, 1]


@pytest.mark.parametrize(
    ("emotion", "measure", "direction"),
    [
        ("happiness", corners_up, 1),
        ("happiness", mouth_width, 1),
        ("sadness", corners_up, -1),
        ("sadness", inner_brow_up, 1),
        ("surprise", mouth_open, 1),
        ("surprise", inner_brow_up, 1),
        ("surprise", outer_brow_up, 1),
        ("fear", eyes_open, 1),
        ("fear", mouth_width, 1),
        ("fear", inner_brow_up, 1),
        ("disgust", eyes_open, -1),
        ("disgust", inner_brow_up, -1),
        ("anger", inner_brow_up, -1),
        ("anger", lip_height, -1),
    ],
)
def test_expressions_move_the_face_as_facs_says(
    faces: SyntheticFaces, emotion: str, measure, direction: int
) -> None:
    assert direction * mean_change(faces, emotion, measure) > 0.02


def test_surprise_darkens_the_open_mouth(faces: SyntheticFaces) -> None:
    """Pixels follow the landmarks: the opening of a wide open mouth is darker than the cheeks."""
    rows = [
        i
        for i in np.flatnonzero(faces.labels == "surprise")
        if np.linalg.norm(faces.landmarks[i, 66] - faces.landmarks[i, 62]) > 10
    ]
    assert rows
    for i in rows:
        mouth = faces.landmarks[i, [62, 66]].mean(0).round().astype(int)
        cheek = faces.landmarks[i, [2, 31]].mean(0).round().astype(int)
        assert faces.images[i, mouth[1], mouth[0]] < 0.8 * faces.images[i, cheek[1], cheek[0]]


def test_contempt_is_one_sided() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        left, right = sample_action_units("contempt", rng)[ACTION_UNITS.index("AU14")]
        assert min(left, right) < 0.2 * max(left, right)


def test_mirror_is_its_own_inverse_and_displacements_are_mirrored() -> None:
    np.testing.assert_array_equal(MIRRORED_LANDMARKS[MIRRORED_LANDMARKS], np.arange(68))
    left, right = np.zeros((2, len(ACTION_UNITS), 2))
    left[:, 0], right[:, 1] = 1, 1
    moved, other = action_unit_displacements(left), action_unit_displacements(right)
    np.testing.assert_allclose(moved[MIRRORED_LANDMARKS] * (-1, 1), other, atol=1e-12)


def test_a_smile_of_hand_computed_size() -> None:
    units = np.zeros((len(ACTION_UNITS), 2))
    units[ACTION_UNITS.index("AU12")] = (1.0, 0.5)
    moved = action_unit_displacements(units)
    np.testing.assert_allclose(moved[48], (-0.17, -0.15))
    np.testing.assert_allclose(moved[54], (0.085, -0.075))
    np.testing.assert_allclose(moved[8], (0, 0))


def test_every_expression_uses_known_action_units() -> None:
    for emotion, units in EXPRESSIONS.items():
        assert set(units) <= set(ACTION_UNITS), emotion
        assert all(0 < probability <= 1 for probability, _, _ in units.values())


@pytest.mark.parametrize(
    ("turn", "axis"), [({"yaw": 12.0}, 0), ({"pitch": 10.0}, 1)], ids=["yaw", "pitch"]
)
def test_turning_the_head_moves_the_tip_of_the_nose(turn: dict, axis: int) -> None:
    identity = sample_identity(np.random.default_rng(1))
    rest = np.zeros((len(ACTION_UNITS), 2))
    straight = pose_face(identity, rest, FRONTAL, size=192).landmarks
    turned = pose_face(identity, rest, Pose(**{**FRONTAL.__dict__, **turn}), size=192).landmarks
    eyes = slice(36, 48)
    before = straight[30, axis] - straight[eyes, axis].mean()
    after = turned[30, axis] - turned[eyes, axis].mean()
    assert after > before + 1


def test_roll_tilts_the_eye_line() -> None:
    identity = sample_identity(np.random.default_rng(1))
    rest = np.zeros((len(ACTION_UNITS), 2))
    points = pose_face(identity, rest, Pose(**{**FRONTAL.__dict__, "roll": 10.0}), size=192)
    across = points.landmarks[42:48].mean(0) - points.landmarks[36:42].mean(0)
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(10.0, abs=0.5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), emotion=st.sampled_from(list(EXPRESSIONS)))
def test_landmarks_are_sound_for_any_seed(seed: int, emotion: str) -> None:
    rng = np.random.default_rng(seed)
    identity = sample_identity(rng)
    units = sample_action_units(emotion, rng)
    assert units.min() >= 0
    shape = pose_face(identity, units, sample_pose(rng), size=192)
    assert shape.landmarks.min() >= 0
    assert shape.landmarks.max() <= 191
    upright = _upright(shape.landmarks)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65)):
        assert upright[upper, 1] < upright[lower, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_people": 0}, "n_people must be a whole number from 1"),
        ({"per_emotion": -1}, "per_emotion must be a whole number from 1"),
        ({"size": 20}, "size must be a whole number from 48"),
        ({"size": 192.0}, "got 192.0"),
        ({"random_state": -1}, "random_state must be a whole number from 0"),
        ({"random_state": None}, "got None"),
        ({"emotions": []}, "emotions is empty"),
        ({"emotions": ["joy"]}, "unknown generated emotion 'joy'; expected one of: anger"),
        ({"emotions": ["fear", "fear"]}, "fear twice"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        synthetic_faces(**arguments)


@pytest.mark.parametrize("size", [48, 101, 256])
def test_other_sizes_show_the_same_picture(size: int) -> None:
    one = synthetic_faces(1, 1, size=size, emotions=["happiness"])
    reference = synthetic_faces(1, 1, emotions=["happiness"])
    assert one.images.shape == (1, size, size)
    np.testing.assert_allclose(
        (one.landmarks + 0.5) / size, (reference.landmarks + 0.5) / 192, atol=1e-5
    )


def test_generated_dataset_holds_photos_landmarks_and_people() -> None:
    data = generated_dataset(seed=1)
    assert data.name == "generated"
    assert len(data) == 336
    assert len(set(data.groups)) == 24
    assert data.classes[:2] == ["neutral", "happiness"]
    assert data.landmarks.shape == (336, 68, 2)
    assert data.read_photo(0).shape == (192, 192)
    assert data.card.name == "generated"
    assert data.split is None


def test_spline_passes_through_its_points() -> None:
    knots = np.array([(0.0, 0.0), (10.0, 5.0), (20.0, 0.0), (25.0, -8.0)])
    np.testing.assert_allclose(spline(knots)[::6], knots)
    closed = spline(knots, closed=True)
    assert len(closed) == 24
    np.testing.assert_allclose(closed[::6], knots)


def test_fill_and_stroke_of_known_area() -> None:
    square = np.array([(10, 10), (29, 10), (29, 29), (10, 29)])
    mask = fill(40, square)
    assert mask[20, 20] == 255
    assert mask[5, 5] == 0
    assert mask.sum() / 255 == pytest.approx(20 * 20, rel=0.12)
    line = stroke(40, [(square[:2], 0.5), (square[2:], 0.0)], width=3)
    assert line[10, 20] == 128
    assert line[29, 20] == 0


@pytest.mark.parametrize("sigma", [1.0, 2.5, 5.0, 11.0])
def test_blur_keeps_the_mass_and_equals_the_plain_gaussian(sigma: float) -> None:
    from scipy.ndimage import gaussian_filter

    mask = fill(160, np.array([(60, 60), (100, 65), (90, 100)]))
    expected = gaussian_filter(mask / 255.0, sigma, mode="mirror")
    np.testing.assert_allclose(blur(mask, sigma), expected, atol=0.02)
    np.testing.assert_allclose(blur(mask / 255.0, sigma), expected, atol=0.02)


def test_blur_of_an_empty_mask_is_empty() -> None:
    assert not blur(np.zeros((20, 20), dtype=np.uint8), 2.0).any()


def test_add_bump_is_a_clipped_paraboloid() -> None:
    layer = np.zeros((21, 21), dtype=np.float32)
    add_bump(layer, (10, 10), (5, 10), 2.0, power=1)
    assert layer[10, 10] == 2.0
    assert layer[10, 12] == pytest.approx(2 * (1 - 0.16))
    assert layer[15, 10] == pytest.approx(2 * (1 - 0.25))
    assert layer[10, 16] == 0
    before = layer.copy()
    add_bump(layer, (-100, 10), (5, 5), 1.0)
    np.testing.assert_array_equal(layer, before)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 6.0])
def test_noise_has_mean_zero_and_the_deviation_asked_for(sigma: float) -> None:
    layer = noise(np.random.default_rng(0), 256, sigma, deviation=0.1)
    assert layer.mean() == pytest.approx(0, abs=0.02)
    assert layer.std() == pytest.approx(0.1, rel=0.35)
