import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation.face_columns import brightness, contrast, face_size, head_yaw
from classic_fer.faces.types import make_faces


def head(yaw: float = 0.0, roll: float = 0.0, scale: float = 40.0) -> np.ndarray:
    """Landmarks of a flat face with a nose of 0.6 of its length, turned and projected."""
    points = np.full((68, 3), np.nan)
    points[36], points[45] = (-0.7, 0, 0), (0.7, 0, 0)
    points[48], points[54] = (-0.4, 1, 0), (0.4, 1, 0)
    points[30] = (0, 0.6, 0.6)
    angle, tilt = np.radians([yaw, roll])
    x = points[:, 0] * np.cos(angle) + points[:, 2] * np.sin(angle)
    y = points[:, 1]
    turned = [x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)]
    return np.stack(turned, axis=-1) * scale + 50


@pytest.mark.parametrize("yaw", [0, 20, -35, 80])
@pytest.mark.parametrize("roll", [0, 25])
def test_yaw_of_a_turned_head_is_found_whatever_its_roll(yaw, roll):
    np.testing.assert_allclose(head_yaw([head(yaw, roll)]), [yaw], atol=1e-9)


def test_positive_yaw_points_the_nose_to_the_right_of_the_image():
    frontal, turned = head(), head(30)
    assert turned[30, 0] > frontal[30, 0]
    assert head_yaw([turned])[0] > 0


def test_yaw_is_not_known_without_landmarks_or_extent():
    nothing, point = np.full((68, 2), np.nan), np.full((68, 2), 3.0)
    assert np.isnan(head_yaw([nothing, point])).all()


def test_yaw_refuses_other_shapes():
    with pytest.raises(ParameterError, match=r"shape \(n, 68, 2\), got \(68, 2\)"):
        head_yaw(head())


def test_light_and_size_of_hand_made_faces():
    images = np.array([[[0, 100], [100, 200]], [[7, 7], [7, 7]]], dtype=np.uint8)
    faces = make_faces(images, boxes=[[5, 5, 40, 90], [np.nan] * 4])
    np.testing.assert_allclose(brightness(faces), [100, 7])
    np.testing.assert_allclose(contrast(faces), [np.sqrt(5000), 0])
    np.testing.assert_allclose(face_size(faces), [60, np.nan])
