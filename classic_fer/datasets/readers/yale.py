"""Yale faces: ``subject01.happy``, GIF images whatever the extension.

Expressions and configurations share the place after the dot. The readme of the database says that
``subject04.sad`` is corrupted and has been substituted by ``subject04.normal``: it is left out if
it is the same file.
"""

from __future__ import annotations

import re

from classic_fer.datasets.reading import Reading, share
from classic_fer.datasets.sources import Source
from classic_fer.emotions import canonical

__all__ = ["CARD", "matches", "read"]

CARD = "yale"
_NAME = re.compile(
    r"(?:^|/)(subject\d{2})\.(centerlight|glasses|happy|leftlight|noglasses|normal|rightlight"
    r"|sad|sleepy|surprised|wink)(?:\.\w+)?$",
    re.IGNORECASE,
)
_FACE = re.compile(r"(?:^|/)subject\d{2}\.", re.IGNORECASE)


def matches(source: Source, names: list[str]) -> bool:
    """Whether most files are named as in the Yale face database."""
    return share(names, _NAME) > 0.8


def read(source: Source, names: list[str]) -> Reading:
    """Label and person from the name; configurations such as glasses keep their own name."""
    reading = Reading()
    seen: dict[tuple[str, str], str] = {}
    for name in (n for n in names if _FACE.search(n)):
        match = _NAME.search(name)
        if match is None:
            reading.reject(name, "expected subject<number>.<expression>, as in the Yale faces")
            continue
        subject, condition = match[1].lower(), match[2].lower()
        if (subject, condition) in seen:
            first = seen[subject, condition]
            reading.reject(name, f"the same person and expression as {first}; the first counts")
            continue
        seen[subject, condition] = name
        reading.rows.append({"id": name, "label": canonical(condition), "subject": subject})
    _leave_out_the_substitute(source, seen, reading)
    return reading


def _leave_out_the_substitute(
    source: Source, seen: dict[tuple[str, str], str], reading: Reading
) -> None:
    sad, normal = seen.get(("subject04", "sad")), seen.get(("subject04", "normal"))
    if sad and normal and source.read(sad) == source.read(normal):
        reading.rows = [row for row in reading.rows if row["id"] != sad]
        reading.reject(sad, f"the same file as {normal}: the original was lost (Yale's readme)")
