"""Simple variants of faces, and expressions given to neutral ones."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.models.expression_shapes import ExpressionShapes
from classic_fer.models.new_faces import expressive_faces, simple_variants


@pytest.fixture(scope="module")
def drawn():
    return synthetic_faces(4, 1, size=64, emotions=["neutral", "happiness", "anger"])


@pytest.fixture(scope="module")
def faces(drawn):
    return make_faces(drawn.images, landmarks=drawn.landmarks)


def test_variants_differ_a_little_and_keep_label_and_source(drawn, faces) -> None:
    made = simple_variants(faces, drawn.labels, n_each=3, random_state=1)
    assert len(made.faces) == 36
    np.testing.assert_array_equal(made.source, np.repeat(np.arange(12), 3))
    np.testing.assert_array_equal(made.y, drawn.labels[made.source])
    moved = np.abs(made.faces["landmarks"] - faces["landmarks"][made.source]).max(axis=(1, 2))
    assert (moved > 0).all()
    # 5 % of 64 pixels, 10 degrees about the centre, and a mirror image of a tilted head
    assert np.median(moved) < 16
    again = simple_variants(faces, drawn.labels, n_each=3, random_state=1)
    np.testing.assert_array_equal(again.faces["image"], made.faces["image"])
    assert (made.faces["image"][0] != made.faces["image"][1]).any()


def test_landmarks_of_a_variant_follow_its_pixels() -> None:
    image = np.full((1, 65, 65), 100, np.uint8)
    image[0, 20:25, 40:45] = 250
    faces = make_faces(image, landmarks=np.full((1, 68, 2), (42, 22)))
    for made in simple_variants(faces, ["anger"], n_each=8).faces:
        bright = np.argwhere(made["image"] > made["image"].max() - 30).mean(axis=0)[::-1]
        np.testing.assert_allclose(made["landmarks"][0], bright, atol=1.0)


def test_new_expressions_of_neutral_people(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    made = expressive_faces(shapes, faces, drawn.labels, per_emotion=2)
    assert len(made.faces) == 4 * 2 * 2
    assert set(made.y) == {"happiness", "anger"}
    assert (drawn.labels[made.source] == "neutral").all()
    assert made.faces.dtype == faces.dtype
    assert all(
        (new != faces["image"][old]).any() for new, old in zip(made.faces["image"], made.source)
    )


def test_what_cannot_be_made(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    with pytest.raises(DataError, match="nothing to warp"):
        expressive_faces(shapes, faces[1:3], ["anger", "anger"])
    with pytest.raises(ParameterError, match="at least one new face"):
        expressive_faces(shapes, faces, drawn.labels, per_emotion=0)
    with pytest.raises(ParameterError, match="at least one variant"):
        simple_variants(faces, drawn.labels, n_each=0)
