"""CK+48, the Kaggle crops of CK+: ``CK+48/anger/S010_004_00000017.png``."""

from __future__ import annotations

import re

from classic_fer.datasets.reading import Reading, image_names
from classic_fer.datasets.sources import Source
from classic_fer.emotions import EMOTIONS, canonical

__all__ = ["CARD", "matches", "read"]

CARD = "ck48"
_NAME = re.compile(r"(?:^|/)([^/]+)/(S\d{3})_(\d{3})_(\d{8})\.\w+$", re.IGNORECASE)


def matches(source: Source, names: list[str]) -> bool:
    """Whether images named as in CK+ lie in folders named after emotions."""
    images = image_names(names)
    found = [match[1] for name in images if (match := _NAME.search(name))]
    return len(found) > 0.9 * len(images) and all(canonical(f) in EMOTIONS for f in found[:1])


def read(source: Source, names: list[str]) -> Reading:
    """Label from the folder, person from the name; columns ``sequence`` and ``frame``."""
    reading = Reading()
    for name in image_names(names):
        match = _NAME.search(name)
        if match is None:
            reading.reject(name, "expected <emotion>/S010_004_00000017.png, as in CK+48")
            continue
        folder, subject, sequence, frame = match.groups()
        subject = subject.upper()
        sample = {"id": name, "label": canonical(folder), "subject": subject, "split": None}
        reading.rows.append(sample | {"sequence": f"{subject}_{sequence}", "frame": int(frame)})
    return reading
