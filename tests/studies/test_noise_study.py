"""The noise study on generated faces, and on a recognizer whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.reports.studies.figures import study_figures
from classic_fer.studies.noise import checked_levels, noise_study
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe

RECIPE = Recipe("hog", "linear-svm", params={"clf__C": 0.1}, inner_cv=2)


class Undamaged:
    """Right about faces that it knows pixel by pixel; of others it says the first class."""

    def __init__(self, dataset):
        self.classes_ = np.array(dataset.classes)
        self._known = {
            image.tobytes(): label for image, label in zip(dataset.faces["image"], dataset.y)
        }

    def predict_proba(self, X):
        names = [self._known.get(image.tobytes(), self.classes_[0]) for image in X["image"]]
        return (self.classes_ == np.array(names)[:, None]).astype(float)


def test_a_recognizer_of_pixels_falls_to_one_class(generated):
    given = GivenRecognizer(Undamaged(generated), generated)
    result = noise_study(given, generated, levels=[0, 0.05], repeats=4)
    rows = {row["level"]: row for row in result.table("levels").rows}
    assert rows["undamaged"]["accuracy"]["value"] == 1
    assert rows[0.0]["accuracy"]["value"] == 1
    assert rows[0.0]["p"] == 1
    assert rows[0.05]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert rows[0.05]["drop"]["value"] == pytest.approx(2 / 3)
    # All eight people drop alike: 2 of 2 ** 8 signs, two levels after Holm.
    assert rows[0.05]["p"] == pytest.approx(2 * 2 / 2**8)
    assert rows[0.05]["lowest"] == rows[0.05]["highest"] == rows[0.05]["median"]
    assert "significant (p < 0.05 after Holm) at 0.05" in result.conclusions[0]
    assert len(result.table("repeats").rows) == 8


def test_training_with_noise_beside_training_as_it_is(generated, tmp_path):
    held_out = HeldOutRecognizers(generated, RECIPE, cv=2)
    told = {"levels": [0.02], "repeats": 2, "train_level": 0.02, "out": tmp_path}
    result = noise_study(held_out, generated, **told)
    again = noise_study(held_out, generated, **told, resume=True)
    assert again.tables == result.tables
    assert [row["recognizer"] for row in result.table("levels").rows] == [
        *["as it is"] * 2,
        *["trained with damage"] * 2,
    ]
    figures = study_figures(result)
    assert list(figures) == ["levels"]
    labels = figures["levels"].figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["as it is", "trained with damage", "always the largest class"]


@pytest.mark.parametrize(("damage", "levels"), [("blur", [1.0]), ("rotation", [20.0])])
def test_other_damages_go_the_same_way(generated, damage, levels):
    given = GivenRecognizer(Undamaged(generated), generated)
    result = noise_study(given, generated, damage=damage, levels=levels, repeats=2)
    assert result.settings["repeats"] == (2 if damage == "rotation" else 1)
    assert result.table("levels").rows[1]["accuracy"]["value"] < 1
    assert ("warped again" in result.limits[0]) == (damage == "rotation")


def test_wrong_arguments(generated):
    given = GivenRecognizer(Undamaged(generated), generated)
    with pytest.raises(ParameterError, match="leave the model out"):
        noise_study(given, generated, train_level=0.1)
    with pytest.raises(ParameterError, match="at least 1 repeat"):
        noise_study(given, generated, repeats=0)
    with pytest.raises(ParameterError, match="unknown damage 'dust'"):
        checked_levels("dust")
    with pytest.raises(ParameterError, match="at least one level"):
        checked_levels("noise", [])
    assert checked_levels("noise", [0.1, 0.1, 0]) == [0.1, 0.0]
