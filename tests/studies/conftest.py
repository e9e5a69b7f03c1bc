"""Small aligned data sets of generated faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classic_fer.datasets.dataset import Dataset


@pytest.fixture(scope="session")
def generated() -> Dataset:
    """Eight people with three expressions, two pictures each, aligned to 48 pixels by their own
    landmarks."""
    from classic_fer.datasets.cards import load_card
    from classic_fer.datasets.synthetic import synthetic_faces
    from classic_fer.faces.align import align_faces
    from classic_fer.faces.frame import Alignment, Frame

    drawn = synthetic_faces(8, 2, size=96, emotions=("neutral", "happiness", "surprise"))
    samples = pd.DataFrame(
        {"id": drawn.ids, "label": drawn.labels, "subject": drawn.subjects, "split": None}
    )
    samples["half"] = np.where(np.arange(len(samples)) % 2, "odd", "even")
    dataset = Dataset(
        name="generated",
        samples=samples,
        source=None,
        card=load_card("generated"),
        landmarks=drawn.landmarks,
        photos=drawn.images,
    )
    alignment = Alignment(detector="dlib", landmarks="data", frame=Frame.standard(48))
    return align_faces(dataset, alignment=alignment, cache=False)
