"""Valence, arousal and other ratings of generated faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from classic_fer.datasets import load_dataset
from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.regression_metrics import ccc, rmse
from classic_fer.faces.align import align_faces
from classic_fer.reports.studies.affect import affect_figures
from classic_fer.studies.affect import affect_study, target_columns

VALENCE = {"neutral": 0.0, "happiness": 0.8, "surprise": 0.2}
AROUSAL = {"neutral": -0.2, "happiness": 0.4, "surprise": 0.9}


@pytest.fixture(scope="module")
def rated_faces(generated):
    """The generated faces with valence and arousal as their expression suggests."""
    rng = np.random.default_rng(0)
    dataset = generated.subset(np.arange(len(generated)))
    for name, values in (("valence", VALENCE), ("arousal", AROUSAL)):
        noise = rng.normal(0, 0.05, len(dataset))
        dataset.samples[name] = np.array([values[label] for label in dataset.y]) + noise
    dataset.samples.loc[3, "arousal"] = np.nan
    return dataset


def test_ratings_of_people_never_seen(rated_faces, tmp_path) -> None:
    given = {"features": "hog:pca", "regressors": ["ridge", "krr"], "cv": "2", "inner_cv": 2}
    told = affect_study(rated_faces, out=tmp_path, **given)
    table = told.table("scores")
    assert [(row["target"], row["regressor"]) for row in table.rows] == [
        (target, name)
        for target in ("valence", "arousal")
        for name in ("ridge", "krr", "mean of training")
    ]
    true, predicted = told.arrays["true"], told.arrays["predicted"]
    assert true.shape == (47, 2)
    assert predicted.shape == (2, 47, 2)
    assert table.rows[0]["ccc"]["value"] == pytest.approx(ccc(true[:, 0], predicted[0, :, 0]))
    assert table.rows[4]["rmse"]["value"] == pytest.approx(rmse(true[:, 1], predicted[1, :, 1]))
    assert table.rows[0]["ccc"]["value"] > 0.4
    assert table.rows[0]["rmse"]["value"] < table.rows[2]["rmse"]["value"]
    assert "1 faces without a rating are left out" in told.warnings
    assert set(affect_figures(told)) == {"predicted", "circumplex"}
    again = affect_study(rated_faces, out=tmp_path, resume=True, **given)
    assert again.tables == told.tables


def test_columns_are_found_or_named(rated_faces, generated) -> None:
    assert target_columns(rated_faces) == ["valence", "arousal"]
    assert target_columns(rated_faces, ["arousal"]) == ["arousal"]
    other = generated.subset(np.arange(len(generated)))
    with pytest.raises(DataError, match="neither valence and arousal nor columns rating_"):
        target_columns(other)
    other.samples["rating_fear"] = 3.0
    assert target_columns(other) == ["rating_fear"]
    with pytest.raises(DataError, match="column 'half': its numeric columns: rating_fear"):
        target_columns(other, ["half"])
    other.samples.loc[5:, "rating_fear"] = np.nan
    with pytest.raises(DataError, match="only 5 of 48 faces have a number"):
        affect_study(other, cv="4")
    with pytest.raises(ParameterError, match="unknown regressor 'lasso'"):
        affect_study(rated_faces, regressors=["lasso"])


def test_the_middle_of_the_scale_moves_the_signs_alone(rated_faces) -> None:
    given = {
        "targets": ["valence"],
        "inner_cv": 2,
        "features": "hog:pca",
        "regressors": ["ridge"],
        "cv": "2",
    }
    usual = affect_study(rated_faces, **given).table("scores").rows[0]
    moved = affect_study(rated_faces, middle=0.5, **given).table("scores").rows[0]
    for metric in ("rmse", "pearson", "ccc"):
        assert moved[metric]["value"] == pytest.approx(usual[metric]["value"])
    assert moved["sagr"]["value"] != usual["sagr"]["value"]


def test_affectnet_as_it_comes(tmp_path) -> None:
    """Its tables: boxes, landmarks with semicolons, -2 where there is no valence or arousal."""
    drawn = synthetic_faces(8, 1, size=64, emotions=("neutral", "happiness", "surprise"))
    number = {"neutral": 0, "happiness": 1, "surprise": 3}
    (tmp_path / "7").mkdir()
    lines = [
        "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
        "expression,valence,arousal"
    ]
    for i, label in enumerate(drawn.labels):
        Image.fromarray(drawn.images[i]).save(tmp_path / "7" / f"{i}.png")
        points = ";".join(f"{value:.2f}" for value in drawn.landmarks[i].ravel())
        values = f"{VALENCE[label]},{AROUSAL[label]}" if i != 2 else "-2,-2"
        lines.append(f"7/{i}.png,8,8,48,48,{points},{number[label]},{values}")
    (tmp_path / "training.csv").write_text("\n".join(lines) + "\n")
    dataset = load_dataset(tmp_path)
    assert target_columns(dataset) == ["valence", "arousal"]
    aligned = align_faces(dataset, size=32, cache=False)
    told = affect_study(aligned, features="hog:pca", regressors=["ridge"], cv="random2", inner_cv=2)
    assert told.arrays["true"].shape == (23, 2)
    assert told.warnings[0] == "1 faces without a rating are left out"
    assert told.protocol["groups"] is None
