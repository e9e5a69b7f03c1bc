"""Single: the faces of one photo, each brought into the frame by one similarity transform."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.faces.crops import crop_landmarks, crop_matrix
from classic_fer.faces.detectors import detect
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.landmarks import (
    box_around,
    eyes_and_mouth,
    points_in_box,
    predict_landmarks,
)
from classic_fer.faces.photo import as_grey, decode_item, read_item
from classic_fer.faces.similarity import (
    apply_similarity,
    estimate_similarity,
    warp_face,
)
from classic_fer.faces.types import N_LANDMARKS, make_faces

__all__ = ["FoundFaces", "align_face", "align_photo", "find_faces"]

Photo = str | Path | NDArray[np.uint8]


@dataclass(frozen=True)
class FoundFaces:
    """The faces of one photo, in the frame and in the photo.

    Attributes
    ----------
    faces : structured ndarray, shape (k,)
        Faces, the largest first, k at least 1: without a face, the whole image in one row with
        `found` False. `landmarks` is NaN if the alignment asks for 5 or none.
    landmarks : list of ndarray of float32, shape (68, 2) or (5, 2), or None
        For each face the points that brought it into the frame, x, y in pixels of the photo;
        None where the box alone did, or no face was found.
    """

    faces: NDArray
    landmarks: list[NDArray[np.float32] | None]


def align_face(
    photo: NDArray[np.uint8], points: ArrayLike, frame: Frame
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Warp a face so that its eyes and mouth come to lie where the frame has them.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    points : array_like, shape (3, 2)
        Left eye, right eye and mouth centre, x, y in pixels of the photo; see `eyes_and_mouth`.
    frame : Frame
        Where they are to lie.

    Returns
    -------
    image : ndarray of uint8, shape (frame.size, frame.size)
        Grey; antialiased where it is smaller than the face in the photo (`similarity.warp_face`).
    matrix : ndarray of float64, shape (2, 3)
        The least-squares similarity from pixels of the photo to pixels of the image.

    Raises
    ------
    ParameterError
        If the points are not finite or coincide.
    """
    matrix = estimate_similarity(points, frame.points - 0.5)
    return warp_face(as_grey(photo), matrix, frame.size), matrix


def align_photo(
    photo: Photo,
    alignment: Alignment,
    *,
    box: ArrayLike | None = None,
    landmarks: ArrayLike | None = None,
    largest: bool = True,
) -> NDArray:
    """The faces of one photo, aligned: `find_faces` without the landmarks in the photo.

    Returns
    -------
    structured ndarray, shape (k,)
        `FoundFaces.faces`.
    """
    found = find_faces(photo, alignment, box=box, landmarks=landmarks, largest=largest)
    return found.faces


def find_faces(
    photo: Photo,
    alignment: Alignment,
    *,
    box: ArrayLike | None = None,
    landmarks: ArrayLike | None = None,
    largest: bool = True,
) -> FoundFaces:
    """The faces of one photo and their landmarks.

    Parameters
    ----------
    photo : path, or ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    alignment : Alignment
        How faces are found, and the frame. A detector ``"none"`` or ``"data"`` says how the
        training data were read; in a photo, dlib finds the faces, and 68 landmarks bring them
        into the frame.
    box : array_like, shape (4,), optional
        The face, if it is known: x, y, width, height in pixels of the photo.
    landmarks : array_like, shape (68, 2), optional
        Its landmarks, if they are known: x, y in pixels of the photo.
    largest : bool
        Whether only the largest face is taken, else all of them.

    Returns
    -------
    FoundFaces

    Raises
    ------
    MissingFileError, ImageError
        If the photo is a path that cannot be read.
    ParameterError
        If it is an array that is no photo.

    Notes
    -----
    A box or landmarks that hold NaN, or have no extent, count as unknown. In boxes that are not
    dlib's, landmarks are predicted twice, the second time in the box around the first ones.
    """
    image = _photo(photo)
    grey = as_grey(image)
    if _has_extent(landmarks, (N_LANDMARKS, 2)):
        points = np.asarray(landmarks, dtype=np.float64)
        around = box if _is_box(box) else box_around(eyes_and_mouth(points))
        row = _row(grey, alignment, eyes_and_mouth(points), points, around)
        return FoundFaces(row, [points.astype(np.float32)])
    if _is_box(box):
        boxes, exact = np.asarray(box, dtype=np.float32)[None], False
    else:
        detector = "dlib" if alignment.detector in ("none", "data") else alignment.detector
        shown = image if detector.endswith(".onnx") else grey  # only YuNet looks at colours
        boxes, exact = detect(shown, detector=detector), detector == "dlib"
    if not len(boxes):
        return _not_found(grey, alignment)
    each = [_align_in_box(grey, alignment, b, exact) for b in (boxes[:1] if largest else boxes)]
    return FoundFaces(np.concatenate([row for row, _ in each]), [points for _, points in each])


def _photo(photo: Photo) -> NDArray[np.uint8]:
    path = "" if isinstance(photo, np.ndarray) else str(photo)
    return decode_item(read_item(photo), path=path)


def _not_found(grey: NDArray[np.uint8], alignment: Alignment) -> FoundFaces:
    """An image without a detected face: a crop by landmarks near its usual place, or whole."""
    points = None
    if alignment.whole is not None and alignment.landmarks in ("68", "data"):
        points = crop_landmarks(grey, alignment.whole)
    if points is None:
        matrix = crop_matrix(grey.shape, alignment.frame, own_frame=alignment.whole)
        whole = warp_face(grey, matrix, alignment.frame.size)
        return FoundFaces(make_faces(whole[None], found=[False]), [None])
    row = _row(grey, alignment, eyes_and_mouth(points), points, None)
    row["found"] = False
    return FoundFaces(row, [points])


def _align_in_box(
    grey: NDArray[np.uint8], alignment: Alignment, box: NDArray, exact: bool
) -> tuple[NDArray, NDArray[np.float32] | None]:
    """The face in a box and its landmarks; `exact`: the box is one of dlib's detector."""
    # Crops have one frame and need no landmarks, but a photo needs them to come into that frame.
    crop_frame = alignment.detector == "none" or alignment.crops_of is not None
    if alignment.landmarks == "none" and not crop_frame:
        return _row(grey, alignment, points_in_box(box), None, box), None
    model = "5" if alignment.landmarks == "5" else "68"
    start = box
    if not exact:
        start = box_around(eyes_and_mouth(predict_landmarks(grey, box, model=model)))
    landmarks = predict_landmarks(grey, start, model=model)
    kept = landmarks if alignment.landmarks in ("68", "data") else None
    return _row(grey, alignment, eyes_and_mouth(landmarks), kept, box), landmarks


def _row(
    grey: NDArray[np.uint8],
    alignment: Alignment,
    points: NDArray,
    landmarks: NDArray | None,
    box: ArrayLike | None,
) -> NDArray:
    image, matrix = align_face(grey, points, alignment.frame)
    moved = None if landmarks is None else apply_similarity(matrix, landmarks)[None]
    boxes = None if box is None else np.asarray(box)[None]
    return make_faces(image[None], landmarks=moved, boxes=boxes)


def _has_extent(points: ArrayLike | None, shape: tuple[int, int]) -> bool:
    """Whether these are finite points that differ by more than a pixel."""
    if points is None:
        return False
    values = np.asarray(points, dtype=np.float64)
    if values.shape != shape:
        raise ParameterError(f"expected points of shape {shape}, got {values.shape}")
    return bool(np.isfinite(values).all() and np.ptp(values, axis=0).min() > 1)


def _is_box(box: ArrayLike | None) -> bool:
    if box is None:
        return False
    values = np.asarray(box, dtype=np.float64)
    if values.shape != (4,):
        raise ParameterError(f"expected a box x, y, width, height, got shape {values.shape}")
    return bool(np.isfinite(values).all() and values[2:].min() > 1)
