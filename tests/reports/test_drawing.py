"""Predictions drawn on photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classic_fer.errors import ParameterError
from classic_fer.predictions import FacePrediction
from classic_fer.reports.drawing import draw_predictions, drawing_paths, save_drawings

YELLOW = (255, 212, 0)


def happy(box=(20.0, 40.0, 50.0, 50.0), **kwargs) -> FacePrediction:
    return FacePrediction("happiness", 0.8, {"happiness": 0.8, "anger": 0.2}, box, **kwargs)


def test_box_is_drawn_where_the_face_is():
    photo = np.zeros((120, 160), dtype=np.uint8)
    drawn = draw_predictions(photo, [happy()])
    assert drawn.shape == (120, 160, 3)
    assert drawn.dtype == np.uint8
    assert tuple(drawn[65, 20]) == YELLOW  # left edge
    assert tuple(drawn[90, 45]) == YELLOW  # bottom edge
    assert tuple(drawn[65, 45]) == (0, 0, 0)  # inside
    assert not photo.any()


def test_colour_stays():
    photo = np.full((120, 160, 3), (200, 10, 30), dtype=np.uint8)
    assert tuple(draw_predictions(photo, [happy()])[110, 150]) == (200, 10, 30)


@pytest.mark.parametrize("box", [None, (-10.0, -10.0, 500.0, 500.0), (150.0, 110.0, 5.0, 5.0)])
def test_labels_stay_inside_the_photo(box):
    drawn = draw_predictions(np.zeros((120, 160), np.uint8), [happy(box, found=box is not None)])
    assert (drawn == YELLOW).all(axis=2).any()


def test_landmarks_are_drawn_where_they_are():
    points = np.array([[40.0, 60.0], [50.0, 75.0]], dtype=np.float32)
    drawn = draw_predictions(np.zeros((120, 160), np.uint8), [happy(landmarks=points)])
    assert tuple(drawn[60, 40]) == YELLOW
    assert tuple(drawn[75, 50]) == YELLOW
    assert tuple(drawn[67, 45]) == (0, 0, 0)


def test_no_face_and_no_label_says_so():
    silent = FacePrediction(None, float("nan"), {}, found=False)
    assert draw_predictions(np.zeros((120, 160), np.uint8), [silent]).any()


@pytest.mark.parametrize("photo", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8)])
def test_what_is_no_photo_is_refused(photo):
    with pytest.raises(ParameterError, match="expected a photo as uint8 array"):
        draw_predictions(photo, [])


def test_one_photo_goes_to_the_file_and_several_to_a_folder():
    one, two = Path("a/x.jpg"), Path("b/x.jpg")
    assert drawing_paths([one], Path("out.png")) == {"a/x.jpg": Path("out.png")}
    assert drawing_paths([one, two], Path("out")) == {
        "a/x.jpg": Path("out/x.png"),
        "b/x.jpg": Path("out/x-2.png"),
    }
    with pytest.raises(ParameterError, match=r"2 photos do not fit into one drawing out\.png"):
        drawing_paths([one, two], Path("out.png"))


@pytest.mark.parametrize("name", ["out.xyz", "out.txt"])
def test_a_drawing_of_an_unknown_format_is_refused(name, tmp_path):
    with pytest.raises(
        ParameterError, match=r"no drawing can be written as \..*\.jpg, .*or a fold"
    ):
        drawing_paths([Path("x.jpg")], Path(name))
    (tmp_path / name).mkdir()
    drawings = drawing_paths([Path("x.jpg")], tmp_path / name)
    assert drawings == {"x.jpg": tmp_path / name / "x.png"}


@pytest.mark.parametrize(("photo", "target"), [("a.jpg", "a.jpg"), ("a.png", ".")])
def test_a_drawing_never_takes_the_place_of_a_photo(photo, target, tmp_path):
    with pytest.raises(ParameterError, match="would overwrite a photo"):
        drawing_paths([tmp_path / photo], tmp_path / target)


def test_drawings_are_written_for_photos_with_predictions(tmp_path):
    photo = tmp_path / "x.png"
    Image.fromarray(np.zeros((120, 160), np.uint8)).save(photo)
    paths = {str(photo): tmp_path / "out" / "x.png", "unread.png": tmp_path / "out" / "u.png"}
    written = save_drawings([happy(photo=str(photo))], paths)
    assert written == [tmp_path / "out" / "x.png"]
    with Image.open(written[0]) as image:
        assert image.size == (160, 120)
