"""Configuration files of trainings: YAML whose keys are flags, with a grid of what is varied."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from classic_fer.cnn.job import TrainingJob, flag_name
from classic_fer.errors import MissingFileError, ParameterError

__all__ = ["planned_jobs", "read_config"]

_GRID = "grid"


def read_config(path: str | Path) -> dict[str, Any]:
    """Keys and values of a configuration file, ``grid`` among them.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ParameterError
        If it is no YAML mapping.
    """
    import yaml

    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"no configuration file {file}; expected YAML, such as 'lr: 0.01'")
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ParameterError(
            f"{file} must hold keys and values, such as 'lr: 0.01'; got {values!r}"
        )
    return {str(key).replace("-", "_"): value for key, value in values.items()}


def planned_jobs(config: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, TrainingJob]:
    """The trainings that a configuration asks for.

    Parameters
    ----------
    config : mapping
        As `read_config` gives it. Its ``grid`` holds flags with lists of values, of which every
        combination is trained.
    flags : mapping
        Given on the command line; they replace what the configuration says.

    Returns
    -------
    jobs : dict of str to TrainingJob
        By names such as ``lr-0.01,restore-best-false``; the name is empty without a grid.

    Raises
    ------
    ParameterError
        For a grid that is none, and as `TrainingJob.from_flags`.

    Examples
    --------
    >>> list(planned_jobs({"grid": {"lr": [0.1, 0.01]}}, {"epochs": 3}))
    ['lr-0.1', 'lr-0.01']
    """
    common = {name: value for name, value in config.items() if name != _GRID} | dict(flags)
    grid = config.get(_GRID) or {}
    if not isinstance(grid, dict) or not all(
        isinstance(values, list) and values for values in grid.values()
    ):
        raise ParameterError(
            f"grid must hold flags with lists of values, such as 'lr: [0.01, 0.001]'; got {grid!r}"
        )
    grid = {str(name).replace("-", "_"): values for name, values in grid.items()}
    for name in grid:
        if name in common:
            raise ParameterError(
                f"{flag_name(name)} is given as {common[name]!r} and varied by the grid; leave "
                "one of them out"
            )
    jobs = {}
    for values in product(*grid.values()):
        chosen = dict(zip(grid, values))
        name = ",".join(f"{flag_name(key)}-{_word(value)}" for key, value in chosen.items())
        jobs[name] = TrainingJob.from_flags(common | chosen)
    return jobs


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
