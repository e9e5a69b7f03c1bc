"""Saliency maps of recognizers trained on generated faces, and their scores."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.reports.studies.saliency import saliency_figures
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe
from classic_fer.studies.saliency import saliency_study, usable_methods

RECIPE = Recipe("hog", "linear-svm", {"clf__C": 0.01, "features__hog__pixels_per_cell": 8}, {})


class Mouth:
    """Answers by how dark the lower part of a face is, and by nothing else."""

    classes_ = np.array(["happiness", "surprise"])

    def predict_proba(self, faces):
        low = 1 - faces["image"][:, 30:44, 14:34].mean(axis=(1, 2)) / 255
        return np.column_stack([1 - low, low])


def test_maps_beat_chance_and_are_pooled_by_class(generated, tmp_path) -> None:
    recognizers = HeldOutRecognizers(generated, RECIPE, cv="2")
    given = {"n_faces": 12, "n_masks": 150, "steps": 8}
    told = saliency_study(recognizers, generated, out=tmp_path, **given)
    rows = told.table("scores").rows
    assert [row["method"] for row in rows] == ["contributions", "occlusion", "rise", "chance"]
    assert rows[2]["deletion"]["value"] < rows[3]["deletion"]["value"]
    assert rows[2]["insertion"]["value"] > rows[3]["insertion"]["value"]
    better = rows[2]["deletion_better_than_chance"]["value"]
    assert better == pytest.approx(rows[3]["deletion"]["value"] - rows[2]["deletion"]["value"])
    classes = told.settings["classes"]
    assert told.arrays["maps"].shape == (3, len(classes), 48, 48)
    assert told.arrays["counts"].sum() == 12
    assert told.arrays["curves"].shape == (2, 4, 9)
    assert set(saliency_figures(told)) == {"maps", "curves"}
    again = saliency_study(recognizers, generated, out=tmp_path, resume=True, **given)
    assert again.tables == told.tables


def test_any_recognizer_is_asked_from_outside(generated) -> None:
    expressive = generated.subset(generated.y != "neutral")
    given = GivenRecognizer(Mouth(), expressive)
    told = saliency_study(given, expressive, n_faces=4, n_masks=200, steps=8)
    assert told.settings["methods"] == ["occlusion", "rise"]
    strength = np.abs(told.arrays["maps"]).mean(axis=(0, 1))
    assert strength[30:44, 14:34].mean() > 3 * strength[:14].mean()


def test_methods_that_cannot_be_drawn(generated) -> None:
    face = generated.faces[:1]
    with pytest.raises(ParameterError, match=r"'gradient' cannot be drawn.*no gradients"):
        usable_methods(Mouth(), face, ["gradient"])
    with pytest.raises(ParameterError, match=r"'contributions' cannot be drawn.*not linear"):
        usable_methods(Mouth(), face, ["contributions"])
    with pytest.raises(ParameterError, match="unknown saliency method 'gradcam'"):
        usable_methods(Mouth(), face, ["gradcam"])
    with pytest.raises(ParameterError, match="at least one method"):
        usable_methods(Mouth(), face, [])
