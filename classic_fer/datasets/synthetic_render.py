"""Painter of the generated faces: from shape, appearance and light to a grey image.

Layers are painted from back to front: background, hair behind the head, shoulders and neck, ears,
the shaded face with lips, eyes and brows, hair above the forehead. Tones run from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.synthetic_appearance import Appearance, Lighting
from classic_fer.datasets.synthetic_drawing import add_bump, blur, fill, noise, spline, stroke
from classic_fer.datasets.synthetic_expressions import ACTION_UNITS
from classic_fer.datasets.synthetic_relief import (
    face_outline,
    face_relief,
    furrows,
    lip_outlines,
    shade,
)
from classic_fer.datasets.synthetic_shape import FaceShape

__all__ = ["render_face"]

Layer = NDArray[np.float32]
Points = NDArray[np.float64]

# Upper border of the beard: landmark, x, y in eye distances from it.
_MOUSTACHE = ((35, 0.2, 0.1), (33, 0.0, 0.08), (31, -0.2, 0.1))


def render_face(
    shape: FaceShape,
    appearance: Appearance,
    lighting: Lighting,
    rng: np.random.Generator,
    *,
    size: int,
) -> NDArray[np.uint8]:
    """Draw one face.

    Parameters
    ----------
    shape : FaceShape
        Posed face with its expression, in pixels of a `size` x `size` image.
    appearance : Appearance
        The person's skin and hair.
    lighting : Lighting
        Light and camera.
    rng : numpy.random.Generator
        Source of texture and sensor noise.
    size : int
        Height and width of the image in pixels.

    Returns
    -------
    image : ndarray of uint8, shape (size, size)
        Grey.
    """
    unit = shape.unit
    outline = face_outline(shape)
    inside = blur(fill(size, outline), 0.012 * unit)
    strands = _strands(shape, appearance, rng, size)

    canvas = _background(lighting, rng, size)
    canvas = _hair_behind(canvas, shape, appearance, strands, size)
    canvas = _body(canvas, shape, appearance, lighting, size)

    folds = furrows(shape, appearance.wrinkles)
    height = face_relief(shape, folds, size=size)
    diffuse, gloss = shade(height, inside, lighting, unit=unit)
    diffuse = diffuse * _cast_shadow(shape, lighting, size)
    tone = _skin(shape, appearance, folds, rng, size)
    tone = _lips(tone, shape, appearance, size)
    tone = _brows(tone, shape, appearance, rng, size)
    face = tone * diffuse * np.float32(1.18) + np.float32(0.05) * gloss
    face = _eyes(face, shape, appearance, lighting, size)
    face = _mouth(face, shape, diffuse, size)
    canvas = _over(canvas, face, inside)
    canvas = _hair_above(canvas, shape, appearance, lighting, strands, size)

    picture = np.clip(canvas, 0, 1.2) * np.float32(255 * lighting.exposure)
    soft = blur(np.clip(picture, 0, 255).astype(np.uint8), 0.009 * unit) * np.float32(255)
    soft = soft + noise(rng, size, 0, deviation=lighting.grain)
    return np.clip(np.round(soft), 0, 255).astype(np.uint8)


def _strands(
    shape: FaceShape, appearance: Appearance, rng: np.random.Generator, size: int
) -> Layer:
    """Relative tone of strands of hair, which fall from the parting in parabolas."""
    unit, root = shape.unit, shape.near(shape.skull[5], 0.35 * appearance.parting, -0.05)
    locks = np.repeat(rng.normal(0.0, 0.10, 128), 16) + np.repeat(rng.normal(0.0, 0.07, 512), 4)
    table = (locks + rng.normal(0.0, 0.05, 2048)).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    x = (axis - np.float32(root[0])) / np.float32(unit)
    y = (axis - np.float32(root[1])) / np.float32(unit)
    fall = np.sqrt(np.clip(y, 0, None) + np.float32(0.12))
    lock = x[None, :] / fall[:, None] + noise(rng, size, 0.25 * unit, deviation=0.015)
    return table[(lock * np.float32(260)).astype(np.int32) & 2047]


def _over(below: Layer, above: Layer | np.float32 | float, opacity: Layer) -> Layer:
    return below + (above - below) * opacity


def _background(lighting: Lighting, rng: np.random.Generator, size: int) -> Layer:
    left, right = lighting.background
    ramp = np.linspace(left, right, size, dtype=np.float32)[None, :]
    fall = np.linspace(0.03, -0.06, size, dtype=np.float32)[:, None]
    canvas = np.clip(ramp + fall, 0.05, 0.95).astype(np.float32)
    for _ in range(4):
        x, y, rx, ry = rng.uniform(size=4) * size
        add_bump(canvas, (x, y), (0.2 * size + rx, 0.2 * size + ry), float(rng.normal(0, 0.06)))
    return canvas


def _hair_behind(
    canvas: Layer, shape: FaceShape, appearance: Appearance, strands: Layer, size: int
) -> Layer:
    """Hair behind the head: a cap for short hair, down to the shoulders for long hair."""
    thick = {"short": 0.10, "parted": 0.15, "long": 0.22, "fringe": 0.18, "receding": 0.05}
    around = thick[appearance.hair_style]
    skull, jaw = shape.skull, shape.landmarks[:17]
    centre = (jaw[0] + jaw[16]) / 2
    outer = [point + around * shape.unit * _direction(point - centre) for point in skull]
    if appearance.hair_style in ("long", "fringe"):
        low = 1.9 if appearance.hair_style == "long" else 1.15
        left = [shape.near(jaw[0], -0.30, 0.2), shape.near(jaw[0], -0.32, 0.9)]
        left += [shape.near(jaw[0], -0.22, low), shape.near(jaw[0], 0.35, low + 0.05)]
        right = [shape.near(jaw[16], -0.35, low + 0.05), shape.near(jaw[16], 0.22, low)]
        right += [shape.near(jaw[16], 0.32, 0.9), shape.near(jaw[16], 0.30, 0.2)]
        outline = spline(np.array([*left[::-1], *outer, *right[::-1]]), closed=True)
    else:
        left = [shape.near(jaw[1], 0.1, 0.1), shape.near(jaw[0], -0.07, 0.05)]
        right = [shape.near(jaw[16], 0.07, 0.05), shape.near(jaw[15], -0.1, 0.1)]
        outline = spline(np.array([*left, *outer, *right]), closed=True)
    mask = blur(fill(size, outline), 0.03 * shape.unit)
    tone = np.float32(appearance.hair) * (np.float32(0.85) + strands)
    return _over(canvas, tone, mask)


def _direction(vector: Points) -> Points:
    return vector / np.sqrt((vector**2).sum())


def _body(
    canvas: Layer, shape: FaceShape, appearance: Appearance, lighting: Lighting, size: int
) -> Layer:
    """Clothes, neck in the shadow of the chin, ears."""
    unit, jaw = shape.unit, shape.landmarks[:17]
    bottom = float(size + unit)
    neck_left, neck_right = shape.near(jaw[4], 0.13, -0.1), shape.near(jaw[12], -0.13, -0.1)
    base_left, base_right = shape.near(jaw[5], -0.12, 0.75), shape.near(jaw[11], 0.12, 0.75)
    light = np.float32(lighting.ambient * 0.7 + (1 - lighting.ambient) * 0.75)
    shoulders = np.array(
        [
            *(base_left, base_left + np.array([-0.9, 0.35]) * unit, (-unit, bottom)),
            *((size + unit, bottom), base_right + np.array([0.9, 0.35]) * unit, base_right),
            shape.near(jaw[8], 0.0, 0.9),
        ]
    )
    neck = np.array([neck_left, base_left, shape.near(jaw[8], 0.0, 0.95), base_right, neck_right])
    clothes = blur(fill(size, shoulders), 0.02 * unit)
    shadow = blur(fill(size, jaw + 0.22 * shape.down), 0.16 * unit)
    rounding = blur(fill(size, neck), 0.14 * unit)
    skin = np.float32(appearance.skin) * light * (np.float32(0.45) + np.float32(0.6) * rounding)
    canvas = _over(canvas, skin * (1 - np.float32(0.45) * shadow), blur(fill(size, neck), 1.0))
    canvas = _over(canvas, np.float32(appearance.clothes) * light, clothes)
    if appearance.hair_style in ("long", "fringe"):
        return canvas
    for ear, sign in ((jaw[0], -1), (jaw[16], 1)):
        rim = [(0.06, -0.16), (-0.09, -0.17), (-0.13, 0.05), (-0.07, 0.30), (0.06, 0.36)]
        outline = spline([shape.near(ear, -sign * x, y) for x, y in rim], closed=True)
        mask = fill(size, outline)
        inner = blur(mask, 0.06 * unit)
        tone = np.float32(appearance.skin) * light * (np.float32(1.1) - np.float32(0.45) * inner)
        canvas = _over(canvas, tone, blur(mask, 0.012 * unit))
    return canvas


def _cast_shadow(shape: FaceShape, lighting: Lighting, size: int) -> Layer:
    """Factor below 1 where nose and lower lip keep off the main light."""
    x, y, z = lighting.direction
    points = shape.landmarks
    throw = np.array([-x, -y]) / z * 0.30 * shape.unit
    nose = points[[29, 31, 32, 33, 34, 35]] + throw
    lip = points[[59, 58, 57, 56, 55, 66]] + 0.45 * throw
    mask = blur(fill(size, nose, lip), 0.05 * shape.unit)
    return 1 - np.float32(0.30 * (1 - lighting.ambient)) * mask


def _skin(
    shape: FaceShape,
    appearance: Appearance,
    folds: list[tuple[Points, float]],
    rng: np.random.Generator,
    size: int,
) -> Layer:
    """Tone of the skin: blotches and pores, dark folds and nostrils, lids, stubble."""
    unit, points = shape.unit, shape.landmarks
    tone = np.full((size, size), appearance.skin, dtype=np.float32)
    tone = tone * (1 + noise(rng, size, 0.16 * unit, deviation=0.018))
    tone = tone * (1 + noise(rng, size, 0.02 * unit, deviation=0.012))
    creases = blur(stroke(size, folds, width=0.03 * unit), 0.014 * unit)
    tone = tone * (1 - np.float32(0.26) * creases)
    nostrils = [
        spline([shape.near(points[a], 0.04 * s, -0.01), points[b], shape.near(points[33], *c)])
        for a, b, s, c in ((31, 32, 1, (-0.05, -0.015)), (35, 34, -1, (0.05, -0.015)))
    ]
    dark = blur(stroke(size, [(line, 1.0) for line in nostrils], width=0.055 * unit), 0.016 * unit)
    tone = tone * (1 - np.float32(0.55) * dark)
    under = [
        (spline([shape.near(points[31], -0.03, -0.13), shape.near(points[31], -0.05, 0.0)]), 0.6),
        (spline([shape.near(points[35], 0.03, -0.13), shape.near(points[35], 0.05, 0.0)]), 0.6),
    ]
    tone = tone * (1 - np.float32(0.35) * blur(stroke(size, under, width=0.04 * unit), 0.02 * unit))
    for eye in (points[36:42], points[42:48]):
        add_bump(tone, eye.mean(axis=0), (0.40 * unit, 0.26 * unit), -0.09 * appearance.skin)
    if appearance.beard > 0:
        above = [shape.near(points[i], x, y) for i, x, y in _MOUSTACHE]
        jaw = np.array([*points[2:15], *above])
        stubble = blur(fill(size, spline(jaw, closed=True)), 0.09 * unit)
        hairs = np.clip(np.float32(0.8) + noise(rng, size, 0.4, deviation=0.09), 0, 1)
        tone = _over(tone, np.float32(appearance.hair), 0.7 * appearance.beard * stubble * hairs)
    return tone


def _lips(tone: Layer, shape: FaceShape, appearance: Appearance, size: int) -> Layer:
    unit, points = shape.unit, shape.landmarks
    upper, lower, _ = lip_outlines(shape)
    skin = np.float32(appearance.skin * appearance.lips)
    tone = _over(tone, skin * np.float32(0.90), blur(fill(size, upper), 0.018 * unit))
    tone = _over(tone, skin * np.float32(1.06), blur(fill(size, lower), 0.018 * unit))
    gap = float(np.sqrt(((points[66] - points[62]) ** 2).sum())) / unit
    closed = max(0.25, 1.0 - 12 * gap)
    seam = [(spline(points[60:65]), closed)]
    seam += [(np.array([points[48], points[60]]), 0.8), (np.array([points[64], points[54]]), 0.8)]
    line = blur(stroke(size, seam, width=0.03 * unit), 0.014 * unit)
    return tone * (1 - np.float32(0.75) * line)


def _brows(
    tone: Layer, shape: FaceShape, appearance: Appearance, rng: np.random.Generator, size: int
) -> Layer:
    """Tapered brows just below the brow landmarks, which follow their upper half."""
    unit, points = shape.unit, shape.landmarks
    polygons = []
    for brow, sign in ((points[17:22], 1), (points[26:21:-1], -1)):
        line = spline(brow)
        along = np.linspace(0, 1, len(line))[:, None]
        half = appearance.brow_width * (0.25 + 0.75 * np.clip(along * 1.6, 0, 1)) / 2
        top, under = line - half * 0.8 * shape.down, line + half * 1.4 * shape.down
        head = shape.near((top[-1] + under[-1]) / 2, 0.03 * sign, 0.0)
        polygons.append(np.concatenate([top, [head], under[::-1]]))
    mask = blur(fill(size, *polygons), 0.022 * unit)
    hairs = np.clip(np.float32(0.93) + noise(rng, size, 0.5, deviation=0.05), 0, 1)
    dark = np.float32(min(appearance.hair, 0.45 * appearance.skin))
    return _over(tone, dark, np.float32(appearance.brow_strength) * mask * hairs)


def _eyes(
    face: Layer, shape: FaceShape, appearance: Appearance, lighting: Lighting, size: int
) -> Layer:
    """Eyeballs with iris, pupil and catch light between the lids; lashes and lid creases."""
    unit, points = shape.unit, shape.landmarks
    lids, uppers, lowers, creases = [], [], [], []
    for eye, sign in ((points[36:42], 1), (points[42:48], -1)):
        upper, lower = spline(eye[:4]), spline(eye[[0, 5, 4, 3]])
        lids.append(np.concatenate([upper, lower[::-1]]))
        outer = shape.near(eye[0] if sign == 1 else eye[3], -0.03 * sign, -0.005)
        uppers.append((np.concatenate([upper, [outer]]) if sign == -1 else [outer, *upper], 1.0))
        lowers.append((lower, 0.8))
        lift = np.linspace(0.6, 1.0, 4)[:, None] if sign == 1 else np.linspace(1.0, 0.6, 4)[:, None]
        creases.append((spline(eye[:4] - 0.085 * lift * shape.down), 1.0))
    fold = blur(stroke(size, creases, width=0.03 * unit), 0.018 * unit)
    face = face * (1 - np.float32(0.38) * fold)
    opening = fill(size, *lids)
    light = np.float32(lighting.ambient + 0.72 * (1 - lighting.ambient))
    ball = np.full((size, size), 0.80, dtype=np.float32) * light
    ball = ball * (np.float32(0.55) + np.float32(0.45) * blur(opening, 0.045 * unit))
    radius = 0.096 * unit
    x, y, _ = lighting.direction
    for iris in shape.irises:
        disc = blur(fill(size, _circle(iris, radius)), 0.010 * unit)
        ball = _over(ball, np.float32(0.55 * appearance.iris), disc)
        inner = blur(fill(size, _circle(iris, 0.78 * radius)), 0.012 * unit)
        ball = _over(ball, np.float32(appearance.iris), inner)
        pupil = blur(fill(size, _circle(iris, 0.42 * radius)), 0.008 * unit)
        ball = _over(ball, np.float32(0.03), pupil)
        spot = iris + radius * np.array([0.25 + 0.4 * x, -0.35 + 0.3 * y])
        ball = _over(
            ball, np.float32(0.95), blur(fill(size, _circle(spot, 0.2 * radius)), 0.006 * unit)
        )
    shadow = blur(stroke(size, uppers, width=0.05 * unit), 0.02 * unit)
    ball = ball * (1 - np.float32(0.35) * shadow)
    face = _over(face, ball, blur(opening, 0.008 * unit))
    upper_line = blur(stroke(size, uppers, width=0.026 * unit), 0.010 * unit)
    lower_line = blur(stroke(size, lowers, width=0.02 * unit), 0.010 * unit)
    face = face * (1 - np.float32(appearance.lashes) * upper_line)
    return face * (1 - np.float32(0.45 * appearance.lashes) * lower_line)


def _circle(centre: Points, radius: float) -> Points:
    angles = np.arange(20) * (2 * np.pi / 20)
    return centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _mouth(face: Layer, shape: FaceShape, diffuse: Layer, size: int) -> Layer:
    """What an open mouth shows: dark cavity, upper and lower teeth, tongue."""
    unit, points = shape.unit, shape.landmarks
    gap = float(np.sqrt(((points[66] - points[62]) ** 2).sum())) / unit
    if gap < 0.02:
        return face
    _, _, opening = lip_outlines(shape)
    mask = fill(size, opening)
    cavity = np.full((size, size), 0.07, dtype=np.float32)
    if gap > 0.22:
        tongue = [
            points[66],
            shape.near(points[67], -0.03, -0.02),
            shape.near(points[66], 0, -0.13),
        ]
        tongue += [shape.near(points[65], 0.03, -0.02)]
        body = blur(fill(size, spline(tongue, closed=True)), 0.03 * unit)
        cavity = _over(cavity, np.float32(0.22), body)
    upper_edge = spline(points[60:65])
    strength = dict(zip(ACTION_UNITS, shape.action_units))
    bared = sum(float(strength[unit].mean()) for unit in ("AU10", "AU12", "AU16", "AU20"))
    depth = min(0.05 + 0.10 * min(1.0, bared), 0.75 * gap + 0.02)
    row = np.concatenate([upper_edge, (upper_edge + depth * shape.down)[::-1]])
    middle = (points[61] + points[63]) / 2
    teeth = blur(fill(size, row), 0.010 * unit)
    gaps = [
        (np.array([shape.near(middle, x, -0.03), shape.near(middle, x, depth + 0.05)]), 0.5)
        for x in (-0.27, -0.19, -0.10, 0.0, 0.10, 0.19, 0.27)
    ]
    enamel = 1 - np.float32(0.35) * blur(stroke(size, gaps, width=0.018 * unit), 0.008 * unit)
    bright = np.float32(0.78) * enamel * (np.float32(0.25) + np.float32(0.75) * diffuse)
    deep = blur(mask, 0.05 * unit)
    cavity = _over(cavity, bright * (np.float32(0.55) + np.float32(0.45) * deep), teeth)
    return _over(face, cavity, blur(mask, 0.008 * unit))


def _hair_above(
    canvas: Layer,
    shape: FaceShape,
    appearance: Appearance,
    lighting: Lighting,
    strands: Layer,
    size: int,
) -> Layer:
    """Hair in front of the skull, above the hairline, with sideburns."""
    unit, skull = shape.unit, shape.skull
    line = {"short": -1.13, "parted": -1.08, "long": -1.08, "fringe": -0.76, "receding": -1.30}
    style = appearance.hair_style
    top, root = line[style], (skull[0] + skull[-1]) / 2
    temple = 0.30 if style in ("long", "fringe") else 0.12
    part = 0.12 * appearance.parting if style in ("parted", "long") else 0.0
    dip = 0.12 if style == "receding" else 0.0
    # Eye level lies 0.3 below the ends of the skull outline.
    knots = [(-1.08, temple), (-1.03, -0.25), (-0.92, 0.58 * top), (-0.68, 0.90 * top - dip)]
    knots += [(-0.30, top + part), (0.0, top - abs(part) + 0.5 * dip), (0.30, top - part)]
    knots += [(0.68, 0.90 * top - dip), (0.92, 0.58 * top), (1.03, -0.25), (1.08, temple)]
    front = shape.turn[0] * 0.55 * shape.across + shape.turn[1] * 0.45 * shape.down
    hairline = [
        shape.near(root, x, y + 0.30) + front * (1.0 if abs(x) < 0.95 else 0.3) for x, y in knots
    ]
    thick = 0.02 if style == "receding" else 0.13
    crown = [point + thick * unit * _direction(point - root) for point in skull[::-1]]
    jaw = shape.landmarks
    sides = ([shape.near(jaw[16], 0.09, 0.2)], [shape.near(jaw[0], -0.09, 0.2)])
    outline = spline(np.array([*hairline, *sides[0], *crown, *sides[1]]), closed=True)
    mask = blur(fill(size, outline), 0.035 * unit)
    mask = np.clip(mask * (1 + np.float32(1.2) * strands), 0, 1)
    tone = np.float32(appearance.hair) * (1 + strands)
    shine_x, shine_y, _ = lighting.direction
    add_bump(
        tone,
        shape.near(root, 0.9 * shine_x, -0.75 + 0.2 * shine_y),
        (0.95 * unit, 0.42 * unit),
        0.10 + 0.25 * appearance.hair,
    )
    return _over(canvas, tone, mask)
