"""Explanations: contributions add up, occlusion finds what counts, targets are checked."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.types import make_faces
from classic_fer.features.geometry import Geometry
from classic_fer.features.hog import HOG
from classic_fer.features.lbp import LBP
from classic_fer.models.explanations import CONTRIBUTIONS, OCCLUSION, explain
from classic_fer.models.recognizer import make_recognizer

LINEAR = [
    ("lbp", "linear-svm"),
    ("hog", "logistic"),
    ("lbp+hog", "ridge"),
    ("hog:pca", "linear-svm"),
    ("(lbp+hog):pca:lda", "lda"),
    ("hog+geometry", "linear-svm"),
]


def fitted(toy, features, clf):
    small = {"lbp": {"grid": (3, 3)}, "hog": {"pixels_per_cell": 6}}
    params = {
        f"features__{name}__{key}": value
        for name, values in small.items()
        if name in features
        for key, value in values.items()
    }
    return make_recognizer(features, clf, calibration=None, **params).fit(toy.faces, toy.y)


@pytest.mark.parametrize(("features", "clf"), LINEAR)
def test_contributions_sum_up_to_the_decision_less_its_value_at_the_mean(toy, features, clf):
    model = fitted(toy, features, clf)
    told = explain(model, toy.faces[:6])
    assert told.method == CONTRIBUTIONS
    np.testing.assert_allclose(
        told.contributions.sum(axis=1), told.decisions - told.baselines, rtol=1e-5, atol=2e-4
    )
    np.testing.assert_allclose(told.decisions, model.decision_function(toy.faces[:6]).max(axis=1))
    if "geometry" not in features:
        np.testing.assert_allclose(
            told.maps().sum(axis=(1, 2)), told.contributions.sum(axis=1), atol=1e-9
        )


def test_the_baseline_of_centred_features_is_the_intercept(toy):
    model = fitted(toy, "hog", "linear-svm")
    told = explain(model, toy.faces[:3], target="surprise")
    column = model.clf_.classes_.tolist().index("surprise")
    np.testing.assert_allclose(told.baselines, model.clf_.intercept_[column], atol=1e-5)


def test_contributions_are_weights_times_scaled_features(toy):
    """The oracle: of a linear model without projections, coefficient by coefficient."""
    model = fitted(toy, "lbp", "linear-svm")
    told = explain(model, toy.faces[:2], target="anger")
    scaled = model.scaler_.transform(model.features_.transform(toy.faces[:2]))
    weights = model.clf_.coef_[model.clf_.classes_.tolist().index("anger")]
    by_cell = (scaled * weights).reshape(2, 9, 59).sum(axis=2)
    boxes = [(x, y, 8, 8) for y in (0, 8, 16) for x in (0, 8, 16)]
    order = [boxes.index(part.box) for part in told.parts]
    np.testing.assert_allclose(told.contributions, by_cell[:, order], atol=1e-5)


def test_boxes_of_lbp_columns_are_its_cells():
    boxes = LBP(grid=(2, 1), radius=(1, 2)).column_boxes(10, 8)
    assert boxes.shape == (2 * 2 * 59, 4)
    assert boxes[0].tolist() == boxes[118].tolist() == [0, 0, 8, 5]
    assert boxes[59].tolist() == [0, 5, 8, 5]


def test_boxes_of_hog_columns_are_the_cells_in_the_order_of_its_names():
    feature = HOG(pixels_per_cell=(4, 6), step=4, orientations=2).fit(np.zeros((1, 16, 24), "u1"))
    boxes = feature.column_boxes(16, 24)
    names = feature.get_feature_names_out()
    assert len(boxes) == len(names)
    for name, box in zip(names, boxes.tolist()):
        if name == "hog_block1-2_cell1-0_orientation1":
            assert box == [8, 8, 6, 4]
            break
    else:
        pytest.fail("no such column")


def only_the_mouth_differs(n: int = 40):
    """Two classes whose images differ in one corner alone."""
    rng = np.random.default_rng(0)
    images = rng.integers(100, 140, (n, 24, 24)).astype(np.uint8)
    y = np.array(["happiness", "sadness"])[np.arange(n) % 2]
    images[::2, 16:, 16:] = np.where(np.arange(8) % 4 < 2, 30, 220)
    images[1::2, 16:, 16:] = np.where(np.arange(8) % 4 < 2, 30, 220)[:, None]
    return images, y


@pytest.mark.parametrize(
    ("clf", "method"), [("linear-svm", CONTRIBUTIONS), ("svm", OCCLUSION), ("knn", OCCLUSION)]
)
def test_the_map_is_highest_where_the_classes_differ(clf, method):
    images, y = only_the_mouth_differs()
    model = make_recognizer("hog", clf, calibration=None, features__hog__pixels_per_cell=4)
    if clf == "knn":
        model.set_params(clf__n_neighbors=15)
    told = explain(model.fit(images, y), images[:4])
    assert told.method == method
    assert told.predicted.tolist() == y[:4].tolist()
    for heat in told.maps():
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert row >= 12
        assert column >= 12
        assert heat[:8, :8].mean() < 0.5 * heat[16:, 16:].mean()


@pytest.mark.parametrize("clf", ["linear-svm", "svm"])
def test_measures_of_geometry_are_named_the_weightiest_first(clf):
    rng = np.random.default_rng(0)
    points = rng.uniform(20, 60, (1, 68, 2)) + rng.normal(0, 0.3, (60, 68, 2))
    points[30:, 61:64, 1] -= 15  # an open mouth
    y = np.repeat(["neutral", "surprise"], 30)
    faces = make_faces(np.zeros((60, 48, 48), np.uint8), landmarks=points)
    model = make_recognizer(Geometry(parts="measures"), clf, calibration=None).fit(faces, y)
    told = explain(model, faces[[5, 50]])
    assert told.method == (CONTRIBUTIONS if clf == "linear-svm" else OCCLUSION)
    assert not told.has_maps
    named = [name for name, _ in told.measures(1)[:4]]
    assert set(named) & {"mouth_openness", "upper_lip_thickness"}
    weights = [abs(value) for _, value in told.measures(1)]
    assert weights == sorted(weights, reverse=True)


def test_a_face_without_landmarks_has_no_contribution_of_geometry(toy):
    model = fitted(toy, "hog+geometry", "linear-svm")
    assert np.isnan(toy.faces["landmarks"][0]).all()
    told = explain(model, toy.faces[:1])
    assert all(value == 0 for _, value in told.measures(0))
    assert "points_of_jaw" in dict(told.measures(0))


def test_an_encoding_is_explained_by_occlusion(toy):
    model = make_recognizer(
        "bow",
        "ridge",
        calibration=None,
        features__bow__n_components=4,
        features__bow__n_samples=500,
    ).fit(toy.faces, toy.y)
    told = explain(model, toy.faces[:1])
    assert told.method == OCCLUSION
    assert np.isfinite(told.contributions).all()
    assert np.isnan(told.baselines).all()


def test_means_have_one_row_a_class(toy):
    model = fitted(toy, "hog", "linear-svm")
    told = explain(model, toy.faces, target=toy.y)
    means = told.means()
    assert means.explained.tolist() == list(dict.fromkeys(toy.y.tolist()))
    first = toy.y == means.explained[0]
    np.testing.assert_allclose(means.contributions[0], told.contributions[first].mean(axis=0))
    np.testing.assert_allclose(
        means.contributions.sum(axis=1), means.decisions - means.baselines, rtol=1e-5, atol=2e-4
    )


def test_plain_data_hold_every_part_and_face(toy):
    told = explain(fitted(toy, "hog", "svm"), toy.faces[:2])
    plain = json.loads(json.dumps(told.to_dict()))
    assert plain["method"] == OCCLUSION
    assert len(plain["faces"]) == 2
    assert len(plain["faces"][0]["contributions"]) == len(plain["parts"])
    assert plain["faces"][0]["baseline"] is None


def test_one_face_is_explained_as_in_a_batch(toy):
    model = fitted(toy, "lbp+hog", "linear-svm")
    alone = explain(model, toy.faces[2:3]).contributions
    np.testing.assert_allclose(explain(model, toy.faces[:4]).contributions[2:3], alone, atol=1e-6)


def test_wrong_targets_and_no_faces_are_refused(toy):
    model = fitted(toy, "hog", "linear-svm")
    with pytest.raises(ParameterError, match=r"unknown class 'joy'.*expected one of: anger"):
        explain(model, toy.faces[:1], target="joy")
    with pytest.raises(DataError, match="got 2 targets for 3 faces"):
        explain(model, toy.faces[:3], target=["anger", "anger"])
    with pytest.raises(DataError, match="at least one face"):
        explain(model, toy.faces[:0])
    with pytest.raises(DataError, match="trained on 24x24"):
        explain(model, np.zeros((1, 30, 30), np.uint8))


class Foreign:
    """A network, say: it answers by the brightness of one corner."""

    classes_ = np.array(["happiness", "sadness"])

    def predict_proba(self, faces):
        corner = faces["image"][:, :6, :6].mean(axis=(1, 2)) / 255
        return np.column_stack([corner, 1 - corner])


def test_any_recognizer_with_probabilities_is_explained_by_occlusion(toy):
    faces = toy.faces[:2].copy()
    faces["image"] = 100
    faces["image"][:, :6, :6] = 250
    told = explain(Foreign(), faces, target="happiness")
    assert told.method == OCCLUSION
    np.testing.assert_allclose(np.exp(told.decisions), told.probabilities)
    maps = told.maps()
    assert maps[0, 2, 2] > 0.1
    np.testing.assert_allclose(maps[:, 14:, 14:], 0, atol=1e-9)


def test_the_method_can_be_chosen(toy):
    linear = fitted(toy, "hog", "linear-svm")
    assert explain(linear, toy.faces[:2], method=OCCLUSION).method == OCCLUSION
    assert explain(linear, toy.faces[:2], method=CONTRIBUTIONS).method == CONTRIBUTIONS
    with pytest.raises(ParameterError, match="no exact contributions; choose occlusion"):
        explain(Foreign(), toy.faces[:2], method=CONTRIBUTIONS)
    with pytest.raises(ParameterError, match="unknown method 'magic'"):
        explain(linear, toy.faces[:2], method="magic")
