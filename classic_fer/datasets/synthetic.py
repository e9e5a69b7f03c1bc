"""Generated faces: the embedded default data set, for trials and tests without any file.

A seeded parametric face, drawn in two and a half dimensions: people with their own proportions,
skin and hair show expressions made of facial action units, under varying pose and light. The
landmarks are known because the face is drawn through them. Results on these faces say nothing
about real people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.synthetic_appearance import sample_appearance, sample_lighting
from classic_fer.datasets.synthetic_expressions import (
    EXPRESSIONS,
    sample_action_units,
    sample_habit,
)
from classic_fer.datasets.synthetic_render import render_face
from classic_fer.datasets.synthetic_shape import pose_face, sample_identity, sample_pose
from classic_fer.errors import ParameterError, unknown_name

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["GENERATED_EMOTIONS", "SyntheticFaces", "generated_dataset", "synthetic_faces"]

# The default: the seven classes of FER2013, JAFFE and most others.
GENERATED_EMOTIONS = tuple(emotion for emotion in EXPRESSIONS if emotion != "contempt")
_MIN_SIZE, _MAX_SIZE = 48, 1024


@dataclass(frozen=True)
class SyntheticFaces:
    """Generated faces, row by row.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, size, size)
        Grey portraits with background.
    landmarks : ndarray of float32, shape (n, 68, 2)
        x, y in pixels of the images, iBUG order, 0 is the centre of the first pixel.
    labels : ndarray of str, shape (n,)
        Canonical emotion names.
    subjects : ndarray of str, shape (n,)
        People: ``"P00"``, ``"P01"`` ...
    ids : ndarray of str, shape (n,)
        ``"P03/happiness/1"``: person, emotion, number of the picture from 1.
    """

    images: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    labels: NDArray[np.str_]
    subjects: NDArray[np.str_]
    ids: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)


def synthetic_faces(
    n_people: int = 24,
    per_emotion: int = 2,
    *,
    size: int = 192,
    emotions: Sequence[str] = GENERATED_EMOTIONS,
    random_state: int = 0,
) -> SyntheticFaces:
    """Draw `per_emotion` pictures of each emotion of each of `n_people` people.

    A picture depends only on `random_state`, `size`, the person, the emotion and the number of the
    picture: more people or emotions add pictures and change none.

    Parameters
    ----------
    n_people : int
        Number of people.
    per_emotion : int
        Pictures of a person for each emotion.
    size : int
        Height and width of the images in pixels, 48 to 1024.
    emotions : sequence of str
        Canonical names: the seven basic classes, and ``"contempt"``.
    random_state : int
        Seed, 0 or more.

    Returns
    -------
    faces : SyntheticFaces
        n = n_people * len(emotions) * per_emotion rows, ordered by person, emotion and number.

    Raises
    ------
    ParameterError
        If a number is out of range, or an emotion has no expression or is named twice.

    Examples
    --------
    >>> faces = synthetic_faces(2, 1, size=64)
    >>> faces.images.shape, faces.landmarks.shape
    ((14, 64, 64), (14, 68, 2))
    """
    _check_numbers(n_people, per_emotion, size, random_state)
    for emotion in emotions:
        if emotion not in EXPRESSIONS:
            raise unknown_name("generated emotion", emotion, EXPRESSIONS)
    if len(emotions) == 0:
        raise ParameterError("emotions is empty; expected at least one name")
    twice = [emotion for emotion in EXPRESSIONS if list(emotions).count(emotion) > 1]
    if twice:
        raise ParameterError(
            f"emotions names {twice[0]} twice; name each once and raise per_emotion for more"
        )
    n = n_people * len(emotions) * per_emotion
    images = np.empty((n, size, size), dtype=np.uint8)
    landmarks = np.empty((n, 68, 2), dtype=np.float32)
    labels: list[str] = []
    subjects: list[str] = []
    ids: list[str] = []
    for person in range(n_people):
        sitter = _Sitter(random_state, person)
        for emotion in emotions:
            for number in range(1, per_emotion + 1):
                row = len(ids)
                images[row], landmarks[row] = sitter.picture(emotion, number, size=size)
                labels.append(emotion)
                subjects.append(f"P{person:02d}")
                ids.append(f"P{person:02d}/{emotion}/{number}")
    return SyntheticFaces(images, landmarks, np.array(labels), np.array(subjects), np.array(ids))


def generated_dataset(*, seed: int = 0) -> Dataset:
    """The data set ``generated``: 24 people, seven emotions, two pictures of each, 336 faces.

    Parameters
    ----------
    seed : int
        Seed, 0 or more.

    Returns
    -------
    data : Dataset
        Photos of 192 x 192 pixels in memory, with landmarks and people. Whatever is measured on
        them says nothing about real people.
    """
    import pandas as pd

    from classic_fer.datasets.cards import load_card
    from classic_fer.datasets.dataset import Dataset

    faces = _default_faces(seed)
    samples = pd.DataFrame(
        {"id": faces.ids, "label": faces.labels, "subject": faces.subjects, "split": None}
    )
    return Dataset(
        name="generated",
        samples=samples,
        source=None,
        card=load_card("generated"),
        landmarks=faces.landmarks,
        photos=faces.images,
    )


@lru_cache(maxsize=2)
def _default_faces(seed: int) -> SyntheticFaces:
    """The default faces, drawn once a process; the arrays are shared and must not be changed."""
    faces = synthetic_faces(random_state=seed)
    for array in (faces.images, faces.landmarks):
        array.flags.writeable = False
    return faces


class _Sitter:
    """One person, who can be photographed again and again."""

    def __init__(self, seed: int, person: int) -> None:
        self._key = (seed, person)
        rng = np.random.default_rng([*self._key, 0])
        self._identity = sample_identity(rng)
        self._habit = sample_habit(rng)
        self._expressivity = float(rng.uniform(0.85, 1.10))
        self._appearance = sample_appearance(rng)

    def picture(
        self, emotion: str, number: int, *, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Image (size, size) and landmarks (68, 2) of the `number`-th picture of an emotion."""
        kind = list(EXPRESSIONS).index(emotion)
        rng = np.random.default_rng([*self._key, 1 + kind, number])
        units = sample_action_units(emotion, rng, expressivity=self._expressivity)
        pose, lighting = sample_pose(rng), sample_lighting(rng)
        shape = pose_face(self._identity, units + self._habit, pose, size=size)
        return render_face(shape, self._appearance, lighting, rng, size=size), shape.landmarks


def _check_numbers(n_people: int, per_emotion: int, size: int, random_state: int) -> None:
    limits = {
        "n_people": (n_people, 1, 100_000),
        "per_emotion": (per_emotion, 1, 100_000),
        "size": (size, _MIN_SIZE, _MAX_SIZE),
        "random_state": (random_state, 0, 2**63),
    }
    for name, (value, low, high) in limits.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            raise ParameterError(
                f"{name} must be a whole number from {low} to {high}, got {value!r}"
            )
