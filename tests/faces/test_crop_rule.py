"""The rule for faces that come cropped: train on crops, predict on crops or on whole photos.

Crops are cut from generated photos as FER2013's are: 48 x 48 pixels, upright, the face a little
off the usual place and size. In each fold a recognizer learns from the crops of some people; the
other people's faces are predicted from their crops, and from their photos by detecting, measuring
landmarks and warping into the frame of the training crops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from classic_fer.datasets.cards import Card
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.faces.align import align_faces, eyes_and_mouth
from classic_fer.faces.similarity import warp_face
from classic_fer.models.recognizer import make_recognizer

N_PEOPLE, N_FOLDS, SIZE = 75, 3, 48
# Where FER2013 has left eye, right eye and mouth, in fractions; and how far its faces scatter.
PLACE = np.array([[0.315, 0.4], [0.685, 0.4], [0.5, 0.79]])
SCATTER = 0.03


@dataclass(frozen=True)
class TwoWays:
    """Of each face, its label and what is predicted from its crop and from its photo."""

    labels: NDArray
    from_crops: NDArray
    from_photos: NDArray
    found: NDArray[np.bool_]


def _crop(photo: NDArray, landmarks: NDArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An upright square around the face, cut and shrunk; eyes and mouth scatter about `PLACE`."""
    points = eyes_and_mouth(landmarks)
    place = PLACE * SIZE
    middle, wanted = points.mean(axis=0), place.mean(axis=0)
    scale = np.sqrt(((place - wanted) ** 2).sum() / ((points - middle) ** 2).sum())
    scale *= rng.normal(1, SCATTER)
    shift = wanted - 0.5 - scale * middle + rng.normal(0, SCATTER / 2 * SIZE, 2)
    return warp_face(photo, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), SIZE)


@pytest.fixture(scope="module")
def two_ways() -> TwoWays:
    drawn = synthetic_faces(N_PEOPLE, 1, random_state=0)
    rng = np.random.default_rng(0)
    crops = np.array([_crop(p, q, rng) for p, q in zip(drawn.images, drawn.landmarks)])
    samples = pd.DataFrame(
        {"id": drawn.ids, "label": drawn.labels, "subject": drawn.subjects, "split": None}
    )
    card = Card("crops", "Crops", detector="none", landmarks="none", cropped=True)
    data = Dataset("crops", samples, None, card, photos=crops)
    people = np.unique(drawn.subjects, return_inverse=True)[1]
    from_crops, from_photos = np.empty_like(drawn.labels), np.empty_like(drawn.labels)
    found = np.zeros(len(crops), dtype=bool)
    for fold in range(N_FOLDS):
        test = np.flatnonzero(people % N_FOLDS == fold)
        train = align_faces(data.subset(people % N_FOLDS != fold))
        model = make_recognizer("hog", "linear-svm", calibration=None).fit(train.faces, train.y)
        model.set_bundle(alignment=train.alignment)
        same_crops = align_faces(data.subset(test), alignment=train.alignment)
        from_crops[test] = model.predict(same_crops.faces)
        for i in test:
            (largest, *_) = model.predict_photo(drawn.images[i])
            from_photos[i], found[i] = largest.label, largest.found
    return TwoWays(drawn.labels, from_crops, from_photos, found)


def test_accuracy_differs_by_at_most_3_points(two_ways: TwoWays) -> None:
    crops = 100 * np.mean(two_ways.from_crops == two_ways.labels)
    photos = 100 * np.mean(two_ways.from_photos == two_ways.labels)
    assert abs(photos - crops) <= 3, f"crops {crops:.1f} %, photos {photos:.1f} %"


def test_the_comparison_means_something(two_ways: TwoWays) -> None:
    assert len(two_ways.labels) == 525
    assert two_ways.found.mean() > 0.99
    assert np.mean(two_ways.from_crops == two_ways.labels) > 0.6
    # Otherwise the two ways would be one.
    assert not np.array_equal(two_ways.from_crops, two_ways.from_photos)
