"""Compilation of the batch kernels, cached on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

__all__ = ["compiled"]

_numba: Any = config  # whose settings have no types


def compiled(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: compile for one signature, releasing the GIL while the kernel runs.

    The machine code is kept in ``$NUMBA_CACHE_DIR`` or in the user's cache folder, never beside
    the module: pip would leave it there when it removes the package. Where the folder cannot be
    written the kernel is compiled anew in each process.

    Parameters
    ----------
    signature : numba signature
        Types of the only variant that is compiled, at import of the module.
    **options
        Further options of `numba.njit`, such as ``fastmath``.
    """

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        before = _numba.CACHE_DIR
        try:
            _numba.CACHE_DIR = before or str(Path.home() / ".cache" / "classic_fer" / "kernels")
            return njit(signature, cache=True, nogil=True, **options)(function)
        except (RuntimeError, OSError):  # no folder for the cache, or it cannot be written
            return njit(signature, nogil=True, **options)(function)
        finally:
            _numba.CACHE_DIR = before

    return compile_
