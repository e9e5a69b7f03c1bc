"""What a recognizer costs: time per face on one thread, and room on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, MissingFileError

__all__ = ["BATCH", "PredictionCost", "measure_cost"]

BATCH = 64

_SECONDS = 1.0  # at most about this long is measured for each size of a batch
_MOST_CALLS = 50


@dataclass(frozen=True)
class PredictionCost:
    """Cost of predictions from aligned faces; finding and aligning faces is not part of it.

    Attributes
    ----------
    ms_single : float
        Median milliseconds of one call with one face.
    ms_batch : float
        Median milliseconds per face in batches of `BATCH`.
    megabytes : float
        Size of the model file, in units of 10**6 bytes.
    """

    ms_single: float
    ms_batch: float
    megabytes: float

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return asdict(self)


def measure_cost(recognizer: Any, faces: NDArray, model_file: str | Path) -> PredictionCost:
    """Measure a recognizer on one thread, after calls that warm it up.

    Parameters
    ----------
    recognizer : Recognizer
        Or anything else with ``predict_proba`` over Faces.
    faces : ndarray of Faces, shape (n,)
        Aligned as for the recognizer; repeated if there are fewer than `BATCH`.
    model_file : str or Path
        The file it was loaded from, or its run folder.

    Raises
    ------
    DataError
        If there are no faces.
    MissingFileError
        If there is no such file.
    """
    from threadpoolctl import threadpool_limits

    from classic_fer.models.persistence import MODEL_FILE

    file = Path(model_file)
    file = file / MODEL_FILE if file.is_dir() else file
    if not file.is_file():
        raise MissingFileError(f"no model file {file}; expected a run folder or a .skops file")
    if not len(faces):
        raise DataError("no faces to measure predictions with")
    batch = np.resize(faces, BATCH)
    with threadpool_limits(limits=1):
        single = _median_seconds(lambda: recognizer.predict_proba(batch[:1]))
        many = _median_seconds(lambda: recognizer.predict_proba(batch))
    return PredictionCost(1e3 * single, 1e3 * many / BATCH, file.stat().st_size / 1e6)


def _median_seconds(call: Callable[[], Any]) -> float:
    call()
    seconds: list[float] = []
    end = time.perf_counter() + _SECONDS
    while not seconds or (len(seconds) < _MOST_CALLS and time.perf_counter() < end):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))
