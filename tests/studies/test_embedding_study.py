"""Faces in the plane: what is near what, and a page that holds everything itself."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.reports.studies.embedding import embedding_figures, embedding_page
from classic_fer.studies.embedding import embedding_study
from classic_fer.studies.recognizers import HeldOutRecognizers, Recipe


@pytest.fixture(scope="module")
def told(generated):
    recipe = Recipe("hog", "linear-svm", {"clf__C": 0.01, "features__hog__pixels_per_cell": 8}, {})
    recognizers = HeldOutRecognizers(generated, recipe, cv="2")
    return embedding_study(
        generated,
        recognizers=recognizers,
        params={"hog__pixels_per_cell": 8},
        methods=["pca", "lda"],
        n_faces=45,
        neighbours=5,
    )


def test_tables_and_arrays_fit_together(told) -> None:
    assert told.arrays["points"].shape == (2, 45, 2)
    assert len(told.arrays["faces"]) == len(told.arrays["ids"]) == 45
    for name in ("emotion", "person", "answer"):
        assert len(told.arrays[name]) == 45
    assert set(told.arrays["answer"]) <= {"recognized", "mistaken"}
    assert all(0 < value <= 1 for value in told.table("planes").column("trustworthiness"))
    features, _, lda = told.table("neighbours").rows
    assert features["faces"] == 45
    assert lda["faces"] == (~told.arrays["fitted"]).sum()
    assert features["emotion_by_chance"] == pytest.approx(3 * 15 * 14 / (45 * 44))
    # Whole people are in the half that LDA was fitted on.
    people, fitted = told.arrays["person"], told.arrays["fitted"]
    assert not set(people[fitted]) & set(people[~fitted])


def test_figures_for_every_colour(told) -> None:
    assert set(embedding_figures(told)) == {"by_emotion", "by_person", "by_answer"}


def test_the_page_holds_its_faces_and_loads_nothing(told) -> None:
    page = embedding_page(told, note="Terms: <none>.")
    assert "Terms: &lt;none&gt;." in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    data = json.loads(re.search(r"const data = (\{.*\});", page)[1])
    assert len(data["faces"]) == 45
    assert data["faces"][0].startswith("data:image/png;base64,")
    assert [each["name"] for each in data["methods"]] == ["pca", "lda"]
    assert np.array(data["methods"][0]["points"]).min() >= 0
    assert [each["name"] for each in data["colours"]] == ["emotion", "person", "answer"]


def test_unfit_requests(generated) -> None:
    with pytest.raises(ParameterError, match="unknown embedding 'mds'"):
        embedding_study(generated, methods=["mds"])
    with pytest.raises(ParameterError, match="at least one method"):
        embedding_study(generated, methods=[])
    one = generated.subset(generated.y == "neutral")
    with pytest.raises(DataError, match="three classes or more, found 1"):
        embedding_study(one, methods=["lda"], neighbours=3)
