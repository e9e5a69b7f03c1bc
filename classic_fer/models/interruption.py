"""Long work in threads that somebody else may stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Interrupted", "check_interruption", "interruption", "stoppable"]

_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


class Interrupted(Exception):
    """What stopped work ends with; nobody waits for its result any more."""


@contextmanager
def stoppable(stop: threading.Event) -> Iterator[None]:
    """Within this context, in this thread, work ends with `Interrupted` once `stop` is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def interruption() -> threading.Event:
    """The event that stops the work of this thread, to be handed to its helpers."""
    return _stop.get() or threading.Event()


def check_interruption() -> None:
    """Raise `Interrupted` if the work of this thread is to stop."""
    if interruption().is_set():
        raise Interrupted
