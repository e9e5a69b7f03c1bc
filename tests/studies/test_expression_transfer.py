"""Expression transfer on generated faces."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from classic_fer.errors import DataError, ParameterError
from classic_fer.reports.studies.transfer import save_animations, transfer_figures
from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe
from classic_fer.studies.transfer import landmark_error, transfer_study


@pytest.fixture(scope="module")
def recognizers(generated) -> HeldOutRecognizers:
    recipe = Recipe("hog", "linear-svm", {"clf__C": 0.01}, {})
    return HeldOutRecognizers(generated, recipe, cv="2")


def test_new_faces_show_what_they_were_given(recognizers, generated, tmp_path) -> None:
    given = {"strengths": [0.5, 1.0], "n_faces": 4}
    told = transfer_study(recognizers, generated, out=tmp_path, **given)
    rows = {(row["emotion"], row["strength"]): row for row in told.table("strengths").rows}
    assert list(rows) == [(e, s) for e in ("happiness", "surprise") for s in (0.0, 0.5, 1.0)]
    for emotion in ("happiness", "surprise"):
        none, half, full = (rows[emotion, strength] for strength in (0.0, 0.5, 1.0))
        assert none["displacement"] == pytest.approx(0, abs=1e-6)
        assert 0.4 < half["displacement"] / full["displacement"] < 0.6
        assert full["recognized"]["value"] >= none["recognized"]["value"]
    assert rows["surprise", 1.0]["recognized"]["value"] > 0.5
    assert told.arrays["frames"].shape == (2, 9, 48, 48)
    again = transfer_study(recognizers, generated, out=tmp_path, resume=True, **given)
    assert again.tables == told.tables
    assert set(transfer_figures(told)) == {"recognized", "faces"}
    paths = save_animations(told, tmp_path)
    assert [path.name for path in paths] == ["neutral_to_happiness.gif", "neutral_to_surprise.gif"]
    with Image.open(paths[0]) as animation:
        assert animation.n_frames == 16  # there and back


def test_the_expression_of_one_face(recognizers, generated) -> None:
    donor = str(generated.ids[generated.y == "surprise"][0])
    told = transfer_study(recognizers, generated, donor=donor, strengths=[1.0], n_faces=2)
    assert told.settings["emotions"] == ["surprise"]
    with pytest.raises(ParameterError, match="is neutral"):
        transfer_study(recognizers, generated, donor=str(generated.ids[0]))
    with pytest.raises(ParameterError, match="unknown face 'nobody'"):
        transfer_study(recognizers, generated, donor="nobody")
    with pytest.raises(ParameterError, match="not both"):
        transfer_study(recognizers, generated, donor=donor, emotions=["happiness"])


def test_the_landmark_error_is_in_eye_distances(generated) -> None:
    face = generated.faces[0].copy()
    error = landmark_error(face, face["landmarks"])
    assert 0 < error < 0.3
    np.testing.assert_allclose(landmark_error(face, face["landmarks"] + 1e-9), error, rtol=1e-4)


def test_unfit_data(recognizers, generated) -> None:
    with pytest.raises(ParameterError, match="unknown emotion 'joy'"):
        transfer_study(recognizers, generated, emotions=["joy"])
    with pytest.raises(ParameterError, match="above 0 and up to 3"):
        transfer_study(recognizers, generated, strengths=[0.0])
    blind = generated.subset(np.arange(len(generated)))
    blind.faces = blind.faces.copy()
    blind.faces["landmarks"] = np.nan
    with pytest.raises(DataError, match="none of the 48 faces has 68 landmarks"):
        transfer_study(recognizers, blind)
    people = generated.groups
    alone = generated.subset(people == people[0])
    single = GivenRecognizer(recognizers.recognizer(0), alone)
    with pytest.raises(DataError, match="all faces are of one person"):
        transfer_study(single, alone, n_faces=1)
