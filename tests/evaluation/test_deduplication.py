"""Scores with and without test images that training has a copy of."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.deduplication import deduplicated_scores
from classic_fer.evaluation.duplicates import Duplicates, find_duplicates
from classic_fer.evaluation.protocols import dataset_protocol

TRIAL = {"features": "hog", "clf": "linear-svm", "grid": {"clf__C": [1.0]}, "inner_cv": 2}


def copied(dataset, pairs):
    """The data set with some photos (and faces) replaced by copies of others."""
    for source, target in pairs:
        dataset.photos[target] = dataset.photos[source]
        dataset.faces["image"][target] = dataset.faces["image"][source]
    return dataset


def test_leaked_rows_are_left_out_and_the_others_scored_as_before(toy_dataset):
    dataset = copied(toy_dataset(), [(0, 1), (12, 30), (5, 4)])
    dataset.samples["subject"] = None
    protocol = dataset_protocol(dataset, "random3")
    result, _, _ = cross_validate(dataset, cv=protocol, **TRIAL)
    found = find_duplicates(dataset, near=False)
    sheets = deduplicated_scores(result, protocol, found)
    leaked = [
        dataset.ids[i]
        for i, j in ((0, 1), (1, 0), (12, 30), (30, 12), (5, 4), (4, 5))
        if any(i in test and j in train for train, test in protocol.folds)
    ]
    assert leaked
    assert sheets["identical"]["left_out"] == len(leaked)
    stay = result.predictions[~result.predictions["id"].isin(leaked)]
    value = sheets["identical"]["scores"]["accuracy"]["value"]
    assert value == pytest.approx(np.mean(stay["true"] == stay["predicted"]))
    assert sheets["identical"]["n"] + len(leaked) == len(dataset)
    assert f"{len(leaked)} are identical to an image in the training part" in sheets["sentence"]


def test_folds_that_keep_identical_images_together_leak_none(toy_dataset):
    dataset = copied(toy_dataset(), [(0, 1), (12, 30)])
    dataset.samples["subject"] = None
    protocol = dataset_protocol(dataset, "3")
    result, _, _ = cross_validate(dataset, cv=protocol, **TRIAL)
    assert result.protocol["kept_together"] == "identical images"
    sheets = deduplicated_scores(result, protocol, find_duplicates(dataset, near=False))
    assert sheets["identical"]["left_out"] == 0
    assert sheets["identical"]["scores"] == result.scores
    assert sheets["sentence"].startswith("None of the 36 scored faces has a copy")


def test_nothing_is_left_where_all_are_copies(toy_dataset):
    dataset = toy_dataset()
    protocol = dataset_protocol(dataset, "3")
    result, _, _ = cross_validate(dataset, cv=protocol, **TRIAL)
    found = find_duplicates(dataset, near=False)
    same = Duplicates(found.fingerprints, np.zeros(len(dataset), dtype=np.intp))
    sheets = deduplicated_scores(result, protocol, same)
    assert (sheets["copies"]["n"], sheets["copies"]["scores"]) == (0, {})
    assert "None is left" in sheets["sentence"]
