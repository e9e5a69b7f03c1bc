"""Point distribution models: alignment, components, samples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.similarity import apply_similarity
from classic_fer.models.shape_model import MAX_DEVIATIONS, PointDistributionModel, mean_shape

BASE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [0.0, 8.0], [5.0, 4.0]])


def similarity(scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


def test_similar_shapes_have_no_variance() -> None:
    moved = [similarity(1 + 0.1 * i, 5.0 * i - 10, (i, -i)) for i in range(5)]
    shapes = np.stack([apply_similarity(each, BASE) for each in moved])
    model = PointDistributionModel().fit(shapes)
    assert model.variances_.sum() < 1e-9
    distances = np.linalg.norm(model.mean_[0] - model.mean_, axis=1)
    expected = np.linalg.norm(BASE[0] - BASE, axis=1)
    np.testing.assert_allclose(distances / distances[1], expected / expected[1], atol=1e-6)


def test_the_mean_shape_minimises_procrustes_distances() -> None:
    from scipy.spatial import procrustes

    rng = np.random.default_rng(0)
    shapes = BASE + rng.normal(0, 0.5, (12, *BASE.shape))
    mean = mean_shape(shapes)

    def total(reference: np.ndarray) -> float:
        return sum(procrustes(reference, each)[2] for each in shapes)

    assert total(mean) < min(total(each) for each in shapes)
    assert total(mean) <= total(shapes.mean(axis=0)) + 1e-4


def test_displacements_are_principal_components() -> None:
    rng = np.random.default_rng(1)
    moved = rng.normal(0, 1, (30, 5, 2)) * [3, 1]
    model = PointDistributionModel(1.0, align=False).fit(moved)
    oracle = PCA().fit(moved.reshape(30, -1))
    np.testing.assert_allclose(model.variances_, oracle.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(model.transform(moved)), moved, atol=1e-9)
    few = PointDistributionModel(0.8, align=False).fit(moved)
    assert few.variances_.sum() >= 0.8 * model.variances_.sum()
    assert few.variances_[:-1].sum() < 0.8 * model.variances_.sum()


def test_samples_have_the_models_moments_and_stay_within_three_deviations() -> None:
    direction = np.zeros((5, 2))
    direction[2, 1] = 1.0
    moved = np.array([-2.0, 0.0, 2.0])[:, None, None] * direction + BASE
    model = PointDistributionModel(align=False).fit(moved)
    drawn = model.sample(4000, random_state=0)
    along = drawn[:, 2, 1] - BASE[2, 1]
    assert along.mean() == pytest.approx(0, abs=0.15)
    assert along.std() == pytest.approx(2.0, abs=0.1)
    assert np.abs(along).max() <= MAX_DEVIATIONS * 2.0 + 1e-9
    np.testing.assert_allclose(drawn[:, 0], np.tile(BASE[0], (4000, 1)), atol=1e-9)
    np.testing.assert_array_equal(drawn, model.sample(4000, random_state=0))


def test_shapes_that_cannot_be_learned_from() -> None:
    with pytest.raises(DataError, match="at least two shapes, got 1"):
        PointDistributionModel().fit(BASE[None])
    with pytest.raises(DataError, match="NaN"):
        PointDistributionModel().fit(np.full((3, 5, 2), np.nan))
    with pytest.raises(DataError, match=r"\(n, k, 2\), got \(5, 2\)"):
        PointDistributionModel().fit(BASE)
    with pytest.raises(ParameterError, match=r"up to 1, got 1\.5"):
        PointDistributionModel(1.5).fit(np.stack([BASE, BASE]))
