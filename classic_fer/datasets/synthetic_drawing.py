"""Drawing primitives of the generated faces: anti-aliased shapes, splines, soft bumps, noise.

Points are x, y in pixels. Pixels come from OpenCV's fixed-point fills and its bit-exact blur and
resampling of integers, and from elementwise NumPy arithmetic that IEEE 754 defines exactly, so that
a seed gives the same pixels on every machine. Layers are float32 with tones from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["add_bump", "blur", "fill", "noise", "spline", "stroke"]

Layer = NDArray[np.float32]
Points = NDArray[np.float64]

_SUBPIXEL_BITS = 4
_STEPS = 6
_COARSE_SIGMA = 3.0
_T = (np.arange(_STEPS) / _STEPS)[:, None]
# Weights of the four neighbouring knots, each (steps, 1).
_CATMULL_ROM = (
    0.5 * (-_T + 2 * _T**2 - _T**3),
    0.5 * (2 - 5 * _T**2 + 3 * _T**3),
    0.5 * (_T + 4 * _T**2 - 3 * _T**3),
    0.5 * (-(_T**2) + _T**3),
)


def spline(points: ArrayLike, *, closed: bool = False) -> Points:
    """Catmull-Rom curve through points.

    Parameters
    ----------
    points : array_like of float, shape (n, 2)
        x, y in pixels.
    closed : bool
        Whether the curve returns to the first point.

    Returns
    -------
    curve : ndarray of float64, shape (m, 2)
        Six pieces between two points; passes through all of them.
    """
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    pieces = (padded[i : len(padded) - 3 + i, None] * _CATMULL_ROM[i] for i in range(4))
    curve = sum(pieces, start=np.zeros(())).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def _fixed_point(points: ArrayLike) -> NDArray[np.int32]:
    return np.round(np.asarray(points) * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def fill(size: int, *polygons: ArrayLike) -> NDArray[np.uint8]:
    """Mask (size, size) uint8 of filled polygons: 255 inside, smooth at the border."""
    import cv2

    mask = np.zeros((size, size), dtype=np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [_fixed_point(polygon)], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return mask


def stroke(
    size: int, lines: Sequence[tuple[ArrayLike, float]], *, width: float
) -> NDArray[np.uint8]:
    """Mask (size, size) uint8 of open lines.

    Parameters
    ----------
    size : int
        Height and width of the mask in pixels.
    lines : sequence of (points, strength)
        Points (n, 2) of each line, and its grey value as a fraction of 255. Later lines lie on top.
    width : float
        Pixels; lines thinner than a pixel are drawn paler instead.
    """
    import cv2

    mask = np.zeros((size, size), dtype=np.uint8)
    thickness = max(1, round(width))
    pale = min(1.0, width / thickness)
    for points, strength in lines:
        value = round(255 * min(1.0, max(0.0, strength)) * pale)
        if value > 0:
            cv2.polylines(
                mask,
                [_fixed_point(points)],
                False,
                value,
                thickness=thickness,
                lineType=cv2.LINE_AA,
                shift=_SUBPIXEL_BITS,
            )
    return mask


def blur(layer: NDArray, sigma: float) -> Layer:
    """Gaussian blur of a uint8 mask, or of a float layer with values between -1 and 1.

    Wide blurs are computed at a half, a quarter ... of the resolution.

    Parameters
    ----------
    layer : ndarray of uint8 or float, shape (H, W)
        uint8 masks count from 0 to 255.
    sigma : float
        Pixels.

    Returns
    -------
    blurred : ndarray of float32, shape (H, W)
        uint8 masks are scaled to 0 to 1.
    """
    import cv2

    sigma = max(sigma, 0.3)
    if layer.dtype != np.uint8:
        whole = np.round((np.clip(layer, -1, 1) + 1) * 32767).astype(np.uint16)
        return _gaussian(whole, sigma).astype(np.float32) * np.float32(1 / 32767) - np.float32(1)
    # Only the part that is not empty, with room for the kernel, needs work.
    soft = np.zeros(layer.shape, dtype=np.float32)
    x, y, width, height = cv2.boundingRect(layer)
    if width == 0:
        return soft
    pad = int(3.5 * sigma) + 2
    part = (
        slice(max(0, y - pad), y + height + pad),
        slice(max(0, x - pad), x + width + pad),
    )
    if sigma <= _COARSE_SIGMA:
        np.multiply(_gaussian(layer[part], sigma), np.float32(1 / 255), out=soft[part])
    else:
        fine = layer[part].astype(np.uint16) * np.uint16(257)
        np.multiply(_gaussian(fine, sigma), np.float32(1 / 65535), out=soft[part])
    return soft


def _gaussian(layer: NDArray, sigma: float) -> NDArray:
    """OpenCV's bit-exact blur of integers; the layer is shrunk first where sigma is large."""
    import cv2

    shrink = 1
    while sigma / shrink > _COARSE_SIGMA:
        shrink *= 2
    height, width = layer.shape
    if shrink > 1:
        small = (-(-width // shrink), -(-height // shrink))
        layer = cv2.resize(layer, small, interpolation=cv2.INTER_LINEAR_EXACT)
    layer = np.ascontiguousarray(layer)  # the blur of a view would look beyond its borders
    layer = cv2.GaussianBlur(layer, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT_101)
    if shrink > 1:
        layer = cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return layer


def add_bump(
    layer: Layer, centre: ArrayLike, radii: tuple[float, float], amount: float, *, power: int = 2
) -> None:
    """Add ``amount * (1 - r**2)**power`` to `layer` in place, within an upright ellipse.

    Parameters
    ----------
    layer : ndarray of float32, shape (H, W)
        Changed in place.
    centre : array_like of float, shape (2,)
        x, y in pixels.
    radii : tuple of float
        Half axes along x and y in pixels, where r is 1.
    amount : float
        Height at the centre.
    power : int
        1 is a dome with an edge, 2 and more fade out smoothly.
    """
    (x, y), (rx, ry) = np.asarray(centre, dtype=np.float64), radii
    height, width = layer.shape
    left, right = max(0, int(x - rx)), min(width, int(x + rx) + 2)
    top, bottom = max(0, int(y - ry)), min(height, int(y + ry) + 2)
    if left >= right or top >= bottom:
        return
    dx = ((np.arange(left, right) - x) / rx).astype(np.float32)
    dy = ((np.arange(top, bottom) - y) / ry).astype(np.float32)
    dome = np.clip(1 - dx[None, :] ** 2 - dy[:, None] ** 2, 0, None)
    profile = dome
    for _ in range(power - 1):
        profile = profile * dome
    layer[top:bottom, left:right] += np.float32(amount) * profile


def noise(rng: np.random.Generator, size: int, sigma: float, *, deviation: float) -> Layer:
    """Noise of mean 0: white, or smooth.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    size : int
        Height and width in pixels.
    sigma : float
        Correlation length in pixels; 0 for white noise.
    deviation : float
        Standard deviation of the result, approximately.

    Returns
    -------
    layer : ndarray of float32, shape (size, size)
    """
    import cv2

    # Long waves are drawn on a coarse grid and enlarged.
    step = max(1, int(sigma / 1.5))
    grid = -(-size // step)
    white: NDArray = rng.integers(0, 256, size=(grid, grid), dtype=np.uint8)
    wave = sigma / step
    # A Gaussian blur divides the variance of white noise by 4 pi sigma**2; that of the uniform
    # distribution from 0 to 1 is 1/12.
    shrink = 0.289 / np.sqrt(max(1.0, 4 * np.pi * wave**2))
    if wave > 0.3:
        white = _gaussian(white, wave)
    if step > 1:
        white = cv2.resize(white, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
    scale = np.float32(deviation / shrink / 255)
    return (white.astype(np.float32) - np.float32(127.5)) * scale
