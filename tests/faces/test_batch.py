"""Chunks, workers and the cache behind align_faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classic_fer import cache
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.faces import batch
from classic_fer.faces.align import align_faces


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return synthetic_faces(2, 1, random_state=1).images


@pytest.fixture(autouse=True)
def _small_chunks_and_fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIC_FER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(batch, "CHUNK", 4)
    monkeypatch.setattr(batch, "FEW_CHUNKS", 1)


@pytest.fixture
def aligned_photos(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each photo that is aligned in this process and not taken from the cache."""
    calls: list[int] = []
    original = batch.align_photo

    def counting(*args: object, **kwargs: object) -> np.ndarray:
        calls.append(1)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "align_photo", counting)
    return calls


def test_number_of_workers_changes_nothing(photos: np.ndarray) -> None:
    one = align_faces(photos, n_jobs=1, cache=False)
    two = align_faces(photos, n_jobs=2, cache=False)
    assert one.tobytes() == two.tobytes()


def test_chunk_size_changes_nothing(photos: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    in_fours = align_faces(photos, cache=False)
    monkeypatch.setattr(batch, "CHUNK", 64)
    assert align_faces(photos, cache=False).tobytes() == in_fours.tobytes()


def test_second_time_comes_from_the_cache(photos: np.ndarray, aligned_photos: list[int]) -> None:
    first = align_faces(photos)
    assert len(aligned_photos) == 14
    second = align_faces(photos)
    assert len(aligned_photos) == 14
    assert first.tobytes() == second.tobytes()


def test_workers_fill_the_same_cache(photos: np.ndarray, aligned_photos: list[int]) -> None:
    by_workers = align_faces(photos, n_jobs=2)
    assert cache.info().entries == 4
    alone = align_faces(photos, n_jobs=1)
    assert aligned_photos == []
    assert by_workers.tobytes() == alone.tobytes()


def test_other_pixels_options_or_code_are_computed_anew(
    photos: np.ndarray, aligned_photos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    align_faces(photos[:4])
    align_faces(255 - photos[:4])
    assert len(aligned_photos) == 8
    align_faces(photos[:4], size=48)
    assert len(aligned_photos) == 12
    monkeypatch.setattr(batch, "_code_version", lambda: "another version")
    align_faces(photos[:4])
    assert len(aligned_photos) == 16


def test_few_chunks_start_no_workers(
    photos: np.ndarray, aligned_photos: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "FEW_CHUNKS", 4)
    align_faces(photos, n_jobs=2)
    assert len(aligned_photos) == 14


def test_cache_holds_faces_and_no_photos(photos: np.ndarray) -> None:
    """Guards against joblib's habit of writing arguments as text: 50 MB for 213 photos."""
    faces = align_faces([*photos[:4], np.zeros((3000, 3000), np.uint8)])
    assert cache.info().bytes < 3 * faces.nbytes


def test_interrupted_workers_leave_what_they_finished(
    photos: np.ndarray, recwarn: pytest.WarningsRecorder
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        align_faces(photos, n_jobs=2, progress=interrupt)
    assert cache.info().entries >= 1
    assert [w for w in recwarn if "cancelled" in str(w.message)] == []


def test_without_cache_nothing_is_stored(photos: np.ndarray) -> None:
    align_faces(photos[:4], cache=False)
    assert cache.info().entries == 0


def test_interrupted_work_goes_on_where_it_stopped(
    photos: np.ndarray, aligned_photos: list[int]
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        align_faces(photos, progress=interrupt)
    before = len(aligned_photos)
    assert before == 8
    faces = align_faces(photos)
    assert len(aligned_photos) == 14
    assert faces["found"].all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_counts_up_to_all(photos: np.ndarray, n_jobs: int) -> None:
    seen: list[tuple[int, int]] = []
    align_faces(photos, n_jobs=n_jobs, progress=lambda done, n: seen.append((done, n)))
    assert seen == [(4, 14), (8, 14), (12, 14), (14, 14)]


def test_no_photos_are_no_faces() -> None:
    faces = align_faces([])
    assert faces.shape == (0,)
    assert faces["image"].shape == (0, 64, 64)


def test_damaged_cache_entry_is_computed_anew(
    photos: np.ndarray, aligned_photos: list[int]
) -> None:
    first = align_faces(photos[:4])
    (stored,) = cache.cache_folder().rglob("output.pkl")
    stored.write_bytes(stored.read_bytes()[:100])
    second = align_faces(photos[:4])
    assert len(aligned_photos) == 8
    assert first.tobytes() == second.tobytes()
