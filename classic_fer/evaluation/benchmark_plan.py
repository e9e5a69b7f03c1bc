"""What a benchmark runs: every feature with every classifier under every protocol, on all data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from classic_fer.errors import MissingFileError, ParameterError, unknown_name
from classic_fer.evaluation.search_settings import SearchSettings

__all__ = ["PlannedData", "plan_benchmark", "read_config"]

_LISTS = ("features", "clf", "cv")
_SETTINGS = tuple(each.name for each in fields(SearchSettings))
_KEYS = (*_SETTINGS, "name")
_CALLED = {"set": "fixed"}  # flags whose field has another name


@dataclass(frozen=True)
class PlannedData:
    """All that is run on one data set.

    Attributes
    ----------
    name : str
        Of its folder.
    settings : SearchSettings
        What all runs have in common.
    features, clf : tuple of str
    cv : tuple of (str or None)
        None: the official parts if the data have them, else 10 folds.
    """

    name: str
    settings: SearchSettings
    features: tuple[str, ...] = ("lbp",)
    clf: tuple[str, ...] = ("svm",)
    cv: tuple[str | None, ...] = field(default=(None,))

    def searches(self, cv: str) -> list[SearchSettings]:
        """The settings of each recognizer under one protocol."""
        return [
            replace(self.settings, features=features, clf=clf, cv=cv)
            for features in self.features
            for clf in self.clf
        ]


def plan_benchmark(
    data: str | Path | Mapping[str, Any] | Sequence[Any] | None = None, **settings: Any
) -> list[PlannedData]:
    """What to run, checked as far as this is possible without the data.

    Parameters
    ----------
    data : str, path, mapping or None, or a sequence of such
        A path or name (see `classic_fer.datasets.load_dataset`; None: generated faces), or a
        mapping with ``data`` and settings that hold for this data set alone, such as
        ``{"data": "ck48", "detector": "dlib", "clf": ["svm", "knn"]}``. ``name`` names its folder.
    **settings
        ``features``, ``clf`` and ``cv``, each one or several, and the other fields of
        `SearchSettings`, for all data sets. ``set`` and ``grid`` are texts as on the command
        line, or mappings.

    Returns
    -------
    plans : list of PlannedData

    Raises
    ------
    ParameterError
        For unknown settings, or two data sets with the same folder. Entries of the same data may
        share it if they differ in features, classifiers and protocols alone.
    """
    entries = [data] if data is None or isinstance(data, (str, Path, Mapping)) else list(data)
    if not entries:
        raise ParameterError("a benchmark needs at least one data set, got none")
    common = _canonical(settings)
    plans = [_planned(entry, common) for entry in entries]
    by_name: dict[str, SearchSettings] = {}
    for plan in plans:
        if by_name.setdefault(plan.name, plan.settings) != plan.settings:
            raise ParameterError(
                f"two data sets would share the folder {plan.name!r}, but are not told the same; "
                "give one of them another name in the configuration file"
            )
    return plans


def read_config(path: str | Path) -> dict[str, Any]:
    """A benchmark's configuration: YAML whose keys are flags without their dashes.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ParameterError
        If it is no YAML mapping, or has unknown keys.

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
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(config, dict):
        raise ParameterError(f"{file} must hold keys and values, such as 'cv: 10'; got {config!r}")
    config = {str(key).replace("-", "_"): value for key, value in config.items()}
    leak_gap = config.pop("leak_gap", None)
    if leak_gap is not None and not isinstance(leak_gap, bool):
        raise ParameterError(f"{file}: leak-gap must be true or false, got {leak_gap!r}")
    data = config.pop("data", None)
    config = _canonical(config)
    if data is not None:
        config["data"] = data
    return config if leak_gap is None else config | {"leak_gap": leak_gap}


def _planned(entry: Any, common: Mapping[str, Any]) -> PlannedData:
    own = _canonical(entry) if isinstance(entry, Mapping) else {"data": entry}
    values = {**common, **own}
    data = values.pop("data", None)
    name = values.pop("name", None) or ("generated" if data is None else Path(str(data)).stem)
    lists: dict[str, Any] = {key: values.pop(key) for key in _LISTS if key in values}
    text = None if data is None else str(data)
    return PlannedData(
        name=re.sub(r"[^\w+.-]", "", str(name)).lstrip(".") or "x",
        settings=SearchSettings(data=text, **values),
        **lists,
    )


def _canonical(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by the names of fields, lists as tuples of text."""
    made: dict[str, Any] = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        name = _CALLED.get(name, name)
        if name not in _KEYS:
            raise unknown_name("benchmark setting", str(key), [*_KEYS, "leak_gap"])
        if name in _LISTS:
            several = value if isinstance(value, (list, tuple)) else [value]
            made[name] = tuple(None if each is None else str(each) for each in several)
            if not several or (None in made[name] and name != "cv"):
                raise ParameterError(f"{key} must name at least one, got {value!r}")
        elif name in ("fixed", "grid"):
            made[name] = _parameter_texts(value)
        elif name != "data" and isinstance(value, (list, tuple, dict)):
            raise ParameterError(f"{key} takes one value, got {value!r}")
        else:
            made[name] = str(value) if isinstance(value, Path) else value
    return made


def _parameter_texts(value: Any) -> tuple[str, ...]:
    """``--set`` and ``--grid`` as texts, also from ``{name: value or values}``."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return tuple(
            f"{name}={','.join(map(_text, values if isinstance(values, list) else [values]))}"
            for name, values in value.items()
        )
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _text(value: Any) -> str:
    return str(tuple(value)) if isinstance(value, (list, tuple)) else str(value)
