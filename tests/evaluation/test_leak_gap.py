"""The leak gap: by hand, its interval over people, and its words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import DataError
from classic_fer.evaluation.leak_gap import leak_gap, paired_accuracy_difference
from classic_fer.evaluation.metrics import classification_scores
from classic_fer.evaluation.result import Result

CLASSES = ["neutral", "anger"]


def result_of(right, *, people, protocol="10", clf="svm") -> Result:
    """A Result in which the rows of `right` are right."""
    true = np.array([CLASSES[i % 2] for i in range(len(right))])
    other = np.array([CLASSES[(i + 1) % 2] for i in range(len(right))])
    predicted = np.where(right, true, other)
    sheet = classification_scores(true, predicted, CLASSES, n_resamples=10)
    table = {
        "id": [f"f{i}" for i in range(len(right))],
        "fold": "1",
        "true": true,
        "predicted": predicted,
        "subject": people,
    }
    held_out = len(set(people)) if people is not None and protocol == "10" else None
    return Result(
        dataset={"name": "toy", "n": len(right), "classes": CLASSES},
        protocol={"name": protocol, "groups": held_out, "folds": 10, "hash": protocol},
        recognizer={"features": "lbp", "clf": clf, "params": {}},
        best_params={},
        scores=sheet["scores"],
        folds=[],
        coverage={"found": len(right), "of": len(right)},
        predictions=pd.DataFrame(table),
    )


PEOPLE = [f"p{i // 4}" for i in range(40)]
HALF = [i % 2 == 0 for i in range(40)]
MOST = [i % 4 != 3 for i in range(40)]  # each person has one more right


def test_gap_is_the_difference_of_accuracies_on_the_same_faces():
    gap = leak_gap(result_of(HALF, people=PEOPLE), result_of(MOST, people=PEOPLE, protocol="r"))
    assert (gap.held_out, gap.random, gap.gap) == (0.5, 0.75, 0.25)
    assert (gap.n, gap.n_people) == (40, 10)
    # All people have the same gap, so people that are drawn again have it, too.
    assert gap.ci95 == pytest.approx([0.25, 0.25])
    assert gap.sentence.startswith("Random folds score +25.0 [25.0, 25.0] points against folds")
    assert "lost on people who were not seen" in gap.sentence


def test_interval_is_over_people_not_faces():
    one = [i < 4 for i in range(40)]  # all that is gained, is gained by one person
    none = [False] * 40
    over_people = leak_gap(
        result_of(none, people=PEOPLE), result_of(one, people=PEOPLE, protocol="r")
    )
    assert over_people.gap == pytest.approx(0.1)
    assert over_people.ci95[0] == 0
    assert over_people.sentence.startswith("No evidence of a leak gap: ")
    _, over_images, people = paired_accuracy_difference(
        result_of(one, people=None), result_of(none, people=None)
    )
    assert people is None
    assert over_images[0] > 0


def test_rows_are_matched_by_id():
    random = result_of(MOST, people=PEOPLE, protocol="r")
    expected = leak_gap(result_of(HALF, people=PEOPLE), random)
    random.predictions = random.predictions.iloc[::-1].reset_index(drop=True)
    assert leak_gap(result_of(HALF, people=PEOPLE), random) == expected


def test_lower_random_score_is_no_leak():
    gap = leak_gap(result_of(MOST, people=PEOPLE), result_of(HALF, people=PEOPLE, protocol="r"))
    assert "not what a leak does" in gap.sentence


def test_one_person_gives_no_interval():
    people = ["p"] * 40
    gap = leak_gap(result_of(HALF, people=people), result_of(MOST, people=people, protocol="r"))
    assert gap.ci95 is None
    assert "too few people for an interval" in gap.sentence


def test_without_people_it_cannot_be_measured():
    gap = leak_gap(result_of(HALF, people=None), None)
    assert (gap.gap, gap.random, gap.ci95) == (None, None, None)
    assert "cannot be measured: the data do not tell who is shown" in gap.sentence


def test_what_does_not_belong_together_is_refused():
    random = result_of(MOST, people=PEOPLE, protocol="r")
    with pytest.raises(DataError, match="compares one recognizer, got clf svm and knn"):
        leak_gap(
            result_of(HALF, people=PEOPLE, clf="svm"), result_of(MOST, people=PEOPLE, clf="knn")
        )
    random.predictions = random.predictions.iloc[:30]
    with pytest.raises(DataError, match="did not predict the same faces"):
        leak_gap(result_of(HALF, people=PEOPLE), random)
