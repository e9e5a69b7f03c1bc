"""AffectNet as tables: ``training.csv``, ``validation.csv`` and the photos in numbered folders.

Columns subDirectory_filePath, face_x, face_y, face_width, face_height, facial_landmarks,
expression (0 to 10), valence, arousal; some copies of the tables come without the header.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.reading import Reading, image_names, index_by_tail
from classic_fer.datasets.sources import Source
from classic_fer.emotions import EMOTIONS

__all__ = ["CARD", "affect", "expression", "matches", "points", "read"]

CARD = "affectnet"
_COLUMNS = (
    *("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height"),
    *("facial_landmarks", "expression", "valence", "arousal"),
)
_PARTS = {
    "training.csv": "train",
    "validation.csv": "val",
    "automatically_annotated.csv": "automatic",
}


def matches(source: Source, names: list[str]) -> bool:
    """Whether one of AffectNet's tables is there, with nine columns."""
    return any(_is_table(source, name) for name in names if _part(name))


def read(source: Source, names: list[str]) -> Reading:
    """Boxes, landmarks and the columns ``valence``, ``arousal`` (-1 to 1); no people.

    Parts: train, val, and ``automatic`` for the automatically annotated photos. AffectNet's -2
    (no valence or arousal) becomes NaN.
    """
    photos = index_by_tail(image_names(names), 2)
    reading = Reading(landmarks=[])
    seen: set[str] = set()
    for table in (name for name in names if _part(name) and _is_table(source, name)):
        for number, row in _rows(source, table):
            try:
                sample, landmarks = _sample(row, photos)
                if sample["id"] in seen:
                    raise ValueError(f"{sample['id']} is listed for the second time")
            except ValueError as error:
                reading.reject(f"{table}, line {number}", str(error))
                continue
            seen.add(sample["id"])
            reading.rows.append(sample | {"split": _part(table)})
            assert reading.landmarks is not None
            reading.landmarks.append(landmarks)
    return reading


def expression(text: str) -> str:
    """The emotion for AffectNet's number; ValueError for any other text."""
    number = float(text)
    if number not in range(len(EMOTIONS)):
        raise ValueError(f"expression is {text!r}; expected a number from 0 to 10")
    return EMOTIONS[int(number)]


def affect(text: str) -> float:
    """Valence or arousal; NaN where AffectNet writes -2."""
    value = float(text)
    return value if -1 <= value <= 1 else math.nan


def points(values: NDArray) -> NDArray[np.float32]:
    """136 numbers x, y, x, y ... as (68, 2); NaN if there are not 136."""
    if values.size != 136:
        return np.full((68, 2), np.nan, dtype=np.float32)
    return values.astype(np.float32).reshape(68, 2)


def _part(name: str) -> str | None:
    file = PurePosixPath(name).name.lower()
    return next((part for ending, part in _PARTS.items() if file.endswith(ending)), None)


def _is_table(source: Source, name: str) -> bool:
    with source.open_text(name) as stream:
        first = stream.readline()
    return first.count(",") == len(_COLUMNS) - 1 and (
        first.startswith(_COLUMNS[0]) or first.count(";") == 135
    )


def _rows(source: Source, table: str) -> Iterator[tuple[int, dict[str, str]]]:
    with source.open_text(table) as stream:
        for number, values in enumerate(csv.reader(stream), start=1):
            if values and values[0] != _COLUMNS[0]:
                yield number, dict(zip(_COLUMNS, values))


def _sample(
    row: dict[str, str], photos: dict[str, str]
) -> tuple[dict[str, Any], NDArray[np.float32]]:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"{len(row)} columns; expected {len(_COLUMNS)}")
    photo = photos.get("/".join(row["subDirectory_filePath"].split("/")[-2:]))
    if photo is None:
        raise ValueError(f"no photo {row['subDirectory_filePath']!r}")
    box = [_number(row[name]) for name in _COLUMNS[1:5]]
    landmarks = np.array([_number(value) for value in row["facial_landmarks"].split(";")])
    return {
        "id": photo,
        "label": expression(row["expression"]),
        **dict(zip(("x", "y", "width", "height"), box)),
        "valence": affect(row["valence"]),
        "arousal": affect(row["arousal"]),
    }, points(landmarks)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # 'NULL' where AffectNet has no box or landmarks
        return math.nan
