"""How much memory a computation may take: what is free, within the user's limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classic_fer.errors import ParameterError

__all__ = ["available_bytes", "memory_limit", "resident_bytes"]

_SHARE_OF_FREE = 0.7
_ASSUMED = 4 * 2**30  # where the system does not tell

_limit: int | None = None  # of the process, so for all its threads


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Within this context `available_bytes` keeps the process below `limit` bytes.

    Parameters
    ----------
    limit : int or None
        Resident memory of the whole process; None leaves an outer limit as it is.

    Raises
    ------
    ParameterError
        If it is not a positive number.
    """
    global _limit
    if limit is None:
        yield
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or limit <= 0:
        raise ParameterError(f"memory must be a positive number of bytes, got {limit!r}")
    outer, _limit = _limit, limit
    try:
        yield
    finally:
        _limit = outer


def available_bytes() -> int:
    """Bytes that may be allocated now: a share of what is free, and not beyond the limit."""
    free = int(_SHARE_OF_FREE * _free_bytes())
    return max(0, free if _limit is None else min(free, _limit - resident_bytes()))


def resident_bytes() -> int:
    """Resident memory of this process, or its peak where the system tells nothing else."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _free_bytes() -> int:
    found = [size for size in (_free_of_machine(), _free_of_container()) if size is not None]
    return min(found, default=_ASSUMED)


def _free_of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _free_of_container() -> int | None:
    """What a control group (version 2) leaves, if it sets a limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        most = int((folder / "memory.max").read_text())
        return most - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None
