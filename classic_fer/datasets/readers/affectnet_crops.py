"""AffectNet as crops: ``train_set/images/0.jpg`` and ``train_set/annotations/0_exp.npy``.

Beside ``_exp`` (0 to 7 or 0 to 10) lie ``_val``, ``_aro`` (-1 to 1) and ``_lnd`` (136 numbers, 68
landmarks in pixels of the crop).
"""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.readers.affectnet import affect, expression, points
from classic_fer.datasets.reading import Reading, image_names
from classic_fer.datasets.sources import Source
from classic_fer.errors import ImageError

__all__ = ["CARD", "matches", "read"]

CARD = "affectnet-crops"
_IMAGE = re.compile(r"^(.*?)images/([^/]+)\.\w+$")
_EXPRESSION = re.compile(r"(?:^|/)annotations/[^/]+_exp\.npy$")
_PARTS = {"train": "train", "val": "val", "test": "test"}


def matches(source: Source, names: list[str]) -> bool:
    """Whether there are files ``annotations/*_exp.npy``."""
    return any(_EXPRESSION.search(name) for name in names)


def read(source: Source, names: list[str]) -> Reading:
    """Landmarks and the columns ``valence``, ``arousal``; parts from ``train_set``, ``val_set``."""
    there = set(names)
    reading = Reading(landmarks=[])
    assert reading.landmarks is not None
    for name in image_names(names):
        match = _IMAGE.match(name)
        stem = f"{match[1]}annotations/{match[2]}" if match else ""
        if f"{stem}_exp.npy" not in there:
            reading.reject(name, "expected images/<n>.jpg with annotations/<n>_exp.npy")
            continue
        try:
            sample: dict[str, Any] = {
                "id": name,
                "label": expression(_text(source, f"{stem}_exp.npy")),
            }
            for column, ending in (("valence", "_val.npy"), ("arousal", "_aro.npy")):
                if f"{stem}{ending}" in there:
                    sample[column] = affect(_text(source, f"{stem}{ending}"))
            landmarks = np.empty(0)
            if f"{stem}_lnd.npy" in there:
                landmarks = _load(source, f"{stem}_lnd.npy").astype(float)
        except (ValueError, EOFError, ImageError) as error:
            reading.reject(name, f"its annotations cannot be read: {error}")
            continue
        folder = match[1].rstrip("/").split("/")[-1].lower() if match else ""
        sample["split"] = next((p for k, p in _PARTS.items() if folder.startswith(k)), None)
        reading.rows.append(sample)
        reading.landmarks.append(points(landmarks))
    return reading


def _load(source: Source, name: str) -> NDArray:
    return np.load(io.BytesIO(source.read(name)), allow_pickle=False)


def _text(source: Source, name: str) -> str:
    return str(_load(source, name).item())  # numbers, or numbers written as strings
