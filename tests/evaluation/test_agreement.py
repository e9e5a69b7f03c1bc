"""Two raters: Cohen's kappa, intervals, and too few faces to say anything."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.agreement import ENOUGH, rater_agreement


def test_textbook_example():
    # 20 both yes, 15 both no, 5 and 10 mixed: agreement 0.7, kappa (0.7 - 0.5) / (1 - 0.5).
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    result = rater_agreement(first, second)
    assert result.n == 50
    assert result.agreement["value"] == pytest.approx(0.7, abs=1e-12)
    assert result.kappa["value"] == pytest.approx(0.4, abs=1e-12)
    assert result.kappa["ci95"][0] < 0.4 < result.kappa["ci95"][1]
    assert result.confusion["counts"] == [[15, 10], [5, 20]]
    assert "agree on 0.700 [" in result.sentence
    assert "of 50 faces, Cohen's kappa 0.400 [" in result.sentence
    assert "95 % intervals over images" in result.sentence


def test_agrees_with_scikit_learn_and_statsmodels():
    rng = np.random.default_rng(2)
    first = rng.choice(["fear", "anger", "neutral", "happiness"], 200)
    second = np.where(rng.random(200) < 0.5, first, rng.choice(["fear", "neutral", "none"], 200))
    result = rater_agreement(first, second)
    assert result.kappa["value"] == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    labels = np.unique([first, second])
    table = [[int(((first == a) & (second == b)).sum()) for b in labels] for a in labels]
    theirs = raters.cohens_kappa(table)
    assert result.kappa["value"] == pytest.approx(theirs.kappa, abs=1e-9)
    # The interval of the bootstrap is about that of the asymptotic variance.
    np.testing.assert_allclose(
        result.kappa["ci95"], [theirs.kappa_low, theirs.kappa_upp], atol=0.02
    )


def test_rows_with_one_label_do_not_count():
    first = ["fear"] * 40
    second = np.array([*["fear"] * 15, *["anger"] * 15, None, np.nan, "", *[None] * 7], object)
    people = [f"p{i % 7}" for i in range(40)]
    result = rater_agreement(first, second, groups=people)
    assert (result.n, result.interval) == (30, "people")
    assert result.agreement["value"] == 0.5


def test_below_thirty_it_says_that_there_are_too_few():
    labels = ["fear", *["anger"] * (ENOUGH - 2)]
    result = rater_agreement(labels, labels)
    assert result.too_few
    assert result.agreement is None
    assert result.kappa is None
    assert "only 29 faces are labelled by two people, too few (below 30)" in result.sentence
    assert result.to_dict()["too_few"] is True
    assert not rater_agreement([*labels, "fear"], [*labels, "fear"]).too_few


def test_one_label_for_all_has_no_kappa():
    result = rater_agreement(["fear"] * 30, ["fear"] * 30)
    assert result.agreement["value"] == 1
    assert result.kappa is None
    assert "kappa" not in result.sentence


def test_intervals_are_wider_over_people_who_are_alike():
    rng = np.random.default_rng(0)
    same = np.repeat(rng.random(20) < 0.6, 10)
    first = np.where(np.arange(200) % 2, "fear", "anger")
    second = np.where(same, first, "neutral")
    over_people = rater_agreement(first, second, groups=np.repeat(np.arange(20), 10))
    over_images = rater_agreement(first, second)
    for wide, narrow in [
        (over_people.agreement, over_images.agreement),
        (over_people.kappa, over_images.kappa),
    ]:
        assert wide["value"] == narrow["value"]
        assert np.diff(wide["ci95"]) > 2 * np.diff(narrow["ci95"])


def test_misuse_is_refused():
    with pytest.raises(DataError, match=r"got shapes \(2,\) and \(1,\)"):
        rater_agreement(["a", "b"], ["a"])
    with pytest.raises(ParameterError, match="got 1 groups for 2 rows"):
        rater_agreement(["a", "b"], ["a", "b"], groups=["p"])
