"""Dataset: rows and all that belongs to them stay together."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from classic_fer.datasets import Dataset
from classic_fer.datasets.cards import generic_card
from classic_fer.errors import DataError, ParameterError


def make(labels: list[str], **columns: object) -> Dataset:
    n = len(labels)
    samples = pd.DataFrame(
        {
            "id": [f"s{i}" for i in range(n)],
            "label": labels,
            "subject": columns.pop("subject", None),
            "split": columns.pop("split", None),
            **columns,
        }
    )
    return Dataset(
        name="made",
        samples=samples,
        source=None,
        card=generic_card("made", splits=set(), people=False),
        photos=np.stack([np.full((4, 4), i, np.uint8) for i in range(n)]),
        landmarks=np.stack([np.full((68, 2), i, np.float32) for i in range(n)]),
    )


def test_columns_as_arrays() -> None:
    data = make(["fear", "neutral"], subject=["A", "B"], split=["train", None], rating=[1, 2])
    assert data.y.tolist() == ["fear", "neutral"]
    assert data.classes == ["neutral", "fear"]
    assert data.groups is not None
    assert data.groups.tolist() == ["A", "B"]
    assert data.split is not None
    assert data.split.tolist() == ["train", ""]
    assert data.extra_columns == ["rating"]
    assert data.y.dtype.kind == data.groups.dtype.kind == data.split.dtype.kind == "U"


def test_no_people_and_no_parts_are_none() -> None:
    data = make(["fear", "neutral"])
    assert data.groups is None
    assert data.split is None


def test_samples_without_a_person_are_people_of_their_own() -> None:
    groups = make(["fear"] * 4, subject=["A", None, "A", None]).groups
    assert groups is not None
    assert len(set(groups)) == 3
    assert groups[0] == groups[2]


@pytest.mark.parametrize("rows", [[2, 0], np.array([2, 0])])
def test_subset_takes_all_rowwise_fields(rows: list[int]) -> None:
    data = make(["fear", "anger", "neutral"]).subset(rows)
    assert data.y.tolist() == ["neutral", "fear"]
    assert data.read_photo(0).max() == 2
    assert data.landmarks is not None
    assert data.landmarks[:, 0, 0].tolist() == [2, 0]
    assert data.samples.index.tolist() == [0, 1]


def test_subset_by_mask_and_to_nothing() -> None:
    data = make(["fear", "anger"])
    assert data.subset([False, True]).y.tolist() == ["anger"]
    assert len(data.subset([])) == 0
    with pytest.raises(ParameterError, match="mask of 2 values"):
        data.subset([True])


def test_label_policies_count_what_they_remove() -> None:
    before = make(["fear", "surprise", "happiness"])
    after = before.with_labels("3class")
    assert after.y.tolist() == ["negative", "positive"]
    assert after.read_photo(1).max() == 2
    assert ("surprise", None, 1) in after.policy_changes
    assert after.policy is not None
    assert after.policy.name == "3class"
    assert before.y.tolist() == ["fear", "surprise", "happiness"]


def test_policies_rename_the_labels_of_further_raters() -> None:
    second = ["surprise", "fear", None, "happiness"]
    data = make(["happiness", "anger", "neutral", "surprise"], second_label=second, label_2=second)
    after = data.with_labels("3class")
    assert after.rater_columns == ["second_label", "label_2"]
    # The policy removes surprise; as an answer of another rater it stays, and disagrees.
    assert after.samples["second_label"].fillna("").tolist() == ["surprise", "negative", ""]
    assert data.samples["second_label"].fillna("").tolist()[:2] == second[:2]


def test_a_policy_that_leaves_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match=r"removes all 2 samples.*wink"):
        make(["wink", "wink"]).with_labels("7class")


def test_photos_in_memory_have_bytes_too() -> None:
    from classic_fer.datasets.images import decode

    data = make(["fear", "anger"])
    np.testing.assert_array_equal(decode(data.read_bytes(1), path="1"), data.read_photo(1))


def test_ids_are_unique() -> None:
    with pytest.raises(DataError, match=r"unique.*'s0'"):
        make(["fear", "anger"], id=["s0", "s0"])


def test_lengths_agree() -> None:
    data = make(["fear", "anger"])
    with pytest.raises(DataError, match="photos has 1 rows for 2 samples"):
        Dataset("x", data.samples, None, data.card, photos=np.zeros((1, 4, 4), np.uint8))


def test_a_dataset_travels_to_other_processes() -> None:
    data = pickle.loads(pickle.dumps(make(["fear", "anger"])))
    assert data.y.tolist() == ["fear", "anger"]
