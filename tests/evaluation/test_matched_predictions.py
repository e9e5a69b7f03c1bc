"""Predictions of several runs are matched face by face, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.matched_predictions import match_predictions

N = 200


def table(*, people=True) -> pd.DataFrame:
    """Predictions that are all right; ten people, two in each of five folds."""
    person = np.arange(N) // (N // 10)
    true = np.where(np.arange(N) % 3, "fear", "anger").astype(object)
    return pd.DataFrame(
        {
            "id": [f"{i:04d}.png" for i in range(N)],
            "fold": (person % 5 + 1).astype(str),
            "true": true,
            "predicted": true,
            "subject": [f"P{i}" for i in person] if people else None,
        }
    )


def test_rows_are_matched_by_id_whatever_their_order():
    a, b = table(), table()
    b["predicted"] = np.where(np.random.default_rng(0).random(N) < 0.8, b["true"], "neutral")
    matched = match_predictions({"a": a, "b": b.sample(frac=1, random_state=1)})
    np.testing.assert_array_equal(matched.ids, a["id"])
    np.testing.assert_array_equal(matched.predicted[:, 1], b["predicted"])
    np.testing.assert_array_equal(matched.people, a["subject"])
    np.testing.assert_array_equal(matched.folds, a["fold"])


def test_other_faces_are_refused():
    a, b = table(), table()
    b["id"] = b["id"].replace({"0003.png": "new.png"})
    with pytest.raises(
        DataError,
        match=r"'a' and 'b' did not predict the same faces: 1 of the 200 in 'a' are not in the "
        r"other \('0003.png' ...\); 1 of the 200 in 'b' are not in the other \('new.png'",
    ):
        match_predictions({"a": a, "b": b})
    with pytest.raises(
        DataError, match=r"5 of the 200 in 'a' are not .* \('0195.png' ...\); expected"
    ):
        match_predictions({"a": a, "b": table().iloc[:-5]})


def test_other_true_labels_are_refused():
    a, b = table(), table()
    b.loc[3, "true"] = "sadness"
    with pytest.raises(
        DataError,
        match=r"label of 1 of 200 faces: '0003.png' is 'anger' in the first and 'sadness'",
    ):
        match_predictions({"a": a, "b": b})


def test_other_people_are_refused():
    a, b = table(), table()
    b.loc[0, "subject"] = "someone"
    with pytest.raises(DataError, match=r"person of 1 of 200 faces: '0000.png' is 'P0'"):
        match_predictions({"a": a, "b": b})


def test_runs_without_predictions_or_with_double_ids_are_refused():
    empty = table().iloc[:0]
    with pytest.raises(DataError, match=r"run 'b' has no predictions .*no rows.*--no-nested"):
        match_predictions({"a": table(), "b": empty})
    with pytest.raises(DataError, match=r"no column id, true, predicted"):
        match_predictions({"a": table(), "b": pd.DataFrame()})
    double = pd.concat([table(), table().iloc[:1]])
    with pytest.raises(DataError, match=r"run 'a' predicts '0000.png' more than once"):
        match_predictions({"a": double, "b": table()})
    with pytest.raises(ParameterError, match="at least two runs to compare, got 1"):
        match_predictions({"a": table()})


def test_people_that_one_run_knows_are_enough():
    matched = match_predictions({"a": table(people=False), "b": table()})
    np.testing.assert_array_equal(matched.people, table()["subject"])
