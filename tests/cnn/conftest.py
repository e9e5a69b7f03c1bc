"""A small labelled data set for the tests of networks."""

from __future__ import annotations

import pytest
from striped_faces import dataset_of

from classic_fer.datasets.dataset import Dataset


@pytest.fixture(scope="session")
def stripes() -> Dataset:
    """90 training and 30 test faces of three classes."""
    labels = ["happiness", "sadness", "neutral"] * 40
    return dataset_of(labels, ["train"] * 90 + ["test"] * 30)
