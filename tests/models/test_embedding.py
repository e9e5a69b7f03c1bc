"""Embeddings of points whose arrangement is known."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from classic_fer.errors import DataError, MissingPackageError, ParameterError
from classic_fer.models.embedding import embed, neighbour_agreement


@pytest.fixture(scope="module")
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of 20 points in ten dimensions, far apart."""
    rng = np.random.default_rng(0)
    centres = np.eye(3, 10) * 20
    return rng.normal(0, 1, (60, 10)) + np.repeat(centres, 20, axis=0), np.repeat(list("abc"), 20)


@pytest.mark.parametrize("method", ["pca", "lda", "tsne"])
def test_clouds_stay_apart(clouds, method) -> None:
    points, labels = clouds
    drawn = embed(points, method=method, y=labels)
    assert drawn.points.shape == (60, 2)
    assert neighbour_agreement(drawn.points, labels)[0] == 1
    assert 0.7 < drawn.trustworthiness <= 1
    np.testing.assert_array_equal(drawn.points, embed(points, method=method, y=labels).points)


def test_points_of_a_plane_are_all_trustworthy() -> None:
    rng = np.random.default_rng(1)
    plane = rng.normal(0, 1, (40, 2)) @ rng.normal(0, 1, (2, 6))
    assert embed(plane, method="pca").trustworthiness == pytest.approx(1)


def test_lda_separates_noise_that_it_was_fitted_on_and_no_other() -> None:
    rng = np.random.default_rng(2)
    noise, labels = rng.normal(0, 1, (120, 100)), np.tile(list("abc"), 40)
    half = np.arange(120) < 60
    points = embed(noise, method="lda", y=labels, fitted_on=half).points
    seen, chance = neighbour_agreement(points[half], labels[half])
    unseen, _ = neighbour_agreement(points[~half], labels[~half])
    assert seen > 0.8
    assert unseen < chance + 0.15


def test_agreement_by_hand() -> None:
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]])
    share, chance = neighbour_agreement(points, list("aabbb"), neighbours=1)
    # Nearest: 0-1 (same), 1-0 or 2, 2-1 (not), 3-4 and 4-3 (same)
    assert share in (3 / 5, 4 / 5)
    assert chance == pytest.approx((2 * 1 + 3 * 2) / 20)


def test_what_cannot_be_drawn(clouds, monkeypatch) -> None:
    points, labels = clouds
    with pytest.raises(ParameterError, match=r"unknown embedding 'tsen'.*did you mean 'tsne'"):
        embed(points, method="tsen")
    with pytest.raises(DataError, match=r"three classes or more, found 2 \(a, b\)"):
        embed(points[:40], method="lda", y=labels[:40])
    with pytest.raises(DataError, match="no labels"):
        embed(points, method="lda")
    with pytest.raises(DataError, match="at least five faces"):
        embed(points[:4], method="pca")
    with pytest.raises(ParameterError, match=r"half the number of faces \(60\), got 30"):
        embed(points, method="pca", neighbours=30)
    monkeypatch.setattr("classic_fer.models.embedding.find_spec", lambda name: None)
    assert importlib.util.find_spec("numpy") is not None
    with pytest.raises(MissingPackageError, match="pip install umap-learn"):
        embed(points, method="umap")
