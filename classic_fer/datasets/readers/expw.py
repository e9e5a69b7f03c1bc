"""ExpW: ``label.lst`` beside a folder of photos, several faces in some of them.

Each line: image name, number of the face in the image, box as top, left, right, bottom, confidence
of the box, expression (0 to 6).
"""

from __future__ import annotations

from classic_fer.datasets.reading import Reading, find_file, image_names, index_by_tail
from classic_fer.datasets.sources import Source
from classic_fer.errors import DataError

__all__ = ["CARD", "matches", "read"]

CARD = "expw"
_LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def matches(source: Source, names: list[str]) -> bool:
    """Whether there is a file ``label.lst``."""
    return find_file(names, "label.lst") is not None


def read(source: Source, names: list[str]) -> Reading:
    """One row per face with its box; columns ``face`` and ``box_confidence``; no people."""
    table = find_file(names, "label.lst")
    if table is None:
        raise DataError(f"no file label.lst in {source.location}, as ExpW has it")
    photos = index_by_tail(image_names(names), 1)
    reading = Reading()
    seen: set[str] = set()
    for number, line in enumerate(source.read_text(table).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            sample = _sample(line.split(), photos)
            if sample["id"] in seen:
                raise ValueError(f"{sample['id']} is listed for the second time")
        except ValueError as error:
            reading.reject(f"{table}, line {number}", str(error))
            continue
        seen.add(str(sample["id"]))
        reading.rows.append(sample)
    return reading


def _sample(fields: list[str], photos: dict[str, str]) -> dict[str, object]:
    if len(fields) != 8:
        raise ValueError(f"{len(fields)} fields; expected 8 (name, face, box, confidence, label)")
    if fields[0] not in photos:
        raise ValueError(f"no photo {fields[0]!r}")
    if fields[7] not in {str(i) for i in range(len(_LABELS))}:
        raise ValueError(f"expression is {fields[7]!r}; expected a number from 0 to 6")
    top, left, right, bottom, confidence = (float(value) for value in fields[2:7])
    return {
        "id": f"{photos[fields[0]]}#{fields[1]}",
        "path": photos[fields[0]],
        "label": _LABELS[int(fields[7])],
        "x": left,
        "y": top,
        "width": right - left,
        "height": bottom - top,
        "face": int(fields[1]),
        "box_confidence": confidence,
    }
