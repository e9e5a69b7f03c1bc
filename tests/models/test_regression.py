"""Regression on faces whose ratings follow from their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.regression_metrics import ccc
from classic_fer.faces.types import make_faces
from classic_fer.models.regression import REGRESSORS, make_regressor, regressor_grid


@pytest.fixture(scope="module")
def rated():
    """Faces with a bright bar whose height is one rating and whose place is another."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 40, (90, 32, 32))
    height, place = rng.integers(2, 20, 90), rng.integers(0, 24, 90)
    for image, h, p in zip(images, height, place):
        image[8 : 8 + h, p : p + 8] = 220
    faces = make_faces(images.astype(np.uint8))
    return faces, np.column_stack([height / 10 - 1, place * 2.0]), np.repeat(np.arange(15), 6)


@pytest.mark.parametrize("name", REGRESSORS)
def test_ratings_of_new_people_are_predicted(rated, name) -> None:
    faces, targets, people = rated
    train = people < 11
    model = make_regressor("hog", name, features__hog__pixels_per_cell=8, inner_cv=3)
    model.fit(faces[train], targets[train], people[train])
    predicted = model.predict(faces[~train])
    assert predicted.shape == (24, 2)
    for t in range(2):
        assert ccc(targets[~train, t], predicted[:, t]) > 0.6
    assert set(model.best_params_[0]) == set(regressor_grid(name))
    np.testing.assert_allclose(predicted[3], model.predict(faces[~train][3:4])[0], rtol=1e-6)


def test_a_target_alone_is_predicted_as_among_others(rated) -> None:
    faces, targets, people = rated
    both = make_regressor("hog:pca", inner_cv=3).fit(faces, targets, people)
    one = make_regressor("hog:pca", inner_cv=3).fit(faces, targets[:, 1], people)
    assert one.best_params_ == both.best_params_[1:]
    np.testing.assert_allclose(one.predict(faces)[:, 0], both.predict(faces)[:, 1], rtol=1e-6)


def test_units_of_a_target_do_not_matter(rated) -> None:
    faces, targets, people = rated
    plain = make_regressor("hog", "svr", inner_cv=3).fit(faces, targets, people)
    other = make_regressor("hog", "svr", inner_cv=3).fit(faces, 100 * targets + 7, people)
    np.testing.assert_allclose(other.predict(faces), 100 * plain.predict(faces) + 7, rtol=1e-4)


def test_what_cannot_be_learned(rated) -> None:
    faces, targets, _ = rated
    with pytest.raises(ParameterError, match=r"unknown regressor 'rigde'.*did you mean 'ridge'"):
        make_regressor("hog", "rigde")
    with pytest.raises(DataError, match="without a rating"):
        make_regressor("hog").fit(faces, np.full(90, np.nan))
    with pytest.raises(DataError, match="one person"):
        make_regressor("hog").fit(faces, targets, np.zeros(90))


def test_fewer_dimensions_give_the_same_answers() -> None:
    from classic_fer.models.regression import _compressed, _make

    rng = np.random.default_rng(0)
    known, asked, y = rng.normal(size=(12, 40)), rng.normal(size=(5, 40)), rng.normal(size=12)
    small_known, small_asked = _compressed(known, asked)
    assert small_known.shape == (12, 13)
    for name, params in (
        ("ridge", {"alpha": 3.0}),
        ("krr", {"alpha": 0.1, "gamma": 1.0}),
        ("svr", {"C": 1.0, "gamma": 1.0, "epsilon": 0.1}),
    ):
        full = _make(name, params, 40).fit(known, y).predict(asked)
        small = _make(name, params, 40).fit(small_known, y).predict(small_asked)
        np.testing.assert_allclose(small, full, atol=1e-3 if name == "svr" else 1e-8)
