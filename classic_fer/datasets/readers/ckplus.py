"""CK+ in its original layout: sequences from neutral to the peak of an expression.

``cohn-kanade-images/S005/001/S005_001_00000011.png`` and, for 327 of the 593 sequences,
``Emotion/S005/001/S005_001_00000011_emotion.txt`` with a number from 0 to 7. As is usual, the last
three frames of a labelled sequence stand for its emotion and the first one for neutral.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.reading import Reading, image_names
from classic_fer.datasets.sources import Source
from classic_fer.errors import ImageError

__all__ = ["CARD", "LAST_FRAMES", "matches", "read"]

CARD = "ckplus"
LAST_FRAMES = 3
# The order of CK+'s own readme.
_LABELS = (
    *("neutral", "anger", "contempt", "disgust"),
    *("fear", "happiness", "sadness", "surprise"),
)
_FRAME = re.compile(r"(?:^|/)(S\d{3})/(\d{3})/S\d{3}_\d{3}_(\d{8})\.\w+$", re.IGNORECASE)
_EMOTION = re.compile(r"(?:^|/)(S\d{3})/(\d{3})/[^/]*_emotion\.txt$", re.IGNORECASE)
_LANDMARKS = re.compile(r"(?:^|/)(S\d{3}_\d{3}_\d{8})_landmarks\.txt$", re.IGNORECASE)


def matches(source: Source, names: list[str]) -> bool:
    """Whether there are emotion files beside folders of sequences."""
    return any(_EMOTION.search(name) for name in names) and any(
        _FRAME.search(name) for name in names
    )


def read(source: Source, names: list[str]) -> Reading:
    """Frames of labelled sequences, with landmarks if there are any.

    Columns ``sequence`` (S005_001) and ``frame``.
    """
    sequences: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in image_names(names):
        if match := _FRAME.search(name):
            sequences[match[1].upper(), match[2]].append(name)
    points = {match[1].upper(): name for name in names if (match := _LANDMARKS.search(name))}
    reading = Reading(landmarks=[] if points else None)
    for name in names:
        match = _EMOTION.search(name)
        if match is None:
            continue
        subject, sequence = match[1].upper(), match[2]
        frames = sorted(sequences.get((subject, sequence), ()))
        if len(frames) <= LAST_FRAMES:
            reading.reject(
                name, f"its sequence has {len(frames)} frames; expected more than {LAST_FRAMES}"
            )
            continue
        try:
            label = _label(source.read_text(name))
        except (ValueError, ImageError) as error:
            reading.reject(name, str(error))
            continue
        chosen = [(frames[0], "neutral"), *((frame, label) for frame in frames[-LAST_FRAMES:])]
        for frame, emotion in chosen:
            stem = frame.split("/")[-1].split(".")[0].upper()
            reading.rows.append(
                {
                    "id": frame,
                    "label": emotion,
                    "subject": subject,
                    "sequence": f"{subject}_{sequence}",
                    "frame": int(stem[-8:]),
                }
            )
            if reading.landmarks is not None:
                reading.landmarks.append(_landmarks(source, points.get(stem), reading))
    return reading


def _label(text: str) -> str:
    number = float(text.strip() or "nan")  # written as '   3.0000000e+00'
    if number not in range(len(_LABELS)):
        raise ValueError(f"emotion is {text.strip()!r}; expected a number from 0 to 7")
    return _LABELS[int(number)]


def _landmarks(source: Source, name: str | None, reading: Reading) -> NDArray[np.float32]:
    missing = np.full((68, 2), np.nan, dtype=np.float32)
    if name is None:
        return missing
    try:
        values = np.array(source.read_text(name).split(), dtype=np.float32)
        return values.reshape(68, 2)
    except (ValueError, ImageError) as error:
        reading.reject(name, f"expected 68 lines of x and y; the face stays without them ({error})")
        return missing
