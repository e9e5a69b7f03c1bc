"""FeatureExpression: the stateless and the fitted part, parameters, missing values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from classic_fer.errors import DataError, ParameterError
from classic_fer.features.pixels import Pixels
from classic_fer.models.blocks import image_shape
from classic_fer.models.encodings.vlad import VLAD
from classic_fer.models.expression import FeatureExpression, make_features
from classic_fer.models.projections import LDA, PCA


def test_sum_puts_the_blocks_side_by_side_in_written_order(toy, pixels, mouth):
    both = make_features([pixels, mouth]).fit_transform(toy.faces)
    first = make_features(pixels).fit_transform(toy.faces)
    second = make_features(mouth).fit_transform(toy.faces)
    assert both.dtype == np.float32
    for block, alone in ((both[:, :-3], first), (both[:, -3:], second)):
        factor = 1 / np.sqrt(alone.var(axis=0, dtype=np.float64).sum())
        np.testing.assert_allclose(block, alone * factor, rtol=1e-6)


def test_terms_of_a_sum_count_alike_and_keep_their_training_weights(toy, pixels, mouth):
    features = make_features([pixels, mouth]).fit(toy.faces[::2])
    trained = features.transform(toy.faces[::2])
    np.testing.assert_allclose(trained[:, :-3].var(axis=0).sum(), 1, rtol=1e-4)
    np.testing.assert_allclose(trained[:, -3:].var(axis=0).sum(), 1, rtol=1e-4)
    one = features.transform(toy.faces[1:2])
    np.testing.assert_array_equal(one, features.transform(toy.faces[:4])[1:2])


def test_missing_values_become_the_training_mean_and_zero_if_there_is_none(toy, mouth):
    features = make_features(mouth).fit(toy.faces)
    raw = mouth.transform(toy.faces)
    means = np.nanmean(raw[:, :2].astype(np.float64), axis=0)
    out = features.transform(toy.faces)
    missing = np.isnan(raw[:, 0])
    assert missing.any()
    np.testing.assert_allclose(out[missing, :2], np.tile(means, (missing.sum(), 1)), rtol=1e-6)
    np.testing.assert_array_equal(out[~missing, :2], raw[~missing, :2])
    np.testing.assert_array_equal(out[:, 2], 0)


def test_the_mean_for_missing_values_comes_from_training_rows_only(toy, mouth):
    """Guards against test faces leaking into the imputation."""
    features = make_features(mouth)
    blocks = features.extract(toy.faces)
    train = np.arange(20)
    features.fit_blocks({"mouth": blocks["mouth"][train]})
    np.testing.assert_allclose(
        features.fill_["mouth"][:2], np.nanmean(blocks["mouth"][train, :2], axis=0), rtol=1e-5
    )


def test_blocks_and_faces_give_the_same(toy, pixels, mouth):
    steps = [("pixels", pixels), ("pca", PCA(5)), ("mouth", mouth), ("lda", LDA())]
    features = FeatureExpression(steps, "(pixels:pca+mouth):lda")
    direct = clone(features).fit_transform(toy.faces, toy.y)
    blocks = features.extract(toy.faces)
    assert set(blocks) == {"pixels", "mouth"}
    in_parts = clone(features).fit_blocks(blocks, toy.y).transform_blocks(blocks)
    np.testing.assert_array_equal(direct, in_parts)
    assert direct.shape == (len(toy.y), 3)


def test_extract_neither_fits_nor_changes_anything(toy, pixels, mouth):
    features = make_features([pixels, mouth])
    before = toy.faces.copy()
    blocks = features.extract(toy.faces)
    one = features.extract(toy.faces[3:4])
    assert not hasattr(features, "fill_")
    assert toy.faces.tobytes() == before.tobytes()
    for name, block in blocks.items():
        np.testing.assert_array_equal(one[name], block[3:4])


def test_parameters_of_steps_are_flat_and_survive_clone(pixels):
    features = FeatureExpression(
        [("pixels", pixels), ("pca", PCA()), ("pca2", PCA())], "pixels:pca:pca2"
    )
    features.set_params(pixels__step=3, pca2__n_components=4)
    copy = clone(features)
    assert copy.get_params()["pixels__step"] == 3
    assert copy.get_params()["pca2__n_components"] == 4
    assert copy.get_params()["pca__n_components"] == 0.95
    copy.set_params(pixels__step=1)
    assert features.leaves["pixels"].step == 3


def test_a_whole_step_can_be_replaced_together_with_its_parameters(pixels):
    features = make_features(pixels)
    other = clone(pixels)
    features.set_params(pixels=other, pixels__step=5)
    assert features.leaves["pixels"] is other
    assert other.step == 5


def test_an_unknown_parameter_lists_the_known_ones(pixels):
    with pytest.raises(ParameterError, match=r"'pixels__stride'.*expected.*pixels__step.*did you"):
        make_features(pixels, pixels__stride=2)


def test_names_of_columns_tell_the_step(toy, pixels, mouth):
    steps = [("pixels", pixels), ("pca", PCA(2)), ("mouth", mouth)]
    features = FeatureExpression(steps, "pixels:pca+mouth").fit(toy.faces)
    assert features.get_feature_names_out().tolist() == [
        "pca__pca0",
        "pca__pca1",
        "mouth__x",
        "mouth__y",
        "mouth__nothing",
    ]


def test_columns_fitted_from_bare_blocks_have_no_names(toy, pixels):
    features = make_features(pixels)
    features.fit_blocks(features.extract(toy.faces))
    with pytest.raises(ParameterError, match="give image_shape to fit_blocks"):
        features.get_feature_names_out()


def test_faces_of_another_size_are_refused(toy, pixels):
    features = make_features(pixels).fit(toy.faces)
    with pytest.raises(DataError, match="'pixels' has 64 columns, expected 144 as in training"):
        features.transform(np.zeros((2, 16, 16), np.uint8))


def test_transform_before_fit_is_refused(toy, pixels):
    with pytest.raises(NotFittedError):
        make_features(pixels).transform(toy.faces)


def test_a_feature_that_must_be_fitted_is_refused(toy):
    with pytest.raises(ParameterError, match="must be stateless"):
        make_features(StandardScaler()).extract(np.zeros((2, 3)))


@pytest.mark.parametrize("wrong", [3, [], PCA, [PCA]])
def test_what_is_not_a_feature_is_refused(wrong):
    with pytest.raises(ParameterError, match="expected"):
        make_features(wrong)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("pca", "'pca' is a projection and needs something to project, as in 'hog:pca'"),
        ("lbp+lda", "'lda' is a projection"),
        ("lbp:hog", "'hog' is a feature, but after ':' comes a projection"),
        ("lpb", r"unknown feature 'lpb'; expected one of: .*lbp.* \(did you mean 'lbp'\?\)"),
        ("lbp:fisher", "'fisher' encodes the images themselves; write 'fisher' alone"),
        ("(pixels+lbp):bow", "'bow' encodes the images themselves"),
        ("lbp:pac", r"unknown projection 'pac'; expected one of: ica, lda, mpca, pca"),
    ],
)
def test_misplaced_and_unknown_names_are_refused(expression, message):
    with pytest.raises(ParameterError, match=message):
        make_features(expression)


def test_a_copy_is_made_of_what_is_given(pixels):
    features = make_features(pixels)
    again = make_features(features, pixels__step=7)
    assert features.leaves["pixels"].step == 2
    assert again.leaves["pixels"].step == 7
    assert pixels.step == 2


def test_image_shape_of_faces_and_of_images(toy):
    assert image_shape(toy.faces) == (24, 24)
    assert image_shape(np.zeros((2, 5, 7), np.uint8)) == (5, 7)
    with pytest.raises(ParameterError, match=r"shape \(n, H, W\), got float64 of shape \(3, 4\)"):
        image_shape(np.zeros((3, 4)))


SMALL_VLAD = {"n_components": 3, "size": None, "window_sizes": 8, "pca_components": 4}


def test_an_encoding_is_fitted_on_the_images_of_training_faces_only(toy):
    features = make_features("vlad", **{f"vlad__{k}": v for k, v in SMALL_VLAD.items()})
    blocks = features.extract(toy.faces)
    assert {name: block.dtype for name, block in blocks.items()} == {"pixels": np.uint8}
    features.fit_blocks({"pixels": blocks["pixels"][:20]})
    alone = VLAD(**SMALL_VLAD).fit(toy.faces[:20])
    np.testing.assert_array_equal(features.transform(toy.faces), alone.transform(toy.faces))


def test_encodings_are_summed_projected_and_named_like_features(toy):
    params = {f"vlad__{k}": v for k, v in SMALL_VLAD.items()}
    features = make_features("(pixels+vlad):pca", pca__n_components=5, **params)
    assert features.fit_transform(toy.faces).shape == (48, 5)
    both = make_features("pixels+vlad", **params).fit(toy.faces)
    assert both.transform(toy.faces).shape == (48, 24 * 24 + 18)
    assert both.width(toy.faces[:1]) == 24 * 24 + 18
    names = both.get_feature_names_out()
    assert (names[0], names[-1]) == ("pixels__pixels_row0_col0", "vlad__vlad_region0_word2_dim5")


def test_an_encoding_can_be_given_as_a_transformer(toy):
    features = make_features([Pixels(), VLAD(**SMALL_VLAD)])
    assert features.expression == "pixels+vlad"
    expected = VLAD(**SMALL_VLAD).fit_transform(toy.faces)
    got = features.fit_transform(toy.faces)[:, 24 * 24 :]
    np.testing.assert_allclose(got, expected * features.weights_["pixels2+vlad"], rtol=1e-5)


def test_work_of_encodings_is_known_before_they_are_fitted():
    assert make_features("lbp:pca").encoding_multiplications((24, 24)) == 0
    one = make_features("fisher").encoding_multiplications((48, 48))
    assert make_features("fisher+fisher").encoding_multiplications((48, 48)) == 2 * one > 0
