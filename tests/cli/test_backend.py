"""``--backend`` and ``--scheduler`` are refused before any work if they cannot be used."""

from __future__ import annotations

import pytest

from classic_fer.cli.backend import search_backend
from classic_fer.errors import ParameterError


def test_local_needs_nothing():
    with search_backend("local", None):
        pass


@pytest.mark.parametrize(
    ("backend", "scheduler", "message"),
    [
        ("dusk", None, r"unknown back end 'dusk'.*did you mean 'dask'"),
        ("dask", None, r"--backend dask needs --scheduler tcp://HOST:PORT"),
        ("local", "tcp://10.0.0.1:8786", r"--scheduler tcp://10.0.0.1:8786 needs --backend dask"),
    ],
)
def test_what_does_not_fit_together(backend, scheduler, message):
    with pytest.raises(ParameterError, match=message):
        search_backend(backend, scheduler)
