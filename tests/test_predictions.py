"""Predictions as plain data, and photos on their way to them."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from classic_fer.errors import ImageError, MissingFileError
from classic_fer.predictions import (
    FacePrediction,
    UnreadablePhoto,
    find_photos,
    predict_photos,
    predictions_frame,
)

HAPPY = FacePrediction(
    "happiness", 0.75, {"anger": 0.25, "happiness": 0.75}, (1.0, 2.0, 3.0, 4.0), photo="a.jpg"
)
SILENT = FacePrediction(None, float("nan"), {"anger": 0.5, "happiness": 0.5}, found=False)


def test_plain_data_is_json():
    assert json.loads(json.dumps(HAPPY.to_dict())) == {
        "photo": "a.jpg",
        "label": "happiness",
        "confidence": 0.75,
        "probabilities": {"anger": 0.25, "happiness": 0.75},
        "box": [1, 2, 3, 4],
        "landmarks": None,
        "found": True,
    }
    assert SILENT.to_dict()["confidence"] is None
    assert SILENT.to_dict()["label"] is None


def test_landmarks_become_lists_in_hundredths_of_a_pixel():
    points = np.array([[1.0, 2.0], [10 / 3, 0.5]], dtype=np.float32)
    marked = replace(HAPPY, landmarks=points)
    assert json.loads(json.dumps(marked.to_dict()))["landmarks"] == [[1, 2], [3.33, 0.5]]


def test_frame_counts_the_faces_of_each_photo():
    frame = predictions_frame([HAPPY, HAPPY, SILENT])
    assert frame["face"].tolist() == [1, 2, 1]
    assert frame["width"].tolist()[:2] == [3, 3]
    assert np.isnan(frame["width"].iloc[2])
    assert list(frame.columns[-2:]) == ["score_anger", "score_happiness"]


def test_frame_of_nothing_has_its_columns():
    assert list(predictions_frame([]).columns[:3]) == ["photo", "face", "label"]


def test_photos_of_a_folder_are_found_in_order_and_once(tmp_path):
    for name in ["b.PNG", "sub/c.jpg", "a.tiff", "notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_photos([tmp_path, tmp_path / "a.tiff"])
    assert [p.name for p in found] == ["a.tiff", "b.PNG", "c.jpg"]


def test_missing_photo_and_folder_without_images_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"no such photo: .*gone\.jpg"):
        find_photos([tmp_path / "gone.jpg"])
    with pytest.raises(MissingFileError, match="no image in folder"):
        find_photos([tmp_path])


class Stub:
    """Reads what is not called bad."""

    def predict_photo(self, photo):
        if "bad" in photo:
            raise ImageError(f"{photo}: not an image")
        return [FacePrediction("happiness", 1.0, {"happiness": 1.0}, photo=photo)]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_bad_photo_does_not_stop_the_others(n_jobs):
    seen = []
    photos = ["1.jpg", "bad.jpg", "2.jpg", "3.jpg"]
    main = threading.get_ident()

    def progress(done, total):
        seen.append((done, total, threading.get_ident() == main))

    predictions, unreadable = predict_photos(Stub(), photos, n_jobs=n_jobs, progress=progress)
    assert [each.photo for each in predictions] == ["1.jpg", "2.jpg", "3.jpg"]
    assert unreadable == [UnreadablePhoto("bad.jpg", "bad.jpg: not an image")]
    assert seen == [(done, 4, True) for done in range(1, 5)]
