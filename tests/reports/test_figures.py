"""Figures: what they show, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from classic_fer.errors import ParameterError
from classic_fer.reports.figures import classes_figure, confusion_figure, save_figure


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_confusion_shows_counts_and_shares_of_the_row():
    figure = confusion_figure([[3, 1], [0, 1000]], ["neutral", "anger"])
    assert texts(figure) == ["3\n75%", "1\n25%", "0", "1,000\n100%"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "neutral (4)",
        "anger (1,000)",
    ]
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares, [[0.75, 0.25], [0, 1]])


def test_rows_without_faces_stay_empty_and_small_shares_are_not_zero():
    figure = confusion_figure([[0, 0], [1, 999]], ["neutral", "anger"])
    assert texts(figure) == ["0", "0", "1\n<1%", "999\n100%"]


def test_columns_may_differ_from_rows():
    figure = confusion_figure([[1, 2, 3]], ["fear"], predicted_classes=["fear", "anger", "none"])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "fear",
        "anger",
        "none",
    ]


def test_confusion_that_does_not_fit_its_classes_is_refused():
    with pytest.raises(ParameterError, match=r"shape \(2, 2\) does not fit 3 true and 3 predicted"):
        confusion_figure(np.eye(2), ["a", "b", "c"])


def test_classes_stack_their_splits():
    counts = {"train": {"fear": 3, "anger": 1}, "test": {"fear": 1}}
    figure = classes_figure(counts, ["fear", "anger"])
    assert [text.strip() for text in texts(figure)] == ["4 (80%)", "1 (20%)"]
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["train", "test"]


def test_figures_are_written_with_their_folders(tmp_path):
    path = save_figure(classes_figure({"": {"fear": 3}}, ["fear"]), tmp_path / "new" / "c.png")
    with Image.open(path) as image:
        assert image.width > 500


def test_unknown_extension_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"cannot write a figure to .*\.xyz: .*\.png"):
        save_figure(classes_figure({"": {"fear": 3}}, ["fear"]), tmp_path / "chart.xyz")
