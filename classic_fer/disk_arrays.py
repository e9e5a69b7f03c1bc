"""Arrays in files: larger than memory, and gone with the process that made them."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike, NDArray

from classic_fer.cache import writable_folder

__all__ = ["disk_array", "in_parts", "is_mapped", "release", "take"]

_PART_BYTES = 2**24


def disk_array(shape: tuple[int, ...], dtype: DTypeLike) -> np.memmap:
    """An array of zeros in a file without a name, which the system removes after its last use.

    The file lies in the cache folder, or in the folder for temporary files where that cannot be
    written.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Raises
    ------
    OSError
        If the disk is full.
    """
    with tempfile.TemporaryFile(dir=writable_folder()) as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def is_mapped(array: NDArray) -> bool:
    """Whether an array is (a view of) a memory-mapped file."""
    return _map(array) is not None


def release(array: NDArray) -> None:
    """Take the pages of a memory-mapped file out of memory; they are read again when needed.

    Nothing is lost: written pages stay with the file. Other arrays, private copies of a file
    (mode ``"c"``), and systems without ``madvise`` are left alone.
    """
    mapped = _map(array)
    if mapped is not None and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def in_parts(array: NDArray) -> Iterator[NDArray]:
    """Consecutive rows of an array, a few megabytes at a time; mapped ones are let go again."""
    step = _rows_of_part(array)
    for start in range(0, len(array), step):
        yield array[start : start + step]
        release(array)


def take(array: NDArray, rows: NDArray) -> NDArray:
    """``array[rows]``; the chosen rows of a memory-mapped array are in a file, too.

    Parameters
    ----------
    array : ndarray
    rows : ndarray of int or of bool
    """
    if not is_mapped(array):
        return array[rows]
    index = np.flatnonzero(rows) if rows.dtype == bool else rows
    chosen = disk_array((len(index), *array.shape[1:]), array.dtype)
    step = _rows_of_part(array)
    for start in range(0, len(index), step):
        part = slice(start, start + step)
        chosen[part] = array[index[part]]
        release(array)
        release(chosen)
    return chosen


def _rows_of_part(array: NDArray) -> int:
    return max(1, _PART_BYTES // max(1, array[:1].nbytes))


def _map(array: NDArray) -> mmap.mmap | None:
    """The map that an array is a view of, if changes of the array are changes of the file."""
    base: object = array
    while base is not None:
        if isinstance(base, np.memmap) and base.mode == "c":
            return None
        if isinstance(base, mmap.mmap):
            return base
        base = getattr(base, "base", None)
    return None
