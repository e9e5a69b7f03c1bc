"""Searches on a Dask cluster, through joblib's back end.

Within ``joblib.parallel_config("dask")``, or the context of `connect`, features are extracted and
folds are searched by the workers. What one worker does is what one thread does of a local search:
the results are the same.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ClusterError, MissingPackageError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["active_client", "connect", "on_workers", "send"]

_SECONDS = 5.0  # in which a scheduler answers
_AHEAD = 2  # tasks a core that the scheduler is told of
_LOSSES = 20  # tasks that workers may take with them
_DESERTED = 30.0  # seconds without any worker, after which none is expected any more
_LOOK = 1.0  # seconds between looks at the workers


@contextmanager
def connect(scheduler: str) -> Iterator[Client]:
    """Within this context searches are done by the workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str
        Address, such as ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    MissingPackageError
        If Dask is not installed.
    ClusterError
        If no scheduler answers there, or it has no workers.
    """
    from joblib import parallel_config

    client = _client(scheduler)
    try:
        if not _cores(client):
            raise ClusterError(
                f"the scheduler {scheduler} has no workers; start some with: "
                f"dask worker {scheduler}"
            )
        with parallel_config("dask", client=client):
            yield client
    finally:
        client.close(timeout=_SECONDS)


def _client(scheduler: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingPackageError(
            f"searches on a cluster need Dask ({error}); run: "
            "pip install 'classic_fer[distributed]'"
        ) from error
    try:
        return Client(scheduler, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {scheduler!r} ({error}); expected an address such as "
            "tcp://10.0.0.1:8786, as `dask scheduler` shows it"
        ) from error


def active_client() -> Client | None:
    """The client of the enclosing ``joblib.parallel_config("dask")``; None outside of one."""
    from joblib.parallel import get_active_backend

    return getattr(get_active_backend()[0], "client", None)


def send(client: Client, data: Any) -> Future:
    """Bring data to every worker; tasks that get the future find them there.

    Raises
    ------
    ClusterError
        If there is no worker, and none comes.
    """
    try:
        return client.scatter(data, broadcast=True, hash=False, timeout=_DESERTED)
    except TimeoutError as error:
        raise _deserted(client) from error
    except (OSError, RuntimeError) as error:
        raise _silent() from error


def on_workers(
    client: Client,
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    *,
    shared: Callable[[], dict[str, Future]] = dict,
) -> Iterator[tuple[int, Any]]:
    """Results of ``function(*task, **shared)``, with the task's number, as they come.

    A task whose worker ends is done by another one.

    Parameters
    ----------
    client : Client
    function : callable
        Of a module, so that workers find it.
    tasks : sequence of tuple
    shared : callable
        Gives the data that all tasks need, from `send`; called again when workers have ended, to
        send what was lost with them.

    Raises
    ------
    ClusterError
        If workers end again and again, all are gone for 30 seconds, or the scheduler has ended.

    Notes
    -----
    Tasks go to the client of joblib's back end without ``joblib.Parallel``, which would run them
    here for a cluster of one core, and lose arguments with the worker that they were sent to.
    """
    from distributed import KilledWorker

    waiting, losses = deque(range(len(tasks))), 0
    running: dict[Future, int] = {}
    finished: SimpleQueue[Future] = SimpleQueue()
    data = shared()

    def submit() -> None:
        most = _AHEAD * max(1, _cores(client))
        while waiting and len(running) < most:
            number = waiting.popleft()
            future = client.submit(_run, function, tasks[number], pure=False, **data)
            running[future] = number
            future.add_done_callback(finished.put)

    try:
        submit()
        while running:
            future = _next(client, finished)
            number = running.pop(future)
            try:
                result = future.result()
            except (CancelledError, KilledWorker) as error:
                losses += 1
                if losses > _LOSSES:
                    raise ClusterError(
                        f"workers have ended during {losses} tasks; look for the reason in their "
                        "logs (often too little memory)"
                    ) from error
                waiting.appendleft(number)
                data = shared()
            else:
                yield number, result
            submit()
    finally:
        with suppress(OSError, RuntimeError):  # the scheduler has ended
            client.cancel(list(running))


def _next(client: Client, finished: SimpleQueue[Future]) -> Future:
    """The next future that is done, as long as there are workers."""
    seen = time.monotonic()
    while True:
        try:
            return finished.get(timeout=_LOOK)
        except Empty:
            now = time.monotonic()
            if _cores(client):
                seen = now
            elif now - seen > _DESERTED:
                raise _deserted(client) from None


def _cores(client: Client) -> int:
    """Cores of all workers."""
    try:
        return sum(client.ncores().values())
    except (OSError, RuntimeError) as error:
        raise _silent() from error


def _deserted(client: Client) -> ClusterError:
    assert client.scheduler is not None  # as long as it is connected
    address = client.scheduler.address
    return ClusterError(
        f"the scheduler {address} has had no worker for {_DESERTED:.0f} seconds; look for the "
        f"reason in their logs, and start some with: dask worker {address}"
    )


def _silent() -> ClusterError:
    return ClusterError(
        "the Dask scheduler does not answer any more; look for the reason in its log"
    )


def _run(function: Callable[..., Any], task: tuple[Any, ...], **shared: Any) -> Any:
    """What a worker does: one thread, as the tasks of a local search have."""
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"), parallel_config("threading", n_jobs=1):
        return function(*task, **shared)
