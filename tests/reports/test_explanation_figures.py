"""Pictures and table of an explanation."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from classic_fer.models.explanations import Explanation
from classic_fer.models.face_parts import FacePart
from classic_fer.reports.explanation import explanation_figure, explanation_table, mean_figure


@pytest.fixture
def told() -> Explanation:
    """Two faces of 20 pixels: the mouth speaks for the class, the brows against it."""
    return Explanation(
        method="contributions",
        images=np.full((2, 20, 20), 128, np.uint8),
        explained=np.array(["fear", "anger"]),
        predicted=np.array(["fear", "fear"]),
        decisions=np.array([0.75, 0.25]),
        probabilities=np.array([0.9, 0.05]),
        baselines=np.array([-0.25, -0.75]),
        parts=(
            FacePart("hog", box=(0, 0, 20, 5)),
            FacePart("hog", box=(0, 13, 20, 5)),
            FacePart("geometry", name="mouth_openness"),
        ),
        contributions=np.array([[-0.5, 1.0, 0.5], [0.5, 0.25, 0.25]]),
    )


def test_the_figure_has_face_map_and_measures_and_says_what_was_predicted(told):
    figure = explanation_figure(told, 1, title="a.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["aligned face", "for and against anger", "landmark geometry"]
    assert figure.get_suptitle() == (
        "a.png\nfear predicted; anger explained: probability 5%, decision value +0.25 "
        "(mean face -0.75)"
    )


def test_the_colour_scale_is_symmetric_and_of_64_pixels(told):
    figure = explanation_figure(told, 0)
    shown = figure.axes[1].images[1]
    assert shown.get_clim() == (-0.64, 0.64)  # 1.0 on 100 pixels
    np.testing.assert_allclose(shown.get_array()[15], 0.64)
    np.testing.assert_allclose(shown.get_array()[2], -0.32)


def test_classes_of_a_mean_figure_share_one_scale(told):
    figure = mean_figure(told.means(), counts={"fear": 1, "anger": 1})
    limits = {axes.images[1].get_clim() for axes in figure.axes if len(axes.images) > 1}
    assert limits == {(-0.64, 0.64)}
    assert figure.axes[0].get_title() == "fear (1 faces)"


def test_the_table_gives_the_share_of_each_band_and_the_measures(told):
    console = Console(width=140, record=True, file=StringIO())
    console.print(explanation_table(told, ["a", "b"]))
    lines = console.export_text().splitlines()
    assert lines[1].split()[-5:] == ["0%", "0%", "0%", "100%", "0%"]
    assert "a, geometry: mouth openness +0.50" in "\n".join(lines)
