"""The pixels as a feature; tests/contracts has what it shares with the others."""

from __future__ import annotations

import numpy as np

from classic_fer.faces.types import make_faces
from classic_fer.features.pixels import Pixels


def test_values_are_named_by_their_place():
    images = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    pixels = Pixels().fit(images)
    values = dict(zip(pixels.get_feature_names_out(), pixels.transform(images)[0]))
    assert (values["pixels_row0_col2"], values["pixels_row1_col0"]) == (2, 3)


def test_images_are_views():
    faces = make_faces(np.zeros((3, 4, 5), np.uint8))
    images = Pixels().images(faces)
    assert (images.shape, images.dtype) == ((3, 4, 5), np.uint8)
    assert np.shares_memory(images, faces)
