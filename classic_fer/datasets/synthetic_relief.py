"""Relief and light of the generated faces: a height map with its furrows, shaded by Lambert's law.

Heights are in eye distances towards the viewer, arrays are float32 of shape (size, size).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.synthetic_appearance import Lighting
from classic_fer.datasets.synthetic_drawing import add_bump, blur, fill, spline, stroke
from classic_fer.datasets.synthetic_expressions import ACTION_UNITS
from classic_fer.datasets.synthetic_shape import FaceShape

__all__ = ["face_outline", "face_relief", "furrows", "lip_outlines", "shade"]

Layer = NDArray[np.float32]
Points = NDArray[np.float64]

# Blurs of the parts of the relief, in eye distances.
_FINE, _SMALL, _MEDIUM, _BROAD = 0.022, 0.05, 0.10, 0.18


def face_outline(shape: FaceShape) -> Points:
    """Closed outline of the head without hair and ears: jaw and skull, (m, 2) in pixels."""
    return spline(np.concatenate([shape.landmarks[:17], shape.skull[::-1]]), closed=True)


def lip_outlines(shape: FaceShape) -> tuple[Points, Points, Points]:
    """Closed outlines of the upper lip, the lower lip and the opening between them, in pixels."""
    points = shape.landmarks
    upper, lower = spline(points[48:55]), spline(points[[48, 59, 58, 57, 56, 55, 54]])
    above = spline(points[60:65])
    below = spline(points[[60, 67, 66, 65, 64]])
    return (
        np.concatenate([upper, above[::-1]]),
        np.concatenate([lower, below[::-1]]),
        np.concatenate([above, below[::-1]]),
    )


def furrows(shape: FaceShape, wrinkles: float) -> list[tuple[Points, float]]:
    """Folds that the action units press into the skin, as (line, strength 0 to 1).

    Parameters
    ----------
    shape : FaceShape
        Face with its action units.
    wrinkles : float
        How readily this skin folds, 0 to 1.

    Returns
    -------
    lines : list of (ndarray of shape (m, 2), float)
        Pixels, and depth as a fraction of the deepest fold.
    """
    folds = [*_side_folds(shape, 0), *_side_folds(shape, 1), *_middle_folds(shape)]
    return [
        (spline(np.array(knots)), min(1.0, wrinkles * depth))
        for depth, *knots in folds
        if depth > 0.03
    ]


def _side_folds(shape: FaceShape, side: int) -> list[tuple[Any, ...]]:
    """(depth, point, point ...) of the folds on the left (0) or right (1) side of the image."""
    points, sign = shape.landmarks, 1 if side else -1
    au = {unit: float(both[side]) for unit, both in zip(ACTION_UNITS, shape.action_units)}
    # Wing of the nose, corner of the mouth, outer and inner corner of the eye, head of the brow.
    landmarks = (35, 54, 45, 42, 22) if side else (31, 48, 36, 39, 21)
    wing, corner, outer, inner, brow_head = points[list(landmarks)]

    def near(point: Points, out: float, down: float) -> Points:
        return shape.near(point, sign * out, down)

    nasolabial = (
        0.22 + 0.55 * au["AU12"] + 0.45 * au["AU10"] + 0.3 * au["AU9"] + 0.25 * au["AU20"],
        near(wing, 0.05, -0.06),
        near((wing + corner) / 2, 0.14, -0.06),
        near(corner, 0.13, -0.03),
    )
    crows_feet = [
        (0.55 * au["AU6"], near(outer, 0.09, 0.5 * down), near(outer, 0.27, 1.4 * down))
        for down in (-0.06, 0.03, 0.12)
    ]
    pouch = (
        0.18 + 0.45 * au["AU6"] + 0.3 * au["AU7"] + 0.25 * au["AU9"],
        near(inner, 0.02, 0.08),
        near((inner + outer) / 2, 0.0, 0.17),
        near(outer, -0.04, 0.10),
    )
    frown = (
        0.85 * au["AU4"] + 0.3 * au["AU9"],
        near(brow_head, -0.10, -0.10),
        near(brow_head, -0.12, 0.10),
    )
    nose_root = [
        (0.8 * au["AU9"], near(points[27], 0.04, down - 0.04), near(points[27], 0.17, down + 0.06))
        for down in (0.14, 0.24)
    ]
    mouth_corner = (
        0.5 * au["AU15"] + 0.2 * au["AU17"],
        near(corner, 0.05, 0.03),
        near(corner, 0.09, 0.20),
    )
    dimple = (
        0.9 * au["AU14"],
        near(corner, 0.07, -0.07),
        near(corner, 0.10, 0.0),
        near(corner, 0.07, 0.07),
    )
    return [nasolabial, *crows_feet, pouch, frown, *nose_root, mouth_corner, dimple]


def _middle_folds(shape: FaceShape) -> list[tuple[Any, ...]]:
    """(depth, point, point, point) of the folds of the forehead and of the chin."""
    points = shape.landmarks
    au = {unit: float(both.mean()) for unit, both in zip(ACTION_UNITS, shape.action_units)}
    brow = (points[19] + points[24]) / 2
    # Raised brows fold the forehead from side to side; only in the middle, and bent the other
    # way, where just their inner ends rise.
    reach = 0.30 + 0.45 * au["AU2"]
    bow = 0.05 if au["AU2"] > 0.2 else -0.03
    forehead = [
        (
            0.55 * au["AU1"] + 0.3 * au["AU2"],
            shape.near(brow, -reach, bow - up),
            shape.near(brow, 0.0, -up),
            shape.near(brow, reach, bow - up),
        )
        for up in (0.20, 0.34, 0.48)
    ]
    chin = (
        0.2 + 0.7 * au["AU17"],
        *(shape.near(points[57], x, y) for x, y in ((-0.18, 0.13), (0.0, 0.08), (0.18, 0.13))),
    )
    return [*forehead, chin]


def face_relief(shape: FaceShape, folds: list[tuple[Points, float]], *, size: int) -> Layer:
    """Height map of the face: skull, brow ridge, sockets, nose, cheeks, lips, chin and folds.

    Parameters
    ----------
    shape : FaceShape
        Posed face.
    folds : list of (line, strength)
        From `furrows`.
    size : int
        Height and width of the image in pixels.

    Returns
    -------
    height : ndarray of float32, shape (size, size)
        Eye distances.
    """
    points, unit = shape.landmarks, shape.unit
    strength = dict(zip(ACTION_UNITS, shape.action_units))
    height = np.zeros((size, size), dtype=np.float32)
    middle = (points[0] + points[16]) / 2
    add_bump(height, shape.near(middle, 0.0, 0.20), (1.9 * unit, 2.6 * unit), 1.15, power=1)

    def bump(at: Points, x: float, y: float, rx: float, ry: float, amount: float) -> None:
        add_bump(height, shape.near(at, x, y), (rx * unit, ry * unit), amount)

    def part(mask: NDArray[np.uint8], softness: float, amount: float) -> None:
        nonlocal height
        height = height + np.float32(amount) * blur(mask, softness * unit)

    # Large forms.
    chin, mouth, tip = points[8], (points[51] + points[57]) / 2, points[30]
    bump(mouth, 0.0, 0.0, 0.62, 0.55, 0.10)
    bump(chin, 0.0, -0.20, 0.36, 0.32, 0.10 + 0.05 * float(strength["AU17"].mean()))
    bump(points[57], 0.0, 0.10, 0.30, 0.15, -0.05)
    brows = [(spline(points[17:22]), 1.0), (spline(points[22:27]), 1.0)]
    part(stroke(size, brows, width=0.22 * unit), _MEDIUM, 0.07)
    sockets, lids = [], []
    for side, sign, eye in ((0, -1, points[36:42]), (1, 1, points[42:48])):
        centre = eye.mean(axis=0)
        raised = float(strength["AU6"][side] + 0.7 * strength["AU12"][side])
        bump(centre, 0.20 * sign, 0.62 - 0.08 * raised, 0.48, 0.42, 0.09 + 0.09 * raised)
        sockets.append(_ellipse(shape, shape.near(centre, -0.04 * sign, -0.05), 0.36, 0.21))
        lids.append(_ellipse(shape, centre, 0.25, 0.14))
    part(fill(size, *sockets), _MEDIUM, -0.145)
    part(fill(size, *lids), _SMALL, 0.065)
    # Nose: ridge, tip, wings.
    ridge = [points[27], points[28], points[29], points[30]]
    part(stroke(size, [(spline(ridge), 1.0)], width=0.15 * unit), _MEDIUM, 0.18)
    flank = np.array(
        [
            *(shape.near(points[27], x, 0.05) for x in (-0.10, 0.10)),
            *(shape.near(points[35], x, y) for x, y in ((0.06, -0.12), (0.02, 0.0))),
            points[33],
            *(shape.near(points[31], x, y) for x, y in ((-0.02, 0.0), (-0.06, -0.12))),
        ]
    )
    part(fill(size, flank), 0.075, 0.12)
    bump(tip, 0.0, 0.0, 0.22, 0.24, 0.09)
    for wing, sign in ((points[31], 1), (points[35], -1)):
        bump(wing, 0.03 * sign, -0.07, 0.12, 0.12, 0.06)
    # Mouth: lips and philtrum.
    upper, lower, opening = lip_outlines(shape)
    part(fill(size, upper), _SMALL, 0.035)
    part(fill(size, lower), _SMALL, 0.065)
    part(fill(size, opening), _SMALL, -0.05)
    philtrum = [(np.array([shape.near(points[33], 0, 0.06), points[51]]), 1.0)]
    part(stroke(size, philtrum, width=0.05 * unit), 0.03, -0.03)
    # Folds: a narrow crease in a wide trough.
    creases = stroke(size, folds, width=0.03 * unit)
    part(creases, _FINE, -0.035)
    part(creases, _SMALL, -0.07)
    return height


def _ellipse(shape: FaceShape, centre: Points, rx: float, ry: float) -> Points:
    """Outline of an ellipse that lies along the face; half axes in eye distances."""
    angles = np.arange(24) * (2 * np.pi / 24)
    return (
        centre
        + np.cos(angles)[:, None] * rx * shape.across
        + np.sin(angles)[:, None] * ry * shape.down
    )


def shade(height: Layer, inside: Layer, lighting: Lighting, *, unit: float) -> tuple[Layer, Layer]:
    """Light that a relief sends back.

    Parameters
    ----------
    height : ndarray of float32, shape (size, size)
        Eye distances.
    inside : ndarray of float32, shape (size, size)
        Mask of the face, 0 to 1: the relief falls away at its border.
    lighting : Lighting
        Main light and ambient share.
    unit : float
        Pixels in one eye distance.

    Returns
    -------
    diffuse : ndarray of float32
        Factor on the tone of the skin, about 0.2 to 1.1: Lambert's law with a dim frontal fill
        light, times an ambient occlusion (what lies lower than its neighbourhood gets less light).
    gloss : ndarray of float32
        Highlight to be added, 0 to 1.
    """
    edge = blur((inside * np.float32(255)).astype(np.uint8), 0.10 * unit)
    relief = (height + np.float32(0.38) * edge) * np.float32(unit)
    slope_y, slope_x = np.gradient(relief)
    length = np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    x, y, z = (np.float32(v) for v in lighting.direction)
    lambert = np.clip((z - x * slope_x - y * slope_y) / length, 0, None)
    facing = 1 / length
    ambient = np.float32(lighting.ambient)
    centred = height - np.float32(0.95)
    hollow = blur(centred, 0.14 * unit) - centred
    occlusion = np.clip(1 - np.float32(2.2) * np.clip(hollow, 0, None), 0.45, 1)
    diffuse = (ambient * (np.float32(0.35) + np.float32(0.65) * facing)) * occlusion + (
        1 - ambient
    ) * lambert * (np.float32(0.5) + np.float32(0.5) * occlusion)
    half_length = np.sqrt(x * x + y * y + (z + 1) * (z + 1))
    mirror = np.clip(((z + 1) - x * slope_x - y * slope_y) / (length * half_length), 0, 1)
    gloss = mirror * mirror
    gloss = gloss * gloss
    gloss = gloss * gloss
    gloss = gloss * gloss
    return diffuse.astype(np.float32), (gloss * gloss).astype(np.float32)
