"""Batch: many photos aligned in chunks, over all cores, each chunk kept on disk.

A chunk is found again by its content: the bytes of its image files, the alignment, and the code
that aligns. Interrupted work loses only the chunks that were under way, and the result does not
depend on the number of workers.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer import cache as disk
from classic_fer.disk_arrays import disk_array, release
from classic_fer.errors import ImageError, ParameterError
from classic_fer.faces.crops import align_crop, crop_points
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.photo import Photos, decode_item
from classic_fer.faces.single import align_photo
from classic_fer.faces.types import faces_dtype
from classic_fer.progress import Progress

__all__ = ["CHUNK", "Plan", "align_batch", "measure_crops"]

CHUNK = 64
"""Photos in a chunk: a third of a second of work."""

FEW_CHUNKS = 8
"""So many chunks are done in this process sooner than workers have started."""

_Item = bytes | NDArray[np.uint8] | None
_ALIGNING_CODE = ("faces/*.py", "datasets/images.py")


@dataclass(frozen=True)
class Plan:
    """What is done with every photo of a batch.

    Attributes
    ----------
    alignment : Alignment
        The frame, and how faces are found in photos.
    crops : bool
        Whether the photos are face crops, which are not searched for faces.
    own_frame : Frame or None
        Where eyes and mouth lie in these crops, if not as in the frame of the alignment.
    """

    alignment: Alignment
    crops: bool = False
    own_frame: Frame | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data: part of the key of a cached chunk."""
        own = self.own_frame.to_dict() if self.own_frame else None
        return {"alignment": self.alignment.to_dict(), "crops": self.crops, "own_frame": own}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        """Inverse of `to_dict`; other keys are left alone."""
        own = Frame.from_dict(data["own_frame"]) if data["own_frame"] else None
        return cls(Alignment.from_dict(data["alignment"]), data["crops"], own)

    def align(
        self,
        photo: NDArray[np.uint8],
        box: NDArray[np.float32] | None,
        landmarks: NDArray[np.float32] | None,
    ) -> NDArray:
        """One row of Faces for one photo, with what the data say about it."""
        if not self.crops:
            return align_photo(photo, self.alignment, box=box, landmarks=landmarks)
        given = landmarks if landmarks is not None else self.alignment.landmarks
        return align_crop(photo, self.alignment.frame, own_frame=self.own_frame, landmarks=given)


def align_batch(
    photos: Photos,
    plan: Plan,
    *,
    n_jobs: int = 1,
    progress: Progress | None = None,
    cache: bool = True,
    max_bytes: int | None = None,
) -> tuple[NDArray, NDArray[np.bool_]]:
    """Align photos, one row each, the largest face.

    Parameters
    ----------
    photos : Photos
        n photos.
    plan : Plan
        What is done with each.
    n_jobs : int
        Worker processes, as joblib counts them (-1: one a core).
    progress : callable, optional
        Called with the number of photos done and of all, after each chunk.
    cache : bool
        Whether chunks are looked up and kept on disk.
    max_bytes : int, optional
        Faces that take more are memory-mapped.

    Returns
    -------
    faces : structured ndarray, shape (n,)
        Faces.
    readable : ndarray of bool, shape (n,)
        False for rows that are no readable image; their faces mean nothing.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    n, size = len(photos), plan.alignment.frame.size
    dtype = faces_dtype(size, size)
    large = max_bytes is not None and n * dtype.itemsize > max_bytes
    faces = disk_array((n,), dtype) if large else np.zeros(n, dtype)
    readable = np.zeros(n, dtype=bool)
    key = plan.to_dict() | {"code": _code_version(), "network": _network(plan.alignment.detector)}
    memory = disk.memory() if cache else _no_memory()
    aligned = memory.cache(_align_chunk, ignore=["items", "boxes", "landmarks"])
    chunks = [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    done = 0

    def work(rows: slice) -> tuple[list[_Item], Any, Any, dict[str, Any]]:
        items = [photos.item(i) for i in range(rows.start, rows.stop)]
        boxes = None if photos.boxes is None else photos.boxes[rows]
        landmarks = None if photos.landmarks is None else photos.landmarks[rows]
        return items, boxes, landmarks, key | {"content": _content(items, boxes, landmarks)}

    def keep(rows: slice, result: tuple[NDArray, NDArray[np.bool_]]) -> None:
        nonlocal done
        faces[rows], readable[rows] = result
        release(faces)
        done += rows.stop - rows.start
        if progress is not None:
            progress(done, n)

    waiting = []
    workers = effective_n_jobs(n_jobs)
    for rows in chunks:
        arguments = work(rows)
        if workers == 1 or aligned.check_call_in_cache(*arguments):
            keep(rows, aligned(*arguments))
        else:
            waiting.append(rows)
    few = len(waiting) <= FEW_CHUNKS
    parallel = Parallel(n_jobs=1 if few else n_jobs, return_as="generator")
    results = parallel(delayed(aligned)(*work(rows)) for rows in waiting)
    try:
        for rows, result in zip(waiting, results):
            keep(rows, result)
    finally:
        with warnings.catch_warnings():  # joblib's, of tasks that Ctrl-C has cancelled
            warnings.simplefilter("ignore", UserWarning)
            results.close()
    if cache:
        disk.trim()
    return faces, readable


def _align_chunk(
    items: list[_Item],
    boxes: NDArray[np.float32] | None,
    landmarks: NDArray[np.float32] | None,
    key: dict[str, Any],
) -> tuple[NDArray, NDArray[np.bool_]]:
    """Faces and readable rows of one chunk.

    It is found again by `key` alone: a plan, the versions of what aligns, and the digest of the
    other arguments.
    """
    plan = Plan.from_dict(key)
    size = plan.alignment.frame.size
    faces = np.zeros(len(items), dtype=faces_dtype(size, size))
    readable = np.zeros(len(items), dtype=bool)
    for i, item in enumerate(items):
        photo = _decoded(item)
        if photo is None:
            continue
        box = None if boxes is None else boxes[i]
        points = None if landmarks is None else landmarks[i]
        faces[i] = plan.align(photo, box, points)[0]
        readable[i] = True
    return faces, readable


def measure_crops(
    photos: Photos, rows: NDArray[np.intp], *, cache: bool = True
) -> tuple[list[int], NDArray[np.float64]]:
    """Longer side, and place of eyes and mouth, of the readable ones among some face crops.

    Returns
    -------
    sides : list of int, length m
        In pixels.
    points : ndarray of float64, shape (m, 3, 2)
        `crops.crop_points` of each.
    """
    memory = disk.memory() if cache else _no_memory()
    measured = memory.cache(_measure_chunk, ignore=["items"])
    sides: list[int] = []
    points = [np.empty((0, 3, 2))]
    for start in range(0, len(rows), CHUNK):
        items = [photos.item(int(i)) for i in rows[start : start + CHUNK]]
        key = {"code": _code_version(), "content": _content(items)}
        some_sides, some_points = measured(items, key)
        sides += some_sides
        points.append(some_points)
    return sides, np.concatenate(points)


def _measure_chunk(
    items: list[_Item], key: dict[str, Any]
) -> tuple[list[int], NDArray[np.float64]]:
    """Sides and points of the readable crops, found again by `key` alone."""
    decoded = [photo for photo in map(_decoded, items) if photo is not None]
    points = [crop_points(photo) for photo in decoded]
    return [max(p.shape[:2]) for p in decoded], np.array(points).reshape(-1, 3, 2)


def _decoded(item: _Item) -> NDArray[np.uint8] | None:
    """The photo, or None where it is not readable: the caller names the file and the reason."""
    if item is None:
        return None
    try:
        return decode_item(item, path="")
    except ImageError:
        return None


def _content(
    items: list[_Item],
    boxes: NDArray[np.float32] | None = None,
    landmarks: NDArray[np.float32] | None = None,
) -> str:
    """Digest of photos and what is known about them."""
    digest = hashlib.sha256()
    for item in [*items, boxes, landmarks]:
        if isinstance(item, np.ndarray):
            digest.update(f"{item.dtype} {item.shape};".encode())
            digest.update(np.ascontiguousarray(item).tobytes())
        else:
            digest.update(b"none;" if item is None else f"{len(item)};".encode() + item)
    return digest.hexdigest()


def _no_memory() -> Any:
    from joblib import Memory

    return Memory(location=None, verbose=0)


@lru_cache(maxsize=1)
def _code_version() -> str:
    """Digest of the modules and libraries that an aligned face depends on."""
    import cv2
    import dlib

    digest = hashlib.sha256(f"{cv2.__version__} {dlib.__version__} {np.__version__}".encode())
    package = Path(__file__).parents[1]
    for pattern in _ALIGNING_CODE:
        for path in sorted(package.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _network(detector: str) -> str:
    """Digest of a detector's network file, empty for detectors that are code."""
    if not detector.endswith(".onnx"):
        return ""
    try:
        return hashlib.sha256(Path(detector).read_bytes()).hexdigest()
    except OSError as error:
        raise ParameterError(f"{detector}: cannot be read ({error.strerror})") from error
