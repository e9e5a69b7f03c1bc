"""Progress on standard error: a bar with the time left, or a few plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from classic_fer.cli.console import error_console
from classic_fer.progress import Progress, StageProgress

__all__ = ["tracked", "tracked_stages"]

_SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def tracked(what: str) -> Iterator[Progress]:
    """Progress of one stage of a command.

    Parameters
    ----------
    what : str
        What is being done, such as ``"aligning faces"``.

    Yields
    ------
    callable
        To be called with (done, total), from one thread.

    Notes
    -----
    On a terminal this is a bar that goes away when the stage ends. Elsewhere a line says when the
    stage ended, and one every 30 seconds how far it is; stages that report nothing say nothing.
    """
    with _bar(what) if sys.stderr.isatty() else _lines(what) as report:
        yield report


@contextmanager
def tracked_stages() -> Iterator[StageProgress]:
    """As `tracked`, for work that names its stages itself: called with (stage, done, total)."""
    reports: dict[str, Progress] = {}
    with ExitStack() as stack:

        def report(stage: str, done: int, total: int) -> None:
            if stage not in reports:
                stack.close()  # the earlier stage has ended
                reports[stage] = stack.enter_context(tracked(stage))
            reports[stage](done, total)

        yield report


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as ProgressBar

    with ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=error_console(),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


@contextmanager
def _lines(what: str) -> Iterator[Progress]:
    console = error_console()
    start = said = time.monotonic()
    state = (0, 0)

    def report(done: int, total: int) -> None:
        nonlocal said, state
        state = (done, total)
        now = time.monotonic()
        if now - said >= _SECONDS_BETWEEN_LINES and 0 < done < total:
            said = now
            left = (now - start) / done * (total - done)
            console.print(f"{what}: {done / total:.0%}, about {_duration(left)} left")

    yield report
    done, total = state
    if total:
        console.print(f"{what}: {done / total:.0%} in {_duration(time.monotonic() - start)}")


def _duration(seconds: float) -> str:
    """Seconds as people say them: ``8 s``, ``3 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
