"""KDEF: ``AF01/AF01ANS.JPG`` is session A, female 01, angry, straight."""

from __future__ import annotations

import re

from classic_fer.datasets.reading import Reading, image_names, share
from classic_fer.datasets.sources import Source
from classic_fer.emotions import canonical

__all__ = ["CARD", "matches", "read"]

CARD = "kdef"
_NAME = re.compile(
    r"(?:^|/)([AB])([FM])(\d{2})(AF|AN|DI|HA|NE|SA|SU)(FL|HL|S|HR|FR)\.\w+$", re.IGNORECASE
)
_GENDERS = {"F": "female", "M": "male"}
_ANGLES = {
    "FL": "full left",
    "HL": "half left",
    "S": "straight",
    "HR": "half right",
    "FR": "full right",
}


def matches(source: Source, names: list[str]) -> bool:
    """Whether the images are named as in KDEF."""
    return share(image_names(names), _NAME) > 0.9


def read(source: Source, names: list[str]) -> Reading:
    """All from the names; columns ``session`` (A, B), ``gender`` and ``angle``."""
    reading = Reading()
    for name in image_names(names):
        match = _NAME.search(name)
        if match is None:
            reading.reject(name, "expected a name such as AF01ANS.JPG, as in KDEF")
            continue
        session, gender, number, expression, angle = (part.upper() for part in match.groups())
        reading.rows.append(
            {
                "id": name,
                "label": canonical(expression),
                "subject": gender + number,
                "session": session,
                "gender": _GENDERS[gender],
                "angle": _ANGLES[angle],
            }
        )
    return reading
