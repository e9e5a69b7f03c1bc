"""Expressions as displacements of landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Frame
from classic_fer.faces.landmarks import eyes_and_mouth
from classic_fer.faces.types import make_faces
from classic_fer.models.expression_shapes import ExpressionShapes, give_expression

EMOTIONS = ["neutral", "happiness", "surprise"]


@pytest.fixture(scope="module")
def drawn():
    """Twelve people, three emotions, one picture each."""
    return synthetic_faces(12, 1, size=96, emotions=EMOTIONS)


@pytest.fixture(scope="module")
def faces(drawn):
    return make_faces(drawn.images, landmarks=drawn.landmarks)


def test_the_own_neutral_face_is_what_an_expression_is_measured_from() -> None:
    rng = np.random.default_rng(0)
    neutral = rng.uniform(10, 80, (4, 68, 2))
    moved = np.zeros((68, 2))
    moved[48:54] = (0, 3.0)
    points = np.concatenate([neutral, neutral + moved])
    made = make_faces(np.zeros((8, 96, 96), np.uint8), landmarks=points)
    y = ["neutral"] * 4 + ["happiness"] * 4
    people = list("abcd") * 2
    own = ExpressionShapes().fit(made, y, people)
    alone = ExpressionShapes().fit(made, y)
    # The people differ at random: compared to their own neutral face they hardly vary.
    spread = own.models_["happiness"].variances_.sum()
    assert spread < 0.05 * alone.models_["happiness"].variances_.sum()
    assert own.n_without_neutral_ == 0
    assert alone.n_without_neutral_ == 4
    some = ExpressionShapes().fit(made[1:], y[1:], people[1:])
    assert some.n_without_neutral_ == 1


def test_targets_move_as_asked_and_scale_with_the_face(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    assert shapes.emotions_ == ["happiness", "surprise"]
    assert shapes.n_faces_ == {"happiness": 12, "surprise": 12}
    start = faces["landmarks"][0].astype(float)
    moved = shapes.displacement("surprise")
    np.testing.assert_allclose(shapes.target(start, moved, strength=0.0), start, atol=1e-9)
    full, half = shapes.target(start, moved), shapes.target(start, moved, strength=0.5)
    np.testing.assert_allclose(full - start, 2 * (half - start), atol=1e-9)
    np.testing.assert_allclose(shapes.target(2 * start + 5, moved), 2 * full + 5, atol=1e-9)
    assert full[66, 1] - full[62, 1] > start[66, 1] - start[62, 1]  # surprise opens the mouth
    with pytest.raises(ParameterError, match="unknown emotion 'anger'"):
        shapes.displacement("anger")


def test_lips_meet_and_do_not_cross(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    upper_lip_down = np.zeros((68, 2))
    upper_lip_down[61:64, 1] = 30
    points = shapes.target(faces["landmarks"][0], upper_lip_down)
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        assert points[upper, 1] <= points[lower, 1] + 0.2  # level but for the tilt of the head


def test_the_new_face_has_the_target_and_lies_in_the_frame(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    frame = Frame.standard(96)
    target = shapes.target(faces["landmarks"][0], shapes.displacement("surprise"))
    made = give_expression(faces[0], target, mouth=shapes.mouths_["surprise"], frame=frame)
    place = eyes_and_mouth(made["landmarks"])
    np.testing.assert_allclose(place.mean(axis=0), (frame.points - 0.5).mean(axis=0), atol=1e-3)
    same = give_expression(faces[0], faces["landmarks"][0])
    np.testing.assert_array_equal(same["image"], faces["image"][0])


def test_samples_are_seeded_and_vary(drawn, faces) -> None:
    shapes = ExpressionShapes().fit(faces, drawn.labels, drawn.subjects)
    first = shapes.sample("happiness", 3, random_state=1)
    assert first.shape == (3, 68, 2)
    np.testing.assert_array_equal(first, shapes.sample("happiness", 3, random_state=1))
    assert np.abs(first[0] - first[1]).max() > 0.1


def test_unfit_data_get_an_error_that_says_what_to_do(drawn, faces) -> None:
    y = drawn.labels
    blind = make_faces(faces["image"])
    with pytest.raises(DataError, match=r"none of the 36 faces has 68 landmarks.*--landmarks 68"):
        ExpressionShapes().fit(blind, y)
    with pytest.raises(DataError, match=r"no face is labelled 'neutral'.*happiness, surprise"):
        ExpressionShapes().fit(faces[y != "neutral"], y[y != "neutral"])
    with pytest.raises(DataError, match="all 12 faces are 'neutral'"):
        ExpressionShapes().fit(faces[y == "neutral"], y[y == "neutral"])
    rows = [*np.flatnonzero(y != "surprise"), np.flatnonzero(y == "surprise")[0]]
    with pytest.raises(DataError, match=r"only one face .* 'surprise'"):
        ExpressionShapes().fit(faces[rows], y[rows])
