from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.cards import Card
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.images import encode_png
from classic_fer.datasets.synthetic import SyntheticFaces, synthetic_faces
from classic_fer.errors import DataError, ImageError, MissingFileError, ParameterError
from classic_fer.faces.align import (
    align_face,
    align_faces,
    align_photo,
    eyes_and_mouth,
    find_faces,
)
from classic_fer.faces.detectors import detect
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.landmarks import points_in_box, predict_landmarks
from classic_fer.faces.types import faces_dtype

GREY = np.full((120, 160), 90, np.uint8)


@pytest.fixture(scope="module")
def drawn() -> SyntheticFaces:
    return synthetic_faces(2, 1, random_state=0)


@pytest.fixture
def folder(tmp_path: Path, drawn: SyntheticFaces) -> Path:
    for i, (image, label) in enumerate(zip(drawn.images, drawn.labels)):
        (tmp_path / "faces" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / label / f"{i:02}.png").write_bytes(encode_png(image))
    return tmp_path / "faces"


def _with_landmarks(drawn: SyntheticFaces, **card: object) -> Dataset:
    import pandas as pd

    samples = pd.DataFrame(
        {"id": drawn.ids, "label": drawn.labels, "subject": drawn.subjects, "split": None}
    )
    return Dataset(
        "drawn",
        samples,
        None,
        Card("drawn", "Drawn faces", **card),  # type: ignore[arg-type]
        landmarks=drawn.landmarks.copy(),
        photos=drawn.images,
    )


# -- one face -------------------------------------------------------------------------------------


def test_align_face_by_hand() -> None:
    # Eyes 40 px apart and the mouth 40 px below: doubling brings them into a frame of 80 px
    # with eyes 80 px apart.
    frame = Frame(80, (0.0, 0.0), (1.0, 0.0), (0.5, 1.0))
    photo = np.zeros((100, 100), np.uint8)
    photo[30:50, 40:60] = 200
    image, matrix = align_face(photo, [(20, 30), (60, 30), (40, 70)], frame)
    np.testing.assert_allclose(matrix, [[2, 0, -40.5], [0, 2, -60.5]], atol=1e-9)
    assert image.shape == (80, 80)
    assert image[20, 60] == 200
    assert image[60, 60] == 0


def test_eyes_and_mouth_come_to_lie_in_the_frame(drawn: SyntheticFaces) -> None:
    for size in (32, 96, 224):
        frame = Frame.standard(size)
        for photo in drawn.images[:4]:
            (face,) = align_photo(photo, Alignment(frame=frame))
            assert face["found"]
            moved = eyes_and_mouth(face["landmarks"])
            # Three points fix more than a similarity can fit: a rest remains.
            assert np.abs(moved - (frame.points - 0.5)).max() < 0.08 * size


def test_landmarks_move_with_the_pixels(drawn: SyntheticFaces) -> None:
    photo = drawn.images[0]
    (face,) = align_photo(photo, Alignment(landmarks="data"), landmarks=drawn.landmarks[0])
    expected, matrix = align_face(photo, eyes_and_mouth(drawn.landmarks[0]), Frame.standard())
    np.testing.assert_array_equal(face["image"], expected)
    x, y = drawn.landmarks[0].T
    np.testing.assert_allclose(
        face["landmarks"], np.column_stack([x, y, np.ones(68)]) @ matrix.T, rtol=1e-5
    )


def test_found_faces_have_their_landmarks_in_the_photo(drawn: SyntheticFaces) -> None:
    scene = np.hstack([drawn.images[0], drawn.images[1]])
    found = find_faces(scene, Alignment(), largest=False)
    assert found.faces.tobytes() == align_photo(scene, Alignment(), largest=False).tobytes()
    assert len(found.faces) == len(found.landmarks) == 2
    for face, points in zip(found.faces, found.landmarks):
        assert points is not None
        np.testing.assert_array_equal(points, predict_landmarks(scene, face["box"]))
        _, matrix = align_face(scene, eyes_and_mouth(points), Frame.standard())
        moved = np.column_stack([points, np.ones(68)]) @ matrix.T
        np.testing.assert_allclose(face["landmarks"], moved, rtol=1e-4)


@pytest.mark.parametrize(
    ("alignment", "shape"),
    [
        (Alignment(landmarks="5"), (5, 2)),
        (Alignment("none", "none", crops_of="crops"), (68, 2)),
        (Alignment(landmarks="none"), None),
    ],
)
def test_landmarks_of_the_photo_that_the_model_does_not_see(
    alignment: Alignment, shape: tuple | None, drawn: SyntheticFaces
) -> None:
    found = find_faces(drawn.images[0], alignment)
    (points,) = found.landmarks
    assert (None if points is None else points.shape) == shape
    assert np.isnan(found.faces["landmarks"]).all()


def test_given_landmarks_are_those_of_the_photo(drawn: SyntheticFaces) -> None:
    found = find_faces(drawn.images[0], Alignment(), landmarks=drawn.landmarks[0])
    np.testing.assert_array_equal(found.landmarks, drawn.landmarks[:1])
    assert find_faces(GREY, Alignment()).landmarks == [None]


def test_photo_without_a_face_is_taken_whole() -> None:
    faces = align_photo(GREY, Alignment(frame=Frame.standard(48)))
    assert faces.dtype == faces_dtype(48, 48)
    assert faces["found"].tolist() == [False]
    assert np.isnan(faces["landmarks"]).all()
    assert np.isnan(faces["box"]).all()
    assert (faces["image"] == 90).all()


def test_largest_or_all_faces(drawn: SyntheticFaces) -> None:
    import cv2

    larger = cv2.resize(drawn.images[1], None, fx=1.5, fy=1.5)
    scene = np.full((300, 520), 128, np.uint8)
    scene[:192, :192] = drawn.images[0]
    scene[: larger.shape[0], 200 : 200 + larger.shape[1]] = larger
    every = align_photo(scene, Alignment(), largest=False)
    first = align_photo(scene, Alignment())
    assert len(every) == 2
    assert every["box"][0, 2] > every["box"][1, 2]
    assert first.tobytes() == every[:1].tobytes()


def test_known_box_replaces_detection(drawn: SyntheticFaces) -> None:
    scene = np.hstack([drawn.images[0], drawn.images[1]])
    box = align_photo(drawn.images[1], Alignment())["box"][0] + (192, 0, 0, 0)
    (face,) = align_photo(scene, Alignment(detector="data"), box=box)
    (alone,) = align_photo(drawn.images[1], Alignment())
    np.testing.assert_array_equal(face["box"], box)
    assert np.abs(face["landmarks"] - alone["landmarks"]).mean() < 3


@pytest.mark.parametrize("box", [(np.nan, 0, 10, 10), (5, 5, 0, 0)])
def test_box_without_extent_counts_as_unknown(box: tuple, drawn: SyntheticFaces) -> None:
    detected = align_photo(drawn.images[0], Alignment())
    assert align_photo(drawn.images[0], Alignment(), box=box).tobytes() == detected.tobytes()


def test_landmarks_without_extent_count_as_unknown(drawn: SyntheticFaces) -> None:
    detected = align_photo(drawn.images[0], Alignment())
    for landmarks in (np.zeros((68, 2)), np.full((68, 2), np.nan)):
        face = align_photo(drawn.images[0], Alignment(), landmarks=landmarks)
        assert face.tobytes() == detected.tobytes()


def test_five_points_or_the_box_alone_align_too(drawn: SyntheticFaces) -> None:
    photo, frame = drawn.images[0], Frame.standard(96)
    (box,) = detect(photo)
    places = {
        "5": eyes_and_mouth(predict_landmarks(photo, box, model="5")),
        "none": points_in_box(box),
    }
    for landmarks, points in places.items():
        (face,) = align_photo(photo, Alignment(landmarks=landmarks, frame=frame))
        np.testing.assert_array_equal(face["image"], align_face(photo, points, frame)[0])
        assert face["found"]
        assert np.isnan(face["landmarks"]).all()


def test_photo_may_be_a_file(tmp_path: Path, drawn: SyntheticFaces) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode_png(drawn.images[0]))
    expected = align_photo(drawn.images[0], Alignment())
    assert align_photo(path, Alignment()).tobytes() == expected.tobytes()
    assert align_photo(str(path), Alignment()).tobytes() == expected.tobytes()
    with pytest.raises(MissingFileError, match="no such photo"):
        align_photo(tmp_path / "other.png", Alignment())
    path.write_text("no image")
    with pytest.raises(ImageError, match=r"photo\.png: not an image"):
        align_photo(path, Alignment())


# -- data sets ------------------------------------------------------------------------------------


def test_dataset_comes_back_with_faces_in_the_same_order(
    folder: Path, drawn: SyntheticFaces
) -> None:
    data = load_dataset(folder)
    aligned = align_faces(data, size=64)
    assert data.faces is None
    assert aligned.ids.tolist() == data.ids.tolist()
    assert aligned.alignment == Alignment(frame=Frame.standard(64))
    for i in (0, 5, 13):
        (face,) = align_photo(data.read_photo(i), aligned.alignment)
        assert aligned.faces is not None
        assert aligned.faces[i].tobytes() == face.tobytes()


def test_unreadable_files_are_listed_and_the_rest_is_aligned(folder: Path) -> None:
    data = load_dataset(folder)
    first, second = data.path(1), data.path(7)
    (folder / first).write_bytes(b"")
    (folder / second).write_bytes((folder / second).read_bytes()[:200])
    aligned = align_faces(data)
    assert aligned.faces is not None
    assert len(aligned) == len(aligned.faces) == len(data) - 2
    assert {first, second}.isdisjoint(aligned.ids)
    listed = {entry.path: entry.reason for entry in aligned.unreadable}
    assert set(listed) == {first, second}
    assert "0 bytes" in listed[first]
    assert "truncated" in listed[second]


def test_file_that_vanishes_is_listed(folder: Path) -> None:
    data = load_dataset(folder)
    (folder / data.path(3)).unlink()
    aligned = align_faces(data)
    assert [entry.path for entry in aligned.unreadable] == [data.path(3)]


def test_nothing_readable_is_an_error(folder: Path) -> None:
    data = load_dataset(folder)
    for i in range(len(data)):
        (folder / data.path(i)).write_bytes(b"")
    with pytest.raises(DataError, match=r"no photo of .* is readable: 14 of 14 photos.*9 more"):
        align_faces(data)


def test_rows_without_a_face_are_kept(folder: Path) -> None:
    data = load_dataset(folder)
    (folder / data.path(2)).write_bytes(encode_png(GREY))
    aligned = align_faces(data)
    assert aligned.faces is not None
    assert np.flatnonzero(~aligned.faces["found"]).tolist() == [2]


def test_landmarks_of_the_data(drawn: SyntheticFaces) -> None:
    data = _with_landmarks(drawn)
    assert data.landmarks is not None
    data.landmarks[3] = np.nan
    aligned = align_faces(data, landmarks="data")
    assert aligned.faces is not None
    for i in (0, 1):
        (face,) = align_photo(drawn.images[i], Alignment(), landmarks=drawn.landmarks[i])
        np.testing.assert_array_equal(aligned.faces["image"][i], face["image"])
    (detected,) = align_photo(drawn.images[3], Alignment())
    np.testing.assert_array_equal(aligned.faces["image"][3], detected["image"])


def test_boxes_of_the_data(drawn: SyntheticFaces) -> None:
    data = _with_landmarks(drawn, detector="data")
    boxes = np.array([align_photo(p, Alignment())["box"][0] for p in drawn.images])
    data.samples[["x", "y", "width", "height"]] = np.add(boxes, (3, -2, 4, 4))
    aligned = align_faces(data)
    assert aligned.alignment is not None
    assert aligned.alignment.detector == "data"
    assert aligned.faces is not None
    np.testing.assert_array_equal(aligned.faces["box"], np.add(boxes, (3, -2, 4, 4)))


def test_card_gives_the_defaults_and_arguments_override_them(drawn: SyntheticFaces) -> None:
    data = _with_landmarks(drawn, detector="haar", landmarks="5").subset([0, 1])
    by_card = align_faces(data).alignment
    chosen = align_faces(data, detector="dlib", landmarks="none", not_found="abstain").alignment
    assert by_card == Alignment("haar", "5")
    assert chosen == Alignment("dlib", "none", "abstain")


def test_alignment_of_a_model_is_used_as_it_is(drawn: SyntheticFaces) -> None:
    data = _with_landmarks(drawn).subset([0, 1])
    model = Alignment("haar", "5", "abstain", Frame.standard(40, 0.2))
    aligned = align_faces(data, alignment=model)
    assert aligned.alignment == model
    assert aligned.faces is not None
    assert aligned.faces["image"].shape == (2, 40, 40)


def test_model_of_given_landmarks_predicts_them_where_none_are_given(
    drawn: SyntheticFaces,
) -> None:
    data = replace(_with_landmarks(drawn), landmarks=None)
    aligned = align_faces(data, alignment=Alignment("data", "data"))
    expected = align_faces(data)
    assert aligned.faces is not None
    assert expected.faces is not None
    assert aligned.faces.tobytes() == expected.faces.tobytes()


def test_sequences_give_faces(folder: Path, drawn: SyntheticFaces) -> None:
    paths = sorted(folder.rglob("*.png"))[:3]
    from_paths = align_faces(paths)
    from_array = align_faces(drawn.images[:3])
    from_colour = align_faces([np.stack([i] * 3, axis=-1) for i in drawn.images[:3]])
    assert len(from_paths) == 3
    assert from_array.tobytes() == from_colour.tobytes()


def test_unreadable_files_of_a_sequence_are_all_named(folder: Path) -> None:
    paths = sorted(folder.rglob("*.png"))[:4]
    paths[1].write_bytes(b"")
    paths[3].write_text("text")
    with pytest.raises(ImageError, match=rf"2 of 4 photos.*{paths[1].name}.*{paths[3].name}"):
        align_faces(paths)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"detector": "dlip"}, ParameterError, "detector must be dlib, haar"),
        ({"landmarks": "67"}, ParameterError, "landmarks must be one of"),
        ({"not_found": "drop"}, ParameterError, "not_found must be one of"),
        ({"size": 8}, ParameterError, "size must lie between 16 and 1024 pixels, got 8"),
        ({"size": 64, "alignment": Alignment()}, ParameterError, "together with an alignment"),
        ({"detector": "data"}, DataError, "columns x, y, width, height"),
        ({"landmarks": "data"}, DataError, "come with 68 landmarks"),
        ({"detector": "none", "landmarks": "5"}, ParameterError, "choose 68"),
        ({"detector": "none.onnx"}, MissingFileError, "no such YuNet file"),
    ],
)
def test_unusable_options(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        align_faces([GREY], **options)


@pytest.mark.parametrize("data", ["faces.zip", Path("faces"), GREY, np.zeros((2, 9, 9))])
def test_what_is_neither_data_set_nor_photos(data: object) -> None:
    with pytest.raises(ParameterError, match="expected"):
        align_faces(data)  # type: ignore[call-overload]


@pytest.mark.realdata
def test_jaffe_heads_are_found_and_aligned(realdata: Callable[[str], Path]) -> None:
    data = load_dataset(realdata("jaffe.zip"))
    aligned = align_faces(data.subset(np.arange(0, len(data), 4)))
    assert aligned.faces is not None
    assert aligned.faces["found"].all()
    moved = np.array([eyes_and_mouth(points) for points in aligned.faces["landmarks"]])
    residual = np.linalg.norm(moved - (Frame.standard().points - 0.5), axis=2)
    assert residual.mean() < 2.5
