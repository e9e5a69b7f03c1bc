"""Small striped 'faces' on which every model learns quickly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from classic_fer.faces.types import make_faces


class Toy(NamedTuple):
    faces: NDArray
    y: NDArray
    groups: NDArray


def striped_faces(n: int, *, classes: tuple[str, ...], size: int = 24, seed: int = 0) -> Toy:
    """Faces whose stripes run in one direction a class, under noise; six people in turn."""
    rng = np.random.default_rng(seed)
    labels = np.array(classes)[np.arange(n) % len(classes)]
    rows, cols = np.mgrid[:size, :size]
    images = np.empty((n, size, size), np.uint8)
    for i, label in enumerate(labels):
        angle = np.pi * classes.index(label) / len(classes)
        wave = np.sin((rows * np.sin(angle) + cols * np.cos(angle)) * 1.3 + rng.uniform(0, 1.5))
        images[i] = np.clip(128 + 50 * wave + rng.normal(0, 30, (size, size)), 0, 255)
    landmarks = rng.uniform(2, size - 2, (n, 68, 2))
    landmarks[::7] = np.nan
    people = np.array([f"P{i}" for i in (np.arange(n) // len(classes)) % 6])
    return Toy(make_faces(images, landmarks=landmarks), labels, people)


class Pixels(TransformerMixin, BaseEstimator):
    """Stand-in feature: every `step`-th pixel."""

    def __init__(self, step: int = 2) -> None:
        self.step = step

    def fit(self, X: NDArray, y: object = None) -> Pixels:
        return self

    def transform(self, X: NDArray) -> NDArray[np.float32]:
        images = X["image"] if X.dtype.names else X
        return images[:, :: self.step, :: self.step].reshape(len(X), -1).astype(np.float32)

    def get_feature_names_out(self, input_features: object = None) -> NDArray:
        return np.array([f"pixel{i}" for i in range(144)], dtype=object)


class Mouth(TransformerMixin, BaseEstimator):
    """Stand-in feature of the landmarks, NaN where there are none; the last column always is."""

    def __init__(self, point: int = 48) -> None:
        self.point = point

    def fit(self, X: NDArray, y: object = None) -> Mouth:
        return self

    def transform(self, X: NDArray) -> NDArray[np.float32]:
        where = X["landmarks"][:, self.point]
        return np.column_stack([where, np.full(len(X), np.nan)]).astype(np.float32)

    def get_feature_names_out(self, input_features: object = None) -> NDArray:
        return np.array(["x", "y", "nothing"], dtype=object)


@pytest.fixture(scope="session")
def toy() -> Toy:
    """48 faces of four classes and six people."""
    return striped_faces(48, classes=("anger", "neutral", "surprise", "happiness"))


@pytest.fixture(scope="session")
def two_class_toy() -> Toy:
    """36 faces of two classes and six people."""
    return striped_faces(36, classes=("sadness", "happiness"), seed=1)


@pytest.fixture
def pixels() -> Pixels:
    """The stand-in feature of the pixels."""
    return Pixels()


@pytest.fixture
def mouth() -> Mouth:
    """The stand-in feature of the landmarks."""
    return Mouth()
