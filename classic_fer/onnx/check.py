"""Whether an exported graph answers as the recognizer that it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError
from classic_fer.faces.types import is_faces, make_faces
from classic_fer.models.recognizer import Recognizer
from classic_fer.onnx.metadata import FACES, LABEL, LANDMARKS, PROBABILITIES

__all__ = ["LEAST_SAME", "MOST_DIFFERENCE", "GraphCheck", "check_graph"]

LEAST_SAME = 0.999
"""Share of faces that must get the same label."""
MOST_DIFFERENCE = 1e-4
"""Between two probabilities of a class."""

_BATCH = 64


@dataclass(frozen=True)
class GraphCheck:
    """How the answers of a graph agree with those of its recognizer.

    Attributes
    ----------
    n : int
        Number of faces.
    same : int
        Faces with the same label.
    close : int
        Faces whose probabilities all differ by at most `MOST_DIFFERENCE`.
    difference : float
        The largest one between two probabilities.
    worst : int
        Row of the face that it belongs to.
    """

    n: int
    same: int
    close: int
    difference: float
    worst: int

    @property
    def passed(self) -> bool:
        """Whether labels and probabilities agree well enough."""
        return self.same >= LEAST_SAME * self.n and self.difference <= MOST_DIFFERENCE

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "faces": self.n,
            "same_label": self.same,
            "close_scores": self.close,
            "worst_difference": self.difference,
            "worst_row": self.worst,
            "passed": self.passed,
        }


def check_graph(recognizer: Recognizer, file: str | Path, faces: NDArray) -> GraphCheck:
    """Compare a graph with its recognizer on faces, in batches.

    Parameters
    ----------
    recognizer : Recognizer
    file : str or Path
        As `classic_fer.onnx.export.export_recognizer` wrote it.
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
        Aligned as the recognizer wants them. All are taken as found: a graph sees pixels only.

    Raises
    ------
    DataError
        If there are no faces.
    """
    import onnxruntime

    if not len(faces):
        raise DataError("expected at least one face to compare the graph on, got none")
    if is_faces(faces):
        faces = make_faces(faces["image"], landmarks=faces["landmarks"])
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    same, differences = [], []
    for start in range(0, len(faces), _BATCH):
        batch = faces[start : start + _BATCH]
        images = batch["image"] if is_faces(batch) else batch
        inputs = {FACES: np.ascontiguousarray(images)}
        if LANDMARKS in names:
            inputs[LANDMARKS] = np.ascontiguousarray(batch["landmarks"])
        labels, chances = session.run([LABEL, PROBABILITIES], inputs)
        same.append(labels == recognizer.predict(batch))
        differences.append(np.abs(chances - recognizer.predict_proba(batch)).max(axis=1))
    largest = np.concatenate(differences)
    # A NaN is a difference, too.
    largest = np.where(np.isnan(largest), np.inf, largest)
    worst = int(largest.argmax())
    return GraphCheck(
        n=len(faces),
        same=int(np.concatenate(same).sum()),
        close=int((largest <= MOST_DIFFERENCE).sum()),
        difference=float(largest[worst]),
        worst=worst,
    )
