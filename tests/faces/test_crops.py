"""Faces that come cropped: their frame, and how photos and other crops come into it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.cards import Card
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.synthetic import SyntheticFaces, synthetic_faces
from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.align import align_face, align_faces, align_photo, eyes_and_mouth
from classic_fer.faces.crops import (
    align_crop,
    crop_landmarks,
    crop_matrix,
    crop_points,
    estimate_frame,
    frame_from_points,
    usual_size,
)
from classic_fer.faces.detectors import detect
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.landmarks import predict_landmarks
from classic_fer.faces.similarity import apply_similarity, is_identity

# Where the crops of these tests have left eye, right eye and mouth, in fractions.
PLACE = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.76]])
OTHER = Frame(48, (0.25, 0.3), (0.75, 0.3), (0.5, 0.8))


@pytest.fixture(scope="module")
def drawn() -> SyntheticFaces:
    return synthetic_faces(3, 1, random_state=0)


def _crop(photo: np.ndarray, points: np.ndarray, size: int, place: np.ndarray) -> np.ndarray:
    """An upright square cut so that the face in it has, on average, eyes and mouth at `place`."""
    centred, wanted = points - points.mean(axis=0), (place - place.mean(axis=0)) * size
    scale = np.sqrt((wanted**2).sum() / (centred**2).sum())
    shift = place.mean(axis=0) * size - 0.5 - scale * points.mean(axis=0)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    large = np.vstack([matrix[:1] * 4 + [[0, 0, 1.5]], matrix[1:] * 4 + [[0, 0, 1.5]]])
    fine = cv2.warpAffine(photo, large, (size * 4, size * 4), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _crops(drawn: SyntheticFaces, size: int = 64, place: np.ndarray = PLACE) -> np.ndarray:
    pairs = zip(drawn.images, drawn.landmarks)
    return np.array([_crop(image, eyes_and_mouth(points), size, place) for image, points in pairs])


def _dataset(drawn: SyntheticFaces, images: np.ndarray, name: str, **card: object) -> Dataset:
    samples = pd.DataFrame(
        {"id": drawn.ids, "label": drawn.labels, "subject": drawn.subjects, "split": None}
    )
    options = {"detector": "none", "landmarks": "none", "cropped": True} | card
    return Dataset(name, samples, None, Card(name, name, **options), photos=images)  # type: ignore[arg-type]


# -- the frame ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [48, 100])
def test_frame_is_where_the_crops_have_eyes_and_mouth(drawn: SyntheticFaces, size: int) -> None:
    frame = estimate_frame(_crops(drawn, size))
    assert frame.size == size
    np.testing.assert_allclose(frame.points / size, PLACE, atol=0.035)


def test_frame_is_the_median_by_hand() -> None:
    shifts = np.array([-0.1, 0.0, 0.02, 0.01, 0.9])[:, None, None]
    missed = np.full((3, 3, 2), np.nan)
    frame = frame_from_points(np.concatenate([PLACE + shifts, missed]), 48)
    np.testing.assert_allclose(frame.points, (PLACE + 0.01) * 48)


def test_too_few_found_are_replaced_by_the_usual_place_and_say_so() -> None:
    with pytest.warns(UserWarning, match="found in 0 of 3 face crops, at least 5"):
        frame = estimate_frame([np.full((48, 48), 90, np.uint8)] * 3)
    assert frame.size == 48
    assert frame.left_eye[0] + frame.right_eye[0] == pytest.approx(1)


def test_nothing_found_in_a_blank_crop() -> None:
    assert np.isnan(crop_points(np.zeros((48, 48), np.uint8))).all()


@pytest.mark.parametrize(
    ("sides", "expected"), [([48, 48, 50], 48), ([60, 50, 60, 50], 50), ([350, 350, 20], 128)]
)
def test_usual_size(sides: list[int], expected: int) -> None:
    assert usual_size(sides) == expected


def test_no_crops_have_no_frame() -> None:
    with pytest.raises(DataError, match="no readable face crop"):
        estimate_frame([])


# -- crops as they are ----------------------------------------------------------------------------


def test_crops_of_the_size_of_the_frame_keep_every_bit(drawn: SyntheticFaces) -> None:
    crops = _crops(drawn)
    aligned = align_faces(_dataset(drawn, crops, "mine"))
    assert aligned.faces is not None
    np.testing.assert_array_equal(aligned.faces["image"], crops)
    assert aligned.faces["found"].all()
    assert np.isnan(aligned.faces["landmarks"]).all()
    assert aligned.alignment is not None
    assert aligned.alignment.crops_of == "mine"
    assert aligned.alignment.detector == "none"
    np.testing.assert_allclose(aligned.alignment.frame.points / 64, PLACE, atol=0.035)


def test_same_data_set_with_its_own_alignment_keeps_every_bit(drawn: SyntheticFaces) -> None:
    data = _dataset(drawn, _crops(drawn), "mine")
    alignment = align_faces(data).alignment
    again = align_faces(data.subset([4, 2]), alignment=alignment)
    assert again.faces is not None
    assert data.photos is not None
    np.testing.assert_array_equal(again.faces["image"], data.photos[[4, 2]])


def test_frame_is_estimated_on_the_training_part(drawn: SyntheticFaces) -> None:
    moved = np.add(PLACE, (0.1, -0.1))
    images = np.concatenate([_crops(drawn), _crops(drawn, place=moved)])
    n = len(drawn.images)
    ids = [f"{part}/{i}" for part in ("train", "test") for i in range(n)]
    samples = pd.DataFrame(
        {"id": ids, "label": "anger", "subject": None, "split": ["train"] * n + ["test"] * n}
    )
    split = {"train": ["train"], "test": "test", "final": None}
    card = Card("c", "c", detector="none", landmarks="none", cropped=True, official_split=split)
    data = Dataset("c", samples, None, card, photos=images)
    alignment = align_faces(data).alignment
    only_train = align_faces(data.subset(np.arange(n))).alignment
    assert alignment == only_train


def test_other_sizes_are_scaled_and_shapes_centred(drawn: SyntheticFaces) -> None:
    frame = Frame(40, *map(tuple, PLACE))
    (square,) = align_crop(np.full((80, 80), 7, np.uint8), frame)
    assert (square["image"] == 7).all()
    wide = np.zeros((20, 80), np.uint8)
    wide[:, 40:] = 250
    (face,) = align_crop(wide, frame)
    assert (face["image"][:, :20] == 0).all()
    assert (face["image"][:, 20:] == 250).all()
    assert face["box"].tolist() == [0, 0, 80, 20]


def test_sequences_of_crops(drawn: SyntheticFaces) -> None:
    crops = _crops(drawn)
    faces = align_faces(crops, detector="none")
    np.testing.assert_array_equal(faces["image"], crops)
    smaller = align_faces(crops, detector="none", size=32)
    assert smaller["image"].shape == (len(crops), 32, 32)


# -- landmarks in crops ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [48, 96])
def test_landmarks_are_predicted_without_detection(drawn: SyntheticFaces, size: int) -> None:
    data = _dataset(drawn, _crops(drawn, size), "mine", landmarks="68")
    aligned = align_faces(data)
    assert aligned.faces is not None
    found = np.array([eyes_and_mouth(points) for points in aligned.faces["landmarks"]])
    errors = np.linalg.norm(found + 0.5 - PLACE * size, axis=2) / size
    assert np.median(errors) < 0.05


def test_landmarks_of_the_data_are_scaled_with_the_crop() -> None:
    points = np.column_stack([np.arange(68), np.arange(68)[::-1]]).astype(float)
    (face,) = align_crop(
        np.zeros((80, 80), np.uint8), Frame(40, *map(tuple, PLACE)), landmarks=points
    )
    np.testing.assert_allclose(face["landmarks"], (points + 0.5) / 2 - 0.5, atol=1e-5)


def test_landmarks_of_crops_are_68_or_none() -> None:
    with pytest.raises(ParameterError, match="must be 68 or none, got '5'"):
        align_crop(np.zeros((48, 48), np.uint8), OTHER, landmarks="5")


# -- into the frame of a model --------------------------------------------------------------------


def test_constant_similarity_by_hand() -> None:
    own = Frame(50, (0.3, 0.4), (0.7, 0.4), (0.5, 0.8))
    frame = Frame(100, (0.4, 0.3), (0.6, 0.3), (0.5, 0.5))  # half as large in the image
    matrix = crop_matrix((50, 50), frame, own_frame=own)
    np.testing.assert_allclose(apply_similarity(matrix, own.points - 0.5), frame.points - 0.5)
    np.testing.assert_allclose(matrix[:, :2], np.eye(2), atol=1e-12)
    assert is_identity(crop_matrix((50, 50), own, own_frame=own))


def test_other_crops_are_warped_by_one_similarity_for_all(drawn: SyntheticFaces) -> None:
    data = _dataset(drawn, _crops(drawn), "mine")
    model = Alignment("none", "none", frame=OTHER, crops_of="others")
    aligned = align_faces(data, alignment=model)
    assert aligned.faces is not None
    assert aligned.faces["image"].shape[1:] == (48, 48)
    own = estimate_frame(_crops(drawn))
    matrix = crop_matrix((64, 64), OTHER, own_frame=own)
    moved = apply_similarity(matrix, own.points - 0.5)
    assert np.abs(moved - (OTHER.points - 0.5)).max() < 2.5
    assert data.photos is not None
    for crop, face in zip(data.photos, aligned.faces):
        expected = align_crop(crop, OTHER, own_frame=own)
        np.testing.assert_array_equal(face["image"], expected["image"][0])


def test_landmarks_of_a_crop_are_predicted_from_its_usual_place(drawn: SyntheticFaces) -> None:
    own = Frame(64, *map(tuple, PLACE))  # type: ignore[arg-type]
    errors = []
    for crop in _crops(drawn):
        landmarks = crop_landmarks(crop, own)
        assert landmarks is not None
        found = crop_points(crop) * 64 - 0.5
        errors.append(np.linalg.norm(eyes_and_mouth(landmarks) - found, axis=1).mean())
    assert np.nanmedian(errors) < 0.5  # pixels; the eyes are 25.6 pixels apart


@pytest.mark.parametrize(
    "move",
    [
        np.array([[1.0, 0.0, 30.0], [0.0, 1.0, 0.0]]),  # far beside
        np.array([[0.5, 0.0, 16.0], [0.0, 0.5, 16.0]]),  # half as large
        np.array([[0.0, -1.0, 63.0], [1.0, 0.0, 0.0]]),  # turned by 90 degrees
    ],
)
def test_implausible_landmarks_are_refused(
    drawn: SyntheticFaces, monkeypatch: pytest.MonkeyPatch, move: np.ndarray
) -> None:
    own = Frame(64, *map(tuple, PLACE))  # type: ignore[arg-type]
    crop = _crops(drawn)[0]
    landmarks = crop_landmarks(crop, own)
    assert landmarks is not None
    moved = apply_similarity(move, landmarks)
    monkeypatch.setattr("classic_fer.faces.crops.predict_landmarks", lambda image, box: moved)
    assert crop_landmarks(crop, own) is None


def test_crops_without_a_found_face_are_aligned_near_their_usual_place(
    drawn: SyntheticFaces,
) -> None:
    crops = _crops(drawn)
    flat = np.full((1, 64, 64), 90, dtype=np.uint8)
    flat[0, 20:30, 10:50] = 20  # no face, but not the same everywhere
    data = _dataset(drawn, np.concatenate([crops[:-1], flat]), "mine")
    trained = align_faces(data, detector="dlib")
    model = trained.alignment
    assert trained.faces is not None
    assert model is not None
    assert (model.landmarks, model.crops_of) == ("68", "mine")
    assert model.whole is not None
    assert not trained.faces["found"][-1]
    points = crop_landmarks(flat[0], model.whole)
    if points is None:
        expected = align_crop(flat[0], model.frame, own_frame=model.whole)["image"][0]
    else:
        expected = align_face(flat[0], eyes_and_mouth(points), model.frame)[0]
    np.testing.assert_array_equal(trained.faces["image"][-1], expected)
    # The model's alignment, stored and read back, gives the same faces, one by one too.
    again = align_faces(data, alignment=Alignment.from_dict(model.to_dict()))
    assert again.faces is not None
    assert again.faces.tobytes() == trained.faces.tobytes()
    assert align_photo(flat[0], model).tobytes() == trained.faces[-1:].tobytes()


def test_photos_are_searched_and_warped_into_the_frame_of_crops(drawn: SyntheticFaces) -> None:
    model = Alignment("none", "none", frame=OTHER, crops_of="mine")
    photos = _dataset(drawn, drawn.images, "photos", detector="dlib", cropped=False)
    aligned = align_faces(photos, alignment=model)
    assert aligned.faces is not None
    assert aligned.faces["found"].mean() > 0.9
    for i in (0, 7):
        alone = align_photo(drawn.images[i], model)
        assert alone.tobytes() == aligned.faces[i : i + 1].tobytes()


def test_photo_lands_where_its_crop_has_eyes_and_mouth(drawn: SyntheticFaces) -> None:
    """The rule of training on crops and predicting on photos: both give nearly the same image."""
    crops = _crops(drawn)
    model = align_faces(_dataset(drawn, crops, "mine")).alignment
    assert model is not None
    with_landmarks = replace(model, landmarks="68")
    faces = np.concatenate([align_photo(photo, with_landmarks) for photo in drawn.images])
    found = np.array([eyes_and_mouth(points) for points in faces["landmarks"]])
    distance = np.linalg.norm(found - (PLACE * 64 - 0.5), axis=2)
    assert np.mean(distance) < 0.05 * 64
    same, other = [], []
    for i, face in enumerate(faces):
        same.append(np.corrcoef(face["image"].ravel(), crops[i].ravel())[0, 1])
        other.append(np.corrcoef(face["image"].ravel(), crops[i - 7].ravel())[0, 1])
    assert np.median(same) > 0.75
    assert np.median(same) > np.median(other) + 0.1


def test_blank_photo_is_taken_whole_by_a_model_of_crops() -> None:
    faces = align_photo(
        np.full((90, 90), 50, np.uint8), Alignment("none", "none", frame=OTHER, crops_of="mine")
    )
    assert faces["found"].tolist() == [False]


def test_no_warning_where_frames_are_measured(drawn: SyntheticFaces) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aligned = align_faces(_dataset(drawn, _crops(drawn), "mine"))
    assert aligned.alignment is not None
    assert aligned.alignment.crops_of == "mine"


@pytest.mark.realdata
def test_real_photo_lands_where_its_crop_has_eyes_and_mouth(
    realdata: Callable[[str], Path],
) -> None:
    data = load_dataset(realdata("jaffe.zip"))
    photos = [data.read_photo(i) for i in range(0, len(data), 11)]
    boxes = [detect(photo)[0] for photo in photos]
    points = [eyes_and_mouth(predict_landmarks(p, b)) for p, b in zip(photos, boxes)]
    greys = [p if p.ndim == 2 else cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in photos]
    crops = [_crop(p, q, 48, PLACE) for p, q in zip(greys, points)]
    frame = estimate_frame(crops)
    np.testing.assert_allclose(frame.points / 48, PLACE, atol=0.03)
    model = Alignment("none", "68", frame=frame, crops_of="crops")
    correlations = []
    for photo, crop in zip(photos, crops):
        (face,) = align_photo(photo, model)
        landed = eyes_and_mouth(face["landmarks"])
        assert np.linalg.norm(landed - (PLACE * 48 - 0.5), axis=1).mean() < 3
        correlations.append(np.corrcoef(face["image"].ravel(), crop.ravel())[0, 1])
    assert np.median(correlations) > 0.9


@pytest.mark.realdata
def test_frames_of_fer2013_and_ck48_are_alike(realdata: Callable[[str], Path]) -> None:
    places = []
    for name in ("fer2013.zip", "ck48.zip"):
        data = load_dataset(realdata(name))
        rows = np.linspace(0, len(data) - 1, 80).astype(int)
        frame = estimate_frame([data.read_photo(i) for i in rows])
        places.append(frame.points / frame.size)
        assert frame.size == 48
    np.testing.assert_allclose(places[0], places[1], atol=0.04)
