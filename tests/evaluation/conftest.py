"""A small data set of coarse patterns in noise: six people, three expressions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from classic_fer.datasets.cards import Card
from classic_fer.datasets.dataset import Dataset
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.types import make_faces

EXPRESSIONS = ("neutral", "happiness", "anger")


@pytest.fixture
def toy_dataset() -> Callable[..., Dataset]:
    def make(
        *, n_people: int = 6, each: int = 2, split: list[str] | None = None, seed: int = 0
    ) -> Dataset:
        rng = np.random.default_rng(seed)
        images, rows = [], []
        for person in range(n_people):
            for column, label in enumerate(EXPRESSIONS):
                for take in range(each):
                    image = rng.normal(110, 45, size=(32, 32))
                    image[8 * column : 8 * column + 10, ::4] += 70
                    images.append(np.clip(image, 0, 255).astype(np.uint8))
                    rows.append((f"p{person}/{label}{take}.png", label, f"p{person}"))
        samples = pd.DataFrame(rows, columns=["id", "label", "subject"])
        samples["split"] = pd.Series(split if split else [None] * len(rows), dtype=object)
        photos = np.stack(images)
        dataset = Dataset("toy", samples, None, Card("toy", "Toy patterns"), photos=photos)
        dataset.faces = make_faces(photos)
        dataset.alignment = Alignment("none", "none", frame=Frame.standard(32))
        return dataset

    return make
