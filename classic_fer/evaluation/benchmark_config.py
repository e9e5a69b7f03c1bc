"""The configuration file of a benchmark: YAML whose keys are flags without their dashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.errors import MissingFileError, ParameterError
from classic_fer.evaluation.benchmark_plan import SWITCHES, canonical_settings

if TYPE_CHECKING:
    from yaml import MappingNode, Node

__all__ = ["read_config"]

_PATHS = ("data", "root")
_FILES = ("labels", "cv", "detector")  # names, or files with a suffix


def read_config(path: str | Path) -> dict[str, Any]:
    """Keys and values of a configuration file, checked as far as this is possible without data.

    Files and folders are looked for beside the configuration file first, then from the working
    folder; other names of data are looked up as on the command line.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    config : dict
        Arguments of `classic_fer.evaluation.benchmark.benchmark`.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ParameterError
        If it is no YAML mapping, or has unknown keys or values of a wrong kind; names the line.

    Examples
    --------
    ::

        leak-gap: true
        cv: 10
        clf: [svm, linear-svm]
        features: [lbp, hog]
        data:
          - jaffe
          - {data: lfw-expressions, labels: 3class, clf: linear-svm}
    """
    import yaml

    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"no configuration file {file}; expected YAML, such as 'cv: 10'")
    try:
        text = file.read_text(encoding="utf-8")
        values, tree = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict) or tree is None:
        raise ParameterError(f"{file} must hold keys and values, such as 'cv: 10'; got {values!r}")
    nodes = _children(tree)
    config = _checked({k: v for k, v in values.items() if k != "data"}, tree, file)
    if values.get("data") is not None:
        config["data"] = _entries(values["data"], nodes["data"], file)
    return config


def _entries(data: Any, node: Node, file: Path) -> list[Any]:
    entries, nodes = ([data], [node]) if not isinstance(data, list) else (data, node.value)
    return [
        _checked(entry, own, file) if isinstance(entry, dict) else _beside("data", entry, file)
        for entry, own in zip(entries, nodes)
    ]


def _checked(values: Mapping[str, Any], node: MappingNode, file: Path) -> dict[str, Any]:
    """The settings of a mapping by the names of fields."""
    made: dict[str, Any] = {}
    for key, value in values.items():
        name = str(key).replace("-", "_")
        try:
            if name in SWITCHES:
                made[name] = _switch(str(key), value)
                continue
            known = canonical_settings({key: value})
        except ParameterError as error:
            line = _children(node)[str(key)].start_mark.line + 1
            raise ParameterError(f"{file}, line {line}: {error}") from None
        made |= {name: _beside(name, value, file) for name, value in known.items()}
    return made


def _switch(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ParameterError(f"{key} must be true or false, got {value!r}")
    return value


def _children(node: Node) -> dict[str, Node]:
    return {key.value: value for key, value in node.value}


def _beside(name: str, value: Any, file: Path) -> Any:
    """A value that is a path relative to the folder of the configuration file, as that path."""
    if isinstance(value, tuple):
        return tuple(_beside(name, each, file) for each in value)
    if not isinstance(value, str) or not value:
        return value
    path = name in _PATHS or (name in _FILES and Path(value).suffix)
    return str(file.parent / value) if path and (file.parent / value).exists() else value
