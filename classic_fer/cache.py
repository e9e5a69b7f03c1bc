"""Cache: results on disk, found again by the content they were computed from."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import uuid
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ParameterError

if TYPE_CHECKING:
    from joblib import Memory

__all__ = [
    "CacheInfo",
    "cache_folder",
    "clear",
    "info",
    "limit_bytes",
    "memory",
    "trim",
    "writable_folder",
]

_RESULT_FILE = "output.pkl"  # one in the folder of each result of joblib.Memory
_DISCARDED = "discarded-"  # what a folder of results is called while it is removed
_DEFAULT_LIMIT = "4G"
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class CacheInfo:
    """State of the cache.

    Attributes
    ----------
    folder : Path
        Where it lies; need not exist yet.
    entries : int
        Number of stored results.
    bytes : int
        Their size on disk.
    limit : int
        Size to which `trim` shrinks it, in bytes.
    """

    folder: Path
    entries: int
    bytes: int
    limit: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"folder": str(self.folder)}


def cache_folder() -> Path:
    """``$CLASSIC_FER_CACHE``, or ``classic_fer`` in the cache folder of the platform."""
    chosen = os.environ.get("CLASSIC_FER_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(base) / "classic_fer"


def limit_bytes() -> int:
    """Size limit of the cache: ``$CLASSIC_FER_CACHE_SIZE`` (such as ``500M``), default 4G.

    Raises
    ------
    ParameterError
        If the variable is not a size.
    """
    text = os.environ.get("CLASSIC_FER_CACHE_SIZE") or _DEFAULT_LIMIT
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    try:
        size = int(float(number) * (_UNITS[unit] if unit else 1))
    except (KeyError, ValueError, OverflowError):
        size = -1
    if size < 0:
        raise ParameterError(
            f"CLASSIC_FER_CACHE_SIZE is {text!r}; expected a size in bytes or with K, M, G or T, "
            "such as 500M"
        )
    return size


def memory() -> Memory:
    """The cache as a ``joblib.Memory``, safe with several processes.

    Returns
    -------
    joblib.Memory
        Without a location, so that it stores nothing, if the folder cannot be written; this is
        warned about once.
    """
    from joblib import Memory

    folder = cache_folder()
    try:
        _probe(folder)
    except OSError as error:
        _warn_once(folder, error.strerror or str(error))
        return Memory(location=None, verbose=0)
    return Memory(location=str(folder), verbose=0)


def writable_folder() -> Path | None:
    """The cache folder, made if need be; None if it cannot be written."""
    folder = cache_folder()
    try:
        _probe(folder)
    except OSError:
        return None
    return folder


def _probe(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe-{uuid.uuid4().hex}"
    probe.touch()
    probe.unlink()


@lru_cache(maxsize=16)
def _warn_once(folder: Path, reason: str) -> None:
    warnings.warn(
        f"the cache folder {folder} cannot be written ({reason}): results are computed anew each "
        "time; set CLASSIC_FER_CACHE to a folder that can be written",
        UserWarning,
        stacklevel=3,
    )


def info() -> CacheInfo:
    """Folder, number of results, size and limit of the cache."""
    folder = cache_folder()
    entries = size = 0
    for parent, _, names in os.walk(folder / "joblib"):
        for name in names:
            with suppress(FileNotFoundError):  # another process is trimming
                size += os.stat(os.path.join(parent, name)).st_size
                entries += name == _RESULT_FILE
    return CacheInfo(folder, entries, size, limit_bytes())


def trim() -> None:
    """Remove the results that were not used for longest until the cache keeps its limit."""
    if info().bytes > limit_bytes():
        memory().reduce_size(bytes_limit=limit_bytes())


def clear() -> CacheInfo:
    """Remove all results; returns what was there.

    Processes that are computing are not disturbed: the results are moved aside in one step, and
    what is stored from then on stays.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    before = info()
    stored = before.folder / "joblib"
    with suppress(FileNotFoundError):  # nothing stored, or another process is clearing
        stored.rename(before.folder / f"{_DISCARDED}{uuid.uuid4().hex}")
    for discarded in before.folder.glob(f"{_DISCARDED}*"):  # also of a process that was killed
        try:
            shutil.rmtree(discarded)
        except OSError as error:
            # Another process clears, too, or was storing as it was moved: the next one removes it.
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise
    return before
