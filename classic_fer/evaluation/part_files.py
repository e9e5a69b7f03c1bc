"""Finished parts of a computation on disk, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.evaluation.result import plain

__all__ = ["FinishedPart", "PartFiles"]

_SETTINGS = "settings.json"
_FACTS = "facts"


@dataclass
class FinishedPart:
    """What a part of the work leaves.

    Attributes
    ----------
    facts : dict
        Plain data.
    arrays : dict of str to ndarray
    """

    facts: dict[str, Any]
    arrays: dict[str, NDArray] = field(default_factory=dict)


class PartFiles:
    """A folder with settings, and a file for each finished part.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    settings : dict
        Everything that the parts depend on. Only parts made with the same settings are read.
    resume : bool
        Whether to go on with parts that are there.
    noun : str
        What a part is called in messages.

    Raises
    ------
    ParameterError
        If there is nothing to resume from, the settings differ, or finished parts are in the way.
    """

    def __init__(
        self, folder: Path | None, settings: dict[str, Any], *, resume: bool, noun: str = "fold"
    ) -> None:
        self._folder = folder
        self._noun = noun
        if folder is None:
            if resume:
                raise ParameterError("resume needs the folder of the earlier run: give out=...")
            return
        file = folder / _SETTINGS
        wanted = plain(settings)
        if file.is_file():
            if not resume:
                raise ParameterError(
                    f"{folder} holds {noun}s of an earlier run; resume it, or choose another folder"
                )
            _check_same(file, wanted)
            return
        folder.mkdir(parents=True, exist_ok=True)
        _replace(file, json.dumps(wanted, indent=2).encode())

    def read_part(self, number: int) -> FinishedPart | None:
        """Part `number`, or None if it is not finished, or damaged (with a warning)."""
        file = self._file(number)
        if file is None or not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as stored:
                facts = json.loads(str(stored[_FACTS]))
                return FinishedPart(facts, {n: stored[n] for n in stored.files if n != _FACTS})
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            warnings.warn(
                f"{file} is damaged ({error}); this {self._noun} is computed again",
                UserWarning,
                stacklevel=2,
            )
            return None

    def write_part(self, number: int, part: FinishedPart) -> None:
        """Keep a finished part; the file appears whole or not at all."""
        file = self._file(number)
        if file is not None:
            draft = file.with_suffix(".part")
            with draft.open("wb") as stream:
                facts = np.array(json.dumps(plain(part.facts)))
                stored: dict[str, Any] = {**part.arrays, _FACTS: facts}
                np.savez(stream, **stored)
            os.replace(draft, file)

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
