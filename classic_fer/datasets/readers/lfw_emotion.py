"""The LFW emotion data set: ``LFW-FER/train/positive/*`` and its masked twin ``M-LFW-FER``."""

from __future__ import annotations

import re

from classic_fer.datasets.readers.lfw_expressions import person
from classic_fer.datasets.reading import Reading, image_names, share
from classic_fer.datasets.sources import Source

__all__ = ["CARD", "matches", "read"]

CARD = "lfw-emotion"
_NAME = re.compile(
    r"(?:^|/)(train|eval|val|test)/(negative|neutral|neural|positive)/([^/]+_\d{4}[^/]*)$",
    re.IGNORECASE,
)
_MASKED = re.compile(r"(?:^|/)M-LFW-FER", re.IGNORECASE)


def matches(source: Source, names: list[str]) -> bool:
    """Whether LFW names lie in ``train|eval/negative|neutral|positive``."""
    return share(image_names(names), _NAME) > 0.9


def read(source: Source, names: list[str]) -> Reading:
    """Labels and parts (train, test) from folders, people from names; column ``masked``.

    ``masked`` is true below a folder, or in an archive, whose name begins with ``M-LFW-FER``.
    """
    reading = Reading()
    all_masked = bool(_MASKED.match(source.location.resolve().name))
    for name in image_names(names):
        match = _NAME.search(name)
        if match is None:
            reading.reject(name, "expected train|eval/negative|neutral|positive/<name>_0001.jpg")
            continue
        reading.rows.append(
            {
                "id": name,
                "label": "neutral" if match[2].lower() == "neural" else match[2].lower(),
                "subject": person(match[3]),
                "split": "train" if match[1].lower() == "train" else "test",
                "masked": all_masked or bool(_MASKED.search(name)),
            }
        )
    return reading
