"""Identical images and near copies: what must match, and what must not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from classic_fer.datasets import Dataset, load_dataset
from classic_fer.datasets.cards import generic_card
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.evaluation.duplicates import (
    duplicate_groups,
    duplicate_labels,
    leaked_rows,
    rows_by_label,
)
from classic_fer.evaluation.image_comparison import details, doubled, similarity
from classic_fer.evaluation.near_duplicates import RADIUS, _candidates, perceptual_hashes


@pytest.fixture(scope="module")
def faces():
    """Twelve different people, 192 x 192."""
    drawn = synthetic_faces(12, 1, emotions=("neutral",), random_state=3)
    return drawn.images


def in_memory(photos, **columns):
    n = len(photos)
    samples = pd.DataFrame({"id": [f"{i}.png" for i in range(n)], "label": ["neutral"] * n})
    samples["subject"] = samples["split"] = None
    samples = samples.assign(**columns)
    card = generic_card("made", splits=set(), people=False)
    return Dataset("made", samples, None, card, photos=np.stack(photos))


def warped(image, matrix):
    import cv2

    size = image.shape[::-1]
    matrix = np.asarray(matrix, dtype=np.float32)
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def shifted(image):
    return warped(image, [[1, 0, 8], [0, 1, -6]])


def brighter(image):
    return np.clip(image * 0.7 + 60, 0, 255).astype(np.uint8)


def recompressed(image):
    import cv2

    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 0)


def turned(image):
    import cv2

    centre = (image.shape[1] / 2, image.shape[0] / 2)
    return warped(image, cv2.getRotationMatrix2D(centre, 2, 1.03))


def captioned(image):
    changed = image.copy()
    part = changed[-12:-4, -36:-8]
    part[...] = part // 2 + 80
    return changed


def test_identical_pixels_whatever_the_file(tmp_path):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 32, 32), dtype=np.uint8)
    folder = tmp_path / "faces" / "happy"
    folder.mkdir(parents=True)
    Image.fromarray(a).save(folder / "1.png")
    Image.fromarray(a).convert("RGB").save(folder / "2.bmp")
    Image.fromarray(b).save(folder / "3.png")
    changed = a.copy()
    changed[0, 0] ^= 1
    Image.fromarray(changed).save(folder / "4.png")
    assert duplicate_groups(load_dataset(tmp_path / "faces")) == [[0, 1]]


def test_same_pixels_in_another_shape_are_another_image():
    rows = np.arange(32, dtype=np.uint8)
    a, b = rows.reshape(4, 8), rows.reshape(8, 4)
    dataset = in_memory([np.zeros((2, 2), np.uint8)] * 2)
    dataset.read_photo = lambda i: (a, b)[i]
    assert duplicate_groups(dataset) == []


def test_faces_of_one_photo_are_different_images(faces):
    photo = np.hstack([faces[0], faces[1]])
    boxes = {"x": [0, 192, 0], "y": [0] * 3, "width": [192] * 3, "height": [192] * 3}
    assert duplicate_groups(in_memory([photo] * 3, **boxes), near=True) == [[0, 2]]


@pytest.mark.parametrize("change", [shifted, brighter, recompressed, turned, captioned])
@pytest.mark.parametrize("size", [48, 192])
def test_near_copies_are_found(faces, change, size):
    import cv2

    def small(image):
        return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)

    photos = [small(face) for face in faces] + [small(change(face)) for face in faces]
    n = len(faces)
    assert duplicate_groups(in_memory(photos), near=False) == []
    groups = duplicate_groups(in_memory(photos), near=True)
    assert groups == [[i, i + n] for i in range(n)]


def test_other_people_are_no_copies(faces):
    assert duplicate_groups(in_memory(list(faces)), near=True) == []


def test_other_expressions_of_one_person_are_no_copies():
    drawn = synthetic_faces(2, 1, random_state=1)
    same = drawn.labels[:, None] == drawn.labels
    for group in duplicate_groups(in_memory(list(drawn.images)), near=True):
        assert same[np.ix_(group, group)].all()


def test_constant_images_match_only_when_identical(faces):
    grey = [np.full((192, 192), value, np.uint8) for value in (0, 0, 90)]
    assert duplicate_groups(in_memory([*grey, *faces]), near=True) == [[0, 1]]


def test_result_does_not_depend_on_workers(faces):
    dataset = in_memory([*faces, *(shifted(face) for face in faces[:4])])
    one, two = (duplicate_labels(dataset, n_jobs=k) for k in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_unreadable_images_are_alone(tmp_path, faces):
    folder = tmp_path / "faces" / "happy"
    folder.mkdir(parents=True)
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"no image")
    Image.fromarray(faces[0]).save(folder / "3.png")
    assert len(set(duplicate_labels(load_dataset(tmp_path / "faces")))) == 3


def test_leaked_rows_are_test_rows_with_a_copy_in_training():
    labels = [4, 9, 4, 7, 9, 8, 8]
    np.testing.assert_array_equal(leaked_rows(labels, [0, 1], [6, 5, 4, 2]), [4, 2])
    assert leaked_rows(labels, [0], []).size == 0


@given(st.lists(st.integers(0, 6), max_size=30))
def test_rows_by_label_is_the_obvious_grouping(labels):
    expected = {value: [i for i, v in enumerate(labels) if v == value] for value in labels}
    assert rows_by_label(labels) == [rows for rows in expected.values() if len(rows) > 1]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_candidates_are_all_pairs_within_the_radius(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (6, 48, 48), dtype=np.uint8)
    noise = rng.normal(0, 60, (4, 6, 48, 48))
    thumbnails = np.clip(np.concatenate([first[None], first + noise]), 0, 255)
    thumbnails = thumbnails.reshape(-1, 48, 48).astype(np.uint8)
    queries = perceptual_hashes(thumbnails)
    distance = np.array(
        [
            [min((int(q) ^ int(h)).bit_count() for q in row) for h in queries[:, 0]]
            for row in queries
        ]
    )
    distance = np.minimum(distance, distance.T)
    i, j = np.nonzero(np.triu(distance <= RADIUS, 1))
    found = sorted(map(tuple, _candidates(thumbnails, 1).tolist()))
    assert found == list(zip(i.tolist(), j.tolist()))


def test_similarity_of_an_image_with_itself_and_with_noise():
    rng = np.random.default_rng(0)
    a, b = (details(rng.integers(0, 256, (48, 48), dtype=np.uint8)) for _ in range(2))
    whole, local, warp = similarity(a, a)
    assert whole == pytest.approx(1, abs=1e-5)
    assert local == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(warp, [[1, 0, 0], [0, 1, 0]])
    whole, local, _ = similarity(a, b)
    assert whole < 0.5
    assert local == -1


def test_doubled_alignment_moves_the_same_points():
    warp = np.array([[1.1, 0.1, 3], [-0.2, 0.9, -2]], dtype=np.float32)
    point = np.array([10, 7])
    moved = warp[:, :2] @ point + warp[:, 2]
    larger = doubled(warp)
    np.testing.assert_allclose(
        larger[:, :2] @ (2 * point + 0.5) + larger[:, 2], 2 * moved + 0.5, rtol=1e-6
    )
