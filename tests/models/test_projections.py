"""PCA, ICA and LDA as projections, and the shrunken discriminant analysis under LDA."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import sklearn.covariance
import sklearn.decomposition
from joblib import parallel_config
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classic_fer.errors import DataError, ParameterError
from classic_fer.models.discriminant import ShrinkageLDA, ledoit_wolf_shrinkage
from classic_fer.models.projections import ICA, LDA, PCA, PROJECTIONS, make_projection


def _classes(n: int, d: int, k: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return (rng.normal(size=(n, d)) * rng.uniform(0.3, 3, d) + rng.normal(size=(k, d))[y]), y


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_pca_agrees_with_scikit_learn_up_to_the_sign(shape):
    X = np.random.default_rng(0).normal(size=shape)
    ours = PCA(5).fit(X)
    theirs = sklearn.decomposition.PCA(5, svd_solver="full").fit(X)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(
        np.abs(ours.transform(X)), np.abs(theirs.transform(X)), rtol=1e-4, atol=1e-5
    )


def test_pca_keeps_a_share_of_the_variance():
    X = np.random.default_rng(0).normal(size=(200, 3)) * [10, 3, 0.1]
    assert PCA(0.5).fit_transform(X).shape == (200, 1)
    assert PCA(0.99).fit_transform(X).shape == (200, 2)


def test_pca_is_cut_to_the_rank_of_few_rows():
    X = np.random.default_rng(0).normal(size=(6, 40))
    assert PCA(20).fit_transform(X).shape == (6, 5)


def test_whitened_components_have_unit_variance():
    X = np.random.default_rng(0).normal(size=(50, 7)) * np.arange(1, 8)
    out = PCA(4, whiten=True).fit_transform(X)
    np.testing.assert_allclose(np.cov(out.T), np.eye(4), atol=1e-5)


def test_pca_of_many_long_rows_is_learned_from_some_of_them():
    X = np.random.default_rng(0).normal(size=(60, 40)) * np.linspace(3, 0.1, 40)
    chosen = np.sort(np.random.default_rng(5).permutation(60)[:30])
    ours = PCA(4, n_samples=30, random_state=5).fit(X)
    np.testing.assert_allclose(ours.components_, PCA(4).fit(X[chosen]).components_, atol=1e-6)
    for enough in (40, 60):  # as many as there are values, or rows
        exact = PCA(4, n_samples=enough).fit(X)
        np.testing.assert_array_equal(exact.components_, PCA(4).fit(X).components_)


def test_rows_are_projected_in_parts_of_bounded_size(monkeypatch):
    X = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    pca = PCA(3).fit(X)
    whole = pca.transform(X)
    monkeypatch.setattr("classic_fer.models.projections._ROWS", 8)
    for n_jobs in (1, 2):
        with parallel_config("threading", n_jobs=n_jobs):
            np.testing.assert_allclose(pca.transform(X), whole, atol=1e-6)


def test_signs_of_components_do_not_depend_on_the_solver():
    X = np.random.default_rng(0).normal(size=(50, 7))
    components = PCA(4).fit(X).components_
    assert (components.max(axis=1) == np.abs(components).max(axis=1)).all()


def test_ica_recovers_independent_sources():
    rng = np.random.default_rng(0)
    sources = np.column_stack([rng.uniform(-1, 1, 2000), rng.laplace(size=2000)])
    mixed = sources @ rng.normal(size=(2, 6))
    found = ICA(2).fit_transform(mixed)
    correlation = np.abs(np.corrcoef(found.T, sources.T)[:2, 2:])
    np.testing.assert_allclose(np.sort(correlation.max(axis=1)), 1, atol=0.02)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=0.02)


def test_ica_is_cut_to_the_rank_of_few_rows():
    X = np.random.default_rng(0).laplace(size=(9, 40))
    assert ICA(50).fit_transform(X).shape == (9, 8)


@pytest.mark.parametrize("shape", [(60, 10), (20, 50)])
def test_lda_solves_fishers_generalised_eigenproblem(shape):
    X, y = _classes(*shape)
    means = np.stack([X[y == k].mean(axis=0) for k in range(3)])[y]
    within = np.cov((X - means).T, bias=True)
    within = 0.7 * within + 0.3 * np.trace(within) / len(within) * np.eye(len(within))
    _, vectors = scipy.linalg.eigh(np.cov(means.T, bias=True), within)
    ours, expected = LDA(shrinkage=0.3).fit_transform(X, y), X @ vectors[:, [-1, -2]]
    for k in range(2):
        assert abs(np.corrcoef(ours[:, k], expected[:, k])[0, 1]) == pytest.approx(1, abs=1e-6)


def test_lda_without_shrinkage_is_scikit_learns():
    X, y = _classes(60, 10)
    ours = LDA(shrinkage=1e-12).fit_transform(X, y)
    theirs = LinearDiscriminantAnalysis(solver="svd").fit(X, y).transform(X)
    for k in range(2):
        assert abs(np.corrcoef(ours[:, k], theirs[:, k])[0, 1]) == pytest.approx(1, abs=1e-4)


def test_lda_directions_have_unit_variance_within_classes():
    X, y = _classes(4000, 5)
    out = LDA(shrinkage=1e-9).fit_transform(X, y)
    within = np.mean([np.cov(out[y == k].T) for k in range(3)], axis=0)
    np.testing.assert_allclose(within, np.eye(2), atol=0.05)


@pytest.mark.parametrize("shape", [(60, 10), (10, 60)])
def test_ledoit_wolf_agrees_with_scikit_learn(shape):
    X = np.random.default_rng(3).normal(size=shape) * np.linspace(0.1, 2, shape[1])
    expected = sklearn.covariance.ledoit_wolf_shrinkage(X, assume_centered=True)
    assert ledoit_wolf_shrinkage(X) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(60, 10), (20, 50)])
def test_shrunken_lda_agrees_with_scikit_learn(shape):
    X, y = _classes(*shape)
    ours = ShrinkageLDA(shrinkage=0.2).fit(X, y)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)


def test_two_classes_have_one_decision_as_in_scikit_learn():
    X, y = _classes(40, 6, k=2)
    ours = ShrinkageLDA(shrinkage=0.2).fit(X, y)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-7)


def test_rows_that_repeat_leave_the_covariance_regular():
    X = np.repeat(np.eye(3), 4, axis=0)
    y = np.repeat([0, 1, 2], 4)
    assert ShrinkageLDA().fit(X, y).score(X, y) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (PCA(0), "n_components must be a whole number of at least 1"),
        (PCA(1.5), "n_components must be a whole number of at least 1"),
        (ICA(0.5), "n_components must be a whole number"),
        (LDA(5), r"n_components must lie between 1 and 2 \(classes less one\), got 5"),
        (LDA(shrinkage=0), "shrinkage must be 'auto' or a number above 0"),
        (LDA(shrinkage="much"), "shrinkage must be 'auto' or a number above 0"),
        (ShrinkageLDA(shrinkage=2.0), "at most 1, got 2.0"),
    ],
)
def test_values_that_cannot_be_used_are_refused(model, message):
    with pytest.raises(ParameterError, match=message):
        model.fit(*_classes(20, 4))


def test_lda_of_one_class_is_refused():
    with pytest.raises(DataError, match="at least two classes"):
        LDA().fit(np.random.default_rng(0).normal(size=(5, 2)), np.ones(5))


@pytest.mark.parametrize("name", sorted(PROJECTIONS))
def test_projections_are_made_by_name(name):
    X, y = _classes(40, 6)
    out = make_projection(name, n_components=2).fit_transform(X, y)
    assert (out.shape, out.dtype) == ((40, 2), np.float32)


def test_unknown_projections_and_parameters_list_the_choices():
    with pytest.raises(ParameterError, match="expected one of: ica, lda, mpca, pca"):
        make_projection("umap")
    with pytest.raises(
        ParameterError, match="'components'; expected one of: n_components, n_samples, "
    ):
        make_projection("pca", components=3)


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_one_row_a_class_gives_finite_numbers(scale):
    # Nothing varies within such classes: directions overflowed float32 and became infinite.
    X = (np.random.default_rng(0).normal(size=(5, 40)) * scale).astype(np.float32)
    y = np.arange(5)
    projected = LDA().fit(X, y).transform(X)
    assert np.isfinite(projected).all()
    assert len(np.unique(projected.round(3), axis=0)) == 5
    model = ShrinkageLDA().fit(X, y)
    assert np.isfinite(model.decision_function(X).astype(np.float32)).all()
    assert model.score(X, y) == 1


def test_rows_that_are_all_equal_give_finite_numbers():
    X, y = np.ones((6, 4), np.float32), np.arange(6) % 2
    assert np.isfinite(LDA().fit(X, y).transform(X)).all()
    assert np.isfinite(ShrinkageLDA().fit(X, y).predict_proba(X)).all()
