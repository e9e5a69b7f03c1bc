"""LFW with ``legend.csv``: press photos labelled with eight expressions.

Columns ``image`` and ``emotion`` (others are ignored). An image that is listed more than once
keeps the label of its first row; where another row disagrees, that label goes into the column
``other_label``. ``second_rater.csv`` becomes the column ``second_label``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from classic_fer.datasets.reading import Reading, find_file, image_names, index_by_tail
from classic_fer.datasets.sources import Source
from classic_fer.emotions import canonical
from classic_fer.errors import DataError

__all__ = ["CARD", "matches", "person", "read"]

CARD = "lfw-expressions"
_NUMBER = re.compile(r"_\d+\D*$")


def person(name: str) -> str:
    """The person in an LFW file name: all before the last ``_`` and number.

    Examples
    --------
    >>> person("images/Aaron_Peirsol_0002.jpg")
    'Aaron_Peirsol'
    """
    stem = name.split("/")[-1].rsplit(".", 1)[0]
    return _NUMBER.sub("", stem)


def matches(source: Source, names: list[str]) -> bool:
    """Whether there is a file ``legend.csv``."""
    return find_file(names, "legend.csv") is not None


def read(source: Source, names: list[str]) -> Reading:
    """One row per image; people from the names; images that are not in the table are listed."""
    legend = find_file(names, "legend.csv")
    if legend is None:
        raise DataError(f"no file legend.csv in {source.location}, as the LFW expressions have it")
    photos = index_by_tail(image_names(names), 1)
    labels: dict[str, str] = {}
    others: dict[str, str] = {}
    reading = Reading()
    for number, image, label in _labels(source, legend):
        if image not in photos or not label:
            reason = "no label" if image in photos else f"no image {image!r}"
            reading.reject(f"{legend}, line {number}", reason)
        elif labels.setdefault(image, label) != label:
            others[image] = label
    rater = find_file(names, "second_rater.csv")
    second = {image: label for _, image, label in _labels(source, rater)} if rater else {}
    for image, label in sorted(labels.items()):
        sample = {"id": photos[image], "label": label, "subject": person(image), "split": None}
        extra = {"second_label": second.get(image)} if rater else {}
        extra |= {"other_label": others.get(image)} if others else {}
        reading.rows.append(sample | extra)
    for image in sorted(photos.keys() - labels.keys()):
        reading.reject(photos[image], f"no row in {legend}")
    return reading


def _labels(source: Source, table: str) -> Iterator[tuple[int, str, str]]:
    with source.open_text(table) as stream:
        rows = csv.DictReader(stream)
        if not {"image", "emotion"} <= set(rows.fieldnames or ()):
            raise DataError(
                f"{table} has the columns {list(rows.fieldnames or ())}; expected image and emotion"
            )
        for number, row in enumerate(rows, start=2):
            yield number, (row["image"] or "").strip(), canonical(row["emotion"] or "")
