"""FER2013 as a table of pixels: ``fer2013.csv`` or ``icml_face_data.csv``.

Columns emotion (0 to 6), pixels (2,304 grey values) and Usage; ``icml_face_data.csv`` has them in
another order and with blanks before the names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.readers.fer2013 import PARTS
from classic_fer.datasets.reading import Reading, find_file
from classic_fer.datasets.sources import Source
from classic_fer.errors import DataError

__all__ = ["CARD", "matches", "read"]

CARD = "fer2013"
SIDE = 48
_LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_NOT_A_NUMBER = re.compile(r"[^0-9 ]")
_FILES = ("fer2013.csv", "icml_face_data.csv")


def matches(source: Source, names: list[str]) -> bool:
    """Whether there is a table of that name, or the only file is a CSV with a column of pixels."""
    if find_file(names, *_FILES):
        return True
    if len(names) != 1 or not names[0].lower().endswith(".csv"):
        return False
    with source.open_text(names[0]) as stream:
        return {"emotion", "pixels"} <= set(_columns(stream.readline()))


def read(source: Source, names: list[str]) -> Reading:
    """All faces of the table, 48 x 48 uint8, in memory (83 MB for the whole of FER2013)."""
    table = find_file(names, *_FILES) or names[0]
    reading = Reading(photos=[])
    assert reading.photos is not None
    for number, row in _rows(source, table):
        try:
            label = _LABELS[_index(row.get("emotion", ""))]
            pixels = _pixels(row.get("pixels", ""))
            usage = row.get("usage", "")
            if usage and usage.lower() not in PARTS:
                raise ValueError(
                    f"Usage is {usage!r}; expected Training, PublicTest or PrivateTest"
                )
        except ValueError as error:
            reading.reject(f"{table}, line {number}", str(error))
            continue
        sample = {"id": f"{usage or 'row'}_{number - 2}", "label": label}
        reading.rows.append(sample | {"split": PARTS[usage.lower()] if usage else None})
        reading.photos.append(pixels)
    return reading


def _columns(header: str) -> list[str]:
    return [name.strip().lower() for name in header.strip().split(",")]


def _rows(source: Source, table: str) -> Iterator[tuple[int, dict[str, str]]]:
    with source.open_text(table) as stream:
        columns = _columns(stream.readline())
        if not {"emotion", "pixels"} <= set(columns):
            raise DataError(
                f"{table} has the columns {columns}; expected emotion, pixels and Usage"
            )
        for number, values in enumerate(csv.reader(stream), start=2):
            yield number, dict(zip(columns, (value.strip() for value in values)))


def _index(text: str) -> int:
    if text not in {str(i) for i in range(len(_LABELS))}:
        raise ValueError(f"emotion is {text!r}; expected a number from 0 to 6")
    return int(text)


def _pixels(text: str) -> NDArray[np.uint8]:
    if _NOT_A_NUMBER.search(text):
        raise ValueError("pixels holds something that is not a whole number from 0 to 255")
    values = np.fromstring(text, dtype=np.int64, sep=" ")
    if values.size != SIDE * SIDE:
        raise ValueError(f"pixels holds {values.size} values; expected {SIDE * SIDE}")
    if values.max() > 255:
        raise ValueError(f"pixels holds the value {values.max()}; expected 0 to 255")
    return values.astype(np.uint8).reshape(SIDE, SIDE)
