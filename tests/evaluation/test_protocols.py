"""Folds by people and parts: what they hold, what they refuse, and what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classic_fer.errors import DataError, MissingFileError, ParameterError
from classic_fer.evaluation.official_parts import official_parts
from classic_fer.evaluation.protocols import make_protocol
from classic_fer.evaluation.split_files import write_split_file


def labels_of(n_people: int = 8, classes: tuple[str, ...] = ("neutral", "happiness", "fear")):
    y = np.tile(np.repeat(classes, 2), n_people)
    people = np.repeat([f"p{i}" for i in range(n_people)], 2 * len(classes))
    return y, people


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(2, 6), st.integers(0, 10**6))
def test_no_person_straddles_a_fold_and_every_face_is_tested_once(n_people, k, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([["neutral", "happiness"] * 4, rng.choice(["neutral", "happiness"], 40)])
    people = np.concatenate([np.repeat(["a", "b"], 4), rng.integers(n_people, size=40).astype(str)])
    protocol = make_protocol(str(k), y, people, random_state=seed)
    assert protocol.grouped
    for train, test in protocol.folds:
        assert not set(people[train]) & set(people[test])
    assert sorted(np.concatenate([test for _, test in protocol.folds])) == list(range(len(y)))


def test_leave_one_person_out_names_folds_by_person():
    y, people = labels_of(4)
    protocol = make_protocol("loso", y, people)
    assert protocol.fold_names == ["p0", "p1", "p2", "p3"]
    assert all(
        set(people[test]) == {n} for n, (_, test) in zip(protocol.fold_names, protocol.folds)
    )


def test_random_folds_ignore_people_and_say_so():
    y, people = labels_of()
    protocol = make_protocol("random10", y, people)
    assert not protocol.grouped
    assert any("people leak" in note for note in protocol.warnings)


def test_unknown_people_are_a_warning():
    y, _ = labels_of()
    protocol = make_protocol(5, y)
    assert not protocol.grouped
    assert any("people are not known" in note for note in protocol.warnings)


def test_small_classes_are_named_with_their_people():
    y, people = labels_of(12)
    y[np.isin(people, [f"p{i}" for i in range(9)]) & (y == "fear")] = "neutral"
    notes = " | ".join(make_protocol("10", y, people).warnings)
    assert "class 'fear' has 6 faces of 3 people, fewer than the 10 folds" in notes
    assert "'neutral'" not in notes


def test_fewer_people_than_folds_gives_fewer_folds_and_a_warning():
    y, people = labels_of(4)
    protocol = make_protocol("10", y, people)
    assert len(protocol.folds) == 4
    assert any("4 folds instead of 10: there are only 4 people" in n for n in protocol.warnings)


def test_a_class_of_one_person_cannot_be_held_out():
    y, people = labels_of(6)
    y[(people != "p2") & (y == "fear")] = "neutral"
    with pytest.raises(DataError, match=r"no face of class 'fear', all 2 of them are held out"):
        make_protocol("loso", y, people)


@pytest.mark.parametrize(
    ("spec", "y", "people", "message"),
    [
        ("10", ["neutral"] * 6, None, "at least two classes, found .'neutral'."),
        ("loso", ["neutral", "fear"] * 3, ["p"] * 6, "at least two people, found one"),
        ("10", ["neutral", "fear"] * 3, ["p"] * 6, "use random10"),
        ("loso", ["neutral", "fear"] * 3, None, "do not tell who is shown"),
        ("official", ["neutral", "fear"] * 3, None, "the data have no parts"),
    ],
)
def test_data_that_do_not_fit_a_protocol(spec, y, people, message):
    with pytest.raises(DataError, match=message):
        make_protocol(spec, y, people)


@pytest.mark.parametrize(("spec", "message"), [("lopo", "unknown protocol 'lopo'"), (1, "2 folds")])
def test_unusable_protocols_list_what_is_expected(spec, message):
    y, people = labels_of()
    with pytest.raises(ParameterError, match=message):
        make_protocol(spec, y, people)


def test_official_fits_train_scores_public_and_keeps_final_apart():
    y, _ = labels_of(8)
    split = np.array(["train"] * 24 + ["public"] * 12 + ["final"] * 12)
    protocol = make_protocol(None, y, None, split)
    assert protocol.name == "official"
    assert protocol.fold_names == ["public"]
    (train, test), *others = protocol.folds
    assert not others
    assert (split[train] == "train").all()
    assert (split[test] == "public").all()
    assert protocol.final is not None
    assert (split[protocol.final] == "final").all()
    np.testing.assert_array_equal(protocol.training, np.flatnonzero(split == "train"))


def test_folds_over_divided_data_stay_inside_the_training_part():
    y, people = labels_of(8)
    split = np.array(["train"] * 36 + ["test"] * 12)
    protocol = make_protocol("3", y, people, split)
    used = np.unique(np.concatenate([rows for fold in protocol.folds for rows in fold]))
    np.testing.assert_array_equal(used, np.arange(36))
    assert any("cut from the training part (36 faces)" in note for note in protocol.warnings)


def test_parts_by_a_data_card_and_by_custom_names():
    split = ["Training", "PublicTest", "PrivateTest", "extra"]
    card = {"train": ["Training"], "test": "PublicTest", "final": "PrivateTest"}
    parts = official_parts(split, card)
    assert parts is not None
    assert (parts.train.tolist(), parts.test.tolist()) == ([0], [1])
    assert parts.unused == {"extra": 1}
    custom = official_parts(["train", "val", "test", "train"])
    assert custom is not None
    assert custom.test_name == "test"
    assert custom.unused == {"val": 1}
    assert official_parts(["train", "train"]) is None


def test_people_in_both_official_parts_are_a_warning():
    y, people = labels_of(4)
    split = np.tile(["train", "train", "test"], 8)
    protocol = make_protocol("official", y, people, split)
    assert not protocol.grouped
    assert any("4 people are in training and test" in note for note in protocol.warnings)


def test_hash_is_of_ids_not_of_row_order_and_is_stable():
    y, people = labels_of(6)
    ids = [f"{p}-{i}" for i, p in enumerate(people)]
    one = make_protocol("loso", y, people, ids=ids)
    turned = make_protocol("loso", y[::-1], people[::-1], ids=ids[::-1])
    assert one.hash == turned.hash
    assert one.hash != make_protocol("3", y, people, ids=ids).hash
    # Frozen: a change of the hash would make earlier results look like another protocol.
    tiny = make_protocol("loso", ["a", "b"] * 2, ["x", "x", "y", "y"], ids=list("1234"))
    assert tiny.hash == "de3c4b56e052dbcc660f74d5d52d118d2aff193e5aba15500086bfeac4fe6c61"


@pytest.mark.parametrize("spec", ["4", "loso", "random5", "official"])
def test_split_file_round_trip(spec, tmp_path):
    y, people = labels_of(8)
    split = np.array(["train"] * 24 + ["public"] * 12 + ["final"] * 12)
    parts = split if spec == "official" else None
    ids = [f"faces/{i}.png" for i in range(len(y))]
    protocol = make_protocol(spec, y, people, parts, ids=ids)
    path = write_split_file(protocol, ids, tmp_path / "mine.csv")
    again = make_protocol(path, y, people, ids=ids)
    assert again.name == "mine.csv"
    assert again.hash == protocol.hash
    assert again.fold_names == protocol.fold_names
    for (train, test), (train2, test2) in zip(protocol.folds, again.folds):
        np.testing.assert_array_equal(np.sort(train), train2)
        np.testing.assert_array_equal(np.sort(test), test2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,part\n0,1\n", "lacks the columns fold, role"),
        ("id,fold,role\n", "has no rows"),
        ("id,fold,role\n0,1,learn\n", "line 2: role 'learn'"),
        ("id,fold,role\n99,1,test\n", "1 of 1 ids are not in the data, such as '99'"),
        ("id,fold,role\n0,1,test\n0,1,train\n", "'0' is 2 times in fold '1'"),
        ("id,fold,role\n0,1,train\n", "fold '1' has no test rows"),
        ("id,fold,role\n0,1,test\n", "fold '1' has no train rows"),
        ("id,fold,role\n0,,final\n", "has no fold"),
        (
            "id,fold,role\n0,a,test\n1,b,test\n2,b,test\n2,,final\n",
            "role final also belong to a fold",
        ),
    ],
)
def test_ill_formed_split_files(text, message, tmp_path):
    path = tmp_path / "split.csv"
    path.write_text(text)
    y, people = labels_of()
    with pytest.raises(DataError, match=message):
        make_protocol(path, y, people)


def test_missing_split_file_and_faces_that_it_does_not_name(tmp_path):
    y, people = labels_of()
    with pytest.raises(MissingFileError, match="header id,fold,role"):
        make_protocol(tmp_path / "none.csv", y, people)
    path = tmp_path / "split.csv"
    lines = [f"{i},{people[i]},test" for i in range(24)]
    path.write_text("id,fold,role\n" + "\n".join(lines))
    protocol = make_protocol(path, y, people)
    assert any("24 of 48 faces are not in the split file" in note for note in protocol.warnings)
