"""A folder per class: ``happy/1.jpg``, optionally below ``train/``, ``test/`` or ``val/``."""

from __future__ import annotations

from pathlib import PurePosixPath

from classic_fer.datasets.reading import NoLabelsError, Reading, image_names
from classic_fer.datasets.sources import Source
from classic_fer.emotions import EMOTIONS, canonical
from classic_fer.errors import DataError

__all__ = ["CARD", "matches", "read"]

CARD = None
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
    **dict.fromkeys(("public", "publictest"), "public"),
    **dict.fromkeys(("final", "privatetest"), "final"),
}
_NAMES = {*EMOTIONS, "positive", "negative"}


def matches(source: Source, names: list[str]) -> bool:
    """Whether there are images at all: this is the reader of last resort."""
    return bool(image_names(names))


def read(source: Source, names: list[str]) -> Reading:
    """Label from the topmost folder that differs between images, part from the one above it.

    A single class is recognised only if its folder is named after an emotion.

    Raises
    ------
    NoLabelsError
        If no folders tell the classes.
    """
    images = image_names(names)
    if not images:
        raise DataError(f"no images in {source.location}")
    folders = {name: PurePosixPath(name).parts[:-1] for name in images}
    depth = _common_depth(list(folders.values()))
    reading = Reading()
    for name, parts in folders.items():
        below = parts[depth:]
        split = _SPLITS.get(below[0].lower()) if below else None
        if split is not None:
            below = below[1:]
        if not below:
            reading.reject(name, "lies in no folder that names its class")
            continue
        reading.rows.append({"id": name, "label": canonical(below[0]), "split": split})
    classes = {row["label"] for row in reading.rows}
    if not classes or (len(classes) == 1 and not classes <= _NAMES):
        raise NoLabelsError(
            f"no labels in {str(source.location)!r}: {len(images)} images, but no folder per class "
            "(angry/, happy/ ...) and no table of a known data set; sort them into such folders, "
            "or write a manifest with the columns path,label"
        )
    return reading


def _common_depth(folders: list[tuple[str, ...]]) -> int:
    """Number of leading folders that all images share and that name neither class nor part."""
    depth = 0
    for level in zip(*folders):
        name = level[0].lower()
        if len(set(level)) > 1 or name in _SPLITS or canonical(name) in _NAMES:
            break
        depth += 1
    return depth
