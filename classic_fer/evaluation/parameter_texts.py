"""``--set`` and ``--grid``: text to ``step__parameter`` values."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from classic_fer.errors import ParameterError

__all__ = ["parse_grid", "parse_set"]

_OPEN, _CLOSE = "([{", ")]}"
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
