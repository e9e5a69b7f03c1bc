"""Detectors: where faces lie in a photo, whatever library finds them.

All detectors report boxes in the convention of dlib's frontal detector (square, from the brows to
below the lips), because that is what the landmark models were trained on: boxes of Haar cascades
are rescaled by constants, and those of YuNet are drawn around the eyes and mouth that it reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from threading import Lock, local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import MissingFileError, ModelFileError, unknown_name
from classic_fer.faces.landmarks import box_around
from classic_fer.faces.photo import as_grey

__all__ = ["DETECTORS", "check_detector", "detect"]

# dlib finds no face under 80 px: photos whose shorter side is below are enlarged before anything.
_SMALL_PHOTO = 80
_SMALL_BORDER, _SMALL_FACTOR, _SMALL_TARGET, _MAX_FACTOR = 16, 3.0, 144, 6.0
# Photos in which nothing is found are tried once more, with a border and enlarged, up to a size at
# which this costs less than half a second.
_RETRY_BORDER, _RETRY_FACTOR, _RETRY_PIXELS = 32, 2.0, 1_000_000

# YuNet was trained for faces of 10 to 300 px.
_YUNET_LONG_SIDE = 640
_YUNET_SCORE = 0.8

_HAAR_FILE = "haarcascade_frontalface_alt2.xml"
# Where eye centres and mouth centre lie in a box of that cascade: means over the HELEN photos.
_HAAR_POINTS = np.array([[0.305, 0.391], [0.695, 0.391], [0.5, 0.803]])

# OpenCV's detectors keep state while they run, and run without Python's lock.
_opencv_lock = Lock()

# So does dlib's, of which each thread has a copy of its own.
_of_thread = local()


def detect(photo: NDArray[np.uint8], *, detector: str = "dlib") -> NDArray[np.float32]:
    """Boxes of the faces in a photo.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    detector : str
        ``"dlib"`` (HOG and a linear SVM, frontal faces), ``"haar"`` (OpenCV's cascade),
        ``"none"`` (the image is the face), or the path of a YuNet network (``.onnx``).

    Returns
    -------
    ndarray of float32, shape (k, 4)
        x, y, width, height in pixels of the photo, largest area first; boxes may reach beyond
        the photo. k is 0 where no face is found.

    Raises
    ------
    ParameterError
        If the detector is unknown or the photo is not an image.
    MissingFileError
        If the YuNet file does not exist.
    ModelFileError
        If the file is not a YuNet network.

    Notes
    -----
    Photos under 80 px get a replicated border of 16 px and are enlarged three times (cubic), more
    if they are tiny: dlib then finds 74 to 80 % of the 48 px faces of FER2013, and none without.
    Larger ones (up to a megapixel) in which nothing is found are tried again with a border of
    32 px at twice the size: this raises the share found among the head crops of the LFW
    expressions from 90 to 97 %.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
    P. Viola, M. Jones, "Robust real-time face detection", IJCV 57(2), 2004.
    W. Wu, H. Peng, S. Yu, "YuNet: a tiny millisecond-level face detector", MIR 20, 2023.
    """
    if detector.endswith(".onnx"):
        return _sorted(_search(_as_rgb(photo), _yunet_finder(Path(detector))))
    if detector not in (*DETECTORS, "none"):
        raise unknown_name("detector", detector, [*DETECTORS, "none", "FILE.onnx"])
    image = as_grey(photo)
    if detector == "none":
        height, width = image.shape
        return np.array([[0, 0, width, height]], dtype=np.float32)
    return _sorted(_search(image, DETECTORS[detector]))


def check_detector(detector: str) -> None:
    """Raise what `detect` would raise for this detector, before any photo is read.

    Raises
    ------
    ParameterError, MissingFileError, ModelFileError
        As `detect`.
    """
    detect(np.zeros((_SMALL_PHOTO, _SMALL_PHOTO), dtype=np.uint8), detector=detector)


def _search(image: NDArray[np.uint8], find: Callable[[NDArray], NDArray]) -> NDArray[np.float64]:
    """Boxes from the first presentation of the image in which there are any."""
    import cv2

    for border, factor in _presentations(*image.shape[:2]):
        shown: NDArray = image
        if border:
            shown = cv2.copyMakeBorder(shown, *(border,) * 4, cv2.BORDER_REPLICATE)
        if factor != 1:
            shown = cv2.resize(shown, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        boxes = find(shown)
        if len(boxes):
            return boxes / factor - (border, border, 0, 0)
    return np.empty((0, 4))


def _presentations(height: int, width: int) -> Iterator[tuple[int, float]]:
    """Border in pixels and enlargement with which a photo is shown to a detector, in order."""
    short = min(height, width)
    if short < _SMALL_PHOTO:
        factor = min(max(_SMALL_FACTOR, _SMALL_TARGET / short), _MAX_FACTOR)
        yield _SMALL_BORDER, factor
        return
    yield 0, 1.0
    if height * width <= _RETRY_PIXELS:
        yield _RETRY_BORDER, _RETRY_FACTOR


def _sorted(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    x, y, width, height = boxes.T
    return boxes[np.lexsort((y, x, -width * height))].astype(np.float32)


@lru_cache(maxsize=1)
def _unused_dlib_detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


def _dlib_detector() -> Any:
    """The detector of this thread: a millisecond to copy, a third of a second to build anew."""
    if not hasattr(_of_thread, "dlib"):
        _of_thread.dlib = deepcopy(_unused_dlib_detector())
    return _of_thread.dlib


def _find_dlib(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    found = [(r.left(), r.top(), r.width(), r.height()) for r in _dlib_detector()(image, 0)]
    return np.array(found, dtype=np.float64).reshape(-1, 4)


@lru_cache(maxsize=1)
def _haar_cascade() -> Any:
    import cv2
    import cv2.data

    path = Path(cv2.data.haarcascades) / _HAAR_FILE
    if not path.is_file():
        raise MissingFileError(
            f"{path}: OpenCV's Haar cascade is not installed; "
            "run: pip install 'opencv-python-headless<5', or choose the detector dlib"
        )
    return cv2.CascadeClassifier(str(path))


def _find_haar(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    cascade = _haar_cascade()
    with _opencv_lock:
        found = cascade.detectMultiScale(image, scaleFactor=1.1, minNeighbors=5, minSize=(60, 60))
    boxes = np.array(found, dtype=np.float64).reshape(-1, 4)
    return _around([_HAAR_POINTS * box[2:] + box[:2] for box in boxes])


DETECTORS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.float64]]] = {
    "dlib": _find_dlib,
    "haar": _find_haar,
}
"""Detectors that need no file: a function from a grey image to boxes (k, 4)."""


def _yunet_finder(path: Path) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    if not path.is_file():
        raise MissingFileError(
            f"{path}: there is no such YuNet file; download face_detection_yunet from the OpenCV "
            "model zoo and give its path, or choose the detector dlib or haar"
        )
    network = _load_yunet(path.resolve(), path.stat().st_mtime_ns)
    return lambda image: _find_yunet(network, image)


@lru_cache(maxsize=2)
def _load_yunet(path: Path, modified: int) -> Any:
    """The network in a file of that modification time, proven on an empty image."""
    import cv2

    try:
        network = cv2.FaceDetectorYN.create(str(path), "", (64, 64), _YUNET_SCORE)
        network.detect(np.zeros((64, 64, 3), dtype=np.uint8))
    except cv2.error as error:
        raise ModelFileError(
            f"{path}: not a YuNet face detection network that OpenCV {cv2.__version__} can run "
            f"({error.err or error.msg}); expected face_detection_yunet_*.onnx of the OpenCV "
            "model zoo"
        ) from error
    return network


def _find_yunet(network: Any, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _YUNET_LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    with _opencv_lock:
        network.setInputSize(size)
        rows = network.detect(cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA))[1]
    if rows is None:
        return np.empty((0, 4))
    # Each row: box, then x, y of right eye, left eye, nose, right and left mouth corner, score.
    points = rows[:, 4:14].astype(np.float64).reshape(-1, 5, 2) * (width / size[0])
    return _around([np.array([p[0], p[1], (p[3] + p[4]) / 2]) for p in points])


def _around(faces: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.array([box_around(points) for points in faces], dtype=np.float64).reshape(-1, 4)


def _as_rgb(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = as_grey(photo)  # checks the photo
    image = np.asarray(photo)
    return np.stack([grey] * 3, axis=-1) if image.ndim == 2 else np.ascontiguousarray(image)
