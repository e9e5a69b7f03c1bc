"""Symmetric Fisher vectors, MPCA and the mirror kernel: mirrored faces without encoding them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import FunctionTransformer

from classic_fer.errors import ParameterError
from classic_fer.models.compact_kernel_ridge import CompactKernelRidge
from classic_fer.models.compact_matrix import compact_columns, compact_rows, products
from classic_fer.models.encodings.fisher import Fisher
from classic_fer.models.expression import make_features
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernels import KernelTerm, kernel_sum, rbf_kernel
from classic_fer.models.mirror_pca import MPCA
from classic_fer.models.mirrored_halves import check_halves
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import grid_search

SMALL = {"size": None, "window_sizes": (12, 16), "n_samples": 5000}


@pytest.fixture(scope="module")
def encoded(toy):
    """A symmetric encoding, faces, mirrored faces, and rows of both."""
    faces = toy.faces["image"][:40]
    turned = np.ascontiguousarray(faces[:, :, ::-1])
    fisher = Fisher(8, symmetric=True, **SMALL).fit(faces)
    return fisher, faces, fisher.transform(faces), fisher.transform(turned)


def _mirrored(rows):
    half = rows.shape[1] // 2
    return np.hstack([rows[:, :half], -rows[:, half:]])


def _rows(n: int = 60, d: int = 10, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (rng.normal(size=(n, d)) + rng.normal(size=(3, d))[y]).astype(np.float32), y


def test_mirroring_the_face_turns_the_sign_of_the_second_half(encoded):
    _, _, rows, mirrored = encoded
    assert np.abs(rows[:, rows.shape[1] // 2 :]).max() > 0.01
    assert_allclose(mirrored, _mirrored(rows), atol=5e-4)  # square roots of rounding errors
    assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)


def test_each_gaussian_has_its_mirror_image(encoded):
    fisher = encoded[0]
    left, right = np.split(fisher.means_, 2)
    assert_allclose(right, left * fisher.signs_, atol=1e-6)
    assert_allclose(*np.split(fisher.variances_, 2), atol=1e-6)
    assert_allclose(*np.split(fisher.weights_, 2), atol=1e-9)
    assert fisher.weights_.sum() == pytest.approx(1)


def test_with_mirror_the_first_half_alone_is_given(encoded):
    fisher, faces, rows, _ = encoded
    half = rows[:, : rows.shape[1] // 2]
    both = Fisher(8, symmetric=True, mirror=True, **SMALL).fit(faces)
    expected = half / np.linalg.norm(half, axis=1, keepdims=True)
    assert_allclose(both.transform(faces), expected, atol=1e-6)
    assert both.width() == half.shape[1] == len(both.get_feature_names_out())
    assert fisher.width() == rows.shape[1] == len(fisher.get_feature_names_out())


@pytest.mark.parametrize("params", [{"n_components": 7}, {"n_components": 8, "pyramid": (1, 2)}])
def test_what_cannot_be_symmetric_is_refused(toy, params):
    with pytest.raises(ParameterError, match="symmetric needs an even n_components and pyramid=1"):
        Fisher(symmetric=True, **SMALL).set_params(**params).fit(toy.faces[:20])


def test_projected_rows_are_mirrored_likewise():
    rows = np.random.default_rng(1).normal(size=(50, 24)).astype(np.float32)
    pca = MPCA(6).fit(rows)
    projected = pca.transform(rows)
    assert projected.shape == (50, 6)
    assert_allclose(pca.transform(_mirrored(rows)), _mirrored(projected), atol=1e-5)


def test_its_components_are_those_of_rows_and_mirrored_rows():
    rng = np.random.default_rng(2)
    rows = (rng.normal(size=(300, 12)) * np.linspace(3, 0.5, 12)).astype(np.float32)
    pca = MPCA(6).fit(rows)
    both = np.vstack([rows, _mirrored(rows)]).astype(np.float64)
    covariance = np.cov(both.T)
    for half, columns in enumerate((slice(0, 6), slice(6, 12))):
        values, vectors = np.linalg.eigh(covariance[columns, columns])
        directions = pca.components_[half] * pca.scales_[half][:, None]
        agreement = np.abs(directions @ vectors[:, ::-1][:, :3])
        assert_allclose(agreement, np.eye(3), atol=0.01)  # 255 steps
        variances = both[:, columns] @ directions.T
        assert_allclose(variances.var(axis=0), values[::-1][:3], rtol=0.02)


def test_many_rows_are_decomposed_to_the_same_directions():
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(2500, 400)) * 0.9 ** np.arange(400)).astype(np.float32)
    fast, all_of_them = MPCA(8).fit(rows), MPCA(400).fit(rows)
    for half in (0, 1):
        product = fast.components_[half].astype(float) @ all_of_them.components_[half][:4].T
        product *= fast.scales_[half][:, None] * all_of_them.scales_[half][:4]
        assert_allclose(np.abs(product), np.eye(4), atol=0.03)


@pytest.mark.parametrize(("n_components", "width"), [(3, 8), (4, 7)])
def test_halves_have_to_be_even(n_components, width):
    with pytest.raises(ParameterError, match="mpca needs an even n_components and rows of two"):
        MPCA(n_components).fit(np.ones((5, width), dtype=np.float32))


def test_the_mirror_kernel_is_the_mean_over_the_row_and_its_mirror_image():
    rows, _ = _rows()
    left, right = rows[:20], rows[20:50]
    expected = (
        rbf_kernel(left, right, gamma=0.1) + rbf_kernel(_mirrored(left), right, gamma=0.1)
    ) / 2
    found = kernel_sum([KernelTerm("mirror-rbf", gamma=0.1)], left, right)
    assert_allclose(found, expected, atol=1e-6)
    whole = kernel_sum([KernelTerm("mirror-rbf", gamma=0.1)], rows)
    assert_allclose(whole, whole.T, atol=1e-6)
    assert np.linalg.eigvalsh(whole.astype(float)).min() > -1e-5


def test_training_with_it_is_training_on_mirrored_copies():
    rows, y = _rows()
    found = KernelRidgeClassifier(0.5, kernel="mirror-rbf", gamma=0.05).fit(rows, y)
    both = np.vstack([rows, _mirrored(rows)])
    # Twice the rows at half the weight each, and a kernel that does not know of mirrors.
    copies = KernelRidgeClassifier(1.0, kernel="rbf", gamma=0.05).fit(both, np.tile(y, 2))
    tests, _ = _rows(seed=5)
    averaged = (copies.decision_function(tests) + copies.decision_function(_mirrored(tests))) / 2
    assert_allclose(found.decision_function(tests), averaged, atol=1e-4)


def test_rows_without_halves_are_refused():
    rows, y = _rows(d=9)
    with pytest.raises(ParameterError, match="'mirror-rbf' needs rows of two halves"):
        KernelRidgeClassifier(kernel="mirror-rbf").fit(rows, y)


def test_integers_are_within_half_a_step():
    matrix = np.random.default_rng(4).normal(size=(30, 7)).astype(np.float32)
    matrix[:, 2] = 0
    integers, scales = compact_columns(matrix)
    assert integers.dtype == np.int8
    assert np.all(np.abs(integers * scales - matrix) <= 0.501 * scales)
    by_rows, row_scales = compact_rows(matrix.T)
    assert_array_equal(by_rows, integers.T)
    assert_array_equal(row_scales, scales)


@pytest.mark.parametrize("n", [1, 3, 20])
def test_products_with_integers(n):
    rng = np.random.default_rng(6)
    integers = rng.integers(-127, 128, (50, 33)).astype(np.int8)
    rows = rng.normal(size=(n, 33)).astype(np.float32)
    assert_allclose(products(rows, integers), rows @ integers.T.astype(float), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kernel", ["rbf", "mirror-rbf"])
def test_compact_kernel_ridge_is_kernel_ridge_on_the_rounded_rows(kernel):
    rows, y = _rows()
    compact = CompactKernelRidge(0.3, kernel=kernel, gamma=0.1).fit(rows, y)
    assert compact.X_fit_.dtype == np.int8
    plain = KernelRidgeClassifier(0.3, kernel=kernel, gamma=0.1)
    plain.fit((compact.X_fit_ * compact.scales_).astype(np.float32), y)
    tests, _ = _rows(seed=7)
    expected = plain.decision_function(tests)
    assert_allclose(compact.decision_function(tests), expected, atol=1e-4)
    one_by_one = [compact.decision_function(tests[i : i + 1])[0] for i in range(len(tests))]
    assert_allclose(one_by_one, expected, atol=1e-4)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_landmarks_fit_all_rows_best(class_weight):
    rows, y = _rows()
    found = CompactKernelRidge(
        0.3, kernel="mirror-rbf", gamma=0.1, n_landmarks=20, class_weight=class_weight
    ).fit(rows, y)
    assert len(found.X_fit_) == 20
    rounded = (compact_columns(rows)[0] * found.scales_).astype(float)
    terms = [KernelTerm("mirror-rbf", gamma=0.1)]
    kernel = kernel_sum(terms, rounded, found.fitted_rows().astype(float))
    among = kernel_sum(terms, found.fitted_rows().astype(float))
    # The gradient of the objective in the coefficients and in the intercept is 0.
    weights = 60 / (3 * np.bincount(y))[y] if class_weight else np.ones(60)
    targets = np.where(y[:, None] == found.classes_, 1.0, -1.0)
    residual = weights[:, None] * (targets - kernel @ found.dual_coef_ - found.intercept_)
    assert_allclose(kernel.T @ residual, 0.3 * among @ found.dual_coef_, atol=1e-3)
    assert_allclose(residual.sum(axis=0), 0, atol=1e-3)
    tests, _ = _rows(seed=7)
    expected = kernel_sum(terms, tests, found.fitted_rows()) @ found.dual_coef_ + found.intercept_
    assert_allclose(found.decision_function(tests), expected, atol=1e-4)


def test_with_more_landmarks_than_rows_all_are_kept():
    rows, y = _rows()
    tests, _ = _rows(seed=7)
    some = CompactKernelRidge(0.3, gamma=0.1, n_landmarks=60).fit(rows, y)
    assert_array_equal(
        some.decision_function(tests),
        CompactKernelRidge(0.3, gamma=0.1).fit(rows, y).decision_function(tests),
    )


def test_a_number_of_landmarks_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="n_landmarks"):
        CompactKernelRidge(n_landmarks=0).fit(*_rows())


def test_other_kernels_are_refused():
    with pytest.raises(ParameterError, match="kernels rbf, mirror-rbf, got 'linear'"):
        CompactKernelRidge(kernel="linear").fit(*_rows())


def test_the_chain_learns_and_answers_a_mirrored_face_alike(toy, tmp_path):
    model = make_recognizer(
        "fisher:mpca",
        "compact-krr",
        calibration=None,
        scaler="none",
        features__fisher__n_components=8,
        features__fisher__symmetric=True,
        features__mpca__n_components=40,
        clf__kernel="mirror-rbf",
        **{f"features__fisher__{name}": value for name, value in SMALL.items()},
    ).fit(toy.faces, toy.y)
    assert model.score(toy.faces, toy.y) > 0.9
    images = toy.faces["image"][:10]
    turned = np.ascontiguousarray(images[:, :, ::-1])
    assert_allclose(model.decision_function(images), model.decision_function(turned), atol=2e-3)
    loaded = load_model(save_model(model, tmp_path / "compact.skops"))
    assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))


def test_a_model_saved_before_vectors_could_be_symmetric_still_loads(toy, tmp_path):
    small = {f"features__fisher__{name}": value for name, value in SMALL.items()}
    model = make_recognizer(
        "fisher", "ridge", calibration=None, features__fisher__n_components=4, **small
    ).fit(toy.faces, toy.y)
    expected = model.predict_proba(toy.faces)
    file = save_model(model, tmp_path / "new.skops")
    old = load_model(file)
    for encoding in (old.features.encodings["fisher"], old.features_.projections_["fisher"]):
        vars(encoding).pop("symmetric")
        vars(encoding).pop("signs_", None)
    again = load_model(save_model(old, tmp_path / "old.skops"))
    assert again.get_params()["features__fisher__symmetric"] is False
    assert_array_equal(again.predict_proba(toy.faces), expected)


@pytest.mark.parametrize(
    ("features", "params", "said"),
    [
        ("hog", {"clf__kernel": "mirror-rbf"}, "kernel 'mirror-rbf' needs .* which 'hog' does not"),
        ("fisher", {"clf__kernel": "mirror-rbf"}, "features__fisher__symmetric=true"),
        ("hog:mpca", {}, "mpca needs features of two mirrored halves, which 'hog:mpca' does not"),
        ("fisher:mpca", {"features__fisher__symmetric": False}, "mpca needs features"),
        (
            "fisher:mpca",
            {"features__fisher__symmetric": True, "features__fisher__mirror": True},
            "mpca needs features",
        ),
        (
            "fisher:pca",
            {"features__fisher__symmetric": True, "clf__kernel": "mirror-rbf"},
            "kernel 'mirror-rbf' needs",
        ),
        (
            "fisher+hog",
            {"features__fisher__symmetric": True, "clf__kernel": "mirror-rbf"},
            "kernel 'mirror-rbf' needs",
        ),
    ],
)
def test_features_without_mirrored_halves_are_refused(toy, features, params, said):
    model = make_recognizer(features, "krr", calibration=None, **params)
    with pytest.raises(ParameterError, match=said):
        model.fit(toy.faces, toy.y)
    grid = {name: [value] for name, value in params.items()} | {"clf__alpha": [0.1]}
    with pytest.raises(ParameterError, match=said):
        grid_search(toy.faces, toy.y, features=features, clf="krr", grid=grid)


def test_features_with_mirrored_halves_or_of_others_are_let_through():
    for features in ("fisher", "fisher:mpca", "fisher:mpca+hog"):
        model = make_recognizer(features, "krr", features__fisher__symmetric=True)
        check_halves(model.features, model.clf)
        if "+" not in features:
            check_halves(model.features, KernelRidgeClassifier(kernel="mirror-rbf"))
        else:  # of which the caller says where the halves are
            terms = [KernelTerm("mirror-rbf", stop=20)]
            check_halves(model.features, KernelRidgeClassifier(kernel=terms))
    other = make_features(FunctionTransformer())
    check_halves(other, KernelRidgeClassifier(kernel="mirror-rbf"))
