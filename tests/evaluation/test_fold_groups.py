"""What folds keep together: people, identical images, and what both connect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.evaluation.fold_groups import fold_groups, identical_images
from classic_fer.evaluation.protocols import make_protocol
from classic_fer.models.folds import drawn_group_folds, stratified_folds


def test_identical_images_have_the_same_number():
    images = np.zeros((4, 3, 3), dtype=np.uint8)
    images[1, 0, 0] = images[3, 2, 2] = 1
    assert identical_images(images).tolist() == [0, 1, 0, 2]


def test_people_who_share_an_image_are_one_group():
    people = ["a", "a", "b", "b", "c"]
    together = fold_groups(people, [0, 1, 1, 2, 3])
    assert together.kept_together == "people, identical images"
    assert together.labels.tolist() == [0, 0, 0, 0, 1]


def test_what_is_kept_together_is_named():
    assert fold_groups(None, None).kept_together == "nothing"
    assert fold_groups(None, [0, 1, 2]).labels is None  # every image once
    assert fold_groups(None, [0, 1, 0]).kept_together == "identical images"
    assert fold_groups(["a", "b", "b"], [0, 1, 2]).kept_together == "people"
    with pytest.raises(ParameterError, match="people for 2 rows and images for 3"):
        fold_groups(["a", "b"], [0, 1, 0])


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10**6), st.booleans())
def test_copies_never_straddle_folds(k, seed, people_known):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(["neutral", "happiness", "fear"], 40))
    images = np.arange(120)
    images[rng.choice(120, 20, replace=False)] = np.repeat(np.arange(200, 210), 2)
    people = np.repeat(np.arange(60), 2).astype(str) if people_known else None
    protocol = make_protocol(str(k), y, people, images=images, random_state=seed)
    for train, test in protocol.folds:
        assert not set(images[train]) & set(images[test])
        assert people is None or not set(people[train]) & set(people[test])
    assert sorted(np.concatenate([test for _, test in protocol.folds])) == list(range(120))


def test_many_small_groups_are_stratified():
    rng = np.random.default_rng(0)
    y = np.repeat(["neutral", "happiness"], [1500, 500])
    groups = np.arange(2000)
    groups[rng.choice(1500, 300, replace=False)] = np.repeat(np.arange(5000, 5150), 2)
    folds = stratified_folds(y, groups, n_splits=5)
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == pytest.approx(400, abs=15)
        assert (y[test] == "happiness").sum() == 100
    again = stratified_folds(y, groups, n_splits=5, random_state=1)
    assert not np.array_equal(folds[0][1], again[0][1])


def test_drawn_folds_differ_from_seed_to_seed_and_share_out_classes():
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{i}" for i in range(12)], 10)
    y = np.where(rng.random(120) < np.repeat(rng.random(12), 10), "neutral", "fear")
    first, second = (drawn_group_folds(y, people, n_splits=3, random_state=seed) for seed in (0, 1))
    assert sorted(np.concatenate([test for _, test in first])) == list(range(120))
    assert {tuple(test) for _, test in first} != {tuple(test) for _, test in second}
    for train, test in first:
        assert not set(people[train]) & set(people[test])
        assert len(set(people[test])) == 4
        assert np.mean(y[test] == "fear") == pytest.approx(np.mean(y == "fear"), abs=0.1)


def test_people_on_one_image_are_left_out_together():
    y = ["neutral", "fear"] * 4
    people = ["a", "a", "b", "b", "c", "c", "d", "d"]
    protocol = make_protocol("loso", y, people, images=[0, 1, 2, 3, 4, 1, 5, 6])
    assert protocol.fold_names == ["a+c", "b", "d"]
    assert "a and c are on identical images and are held out together" in protocol.warnings


def test_random_folds_ignore_copies_and_say_so():
    y = ["neutral", "fear"] * 10
    protocol = make_protocol("random2", y, images=np.repeat(np.arange(4), 5))
    assert protocol.groups.kept_together == "nothing"
    assert any("20 scored images are identical" in note for note in protocol.warnings)
    assert any("on purpose; --dedup" in note for note in protocol.warnings)


def test_official_parts_say_how_many_scored_images_have_a_copy_in_training():
    split = ["train"] * 4 + ["test"] * 3
    y = ["neutral", "fear"] * 3 + ["fear"]
    protocol = make_protocol("official", y, None, split, images=[0, 1, 2, 2, 0, 3, 1])
    assert protocol.groups.kept_together == "identical images"
    assert any(note.startswith("2 of 3 scored images are identical") for note in protocol.warnings)


def test_repeats_are_named_and_come_back_from_a_split_file(tmp_path):
    from classic_fer.evaluation.split_files import write_split_file

    y = ["neutral", "fear"] * 12
    people = np.repeat(list("abcdefghijkl"), 2)
    ids = [f"{i}.png" for i in range(24)]
    protocol = make_protocol("2x3", y, people, ids=ids)
    assert protocol.fold_names == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
    assert protocol.repeats == 2
    once = make_protocol("3", y, people, ids=ids)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(once.folds, protocol.folds))
    path = write_split_file(protocol, ids, tmp_path / "folds.csv")
    again = make_protocol(path, y, people, ids=ids)
    assert (again.hash, again.repeats) == (protocol.hash, 2)


def test_repeats_that_cannot_differ_are_a_warning():
    y = ["neutral", "fear"] * 4
    people = np.repeat(list("abcd"), 2)
    notes = make_protocol("2x4", y, people).warnings
    assert any("holds one group, so all 2 repeats are the same" in note for note in notes)
    with pytest.raises(ParameterError, match="at least 1 repeat"):
        make_protocol("0x4", y, people)
