"""Crops: images that are faces already. Where eyes and mouth lie in them, and how they are warped.

A data set of crops has one frame: the median place of eyes and mouth over those crops in which
landmarks are found. Crops are never aligned one by one; a photo's face is warped into their frame,
and crops of another data set are warped into it as a whole, by one similarity for all.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.detectors import detect
from classic_fer.faces.frame import Frame
from classic_fer.faces.landmarks import box_around, eyes_and_mouth, predict_landmarks
from classic_fer.faces.photo import as_grey
from classic_fer.faces.similarity import (
    apply_similarity,
    compose,
    estimate_similarity,
    invert_similarity,
    warp_face,
    whole_image,
)
from classic_fer.faces.types import make_faces

__all__ = [
    "align_crop",
    "crop_landmarks",
    "crop_matrix",
    "crop_points",
    "estimate_frame",
    "frame_from_points",
]

MAX_SIZE = 128
"""Crops larger than this are made smaller unless a size is asked for."""

MAX_CROPS = 300
"""A frame is estimated on so many crops at most, spread evenly over the data."""

_MIN_FOUND = 5

# How far a face in a crop may lie from the usual place: turned, larger or smaller, and moved, in
# degrees, as a factor and as a fraction of the side.
_MAX_TURN, _MAX_FACTOR, _MAX_SHIFT = 40.0, 1.5, 1 / 3

# Where eyes and mouth lie in FER2013 (median over a sample), for crops in which no landmarks are
# found: left eye, right eye, mouth.
_USUAL_POINTS = np.array([[0.315, 0.4], [0.685, 0.4], [0.5, 0.79]])


def crop_points(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Eyes and mouth of one crop, NaN if no face is found in it.

    Parameters
    ----------
    crop : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.

    Returns
    -------
    ndarray of float64, shape (3, 2)
        Left eye, right eye and mouth centre as fractions of the square into which the crop is
        fitted (`similarity.whole_image`).
    """
    image = as_grey(crop)
    boxes = detect(image)
    if not len(boxes):
        return np.full((3, 2), np.nan)
    points = eyes_and_mouth(predict_landmarks(image, boxes[0]))
    side = max(image.shape)
    return (apply_similarity(whole_image(image.shape, side), points) + 0.5) / side


def crop_landmarks(crop: NDArray[np.uint8], own_frame: Frame) -> NDArray[np.float32] | None:
    """Landmarks of a crop in which no detector finds the face, from its usual place.

    Parameters
    ----------
    crop : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    own_frame : Frame
        Where eyes and mouth lie in crops of this data set.

    Returns
    -------
    ndarray of float32, shape (68, 2), or None
        x, y in pixels of the crop, predicted in the usual box and then in the box around the
        first ones. None if eyes and mouth come out too far from their usual place to be a face.

    Notes
    -----
    On 800 crops of FER2013 in which dlib finds the face, eyes and mouth lie within 0.01 of the
    eye distance (median; 0.13 for nine of ten) of those in the detected box; the usual place
    itself is off by 0.15 (0.48).
    """
    image = as_grey(crop)
    side = max(image.shape)
    to_crop = invert_similarity(whole_image(image.shape, side))
    usual = apply_similarity(to_crop, own_frame.points * (side / own_frame.size) - 0.5)
    first = predict_landmarks(image, box_around(usual))
    landmarks = predict_landmarks(image, box_around(eyes_and_mouth(first)))
    points = eyes_and_mouth(landmarks)
    (cosine, _, _), (sine, _, _) = estimate_similarity(usual, points)
    factor, turn = np.hypot(cosine, sine), np.degrees(np.arctan2(sine, cosine))
    near = (
        abs(turn) <= _MAX_TURN
        and 1 / _MAX_FACTOR <= factor <= _MAX_FACTOR
        and np.abs(points - usual).max() <= _MAX_SHIFT * side
    )
    return landmarks if near else None


def frame_from_points(points: ArrayLike, size: int) -> Frame:
    """The frame of crops in which eyes and mouth were found at these places.

    Parameters
    ----------
    points : array_like, shape (n, 3, 2)
        Results of `crop_points`.
    size : int
        Height and width of the frame in pixels.

    Returns
    -------
    Frame
        The median place. With fewer than five crops found, the usual place in data sets of crops
        (that of FER2013), and a warning that says so.
    """
    rows = np.asarray(points, dtype=np.float64).reshape(-1, 3, 2)
    found = rows[np.isfinite(rows).all(axis=(1, 2))]
    places = _USUAL_POINTS if len(found) < _MIN_FOUND else np.median(found, axis=0)
    if len(found) < _MIN_FOUND:
        warnings.warn(
            f"landmarks were found in {len(found)} of {len(rows)} face crops, at least "
            f"{_MIN_FOUND} are needed to measure where eyes and mouth lie: their usual place in "
            "face crops is assumed; if these are photos, choose the detector dlib",
            UserWarning,
            stacklevel=3,
        )
    left, right, mouth = ((float(x), float(y)) for x, y in places)
    return Frame(size, left, right, mouth)


def estimate_frame(crops: Iterable[NDArray[np.uint8]], *, size: int | None = None) -> Frame:
    """Where eyes and mouth lie in face crops.

    Parameters
    ----------
    crops : iterable of ndarray of uint8, shape (H, W) or (H, W, 3)
        Crops of one data set, which may differ in size; a few hundred are enough.
    size : int, optional
        Height and width of the frame; by default the most frequent longer side of the crops, at
        most 128.

    Returns
    -------
    Frame
        See `frame_from_points`.

    Raises
    ------
    DataError
        If there are no crops.
    """
    points, sides = [], []
    for crop in crops:
        points.append(crop_points(crop))
        sides.append(max(crop.shape[:2]))
    return frame_from_points(points, size or usual_size(sides))


def usual_size(sides: Sequence[int]) -> int:
    """The most frequent side (the smallest of equally frequent ones), at most `MAX_SIZE`.

    Raises
    ------
    DataError
        If there are none.
    """
    if not sides:
        raise DataError("there is no readable face crop to measure where eyes and mouth lie")
    counts = Counter(sides)
    side = min(counts, key=lambda s: (-counts[s], s))
    return min(side, MAX_SIZE)


def crop_matrix(
    shape: tuple[int, ...], frame: Frame, *, own_frame: Frame | None = None
) -> NDArray[np.float64]:
    """The similarity that brings a crop of `shape` (height, width) into a frame.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the crop.
    frame : Frame
        Where eyes and mouth are to lie.
    own_frame : Frame, optional
        Where they lie in crops of this data set; None: as in `frame`, so that crops are only
        scaled.

    Returns
    -------
    ndarray of float64, shape (2, 3)
        The identity for a square crop of the size of its own frame.
    """
    fit = whole_image(shape, frame.size)
    if own_frame is None:
        return fit
    own = own_frame.points / own_frame.size * frame.size
    return compose(estimate_similarity(own - 0.5, frame.points - 0.5), fit)


def align_crop(
    crop: NDArray[np.uint8],
    frame: Frame,
    *,
    own_frame: Frame | None = None,
    landmarks: str | ArrayLike = "none",
) -> NDArray:
    """One crop as a row of Faces.

    Parameters
    ----------
    crop : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB. A square grey crop of the size of the frame keeps every bit.
    frame, own_frame : Frame
        See `crop_matrix`.
    landmarks : {"none", "68"} or array_like, shape (68, 2)
        ``"68"`` predicts them in the box that dlib's detector would put around eyes and mouth of
        the frame, then again in the box around the eyes and mouth so found; an array gives them
        in pixels of the crop.

    Returns
    -------
    structured ndarray, shape (1,)
        Faces; `found` is True and the box is the whole crop.

    Raises
    ------
    ParameterError
        If `landmarks` is another text, or the crop is not an image.
    """
    image = as_grey(crop)
    matrix = crop_matrix(image.shape, frame, own_frame=own_frame)
    if not isinstance(landmarks, str):
        points = np.asarray(landmarks, dtype=np.float64)
    elif landmarks == "68":
        expected = apply_similarity(invert_similarity(matrix), frame.points - 0.5)
        first = predict_landmarks(image, box_around(expected))
        points = predict_landmarks(image, box_around(eyes_and_mouth(first))).astype(np.float64)
    elif landmarks == "none":
        points = np.full((68, 2), np.nan)
    else:
        raise ParameterError(f"landmarks of crops must be 68 or none, got {landmarks!r}")
    height, width = image.shape
    return make_faces(
        warp_face(image, matrix, frame.size)[None],
        landmarks=apply_similarity(matrix, points)[None],
        boxes=[(0, 0, width, height)],
    )
