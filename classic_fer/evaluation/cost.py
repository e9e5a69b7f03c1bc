"""What a recognizer costs: time a face on one thread, time to load, memory, and room on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, ModelFileError
from classic_fer.models.persistence import load_model, model_file

__all__ = ["BATCH", "PredictionCost", "count_parameters", "measure_cost"]

BATCH = 64

_SECONDS = 1.0  # at most about this long is measured for each size of a batch
_MOST_CALLS = 50
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class PredictionCost:
    """Cost of predictions from aligned faces; finding and aligning faces is not part of it.

    Times are CPU time of one thread, which other processes disturb less than the clock.

    Attributes
    ----------
    ms_single : float
        Median milliseconds of one call with one face: features and classification, on one thread.
    ms_batch : float
        Median milliseconds per face in batches of `BATCH`.
    megabytes : float
        Size of the model file, in units of 10**6 bytes.
    parameters : int
        Learned numbers (`count_parameters`).
    load_seconds : float
        CPU time of `load_model`, with the libraries that only this kind of model needs.
    peak_megabytes : float or None
        What loading and predictions add to the peak of the memory of a process that has loaded
        classic_fer and the faces, in units of 10**6 bytes; None where the system does not tell.
    """

    ms_single: float
    ms_batch: float
    megabytes: float
    parameters: int
    load_seconds: float
    peak_megabytes: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def measure_cost(
    model: str | Path, faces: NDArray, *, spec: str | Path | None = None
) -> PredictionCost:
    """Measure a model on one thread in a process of its own.

    Parameters
    ----------
    model : str or Path
        As `load_model` takes it.
    faces : ndarray of Faces, shape (n,)
        Aligned as for the recognizer; repeated if there are fewer than `BATCH`.
    spec : str or Path, optional
        Of a network, as `load_model` takes it.

    Raises
    ------
    DataError
        If there are no faces.
    MissingFileError
        If there is no such model.
    ModelFileError
        If the process fails; with its last words.
    """
    model_file(model)
    if not len(faces):
        raise DataError("no faces to measure predictions with")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "faces.npy"
        np.save(file, faces[np.arange(BATCH) % len(faces)])
        words = [str(model), str(file), *([] if spec is None else [str(spec)])]
        code = "import sys; from classic_fer.evaluation.cost import _report; _report(*sys.argv[1:])"
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**os.environ, **dict.fromkeys(_THREADS, "1")},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ModelFileError(f"{model} cannot be measured in a process of its own: {last}")
    return PredictionCost(**json.loads(done.stdout.rpartition("COST ")[2]))


def count_parameters(recognizer: Any) -> int:
    """Learned numbers of a recognizer, support vectors included.

    Those of a network are the values in its file (`GraphFile.n_parameters`); of others, the
    floating values, and the bytes that stand for such, in the arrays of their fitted attributes,
    each array once.
    """
    if hasattr(recognizer, "n_parameters_"):
        return int(recognizer.n_parameters_)
    sizes: dict[int, int] = {}

    def visit(part: Any) -> None:
        if isinstance(part, np.ndarray):
            if part.dtype.kind == "f" or (part.dtype.itemsize == 1 and part.dtype.kind in "iu"):
                sizes[id(part)] = part.size
        elif isinstance(part, list | tuple):
            for each in part:
                visit(each)
        elif isinstance(part, dict):
            for each in part.values():
                visit(each)
        elif type(part).__module__.partition(".")[0] in ("classic_fer", "sklearn"):
            for name, value in vars(part).items():
                if name.endswith("_") and not name.startswith("_"):
                    visit(value)

    visit(recognizer)
    return sum(sizes.values())


def _report(model: str, faces: str, spec: str | None = None) -> None:
    """Measure, and print the cost as JSON: the work of the process that `measure_cost` starts."""
    from threadpoolctl import threadpool_limits

    batch = np.load(faces)
    before = _peak_bytes()
    start = time.process_time()
    recognizer = load_model(model, spec=spec, n_jobs=1)
    seconds = time.process_time() - start
    with threadpool_limits(limits=1):
        single = _median_seconds(lambda: recognizer.predict_proba(batch[:1]))
        many = _median_seconds(lambda: recognizer.predict_proba(batch))
    after = _peak_bytes()
    cost = PredictionCost(
        ms_single=1e3 * single,
        ms_batch=1e3 * many / BATCH,
        megabytes=model_file(model).stat().st_size / 1e6,
        parameters=count_parameters(recognizer),
        load_seconds=seconds,
        peak_megabytes=None if before is None or after is None else (after - before) / 1e6,
    )
    print("COST " + json.dumps(cost.to_dict()))


def _median_seconds(call: Callable[[], Any]) -> float:
    call()
    seconds: list[float] = []
    end = time.process_time() + _SECONDS
    while not seconds or (len(seconds) < _MOST_CALLS and time.process_time() < end):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def _peak_bytes() -> int | None:
    """Most resident memory that this process ever had; None where the system does not tell."""
    try:
        # Not ru_maxrss: on Linux a process inherits that of the one that started it.
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
