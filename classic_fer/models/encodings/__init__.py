"""Encodings: from the dense local descriptors of a face to one row of numbers.

`ENCODINGS` names them; in a feature expression they stand alone (``fisher``, short for
``pixels:fisher``) and are fitted on the images of the training faces. The modules are imported
when an encoding is first made.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from classic_fer.errors import unknown_name

__all__ = ["ENCODINGS", "make_encoding"]

ENCODINGS: dict[str, str] = {
    "bow": "classic_fer.models.encodings.bow:BOW",
    "fisher": "classic_fer.models.encodings.fisher:Fisher",
    "vlad": "classic_fer.models.encodings.vlad:VLAD",
}


def make_encoding(name: str) -> Any:
    """An unfitted encoding by its name in `ENCODINGS`.

    Raises
    ------
    ParameterError
        For an unknown name; lists the choices.
    """
    if name not in ENCODINGS:
        raise unknown_name("encoding", name, ENCODINGS)
    module, _, attribute = ENCODINGS[name].partition(":")
    return getattr(import_module(module), attribute)()
