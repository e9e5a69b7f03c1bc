"""Text of flags to values: ``--set``, ``--grid``, ``--budget`` and ``--memory``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classic_fer.errors import ParameterError

__all__ = ["parameter_texts", "parse_duration", "parse_grid", "parse_set", "parse_size"]

_OPEN, _CLOSE = "([{", ")]}"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_WORDS = {"true": True, "false": False, "none": None}


def parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Values to try for each parameter.

    Parameters
    ----------
    texts : sequence of str
        Each ``name=v1,v2,...``; a value that holds commas itself stands in brackets or quotes.

    Returns
    -------
    dict of str to list

    Raises
    ------
    ParameterError
        If a text has no ``=``, a value is empty, or a name comes twice.

    Examples
    --------
    >>> parse_grid(["clf__gamma=scale,0.1", "features__lbp__radius=1,(1,2)"])
    {'clf__gamma': ['scale', 0.1], 'features__lbp__radius': [1, (1, 2)]}
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, values = _split_name("--grid", text)
        if name in grid:
            raise ParameterError(
                f"--grid names {name} twice; write its values once: {name}=v1,v2,..."
            )
        grid[name] = [_value(part, text) for part in _split_values(values)]
    return grid


def parse_set(texts: Sequence[str]) -> dict[str, Any]:
    """One fixed value for each parameter.

    Parameters
    ----------
    texts : sequence of str
        Each ``name=value``.

    Raises
    ------
    ParameterError
        As `parse_grid`, and if there are several values.

    Examples
    --------
    >>> parse_set(["features__lbp__radius=(1,2)", "clf__kernel=rbf"])
    {'features__lbp__radius': (1, 2), 'clf__kernel': 'rbf'}
    """
    fixed: dict[str, Any] = {}
    for text in texts:
        name, values = _split_name("--set", text)
        parts = _split_values(values)
        if len(parts) > 1:
            raise ParameterError(
                f"--set takes one value, got {len(parts)} in {text!r}; write ({values}) for a "
                f"tuple, or --grid {name}={values} to try each"
            )
        if name in fixed:
            raise ParameterError(f"--set names {name} twice; keep one of them")
        fixed[name] = _value(parts[0], text)
    return fixed


def parameter_texts(values: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """Texts that `parse_grid` (and, of one value each, `parse_set`) reads as these values.

    Examples
    --------
    >>> parameter_texts({"clf__C": [1, 10], "features__lbp__radius": [(1, 2)]})
    ('clf__C=1,10', 'features__lbp__radius=(1, 2)')
    """
    return tuple(f"{name}={','.join(map(_text, each))}" for name, each in values.items())


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m`` or ``1.5h``.

    Raises
    ------
    ParameterError
        If it is none of these, or not above 0.
    """
    return _measured("--budget", text, _SECONDS, text.strip().lower(), "10m, 90s or 1.5h")


def parse_size(text: str) -> int:
    """Bytes of ``4G``, ``500M`` (powers of 1024) or a plain number.

    Raises
    ------
    ParameterError
        If it is none of these, or not above 0.
    """
    plain = text.strip().upper().removesuffix("IB").removesuffix("B")
    return int(_measured("--memory", text, _BYTES, plain, "4G or 500M"))


def _measured(flag: str, text: str, units: dict[str, int], plain: str, examples: str) -> float:
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([A-Za-z]?)", plain)
    if not found or found[2] not in units or float(found[1]) <= 0:
        raise ParameterError(f"{flag} expects a value such as {examples}; got {text!r}")
    return float(found[1]) * units[found[2]]


def _split_name(flag: str, text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    name, values = name.strip(), values.strip()
    if not (name and equals and values):
        raise ParameterError(f"{flag} expects name=value, such as clf__C=10; got {text!r}")
    return name, values


def _split_values(text: str) -> list[str]:
    """Split at the commas that stand outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        if char == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _text(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list):
        value = tuple(value)
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w-]*", value)
    return value if plain and value.lower() not in _WORDS else repr(value)


def _value(part: str, text: str) -> Any:
    """A Python literal if it reads as one, else the text itself."""
    if not part:
        raise ParameterError(f"a value is empty in {text!r}; expected name=v1,v2,...")
    if part.lower() in _WORDS:
        return _WORDS[part.lower()]
    try:
        return ast.literal_eval(part)
    except (ValueError, SyntaxError):
        if part[0] in _OPEN or part[-1] in _CLOSE:
            raise ParameterError(
                f"cannot read the value {part!r} in {text!r}; a tuple is written (1,2)"
            ) from None
        return part
