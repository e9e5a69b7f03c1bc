"""Sections and figures about doubt, and words beside the score."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.evaluation.selective import answer_scores
from classic_fer.models.abstention import risk_coverage
from classic_fer.reports import content
from classic_fer.reports.doubt_figures import doubt_figures, risk_coverage_figure
from classic_fer.reports.result_tables import answer_table, class_table
from classic_fer.reports.sections import sections
from classic_fer.reports.tables import Section, Table, markdown_section


def answered(errors: int, n: int = 20, *, of: int = 30, wished: float | None = 0.1) -> dict:
    given = np.arange(of) < n
    right = given & (np.arange(of) >= errors)
    folds = np.where(np.arange(of) % 2, "1", "2")
    return answer_scores(right, given, wished_error=wished, folds=folds)


def test_doubt_is_said_beside_the_score(make_result):
    (said,) = content.beside_the_score(make_result(answered=answered(1)))
    assert said.startswith("It was unsure about 10 of 30 faces; accuracy among the 20 that it")
    assert "answered is 0.950 [" in said
    assert "The wished error of 0.1 was kept on held-out faces: 0.050 [" in said
    assert "; it was kept in 2 of 2 folds." in said
    (missed,) = content.beside_the_score(make_result(answered=answered(15)))
    assert "was not kept on held-out faces: 0.750" in missed
    assert "chance" not in missed
    (unwished,) = content.beside_the_score(make_result(answered=answered(1, wished=None)))
    assert "wished" not in unwished
    (silent,) = content.beside_the_score(make_result(answered=answered(0, 0)))
    assert silent == "It was unsure about all 30 faces."


def test_raters_are_named_beside_the_score(make_result):
    noise = {"column": "label_2", "sentence": "two raters agree on 0.480", "accuracy": None}
    known = noise | {"accuracy": {"value": 0.5, "ci95": [0.4, 0.6]}}
    said = content.beside_the_score(make_result(answered=None, label_noise=[noise, known]))
    assert said[0] == "Labels (label_2): two raters agree on 0.480."
    assert said[1].endswith("accuracy on these faces is 0.500 [0.400, 0.600].")


def test_the_headline_says_how_unsure_counts(make_result):
    assert content.headline(make_result()).endswith("unsure counts as wrong")
    assert content.headline(make_result(answered=None)).endswith("interval over people")


def test_every_form_of_doubt_has_its_section(make_result):
    (section,) = sections(make_result())
    assert section.title == "Calibration and doubt"
    assert set(section.figures) == set(doubt_figures(make_result()))
    assert sections(make_result(scores={}, answered=None)) == []
    assert doubt_figures(make_result(scores={})) == {}
    assert answer_table(make_result(answered=None)) is None


def test_sections_in_markdown_link_their_figures():
    table = Table("T", ("", "n"), [("a_b", "1")])
    section = Section("A*b", ["One.", "Two."], table, {"risk_coverage": "Seen."})
    assert markdown_section(section).split("\n\n") == [
        "## A\\*b",
        "One. Two.",
        "|  | n |\n| :-- | --: |\n| a\\_b | 1 |",
        "![risk coverage](risk_coverage.png)",
        "Seen.",
    ]


def test_risk_coverage_shows_the_curve_and_where_the_recognizer_worked():
    curve = risk_coverage([0.9, 0.8, 0.7, 0.6], [True, True, False, True])
    figure = risk_coverage_figure(curve, answered=answered(1))
    line, wished, interval, point = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(line.get_ydata(), [0, 0, 1 / 3, 1 / 4])
    assert wished.get_ydata()[0] == 0.1
    assert interval.get_xdata()[0] == point.get_xdata()[0] == pytest.approx(2 / 3)
    assert point.get_ydata()[0] == pytest.approx(0.05)


def test_classes_have_intervals_where_there_is_room(make_result):
    wide, narrow = class_table(make_result()), class_table(make_result(), intervals=False)
    assert "[" in wide.rows[0][2]
    assert narrow.rows[0][2] == "0.750"
