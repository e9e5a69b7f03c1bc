"""Features that are read in tiles give what the same features in memory give."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.disk_arrays import disk_array, in_parts, is_mapped, release, take
from classic_fer.errors import MemoryLimitError
from classic_fer.models import block_store, tiled_rows
from classic_fer.models.block_store import BlockStore
from classic_fer.models.expression import make_features
from classic_fer.models.linear_svm import LinearSVM
from classic_fer.models.scaler import FeatureScaler
from classic_fer.models.search import grid_search
from classic_fer.models.tiled_rows import TiledRows, column_moments


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled_rows, "_TILE_BYTES", 200)


def random_rows(n: int = 50, width: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def test_released_pages_are_read_again():
    array = disk_array((1000, 30), np.float32)
    assert is_mapped(array)
    assert is_mapped(np.asarray(array)[5:7])
    assert not array.any()
    array[:] = random_rows(1000, 30)
    release(array)
    np.testing.assert_array_equal(array, random_rows(1000, 30))
    np.testing.assert_array_equal(np.concatenate(list(in_parts(array))), array)
    mask = np.arange(1000) % 3 == 0
    chosen = take(array, mask)
    assert is_mapped(chosen)
    np.testing.assert_array_equal(chosen, array[mask])


def test_private_copies_of_a_file_keep_their_changes(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4096, 4)))
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[:] = 1
    release(private)
    assert (private == 1).all()
    assert not is_mapped(np.zeros(3))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), width=st.integers(1, 9), k=st.integers(1, 4), seed=st.integers(0, 99))
def test_products_moments_and_views(n, width, k, seed):
    X, rng = random_rows(n, width, seed), np.random.default_rng(seed)
    rows = rng.integers(0, n, rng.integers(1, 80))
    tiled, expected = TiledRows.of(X)[rows], X[rows]
    assert tiled.shape == expected.shape
    right = rng.normal(size=(width, k)).astype(np.float32)
    left = rng.normal(size=(k, len(rows))).astype(np.float32)
    np.testing.assert_allclose(tiled @ right, expected @ right, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(left @ tiled, left @ expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(tiled[::2]), expected[::2])
    for found, known in zip(column_moments(tiled), column_moments(expected)):
        np.testing.assert_allclose(found, known, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("small_tiles")
def test_products_over_many_tiles():
    X = random_rows(53, 6)
    tiled = TiledRows.of(X)
    assert len(list(tiled.tiles())) > 5
    np.testing.assert_allclose(tiled @ X[:4].T, X @ X[:4].T, rtol=1e-6)
    np.testing.assert_allclose(X.T @ tiled, X.T @ X, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("small_tiles")
def test_scaler_and_linear_svm_on_tiles():
    X = random_rows(90, 6)
    y = np.array(["a", "b", "c"])[np.arange(90) % 3]
    X[y == "b", 0] += 1
    tiled = TiledRows.of(X)
    scaler = FeatureScaler().fit(tiled)
    whole = FeatureScaler().fit_transform(X)
    np.testing.assert_allclose(np.asarray(scaler.transform(tiled)), whole, rtol=1e-5, atol=1e-6)
    here = LinearSVM(C=10, tol=1e-6).fit(whole, y)
    there = LinearSVM(C=10, tol=1e-6).fit(scaler.transform(tiled), y)
    np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-3)
    np.testing.assert_array_equal(there.predict(scaler.transform(tiled)), here.predict(whole))


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("features", ["geometry", "lbp+geometry", "lbp+hog+geometry"])
def test_features_with_missing_values_and_weights(toy, features):
    expression = make_features(features)
    blocks = expression.extract(toy.faces)
    tiled = {name: TiledRows.of(block) for name, block in blocks.items()}
    expected = expression.fit_transform_blocks(blocks)
    other = make_features(features)
    found = other.fit_transform_blocks(tiled)
    assert isinstance(found, TiledRows)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(other.transform_blocks({n: b[3:9] for n, b in tiled.items()})),
        expected[3:9],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """All features are larger than memory."""
    monkeypatch.setattr(block_store, "_LEAST_BYTES", 0)
    monkeypatch.setattr(block_store, "available_bytes", lambda: 0)


@pytest.mark.usefixtures("no_room", "small_tiles")
@pytest.mark.parametrize("features", ["hog", "lbp+geometry", "hog:pca"])
@pytest.mark.parametrize("clf", ["linear-svm", "svm"])
def test_a_search_on_disk_gives_the_same_answers(toy, monkeypatch, features, clf):
    options = {"features": features, "clf": clf, "grid": {"clf__C": [0.3, 3.0]}, "cv": 3}
    store = BlockStore(toy.faces)
    blocks = store.blocks(make_features(features))
    assert all(isinstance(block, TiledRows) for block in blocks.values())
    there = grid_search(toy.faces, toy.y, **options)
    monkeypatch.undo()
    here = grid_search(toy.faces, toy.y, **options)
    assert there.best_params_ == here.best_params_
    np.testing.assert_array_equal(
        there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )
    np.testing.assert_allclose(
        there.predict_proba(toy.faces), here.predict_proba(toy.faces), atol=5e-3
    )


def test_what_cannot_be_read_in_tiles_says_so(monkeypatch):
    monkeypatch.setattr(tiled_rows, "available_bytes", lambda: 2**20)
    rows = TiledRows(lambda rows: np.zeros((len(rows), 2000), np.float32), np.arange(3000), 2000)
    with pytest.raises(
        MemoryLimitError,
        match=r"3,000 rows of 2,000 features take 23 MB.*1 MB may be used.*--memory.*linear-svm",
    ):
        np.asarray(rows)


LIMITED = """
import resource, sys
import numpy as np
from classic_fer.disk_arrays import disk_array, release
from classic_fer.models.memory import resident_bytes
from classic_fer.models.search import grid_search

def search(n):
    rng = np.random.default_rng(0)
    X = disk_array((n, 64, 64), np.uint8)
    for rows in range(0, n, 500):
        X[rows : rows + 500] = rng.integers(0, 256, X[rows : rows + 500].shape)
    release(X)
    y = np.array(["anger", "fear"])[np.arange(n) % 2]
    grid_search(X, y, features="hog", clf="linear-svm", grid={"clf__C": [0.01]}, cv=2,
                params={"clf__tol": 0.5}, memory=limit)

limit = None
search(100)  # imports and compiles
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
limit = peak + 30 * 2**20
search(int(sys.argv[1]))
print((1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_the_peak_of_memory_keeps_the_limit():
    """5,000 faces with HOG take 20 + 34 MB; in memory, with copies, three times the latter."""
    command = [sys.executable, "-c", LIMITED, "5000"]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 30
