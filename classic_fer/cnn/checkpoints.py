"""A training run on disk, so that it can go on where it was stopped."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from classic_fer.errors import MissingFileError, ModelFileError, ParameterError

__all__ = ["CHECKPOINT_FILE", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_FILE = "checkpoint.pt"

_FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any], told: dict[str, Any]) -> None:
    """Write a checkpoint; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
    state : dict
        Tensors and plain data.
    told : dict
        Plain data that has to be the same when the run goes on: settings and data.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        torch.save({"format": _FORMAT, "told": told, "state": state}, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_checkpoint(path: Path, told: dict[str, Any]) -> dict[str, Any]:
    """The state of a checkpoint; only tensors and plain data are ever unpickled.

    Raises
    ------
    MissingFileError
        If there is none.
    ModelFileError
        If it is damaged or foreign.
    ParameterError
        If the run was told something else; names it.
    """
    if not path.is_file():
        raise MissingFileError(f"no {path}; the run has not finished an epoch, start it again")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        reason = str(error).partition("\n")[0]
        raise ModelFileError(
            f"{path} is damaged or no checkpoint ({type(error).__name__}: {reason}); start the "
            "training again in a new folder"
        ) from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ModelFileError(
            f"{path} is no checkpoint of this classic_fer; start the training again in a new folder"
        )
    for name in told.keys() | content["told"].keys():
        before, now = content["told"].get(name), told.get(name)
        if before != now:
            raise ParameterError(
                f"{path} was made with {name} {before!r}, now it is {now!r}; go on with the same "
                "settings and data, or start a new run"
            )
    return content["state"]
