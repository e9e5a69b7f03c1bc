from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import ParameterError
from classic_fer.faces.detectors import DETECTORS, detect
from classic_fer.faces.landmarks import eyes_and_mouth


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray]:
    drawn = synthetic_faces(1, 1, random_state=0)
    return drawn.images[0], drawn.landmarks[0]


def _contains(box: np.ndarray, point: np.ndarray) -> bool:
    return bool((box[:2] <= point).all() and (point <= box[:2] + box[2:]).all())


@pytest.mark.parametrize("detector", sorted(DETECTORS))
def test_box_holds_eyes_and_mouth(detector: str, face: tuple[np.ndarray, np.ndarray]) -> None:
    photo, landmarks = face
    boxes = detect(photo, detector=detector)
    assert boxes.shape == (1, 4)
    assert boxes.dtype == np.float32
    assert all(_contains(boxes[0], point) for point in eyes_and_mouth(landmarks))


def test_haar_boxes_are_brought_to_the_convention_of_dlib(
    face: tuple[np.ndarray, np.ndarray],
) -> None:
    photo, _ = face
    dlib_box, haar_box = (detect(photo, detector=d)[0] for d in ("dlib", "haar"))
    assert np.abs(dlib_box - haar_box).max() < 0.2 * dlib_box[2]


def test_small_photo_is_enlarged_and_the_box_scaled_back(
    face: tuple[np.ndarray, np.ndarray],
) -> None:
    import cv2

    photo, landmarks = face
    small = cv2.resize(photo, (48, 48), interpolation=cv2.INTER_AREA)
    boxes = detect(small)
    assert len(boxes) == 1
    assert all(_contains(boxes[0], point / 4) for point in eyes_and_mouth(landmarks))
    assert np.abs(boxes[0] * 4 - detect(photo)[0]).max() < 30


def test_all_faces_largest_first(face: tuple[np.ndarray, np.ndarray]) -> None:
    import cv2

    photo, _ = face
    larger = cv2.resize(photo, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC)
    scene = np.full((400, 600), 128, np.uint8)
    scene[10 : 10 + 192, 10 : 10 + 192] = photo
    scene[50 : 50 + larger.shape[0], 230 : 230 + larger.shape[1]] = larger
    boxes = detect(scene)
    assert len(boxes) == 2
    assert boxes[0, 2] > boxes[1, 2]
    assert boxes[0, 0] > 230 > boxes[1, 0]


@pytest.mark.parametrize("detector", sorted(DETECTORS))
@pytest.mark.parametrize("shape", [(1, 1), (3, 70), (48, 48), (120, 90), (100, 100, 3)])
def test_no_face_is_an_empty_array(detector: str, shape: tuple) -> None:
    boxes = detect(np.full(shape, 90, np.uint8), detector=detector)
    assert boxes.shape == (0, 4)
    assert boxes.dtype == np.float32


def test_none_is_the_whole_image() -> None:
    boxes = detect(np.zeros((30, 40, 3), np.uint8), detector="none")
    np.testing.assert_array_equal(boxes, [[0, 0, 40, 30]])


def test_photo_is_not_changed(face: tuple[np.ndarray, np.ndarray]) -> None:
    before = face[0].copy()
    for detector in DETECTORS:
        detect(face[0], detector=detector)
    np.testing.assert_array_equal(face[0], before)


@pytest.mark.parametrize("detector", ["dlip", "data", ""])
def test_unknown_detector_lists_the_choices(detector: str) -> None:
    with pytest.raises(ParameterError, match=r"unknown detector .*FILE.onnx, dlib, haar, none"):
        detect(np.zeros((90, 90), np.uint8), detector=detector)


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((10, 10)),
        np.zeros(10, np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10), np.uint8),
    ],
    ids=["float", "flat", "RGBA", "empty"],
)
def test_what_is_no_photo(photo: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="expected a photo as uint8 array"):
        detect(photo)


@pytest.mark.realdata
def test_small_faces_of_fer2013_are_found_only_enlarged(
    realdata: Callable[[str], Path],
) -> None:
    data = load_dataset(realdata("fer2013.zip"))
    rows = np.linspace(0, len(data) - 1, 60).astype(int)
    found = [len(detect(data.read_photo(i))) > 0 for i in rows]
    assert np.mean(found) > 0.6


@pytest.mark.realdata
@pytest.mark.parametrize(("detector", "at_least"), [("dlib", 1.0), ("haar", 0.95)])
def test_heads_of_jaffe_are_found(
    detector: str, at_least: float, realdata: Callable[[str], Path]
) -> None:
    data = load_dataset(realdata("jaffe.zip"))
    found = [len(detect(data.read_photo(i), detector=detector)) for i in range(0, len(data), 4)]
    assert np.mean(np.array(found) > 0) >= at_least


def test_threads_find_what_one_thread_finds(face: tuple[np.ndarray, np.ndarray]) -> None:
    """Guards against a crash: dlib's detector keeps state, and runs without Python's lock."""
    from concurrent.futures import ThreadPoolExecutor

    photos = [np.pad(face[0], ((10 * i, 0), (0, 20 * i)), mode="edge") for i in range(8)]
    alone = [detect(photo).tolist() for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: detect(photo).tolist(), photos * 4))
    assert together == alone * 4


def test_photo_is_enlarged_only_if_nothing_is_found(
    face: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, int]] = []
    find = DETECTORS["dlib"]

    def recording(image: np.ndarray) -> np.ndarray:
        shown.append((image.shape[0], image.shape[1]))
        return find(image)

    monkeypatch.setitem(DETECTORS, "dlib", recording)
    detect(face[0])
    assert shown == [(192, 192)]
    detect(np.full((100, 120), 90, np.uint8))
    assert shown[1:] == [(100, 120), (328, 368)]
