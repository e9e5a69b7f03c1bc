"""Nested cross-validation: what it promises about people, workers, interrupts and parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classic_fer.datasets.cards import Card
from classic_fer.emotions import label_policy
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.result import Result

QUICK: dict[str, Any] = {
    "features": "hog",
    "clf": "svm",
    "grid": {"clf__C": [1.0, 10.0], "clf__gamma": [0.5]},
    "cv": "3",
    "inner_cv": 2,
}


def without_times(result: Result) -> dict[str, Any]:
    data = result.to_dict()
    return {name: data[name] for name in data if name not in ("seconds", "environment", "command")}


def test_every_face_is_predicted_once_by_people_held_out(toy_dataset):
    dataset = toy_dataset()
    result, recognizer, search = cross_validate(dataset, **QUICK)
    assert sorted(result.predictions["id"]) == sorted(dataset.samples["id"])
    assert result.predictions.groupby("subject")["fold"].nunique().eq(1).all()
    assert result.protocol["groups"] == 6
    assert result.protocol["folds"] == len(result.folds) == 3
    assert result.interval == "people"
    assert result.accuracy == (result.predictions["true"] == result.predictions["predicted"]).mean()
    assert result.accuracy > result.majority_baseline
    assert {"accuracy", "macro_f1"} <= set(result.scores)
    assert result.selection_score == search.best_score_
    assert result.best_params == search.best_params_
    assert all(set(fold["params"]) == {"clf__C", "clf__gamma"} for fold in result.folds)
    assert recognizer.alignment_ == dataset.alignment
    assert recognizer.bundle_["card"]["name"] == "toy"


def test_the_label_is_the_class_of_the_highest_probability(toy_dataset):
    result, _, _ = cross_validate(toy_dataset(), **QUICK)
    scores = result.predictions.filter(like="score_")
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    names = scores.idxmax(axis=1).str.removeprefix("score_")
    assert (names == result.predictions["predicted"]).all()
    assert list(scores) == ["score_neutral", "score_happiness", "score_anger"]


@pytest.mark.parametrize(
    ("features", "clf"), [("hog", "svm"), ("hog:pca", "linear-svm"), ("lbp", "logistic")]
)
def test_any_number_of_workers_gives_the_same(toy_dataset, features, clf):
    dataset = toy_dataset()
    one, four = (
        cross_validate(dataset, features=features, clf=clf, cv="3", inner_cv=2, n_jobs=n)[0]
        for n in (1, 4)
    )
    assert without_times(one) == without_times(four)
    pd.testing.assert_frame_equal(one.predictions, four.predictions, rtol=0, atol=1e-9)


class Interrupt:
    """Progress that stops the run, as Ctrl-C does, after a part of the work."""

    def __init__(self, after: float) -> None:
        self.after = after

    def __call__(self, done: int, total: int) -> None:
        if done > self.after * total:
            raise KeyboardInterrupt


def test_an_interrupted_run_keeps_finished_folds_and_goes_on(toy_dataset, tmp_path):
    dataset = toy_dataset()
    whole, _, _ = cross_validate(dataset, **QUICK)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(dataset, **QUICK, out=tmp_path, progress=Interrupt(after=0.6))
    finished = {file: file.stat().st_mtime_ns for file in (tmp_path / "folds").glob("*.npz")}
    assert len(finished) == 2
    calls: list[float] = []
    resumed, _, _ = cross_validate(
        dataset,
        **QUICK,
        out=tmp_path,
        resume=True,
        n_jobs=2,
        progress=lambda done, total: calls.append(done / total),
    )
    assert min(calls) > 0.5  # two of four searches are not done again
    assert calls[-1] == 1
    assert {file: file.stat().st_mtime_ns for file in finished} == finished
    assert without_times(resumed) == without_times(whole)
    pd.testing.assert_frame_equal(resumed.predictions, whole.predictions)


def test_a_budget_says_what_it_left_out(toy_dataset, tmp_path):
    options = {**QUICK, "grid": {"clf__C": [1.0, 10.0, 100.0], "clf__gamma": [0.25, 0.5]}}
    result, recognizer, search = cross_validate(toy_dataset(), **options, budget=1e-3)
    assert len(search.cv_results_["params"]) + len(search.skipped_) == 6
    (warning,) = (text for text in result.warnings if "budget" in text)
    assert "the budget left out 5 of 6 candidates" in warning
    assert all(f"clf__C={one.params['clf__C']}" in warning for one in search.skipped_)
    assert [fold["skipped"] for fold in result.folds] == [5, 5, 5]
    assert len(recognizer.predict(toy_dataset().faces)) == 36
    ample, _, search = cross_validate(toy_dataset(), **options, budget=10**6)
    assert search.skipped_ == []
    assert not any("budget" in text for text in ample.warnings)


def test_a_memory_limit_is_noted_and_changes_no_prediction(toy_dataset):
    free, _, _ = cross_validate(toy_dataset(), **QUICK)
    tight, _, _ = cross_validate(toy_dataset(), **QUICK, memory=1)
    assert tight.environment["memory_limit"] == 1
    pd.testing.assert_frame_equal(tight.predictions, free.predictions, rtol=0, atol=1e-6)


def test_a_damaged_fold_is_computed_again(toy_dataset, tmp_path):
    dataset = toy_dataset()
    whole, _, _ = cross_validate(dataset, **QUICK, out=tmp_path)
    (tmp_path / "folds" / "0001.npz").write_bytes(b"junk")
    with pytest.warns(UserWarning, match=r"0001\.npz is damaged .* computed again"):
        resumed, _, _ = cross_validate(dataset, **QUICK, out=tmp_path, resume=True)
    pd.testing.assert_frame_equal(resumed.predictions, whole.predictions)


def test_only_the_same_run_is_resumed(toy_dataset, tmp_path):
    dataset = toy_dataset()
    cross_validate(dataset, **QUICK, out=tmp_path)
    with pytest.raises(
        ParameterError, match=r"cannot resume .*: seed, .* differ .*seed was 0, is 1"
    ):
        cross_validate(dataset, **QUICK, out=tmp_path, resume=True, random_state=1)
    changed = toy_dataset()
    changed.faces["image"][0, 0, 0] ^= 1
    with pytest.raises(ParameterError, match=r"faces differ from the earlier run"):
        cross_validate(changed, **QUICK, out=tmp_path, resume=True)
    with pytest.raises(ParameterError, match="holds folds of an earlier run"):
        cross_validate(dataset, **QUICK, out=tmp_path)
    with pytest.raises(ParameterError, match="resume needs the folder"):
        cross_validate(dataset, **QUICK, resume=True)


def test_a_plain_search_has_a_selection_score_and_no_accuracy(toy_dataset):
    result, recognizer, search = cross_validate(toy_dataset(), **QUICK, nested=False)
    assert result.scores == {}
    assert result.accuracy is None
    assert result.selection_score == search.best_score_
    assert search.n_splits_ == 3
    assert len(result.predictions) == 0
    assert recognizer.classes_.tolist() == ["neutral", "happiness", "anger"]


def test_official_fits_train_scores_public_and_final_only_when_asked(toy_dataset):
    split = ["train"] * 24 + ["public"] * 6 + ["final"] * 6
    dataset = toy_dataset(split=split)
    options = {**QUICK, "cv": None}
    result, recognizer, search = cross_validate(dataset, **options)
    assert result.protocol["name"] == "official"
    assert set(result.predictions["subject"]) == {"p4"}
    assert result.dataset["n"] == 30
    assert result.final is None
    assert len(search.oof_scores_) == 24

    asked, again, _ = cross_validate(dataset, **options, final=True)
    assert asked.final["n"] == 6
    assert set(asked.final_predictions["subject"]) == {"p5"}
    assert asked.scores == result.scores
    public = dataset.faces[24:30]
    np.testing.assert_array_equal(again.predict_proba(public), recognizer.predict_proba(public))
    np.testing.assert_allclose(
        result.predictions.filter(like="score_"), recognizer.predict_proba(public), atol=1e-9
    )
    # A plain search chooses on the public part, but its recognizer is trained without it.
    plain, kept, _ = cross_validate(dataset, **options, nested=False)
    assert plain.scores == {}
    chosen = {"clf__" + k: v for k, v in kept.clf.get_params().items() if k in ("C", "gamma")}
    alone, _, _ = cross_validate(
        dataset, **{**options, "grid": {k: [v] for k, v in chosen.items()}}
    )
    got = kept.decision_function(public).argmax(axis=1)
    assert kept.classes_[got].tolist() == alone.predictions["predicted"].tolist()


def test_final_that_is_not_there(toy_dataset):
    with pytest.raises(ParameterError, match="no part 'final'"):
        cross_validate(toy_dataset(), **QUICK, final=True)


@pytest.mark.parametrize("not_found", ["whole", "abstain"])
def test_faces_that_were_not_found(toy_dataset, not_found):
    dataset = toy_dataset()
    dataset.alignment = replace(dataset.alignment, not_found=not_found)
    dataset.faces["found"][[0, 9]] = False
    result, _, search = cross_validate(dataset, **QUICK)
    assert result.coverage == {"found": 34, "of": 36}
    lost = result.predictions[~result.predictions["found"]]
    assert (lost["predicted"] == "abstained").all() == (not_found == "abstain")
    # Wrong in 'all', left out of 'found'.
    assert result.found["n"] == 34
    hits = result.predictions["true"] == result.predictions["predicted"]
    assert result.scores["accuracy"]["value"] == pytest.approx(hits.mean())
    assert result.found["scores"]["accuracy"]["value"] == pytest.approx(
        hits[result.predictions["found"]].mean()
    )
    assert len(search.oof_scores_) == (34 if not_found == "abstain" else 36)


def test_random_folds_are_marked_and_the_search_ignores_people_too(toy_dataset):
    result, _, _ = cross_validate(toy_dataset(), **{**QUICK, "cv": "random3"})
    assert result.protocol["groups"] is None
    assert any("people leak" in warning for warning in result.warnings)


def test_label_policies_are_recorded(toy_dataset):
    dataset = toy_dataset().with_labels(label_policy("3class"))
    result, recognizer, _ = cross_validate(dataset, **QUICK)
    assert result.label_policy["name"] == "3class"
    assert ["anger", "negative", 12] in result.to_dict()["label_policy"]["changes"]
    assert recognizer.bundle_["label_policy"]["name"] == "3class"
    assert result.dataset["classes"] == ["neutral", "positive", "negative"]


def test_faces_must_be_aligned(toy_dataset):
    dataset = toy_dataset()
    dataset.faces = None
    with pytest.raises(DataError, match=r"call align_faces\(dataset\)"):
        cross_validate(dataset, **QUICK)


def test_a_card_names_the_official_parts(toy_dataset):
    dataset = toy_dataset(split=["a"] * 24 + ["b"] * 12)
    dataset.card = Card("toy", "Toy", official_split={"train": ["a"], "test": "b", "final": None})
    result, _, _ = cross_validate(dataset, **{**QUICK, "cv": "official"})
    assert set(result.predictions["subject"]) == {"p4", "p5"}
