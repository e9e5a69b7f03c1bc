"""Shape of the generated faces: a mean head, identities, action units, pose and camera.

Coordinates of the head are in eye distances (between the centres of the eyes of the mean face):
x to the right and y down as seen in the image, z towards the viewer, the origin midway between
the eyes. The camera turns them into pixels (x, y; 0 is the centre of the first pixel).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.synthetic_expressions import action_unit_displacements
from classic_fer.faces.types import MIRRORED_LANDMARKS

__all__ = ["FaceShape", "Identity", "Pose", "pose_face", "sample_identity", "sample_pose"]

Points = NDArray[np.float64]

# x, y, z of the landmarks of the left half (as seen in the image) and of the midline: proportions
# of an average adult, rounded to 1/100 eye distance; the right half is its mirror image.
_HALF: dict[int, tuple[float, float, float]] = {
    # jaw
    0: (-1.14, 0.05, -1.00),
    1: (-1.12, 0.38, -0.95),
    2: (-1.07, 0.70, -0.85),
    3: (-0.99, 1.01, -0.70),
    4: (-0.87, 1.27, -0.50),
    5: (-0.69, 1.48, -0.28),
    6: (-0.47, 1.64, -0.08),
    7: (-0.24, 1.74, 0.06),
    8: (0.00, 1.77, 0.10),
    # brow
    17: (-0.94, -0.24, -0.28),
    18: (-0.80, -0.38, -0.10),
    19: (-0.60, -0.43, 0.03),
    20: (-0.40, -0.40, 0.10),
    21: (-0.21, -0.32, 0.13),
    # nose
    27: (0.00, 0.00, 0.15),
    28: (0.00, 0.21, 0.27),
    29: (0.00, 0.42, 0.40),
    30: (0.00, 0.63, 0.50),
    31: (-0.24, 0.75, 0.18),
    32: (-0.12, 0.80, 0.27),
    33: (0.00, 0.83, 0.31),
    # eye
    36: (-0.72, 0.02, -0.18),
    37: (-0.60, -0.075, -0.08),
    38: (-0.42, -0.075, -0.04),
    39: (-0.28, 0.03, -0.04),
    40: (-0.42, 0.065, -0.04),
    41: (-0.59, 0.07, -0.08),
    # mouth
    48: (-0.40, 1.19, 0.05),
    49: (-0.25, 1.12, 0.20),
    50: (-0.09, 1.08, 0.29),
    51: (0.00, 1.10, 0.31),
    57: (0.00, 1.34, 0.27),
    58: (-0.11, 1.33, 0.26),
    59: (-0.27, 1.29, 0.18),
    60: (-0.34, 1.195, 0.08),
    61: (-0.11, 1.185, 0.25),
    62: (0.00, 1.19, 0.27),
    66: (0.00, 1.20, 0.27),
    67: (-0.11, 1.195, 0.25),
}
# Skull from the left temple over the top to the right temple (hair is drawn outside of it).
_SKULL_HALF = [(-1.15, -0.30, -1.00), (-1.11, -0.68, -1.00), (-0.97, -1.02, -1.00)]
_SKULL_HALF += [(-0.70, -1.30, -1.00), (-0.36, -1.45, -1.00)]
_IRIS = [(-0.50, 0.0, -0.05), (0.50, 0.0, -0.05)]

_BROW, _NOSE, _EYE, _MOUTH = slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68)
_PIVOT = np.array([0.0, 0.35, -0.90])
_CAMERA_DISTANCE = 14.0  # eye distances, about 0.9 m: a portrait
_MIN_LID_GAP, _MIN_LIP_GAP = 0.018, 0.006


def _mean_landmarks() -> Points:
    points = np.empty((68, 3))
    for landmark, xyz in _HALF.items():
        points[landmark] = xyz
        points[MIRRORED_LANDMARKS[landmark]] = (-xyz[0], xyz[1], xyz[2])
    return points


_MEAN = _mean_landmarks()
_SKULL = np.array(
    [*_SKULL_HALF, (0.0, -1.50, -1.00), *[(-x, y, z) for x, y, z in _SKULL_HALF[::-1]]]
)


@dataclass(frozen=True)
class Identity:
    """One person's proportions: landmarks, skull and irises at rest, in eye distances.

    Attributes
    ----------
    landmarks : ndarray of float64, shape (68, 3)
    skull : ndarray of float64, shape (11, 3)
    irises : ndarray of float64, shape (2, 3)
    """

    landmarks: Points
    skull: Points
    irises: Points


@dataclass(frozen=True)
class Pose:
    """Head pose (degrees; 0 looks into the camera), place and size in the image.

    Attributes
    ----------
    yaw, pitch, roll : float
        Positive turns the face to the right of the image, down, and clockwise.
    scale : float
        Eye distance of the mean face as a fraction of the image size.
    x, y : float
        Place of the middle of the face as fractions of the image size.
    gaze : tuple of float
        Shift of the irises, x and y, in eye distances.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    x: float
    y: float
    gaze: tuple[float, float]


@dataclass(frozen=True)
class FaceShape:
    """A posed face with an expression, ready to be drawn.

    Attributes
    ----------
    landmarks : ndarray of float64, shape (68, 2)
        x, y in pixels, iBUG order.
    skull, irises : ndarray of float64, shape (11, 2) and (2, 2)
        x, y in pixels.
    unit : float
        Pixels in one eye distance of the mean face.
    action_units : ndarray of float64, shape (n_units, 2)
        Intensities that moved the landmarks, for wrinkles and bulges.
    turn : tuple of float
        Sine of yaw and of pitch.
    across, down : ndarray of float64, shape (2,)
        One eye distance to the right of and down the face, in pixels.
    """

    landmarks: Points
    skull: Points
    irises: Points
    unit: float
    action_units: Points
    turn: tuple[float, float]
    across: Points
    down: Points

    def near(self, point: Points, x: float, y: float) -> Points:
        """The pixel that lies `x` to the right and `y` down the face (eye distances) of `point`."""
        return point + x * self.across + y * self.down


def sample_identity(rng: np.random.Generator) -> Identity:
    """Draw a person: widths, heights and slants of face, brows, eyes, nose and mouth."""
    points, skull, irises = _MEAN.copy(), _SKULL.copy(), np.array(_IRIS)

    def draw(deviation: float) -> float:
        return float(np.clip(rng.normal(), -2.0, 2.0)) * deviation

    side = np.sign(points[:, 0])
    # Jaw: width, squareness (its angle moves out, the chin keeps its place), chin length.
    width, square, chin = 1 + draw(0.045), draw(0.05), draw(0.06)
    points[:17, 0] *= width
    skull[:, 0] *= width
    corner = np.exp(-(((np.abs(np.arange(17) - 8) - 4) / 2.0) ** 2))
    points[:17, 0] += square * corner * side[:17]
    points[4:13, 1] += chin * np.sin(np.linspace(0, np.pi, 9)) ** 2
    skull[:, 1] += draw(0.05)
    # Brows: height, slant, arch.
    height, slant, arch = draw(0.035), draw(0.018), draw(0.02)
    middle = np.abs(points[_BROW, 0]) - 0.58
    points[_BROW, 1] += height + slant * middle / 0.37 - arch * (1 - (middle / 0.37) ** 2)
    # Eyes: distance, size, openness, slant.
    apart, size, opening, tilt = draw(0.025), 1 + draw(0.06), 1 + draw(0.12), draw(0.02)
    centre = side[_EYE] * 0.50
    points[_EYE, 1] = (
        points[_EYE, 1] * opening * size + tilt * (np.abs(points[_EYE, 0]) - 0.5) / 0.2
    )
    points[_EYE, 0] = centre + (points[_EYE, 0] - centre) * size + side[_EYE] * apart
    irises[:, 0] += np.array([-1, 1]) * apart
    points[_BROW, 0] += side[_BROW] * apart
    # Nose: length, width, how far the tip stands out.
    length, broad, depth = draw(0.05), 1 + draw(0.12), 1 + draw(0.15)
    points[_NOSE, 1] += length * np.clip(points[_NOSE, 1] / 0.83, 0, 1)
    points[31:36, 0] *= broad
    points[28:31, 2] *= depth
    # Mouth: height, width, fullness of the lips.
    place, wide, upper, lower = 0.6 * length + draw(0.04), 1 + draw(0.08), draw(0.3), draw(0.25)
    points[49:54, 1] += (1.19 - points[49:54, 1]) * -upper
    points[55:60, 1] += (points[55:60, 1] - 1.19) * lower
    points[_MOUTH, 1] += place + 0.3 * chin
    points[_MOUTH, 0] *= wide
    return Identity(points, skull, irises)


def sample_pose(rng: np.random.Generator) -> Pose:
    """Draw a head pose and a camera: nearly frontal, as people look into a camera."""
    turns = np.clip(rng.normal(size=3), -2.2, 2.2) * (6.0, 4.5, 4.0)
    place = np.clip(rng.normal(size=2), -2.0, 2.0) * 0.015
    gaze = np.clip(rng.normal(size=2), -2.0, 2.0) * (0.02, 0.008)
    yaw, pitch, roll = (float(t) for t in turns)
    x, y = (float(p) for p in 0.5 + place)
    scale = float(rng.uniform(0.215, 0.245))
    return Pose(yaw, pitch, roll, scale, x, y, (float(gaze[0]), float(gaze[1])))


def pose_face(
    identity: Identity, action_units: NDArray[np.float64], pose: Pose, *, size: int
) -> FaceShape:
    """Move the landmarks of a person by action units, turn the head, and project it.

    Parameters
    ----------
    identity : Identity
        The person at rest.
    action_units : ndarray of float64, shape (n_units, 2)
        Intensities on the left and right side of the image.
    pose : Pose
        Head pose and camera.
    size : int
        Height and width of the image in pixels.

    Returns
    -------
    shape : FaceShape
        Every landmark lies at least 1 % of `size` inside the image.
    """
    points = identity.landmarks.copy()
    points[:, :2] += action_unit_displacements(action_units)
    _keep_apart(points)
    irises = identity.irises.copy()
    irises[:, :2] += pose.gaze
    rotation = _rotation(pose)
    unit = pose.scale * size

    def project(xyz: Points) -> Points:
        turned = (xyz - _PIVOT) @ rotation.T + _PIVOT
        nearness = _CAMERA_DISTANCE / (_CAMERA_DISTANCE - turned[:, 2:])
        centred = (turned[:, :2] - (0.0, 0.28)) * nearness
        return centred * unit + (pose.x * size - 0.5, pose.y * size - 0.5)

    landmarks = project(points)
    margin = 0.01 * size
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    shift = np.maximum(margin - low, 0) - np.maximum(high - (size - 1 - margin), 0)
    return FaceShape(
        landmarks=landmarks + shift,
        skull=project(identity.skull) + shift,
        irises=project(irises) + shift,
        unit=unit,
        action_units=action_units,
        turn=(float(np.sin(np.radians(pose.yaw))), float(np.sin(np.radians(pose.pitch)))),
        across=rotation[:2, 0] * unit,
        down=rotation[:2, 1] * unit,
    )


def _keep_apart(points: Points) -> None:
    """Lids and lips come close but do not cross: upper lids, lower and outer lips give way."""
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        points[upper, 1] = min(points[upper, 1], points[lower, 1] - _MIN_LID_GAP)
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        points[lower, 1] = max(points[lower, 1], points[upper, 1] + _MIN_LIP_GAP)
    for inner, outer in ((61, 50), (62, 51), (63, 52)):
        points[outer, 1] = min(points[outer, 1], points[inner, 1] - 0.03)
    for inner, outer in ((67, 58), (66, 57), (65, 56)):
        points[outer, 1] = max(points[outer, 1], points[inner, 1] + 0.05)


def _rotation(pose: Pose) -> NDArray[np.float64]:
    """Rotation matrix (3, 3): yaw, then pitch, then roll."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    )
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return tilt @ nod @ turn
