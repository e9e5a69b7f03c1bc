"""The real archives: official counts, people and known traps."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.cards import load_card
from classic_fer.datasets.describe import describe

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize("name", ["fer2013", "ck48", "jaffe", "lfw-expressions", "helen-landmarks"])
def test_checksums_of_the_cards(realdata, name: str) -> None:
    data = realdata(f"{name}.zip").read_bytes()
    assert hashlib.sha256(data).hexdigest() == load_card(name).checksums[f"{name}.zip"]


def test_fer2013(realdata) -> None:
    data = load_dataset(realdata("fer2013.zip"))
    summary = describe(data)
    assert (data.name, data.unreadable, summary.people) == ("fer2013", [], None)
    assert summary.splits == {"train": 28709, "public": 3589}
    for part in ("train", "public"):
        assert summary.counts[part] == data.card.counts[part]
    assert data.read_photo(0).shape == (48, 48)


def test_ck48(realdata) -> None:
    data = load_dataset(realdata("ck48.zip"))
    summary = describe(data)
    assert (summary.n, summary.people) == (981, 118)
    assert summary.counts["all"] == data.card.counts["all"]
    assert data.samples["sequence"].nunique() == 327


def test_jaffe(realdata) -> None:
    data = load_dataset(realdata("jaffe.zip"))
    summary = describe(data)
    assert (summary.n, summary.people) == (213, 10)
    assert summary.counts["all"] == data.card.counts["all"]
    ratings = data.samples.filter(like="rating_")
    assert ratings.shape == (213, 6)
    assert ratings.notna().all(axis=None)
    row = data.samples.set_index("id").loc["jaffedbase/YM.HA2.53.tiff"]
    assert row["rating_happiness"] == 4.84
    photos = [data.read_photo(i) for i in range(len(data))]
    assert sum(photo.ndim == 3 for photo in photos) == 23  # palette images
    assert {photo.shape[:2] for photo in photos} == {(256, 256)}


def test_lfw_expressions(realdata) -> None:
    data = load_dataset(realdata("lfw-expressions.zip"))
    summary = describe(data)
    assert (summary.n, summary.people, data.unreadable) == (9397, 3898, [])
    assert data.samples["other_label"].notna().sum() == 1
    rated = data.samples[data.samples["second_label"].notna()]
    assert len(rated) == 341
    agreement = np.mean(rated["label"] == rated["second_label"])
    assert round(float(agreement), 2) == 0.48
