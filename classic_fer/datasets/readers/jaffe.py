"""JAFFE: ``jaffedbase/KA.AN1.39.tiff`` with semantic ratings by 60 people.

The name is subject, expression and take, serial number. ``ratings_60.txt`` (or the same table in
the readme) has 219 rows, six of them without an image, and writes ``YN-HA2`` for ``YM-HA2``. The
ratings by 30 people lack fear and are not used.
"""

from __future__ import annotations

import re

from classic_fer.datasets.reading import Reading, find_file, image_names, share
from classic_fer.datasets.sources import Source
from classic_fer.emotions import canonical

__all__ = ["CARD", "matches", "read"]

CARD = "jaffe"
_NAME = re.compile(r"(?:^|/)([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)(\d)\.(\d+)\.\w+$", re.IGNORECASE)
_RATED = ("happiness", "sadness", "surprise", "anger", "disgust", "fear")
# Six ratings: the table without fear, in the same readme, has five.
_RATING = re.compile(r"^\s*\d+\s+((?:\d\.\d+\s+){6})([A-Z]{2}-[A-Z]{2}\d)\s*$", re.MULTILINE)
_MISPRINTS = {"YN-HA2": "YM-HA2"}


def matches(source: Source, names: list[str]) -> bool:
    """Whether the images are named as in JAFFE."""
    return share(image_names(names), _NAME) > 0.9


def read(source: Source, names: list[str]) -> Reading:
    """Labels and people from the names; columns ``rating_<emotion>`` (1 low to 5 high)."""
    ratings = _ratings(source, names)
    reading = Reading()
    for name in image_names(names):
        match = _NAME.search(name)
        if match is None:
            reading.reject(name, "expected <subject>.<expression><take>.<serial>.tiff, as in JAFFE")
            continue
        subject, expression, take, _ = (part.upper() for part in match.groups())
        sample = {"id": name, "label": canonical(expression), "subject": subject, "split": None}
        rated = ratings.get(f"{subject}-{expression}{take}", [float("nan")] * len(_RATED))
        columns = {f"rating_{emotion}": value for emotion, value in zip(_RATED, rated)}
        reading.rows.append(sample | (columns if ratings else {}))
    return reading


def _ratings(source: Source, names: list[str]) -> dict[str, list[float]]:
    table = find_file(names, "ratings_60.txt") or find_file(
        names, "dataset_readme.txt", "readme_first.txt", "readme.txt"
    )
    if table is None:
        return {}
    found = _RATING.findall(source.read_text(table))
    return {_MISPRINTS.get(code, code): [float(v) for v in row.split()] for row, code in found}
