"""Finished outer folds on disk, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.disk_arrays import in_parts
from classic_fer.errors import ParameterError
from classic_fer.evaluation.result import plain

__all__ = ["FinishedFold", "FoldFiles", "content_hash"]

_SETTINGS = "settings.json"


@dataclass
class FinishedFold:
    """What an outer fold leaves.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_test, n_classes)
    facts : dict
        Plain data: chosen parameters, selection score.
    """

    probabilities: NDArray[np.float64]
    facts: dict[str, Any]


def content_hash(*arrays: NDArray) -> str:
    """SHA-256 over dtype, shape and bytes of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.descr}{array.shape}".encode())
        for part in in_parts(array):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


class FoldFiles:
    """The folder ``folds`` of a run: its settings, and a file for each finished fold.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    settings : dict
        Everything that predictions depend on. Only folds made with the same settings are read.
    resume : bool
        Whether to go on with folds that are there.

    Raises
    ------
    ParameterError
        If there is nothing to resume from, the settings differ, or finished folds are in the way.
    """

    def __init__(self, folder: Path | None, settings: dict[str, Any], *, resume: bool) -> None:
        self._folder = folder
        if folder is None:
            if resume:
                raise ParameterError("resume needs the folder of the earlier run: give out=...")
            return
        file = folder / _SETTINGS
        wanted = plain(settings)
        if file.is_file():
            if not resume:
                raise ParameterError(
                    f"{folder} holds folds of an earlier run; resume it, or choose another folder"
                )
            _check_same(file, wanted)
            return
        folder.mkdir(parents=True, exist_ok=True)
        _replace(file, json.dumps(wanted, indent=2).encode())

    def read(self, number: int) -> FinishedFold | None:
        """Fold `number`, or None if it is not finished, or damaged (with a warning)."""
        file = self._file(number)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as stored:
                facts = json.loads(str(stored["facts"]))
                return FinishedFold(stored["probabilities"], facts)
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(
                f"{file} is damaged ({error}); this fold is computed again",
                UserWarning,
                stacklevel=2,
            )
            return None

    def write(self, number: int, fold: FinishedFold) -> None:
        """Keep a finished fold; the file appears whole or not at all."""
        file = self._file(number)
        if file is not None:
            part = file.with_suffix(".part")
            with part.open("wb") as stream:
                facts = np.array(json.dumps(plain(fold.facts)))
                np.savez(stream, probabilities=fold.probabilities, facts=facts)
            os.replace(part, file)

    def _file(self, number: int) -> Path | None:
        return None if self._folder is None else self._folder / f"{number + 1:04d}.npz"


def _replace(file: Path, content: bytes) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, file)


def _check_same(file: Path, wanted: dict[str, Any]) -> None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParameterError(f"{file} is damaged ({error}); start a new run") from None
    differing = [name for name in wanted | found if found.get(name) != wanted.get(name)]
    if differing:
        name = differing[0]
        raise ParameterError(
            f"cannot resume {file.parent.parent}: {', '.join(differing)} differ from the earlier "
            f"run ({name} was {_short(found.get(name))}, is {_short(wanted.get(name))}); use its "
            "settings, or start a new run"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
