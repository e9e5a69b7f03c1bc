"""The vocabulary and the label policies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.emotions import (
    EMOTIONS,
    POLICIES,
    LabelPolicy,
    canonical,
    label_policy,
    order_classes,
)
from classic_fer.errors import MissingFileError, ParameterError

names = st.sampled_from([*EMOTIONS, "positive", "negative", "wink", "sleepy"])


def test_the_order_is_that_of_affectnet() -> None:
    assert EMOTIONS[:4] == ("neutral", "happiness", "sadness", "surprise")
    assert EMOTIONS[4:8] == ("fear", "disgust", "anger", "contempt")
    assert EMOTIONS[8:] == ("none", "uncertain", "no-face")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *((name, "anger") for name in ("AN", "angry", "anger", "Anger", " ANGRY ")),
        *((name, "fear") for name in ("FE", "AF", "afraid", "Fearful")),
        *((name, "happiness") for name in ("HA", "happy", "Happiness")),
        *((name, "neutral") for name in ("NE", "normal", "Neutral")),
        *((name, "no-face") for name in ("No-Face", "no_face", "no face", "NoFace")),
        ("SU", "surprise"),
        ("Surprised", "surprise"),
        ("DI", "disgust"),
        ("SA", "sadness"),
        ("Contempt", "contempt"),
        (" Wink ", "wink"),
        ("left light", "left light"),
    ],
)
def test_names_of_all_data_sets(written: str, expected: str) -> None:
    assert canonical(written) == expected


@given(st.text())
def test_canonical_is_idempotent(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


def test_classes_of_policies_come_neutral_positive_negative() -> None:
    assert order_classes(["negative", "neutral", "positive"]) == ["neutral", "positive", "negative"]


@given(st.lists(names))
def test_order_does_not_depend_on_the_order_of_the_input(found: list[str]) -> None:
    assert order_classes(found) == order_classes(reversed(found))
    assert set(order_classes(found)) == set(found)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", list(EMOTIONS)),
        ("merge7", ["neutral", *EMOTIONS[1:7], *["neutral"] * 4]),
        ("drop7", list(EMOTIONS[:7])),
        ("8class", list(EMOTIONS[:8])),
        ("7class", list(EMOTIONS[:7])),
        ("6class", list(EMOTIONS[1:7])),
        ("3class", ["neutral", "positive", "negative", *["negative"] * 4]),
    ],
)
def test_policies_on_all_emotions(policy: str, expected: list[str]) -> None:
    assert POLICIES[policy].apply(EMOTIONS).labels.tolist() == expected


def test_three_classes_drop_surprise_and_keep_what_is_already_three_classes() -> None:
    outcome = POLICIES["3class"].apply(["surprise", "negative", "positive", "neutral"])
    assert outcome.labels.tolist() == ["negative", "positive", "neutral"]
    assert outcome.keep.tolist() == [False, True, True, True]


def test_a_policy_says_what_it_did() -> None:
    outcome = POLICIES["merge7"].apply(["contempt", "none", "contempt", "fear"])
    assert outcome.changes == [("contempt", "neutral", 2), ("none", "neutral", 1)]
    outcome = POLICIES["7class"].apply(["wink", "fear", "none"])
    assert outcome.changes == [("none", None, 1), ("wink", None, 1)]


def test_drop7_keeps_names_that_affectnet_does_not_have() -> None:
    assert POLICIES["drop7"].apply(["wink", "none"]).labels.tolist() == ["wink"]


@given(st.lists(names), st.sampled_from(sorted(POLICIES)))
def test_every_row_is_kept_or_counted(labels: list[str], name: str) -> None:
    outcome = POLICIES[name].apply(labels)
    removed = sum(count for _, new, count in outcome.changes if new is None)
    assert len(outcome.keep) == len(labels)
    assert len(outcome.labels) == outcome.keep.sum() == len(labels) - removed
    changed = np.asarray(labels, dtype=str)[outcome.keep] != outcome.labels
    assert changed.sum() == sum(count for _, new, count in outcome.changes if new is not None)


def test_policy_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("from,to\nHappy,Positive\nsurprised,\n", encoding="utf-8")
    outcome = label_policy(path).apply(["happiness", "surprise", "anger"])
    assert outcome.labels.tolist() == ["positive", "anger"]
    assert outcome.changes == [("happiness", "positive", 1), ("surprise", None, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\nhappy,sad\n", "columns.*from,to"),
        ("", "no rows"),
        ("from,to\n,sad\n", "line 2: 'from' is empty"),
        ("from,to\nhappy,sad\nHA,fear\n", "line 3.*second time"),
    ],
)
def test_ill_formed_policy_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=message):
        label_policy(path)


def test_policy_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "policy.csv"
    path.write_bytes(b"from,to\n\xff\xfe\x00\n")
    with pytest.raises(ParameterError, match="cannot be read as CSV text"):
        label_policy(path)


def test_missing_policy_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no label policy file"):
        label_policy(tmp_path / "none.csv")


def test_unknown_policy_lists_the_choices() -> None:
    with pytest.raises(ParameterError, match=r"unknown label policy '7classes'.*did you mean"):
        label_policy("7classes")


def test_policies_survive_json() -> None:
    for policy in POLICIES.values():
        assert LabelPolicy.from_dict(policy.to_dict()) == policy
    assert label_policy(POLICIES["keep"]) is POLICIES["keep"]


def test_policy_files_of_spreadsheets(tmp_path) -> None:
    path = tmp_path / "policy.csv"
    path.write_bytes("From;To\r\nanger;bad\r\nneutral;\r\n".encode("utf-8-sig"))
    assert label_policy(path).mapping == {"anger": "bad", "neutral": None}
