"""What long work tells about how far it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "StageProgress"]

Progress = Callable[[int, int], object]
"""Called as ``progress(done, total)``, from the thread that started the work."""

StageProgress = Callable[[str, int, int], object]
"""Called as ``progress(stage, done, total)`` by work that names its stages itself."""
