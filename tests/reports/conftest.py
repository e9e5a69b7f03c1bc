"""Hand-made results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from classic_fer.evaluation.predictions_table import score_sheets
from classic_fer.evaluation.result import Result

TRUE = ["neutral"] * 4 + ["happiness"] * 3 + ["anger"] * 3
PREDICTED = ["neutral"] * 3 + ["anger"] + ["happiness"] * 3 + ["anger", "neutral", "abstained"]
PEOPLE = ["A", "A", "B", "B", "A", "B", "C", "C", "A", "B"]


def predictions() -> pd.DataFrame:
    """Ten rows with probabilities of which the highest belongs to the prediction; the last face
    was not found."""
    classes = ["neutral", "happiness", "anger"]
    named = [*PREDICTED[:-1], "neutral"]
    table = pd.DataFrame(
        {"id": list("abcdefghij"), "fold": ["1", "2"] * 5, "true": TRUE, "predicted": PREDICTED}
    )
    for name in classes:
        table[f"score_{name}"] = [
            0.5 + 0.04 * i if name == each else (0.5 - 0.04 * i) / 2 for i, each in enumerate(named)
        ]
    return table.assign(found=[True] * 9 + [False], subject=PEOPLE)


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """A Result of ten faces, three people and two folds; fields may be replaced."""

    def make(**changes: Any) -> Result:
        table = predictions()
        sheet, _ = score_sheets(table)
        fields: dict[str, Any] = {
            "dataset": {"name": "jaffe", "n": 10, "classes": ["neutral", "happiness", "anger"]},
            "protocol": {"name": "10", "groups": 3, "folds": 2, "hash": "ab12" * 16},
            "recognizer": {"features": "lbp+hog", "clf": "svm", "params": {"clf__C": 10.0}},
            "best_params": {"clf__C": 10.0, "clf__kernel": "rbf"},
            "scores": sheet["scores"],
            "interval": sheet["interval"],
            "per_class": sheet["per_class"],
            "confusion": sheet["confusion"],
            "majority_baseline": sheet["majority_baseline"],
            "folds": [
                {
                    "name": str(k + 1),
                    "n_train": 5,
                    "n_test": 5,
                    "scores": {"accuracy": 0.6 + 0.2 * k},
                    "params": {"clf__C": 10.0},
                    "selection_score": 0.8,
                    "seconds": 1.0,
                }
                for k in range(2)
            ],
            "coverage": {"found": 9, "of": 10},
            "selection_score": 0.75,
            "scoring": "accuracy",
            "environment": {"classic_fer": "0.1.0", "python": "3.11.7", "dlib-bin": None},
            "seconds": 12.3,
            "command": "classic-fer gridsearch --data jaffe.zip --features lbp+hog",
            "answered": sheet["answered"],
            "predictions": table,
        }
        return Result(**(fields | changes))

    return make
