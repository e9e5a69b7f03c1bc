"""Damages: what light, cameras, hands and sloppy alignment do to aligned faces.

Conventions
-----------
Every damage takes grey images as a uint8 array of shape (n, H, W) and gives new ones; each image is
damaged by itself. Those that draw numbers take a ``random_state`` and draw for each image anew.
Damages of the *pixels* happen on the aligned face, after detection and alignment, whose landmarks
stay those of the undamaged face. Damages of the *alignment* (rotation, scale, margin, misalignment)
warp again: they take faces with surroundings (see `classic_fer.studies.surroundings`) and a
similarity for each, about the centre of the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError

__all__ = [
    "DAMAGES",
    "Damage",
    "blur",
    "brightness",
    "contrast",
    "gaussian_noise",
    "jpeg",
    "margin",
    "misalignment",
    "occlusion",
    "rotation",
    "scale",
    "similarities",
]

Images = NDArray[np.uint8]


def gaussian_noise(images: ArrayLike, variance: float, *, random_state: int = 0) -> Images:
    """Add normal noise of a variance to pixels on [0, 1], and cut off what leaves [0, 1].

    Parameters
    ----------
    images : array_like of uint8, shape (n, H, W)
    variance : float
        0.01 is a standard deviation of 25.5 grey values.
    random_state : int
    """
    stack = _images(images)
    _check("variance", variance, 0, 1)
    rng = np.random.default_rng(random_state)
    noise = rng.standard_normal(stack.shape, dtype=np.float32)
    return _grey(stack + np.float32(255 * np.sqrt(variance)) * noise)


def blur(images: ArrayLike, sigma: float) -> Images:
    """Gaussian blur with a standard deviation of `sigma` pixels; borders are repeated."""
    from scipy.ndimage import gaussian_filter

    stack = _images(images)
    _check("sigma", sigma, 0, 100)
    smooth = gaussian_filter(stack.astype(np.float32), (0, sigma, sigma), mode="nearest")
    return _grey(smooth)


def jpeg(images: ArrayLike, quality: float) -> Images:
    """Compress as JPEG of a quality from 1 to 100, and decode again."""
    import cv2

    stack = _images(images)
    _check("quality", quality, 1, 100)
    made = np.empty_like(stack)
    for i, image in enumerate(stack):
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
        made[i] = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))
    return made


def contrast(images: ArrayLike, factor: float) -> Images:
    """Multiply the distance of each pixel from the mean of its image by `factor`.

    Examples
    --------
    >>> contrast(np.array([[[100, 200]]], dtype=np.uint8), 0.5).tolist()
    [[[125, 175]]]
    """
    stack = _images(images)
    _check("factor", factor, 0, 100)
    mean = stack.mean(axis=(1, 2), keepdims=True)
    return _grey(mean + factor * (stack - mean))


def brightness(images: ArrayLike, shift: float) -> Images:
    """Add `shift` to pixels on [0, 1], and cut off what leaves [0, 1].

    Examples
    --------
    >>> brightness(np.array([[[0, 250]]], dtype=np.uint8), 0.2).tolist()
    [[[51, 255]]]
    """
    stack = _images(images)
    _check("shift", shift, -1, 1)
    return _grey(stack + 255.0 * shift)


def occlusion(images: ArrayLike, share: float, *, random_state: int = 0) -> Images:
    """A black square at a random place within each image.

    Parameters
    ----------
    images : array_like of uint8, shape (n, H, W)
    share : float
        Side of the square over the shorter side of the image, 0 to 1; rounded to whole pixels.
    random_state : int
    """
    stack = _images(images).copy()
    _check("share", share, 0, 1)
    n, height, width = stack.shape
    side = round(share * min(height, width))
    free = (height - side + 1, width - side + 1)
    places = (np.random.default_rng(random_state).random((n, 2)) * free).astype(int)
    for image, (top, left) in zip(stack, places):
        image[top : top + side, left : left + side] = 0
    return stack


def similarities(
    size: int,
    *,
    degrees: ArrayLike = 0.0,
    factor: ArrayLike = 1.0,
    shift: ArrayLike = (0.0, 0.0),
) -> NDArray[np.float64]:
    """Similarities about the centre of a square frame.

    Parameters
    ----------
    size : int
        Height and width of the frame in pixels; its centre is at (size - 1) / 2.
    degrees : array_like of shape (n,) or scalar
        Turns clockwise as seen in the image (y points down).
    factor : array_like of shape (n,) or scalar
        Above 1 the face becomes larger.
    shift : array_like of shape (n, 2) or (2,)
        x, y in pixels.

    Returns
    -------
    matrices : ndarray of float64, shape (n, 2, 3)
        Of points of the aligned face to where they come to lie.
    """
    turn, zoom = np.broadcast_arrays(np.radians(np.atleast_1d(degrees)), np.atleast_1d(factor))
    moved = np.broadcast_to(np.asarray(shift, dtype=np.float64), (len(turn), 2))
    linear = np.empty((len(turn), 2, 2))
    linear[:, 0, 0] = linear[:, 1, 1] = zoom * np.cos(turn)
    linear[:, 1, 0] = zoom * np.sin(turn)
    linear[:, 0, 1] = -linear[:, 1, 0]
    centre = np.full(2, (size - 1) / 2)
    offset = centre + moved - linear @ centre
    return np.concatenate([linear, offset[:, :, None]], axis=2)


def rotation(n: int, size: int, degrees: float, random_state: int = 0) -> NDArray[np.float64]:
    """Similarities that turn each of `n` faces by `degrees`, to a side drawn for each."""
    _check("degrees", degrees, 0, 180)
    sides = np.random.default_rng(random_state).choice([-1.0, 1.0], size=n)
    return similarities(size, degrees=sides * degrees)


def scale(n: int, size: int, factor: float, random_state: int = 0) -> NDArray[np.float64]:
    """Similarities that make each of `n` faces larger (above 1) or smaller within its frame."""
    _check("factor", factor, 0.1, 10)
    return similarities(size, factor=np.full(n, float(factor)))


def margin(n: int, size: int, added: float, random_state: int = 0) -> NDArray[np.float64]:
    """Similarities of a crop that takes in more (above 0) or less of what surrounds the face.

    `added` is the share of the side that is added to the crop on each side.
    """
    _check("added", added, -0.4, 2)
    return similarities(size, factor=np.full(n, 1 / (1 + 2 * added)))


def misalignment(n: int, size: int, share: float, random_state: int = 0) -> NDArray[np.float64]:
    """Similarities as of badly found landmarks.

    Parameters
    ----------
    n, size : int
    share : float
        Standard deviation of the shift along x and y over the size of the frame. The face is
        turned and scaled likewise, as if its eyes, half a frame apart, were each off by as much:
        by a turn of ``2 * share`` radians and by a factor of ``exp(2 * share)`` (standard
        deviations).
    random_state : int
    """
    _check("share", share, 0, 0.5)
    drawn = share * np.random.default_rng(random_state).standard_normal((n, 4))
    return similarities(
        size,
        degrees=np.degrees(2 * drawn[:, 0]),
        factor=np.exp(2 * drawn[:, 1]),
        shift=size * drawn[:, 2:],
    )


@dataclass(frozen=True)
class Damage:
    """A damage that a study applies at several levels.

    Attributes
    ----------
    level : str
        What a level is, with its unit.
    levels : tuple of float
        Usual ones, from harmless to bad.
    pixels : callable or None
        ``(images, level, random_state)`` to images; of damages of the pixels.
    warps : callable or None
        ``(n, size, level, random_state)`` to similarities; of damages of the alignment.
    drawn : bool
        Whether it draws numbers, so that repeats differ.
    """

    level: str
    levels: tuple[float, ...]
    pixels: Callable[[NDArray, float, int], Images] | None = None
    warps: Callable[[int, int, float, int], NDArray[np.float64]] | None = None
    drawn: bool = False


DAMAGES = {
    "noise": Damage(
        "variance of Gaussian noise on pixels from 0 to 1",
        (0.0, 0.01, 0.05, 0.07, 0.1, 0.15, 0.2),
        pixels=lambda images, level, seed: gaussian_noise(images, level, random_state=seed),
        drawn=True,
    ),
    "blur": Damage(
        "standard deviation of the blur in pixels of the aligned face",
        (0.0, 0.5, 1.0, 2.0, 3.0, 4.0),
        pixels=lambda images, level, seed: blur(images, level),
    ),
    "jpeg": Damage(
        "JPEG quality",
        (90.0, 70.0, 50.0, 30.0, 20.0, 10.0, 5.0),
        pixels=lambda images, level, seed: jpeg(images, level),
    ),
    "contrast": Damage(
        "factor on the contrast",
        (1.0, 0.75, 0.5, 0.25, 0.1),
        pixels=lambda images, level, seed: contrast(images, level),
    ),
    "brightness": Damage(
        "shift of pixels from 0 to 1",
        (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6),
        pixels=lambda images, level, seed: brightness(images, level),
    ),
    "occlusion": Damage(
        "side of a black square over the side of the face",
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        pixels=lambda images, level, seed: occlusion(images, level, random_state=seed),
        drawn=True,
    ),
    "rotation": Damage(
        "turn to either side in degrees", (0.0, 5.0, 10.0, 20.0, 30.0), warps=rotation, drawn=True
    ),
    "scale": Damage(
        "factor on the size of the face in its frame", (0.7, 0.85, 1.0, 1.15, 1.3), warps=scale
    ),
    "margin": Damage(
        "share of the side added to the crop on each side",
        (-0.2, -0.1, 0.0, 0.1, 0.2, 0.4),
        warps=margin,
    ),
    "misalignment": Damage(
        "error of the landmarks over the side of the face",
        (0.0, 0.02, 0.04, 0.06, 0.08, 0.1),
        warps=misalignment,
        drawn=True,
    ),
}
"""Damages by the names that ``--damage`` takes."""


def _images(images: ArrayLike) -> Images:
    stack = np.asarray(images)
    if stack.ndim != 3 or stack.dtype != np.uint8:
        raise ParameterError(
            f"expected grey images as a uint8 array of shape (n, H, W), got {stack.dtype} of "
            f"shape {stack.shape}"
        )
    return stack


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{name} must be from {low:g} to {high:g}, got {value:g}")


def _grey(values: NDArray) -> Images:
    """Rounded to whole grey values, and cut off at black and white."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
