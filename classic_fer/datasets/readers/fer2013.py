"""FER2013 as the folders of the Kaggle archive: ``train/angry/Training_3908.jpg``.

``test/`` holds the parts PublicTest and PrivateTest together; the prefix of the file name, not the
folder, tells the part.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from classic_fer.datasets.reading import Reading, image_names, share
from classic_fer.datasets.sources import Source
from classic_fer.emotions import canonical

__all__ = ["CARD", "PARTS", "matches", "read"]

CARD = "fer2013"
PARTS = {"training": "train", "publictest": "public", "privatetest": "final"}
_NAME = re.compile(r"(?:^|/)(Training|PublicTest|PrivateTest)_\d+\.\w+$", re.IGNORECASE)


def matches(source: Source, names: list[str]) -> bool:
    """Whether the image names begin with the parts of FER2013."""
    return share(image_names(names), _NAME) > 0.9


def read(source: Source, names: list[str]) -> Reading:
    """Labels from the folders, parts (train, public, final) from the names; no people."""
    reading = Reading()
    for name in image_names(names):
        match = _NAME.search(name)
        folder = PurePosixPath(name).parent.name
        if match is None or not folder:
            reading.reject(
                name, "expected <emotion>/Training_*, PublicTest_* or PrivateTest_*, as in FER2013"
            )
            continue
        part = PARTS[match[1].lower()]
        reading.rows.append({"id": name, "label": canonical(folder), "split": part})
    return reading
