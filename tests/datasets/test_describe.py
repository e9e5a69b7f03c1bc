"""describe: counts that can be checked by hand."""

from __future__ import annotations

import json

import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.describe import check_images, describe


def test_counts_by_hand(layout, picture) -> None:
    names = ["train/happy/1", "train/happy/2", "train/sad/1", "test/happy/1", "test/sad/1"]
    names += ["test/sad/2"]
    data = load_dataset(layout({f"{name}.png": picture(i) for i, name in enumerate(names)}))
    summary = describe(data)
    assert summary.n == 6
    assert summary.classes == ["happiness", "sadness"]
    assert list(summary.counts) == ["all", "train", "test"]
    assert summary.counts["train"] == {"happiness": 2, "sadness": 1}
    assert summary.splits == {"train": 3, "test": 3}
    assert summary.people is None
    assert summary.people_per_class == {}
    # The class is learned on train and scored on test.
    assert summary.majority["test"]["class"] == "happiness"
    assert summary.majority["test"]["accuracy"] == pytest.approx(1 / 3)


def test_people_columns_and_policy(layout, picture) -> None:
    files = {
        "CK+48/happy/S010_004_00000017.png": picture(1),
        "CK+48/happy/S010_004_00000018.png": picture(2),
        "CK+48/anger/S011_004_00000017.png": picture(3),
        "CK+48/surprise/S011_005_00000017.png": picture(4),
    }
    summary = describe(load_dataset(layout(files), labels="3class"))
    assert summary.people == 2
    assert summary.people_per_class == {"positive": 1, "negative": 1}
    assert summary.extra_columns == ["sequence", "frame"]
    assert ("surprise", None, 1) in summary.policy_changes
    assert summary.official_counts["people"] == 118
    assert json.loads(json.dumps(summary.to_dict()))["title"].startswith("CK+48")


def test_check_images_opens_each_photo(layout, picture) -> None:
    data = load_dataset(layout({"fear/1.png": picture(1), "anger/1.png": b"", "anger/2.png": b"x"}))
    steps: list[tuple[int, int]] = []
    bad = check_images(data, progress=lambda done, total: steps.append((done, total)))
    assert [b.path for b in bad] == ["anger/1.png", "anger/2.png"]
    assert "0 bytes" in bad[0].reason
    assert steps == [(1, 3), (2, 3), (3, 3)]
