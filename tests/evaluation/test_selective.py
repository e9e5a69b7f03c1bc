"""Scores of the faces that were answered, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError
from classic_fer.evaluation.selective import answer_scores


def test_by_hand():
    right = [True, True, False, True, False, False, True, False]
    answered = [True, True, True, True, True, False, False, False]
    folds = ["1", "1", "1", "2", "2", "2", "3", "3"]
    sheet = answer_scores(right, answered, wished_error=0.35, folds=folds)
    assert (sheet["n"], sheet["of"]) == (5, 8)
    assert sheet["share"]["value"] == pytest.approx(5 / 8)
    assert sheet["accuracy"]["value"] == pytest.approx(3 / 5)
    assert sheet["error"]["value"] == pytest.approx(2 / 5)
    low, high = sheet["accuracy"]["ci95"]
    assert sheet["error"]["ci95"] == pytest.approx([1 - high, 1 - low])
    assert sheet["held"] is False
    # Fold 1 has an error of 1/3, fold 2 of 1/2, fold 3 answers nothing.
    assert (sheet["folds_held"], sheet["folds"]) == (1, 2)


def test_nothing_answered_has_no_error():
    sheet = answer_scores([True, False], [False, False], wished_error=0.1, folds=["1", "2"])
    assert sheet["share"]["value"] == 0
    assert (sheet["accuracy"], sheet["error"], sheet["held"]) == (None, None, None)


def test_without_a_wish_nothing_is_held():
    sheet = answer_scores([True, False], [True, True])
    assert (sheet["wished_error"], sheet["held"], sheet["folds"]) == (None, None, None)


def test_whole_people_are_drawn():
    # One person is answered and right, the other neither: shares of 0, 1/2 or 1.
    people = np.repeat(["a", "b"], 10)
    known = people == "a"
    sheet = answer_scores(known, known, groups=people)
    assert sheet["share"]["ci95"] == [0.0, 1.0]
    assert sheet["accuracy"]["ci95"] == [1.0, 1.0]  # where anything was answered


def test_lengths_must_fit():
    with pytest.raises(DataError, match=r"got shapes \(1,\) and \(2,\)"):
        answer_scores([True, False], [True])
    with pytest.raises(DataError, match="at least one"):
        answer_scores([], [])
