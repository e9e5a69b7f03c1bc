"""Compilation of the batch kernels, cached on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: compile for one signature, releasing the GIL while the kernel runs.

    The machine code is kept beside the module or in the user's cache folder. On systems where
    neither can be written the kernel is compiled anew in each process.

    Parameters
    ----------
    signature : numba signature
        Types of the only variant that is compiled, at import of the module.
    **options
        Further options of `numba.njit`, such as ``fastmath``.
    """

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return njit(signature, cache=True, nogil=True, **options)(function)
        except (RuntimeError, OSError):  # no folder for the cache, or it cannot be written
            return njit(signature, nogil=True, **options)(function)

    return compile_
