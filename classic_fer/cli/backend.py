"""Where searches run: in this process, or on a Dask cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from classic_fer.errors import ParameterError, unknown_name

__all__ = ["BACKENDS", "search_backend"]

BACKENDS = ("local", "dask")


def search_backend(backend: str, scheduler: str | None) -> AbstractContextManager[object]:
    """The context in which searches run where ``--backend`` and ``--scheduler`` say.

    Raises
    ------
    ParameterError
        For an unknown back end, or one without or with a scheduler that needs or has none.
    MissingPackageError, ClusterError
        If the cluster cannot be used; found out now, not when the faces have been aligned.
    """
    if backend not in BACKENDS:
        raise unknown_name("back end", backend, BACKENDS)
    if backend == "local":
        if scheduler is not None:
            raise ParameterError(f"--scheduler {scheduler} needs --backend dask")
        return nullcontext()
    if scheduler is None:
        raise ParameterError(
            "--backend dask needs --scheduler tcp://HOST:PORT; start one with `dask scheduler`, "
            "and workers with `dask worker tcp://HOST:PORT`"
        )
    from classic_fer.models.cluster import connect

    with connect(scheduler):
        pass
    return connect(scheduler)
