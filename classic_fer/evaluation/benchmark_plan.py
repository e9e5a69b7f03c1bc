"""What a benchmark runs: every feature with every classifier under every protocol, on all data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.evaluation.parameter_texts import parameter_texts, parse_grid
from classic_fer.evaluation.search_settings import SearchSettings

__all__ = ["SWITCHES", "PlannedData", "canonical_settings", "plan_benchmark"]

SWITCHES = ("leak_gap", "cross")
"""Settings of a benchmark as a whole, true or false."""

_LISTS = ("features", "clf", "cv")
_OWN_PROTOCOL = "neutral_reference"  # its scores do not belong into one table with others
_SETTINGS = tuple(each.name for each in fields(SearchSettings) if each.name != _OWN_PROTOCOL)
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
            replace(self.settings, features=features, clf=clf, cv=cv).expanded()
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
    common = canonical_settings(settings)
    plans = [_planned(entry, common) for entry in entries]
    by_name: dict[str, SearchSettings] = {}
    for plan in plans:
        if by_name.setdefault(plan.name, plan.settings) != plan.settings:
            raise ParameterError(
                f"two data sets would share the folder {plan.name!r}, but are not told the same; "
                "give one of them another name in the configuration file"
            )
    return plans


def _planned(entry: Any, common: Mapping[str, Any]) -> PlannedData:
    own = canonical_settings(entry) if isinstance(entry, Mapping) else {"data": entry}
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


def canonical_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by the names of fields, lists as tuples of text.

    Raises
    ------
    ParameterError
        For unknown names, or values of a wrong kind.
    """
    made: dict[str, Any] = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        name = _CALLED.get(name, name)
        if name not in _KEYS:
            raise unknown_name("benchmark setting", str(key), [*_KEYS, *SWITCHES])
        if name in _LISTS:
            several = value if isinstance(value, (list, tuple)) else [value]
            made[name] = tuple(None if each is None else str(each) for each in several)
            if not several or (None in made[name] and name != "cv"):
                raise ParameterError(f"{key} must name at least one, got {value!r}")
        elif name in ("fixed", "grid"):
            made[name] = _texts(value)
        elif name != "data" and isinstance(value, (list, tuple, dict)):
            raise ParameterError(f"{key} takes one value, got {value!r}")
        else:
            made[name] = str(value) if isinstance(value, Path) else value
    return made


def _texts(told: Any) -> tuple[str, ...]:
    """``--set`` and ``--grid`` as texts, also from ``{name: value or values}``."""
    if told is None:
        return ()
    if isinstance(told, Mapping):
        values: dict[str, list[Any]] = {}
        for name, value in told.items():
            several = value if isinstance(value, list) else [value]
            values[name] = [read for each in several for read in _read(name, each)]
        return parameter_texts(values)
    return (told,) if isinstance(told, str) else tuple(map(str, told))


def _read(name: str, value: Any) -> list[Any]:
    """Text is read as on the command line, since YAML takes ``1e-3`` for text."""
    return parse_grid([f"{name}={value}"])[name] if isinstance(value, str) else [value]
