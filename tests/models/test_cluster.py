"""A search on a Dask cluster gives what the local search gives, whatever becomes of a worker."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import classic_fer.models.cluster as cluster_module
from classic_fer.errors import ClusterError, MissingPackageError
from classic_fer.models.cluster import active_client, connect, on_workers
from classic_fer.models.search import GridSearch, grid_search

pytest.importorskip("distributed", reason="Dask is not installed: classic_fer[distributed]")

SEARCH = {
    "features": "geometry",  # without code that each worker would have to compile
    "clf": "linear-svm",
    "grid": {"clf__C": [0.1, 1.0], "scaler__method": ["standard", "center"]},
    "cv": 3,
}


class Cluster(NamedTuple):
    address: str
    workers: list[subprocess.Popen]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two worker processes on loopback; no worker is started again."""
    from distributed import Client

    folder = tmp_path_factory.mktemp("cluster")
    file = str(folder / "scheduler.json")
    place = ["--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *place, "--port", "0"]
    with (folder / "log").open("wb") as log:
        output = {"stdout": log, "stderr": log, "cwd": folder}
        scheduler = subprocess.Popen(command, **output)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *place, "--no-nanny"]
        workers = [subprocess.Popen([*command, "--nthreads", "1"], **output) for _ in range(2)]
        try:
            with Client(scheduler_file=file, timeout=60, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
                address = client.scheduler.address
            yield Cluster(address, workers)
        finally:
            for process in [*workers, scheduler]:
                process.kill()
                process.wait()


def assert_same(there: GridSearch, here: GridSearch, X: np.ndarray) -> None:
    assert there.best_params_ == here.best_params_
    for name, expected in here.cv_results_.items():
        if "test_score" in name:
            np.testing.assert_allclose(there.cv_results_[name], expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(there.oof_scores_, here.oof_scores_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), rtol=0, atol=1e-9)


def test_the_same_answers_although_a_worker_is_killed(cluster, toy):
    X, y = toy.faces, toy.y
    here = grid_search(X, y, **SEARCH)
    alive = [worker for worker in cluster.workers if worker.poll() is None]
    reports = []

    def kill_one(done: int, total: int) -> None:
        reports.append((done, total))
        if len(reports) == 2:  # features are on the workers, one fold is done
            alive[0].send_signal(signal.SIGKILL)

    with connect(cluster.address):
        there = grid_search(X, y, **SEARCH, progress=kill_one)
    assert alive[0].wait(timeout=10) == -signal.SIGKILL
    assert alive[1].poll() is None
    assert len(reports) > 3
    assert reports[-1][0] == reports[-1][1]
    assert_same(there, here, X)
    assert active_client() is None


def test_results_come_with_their_numbers_and_errors_as_they_are(cluster):
    with connect(cluster.address) as client:
        results = dict(on_workers(client, pow, [(2, k) for k in range(20)]))
        assert results == {k: 2**k for k in range(20)}
        with pytest.raises(ZeroDivisionError):
            list(on_workers(client, divmod, [(1, 1), (1, 0)]))
        assert list(on_workers(client, pow, [])) == []


def test_a_scheduler_that_is_not_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        pytest.raises(ClusterError, match=rf"no Dask scheduler answers at 'tcp://127.*{port}'"),
        connect(f"tcp://127.0.0.1:{port}"),
    ):
        pass
    with (
        pytest.raises(ClusterError, match="no Dask scheduler answers at 'nonsense:x'"),
        connect("nonsense:x"),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingPackageError, match=r"pip install 'classic_fer\[distributed\]'"),
        connect("tcp://127.0.0.1:1"),
    ):
        pass


def test_a_cluster_without_workers_is_given_up(monkeypatch):
    class Future:
        def add_done_callback(self, function):
            pass

    class Deserted:  # had a worker for the first look only
        scheduler = SimpleNamespace(address="tcp://10.0.0.1:8786")
        cancelled = 0

        def __init__(self):
            self.looks = iter([{"worker": 1}])

        def ncores(self):
            return next(self.looks, {})

        def submit(self, *args, **kwargs):
            return Future()

        def cancel(self, futures):
            self.cancelled += len(futures)

    monkeypatch.setattr(cluster_module, "_LOOK", 0.01)
    monkeypatch.setattr(cluster_module, "_DESERTED", 0.05)
    client = Deserted()
    with pytest.raises(
        ClusterError, match=r"no worker for .*start some with: dask worker tcp://10"
    ):
        list(on_workers(client, pow, [(2, 2)]))
    assert client.cancelled == 1


def test_a_scheduler_that_has_ended():
    class Silent:
        def ncores(self):
            raise OSError("closed")

        def cancel(self, futures):
            raise OSError("closed")

    with pytest.raises(ClusterError, match="scheduler does not answer any more"):
        list(on_workers(Silent(), pow, [(2, 2)]))
