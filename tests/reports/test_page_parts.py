"""Parts of the page and of tables for papers: surfaces, mistakes, LaTeX, sentences."""

from __future__ import annotations

import base64
import re

import pandas as pd
import pytest

from classic_fer.errors import ParameterError
from classic_fer.evaluation.calibration_metrics import reliability_bins
from classic_fer.reports import content
from classic_fer.reports.doubt_figures import reliability_figure
from classic_fer.reports.latex import latex_table, run_latex
from classic_fer.reports.mistakes import FacePictures, confident_mistakes
from classic_fer.reports.page_figures import (
    data_uri,
    fold_figure,
    surface_figure,
)
from classic_fer.reports.tables import Table


def candidates(**params):
    table = pd.MultiIndex.from_product(list(params.values())).to_frame(index=False)
    table.columns = [f"param_{name}" for name in params]
    return table.assign(mean_test_score=[0.1 * i for i in range(len(table))])


def labels(figure):
    axes = figure.axes[0]
    return axes.get_xlabel(), axes.get_ylabel()


def test_surface_of_two_parameters_is_a_map():
    figure, caption = surface_figure(candidates(clf__C=[1, 10], clf__gamma=["scale", 0.5, 1]))
    assert labels(figure) == ("gamma", "C")
    assert figure.axes[0].images[0].get_array().shape == (2, 3)
    assert "selection score" in caption


def test_surface_of_one_parameter_is_a_line_and_of_none_nothing():
    figure, _ = surface_figure(candidates(clf__C=[1, 10, 100], clf__gamma=[0.5]))
    assert labels(figure) == ("C", "score")
    assert surface_figure(candidates(clf__C=[1], clf__gamma=[0.5])) is None


def test_surface_shows_the_two_parameters_that_matter_most():
    # The first varies slowest, so it moves the score most.
    figure, caption = surface_figure(candidates(clf__C=[1, 2], clf__gamma=[1, 2], clf__tol=[0, 1]))
    assert set(labels(figure)) == {"C", "gamma"}
    assert "the best over tol" in caption


def test_candidates_without_a_parameter_are_drawn_too():
    table = pd.DataFrame(
        {
            "param_clf__kernel": ["linear", "rbf", "rbf"],
            "param_clf__gamma": [None, 0.1, 1.0],
            "mean_test_score": [0.3, 0.4, float("nan")],
        }
    )
    figure, _ = surface_figure(table)
    assert set(labels(figure)) == {"gamma", "kernel"}
    assert data_uri(figure).startswith("data:image/svg+xml;base64,")


def test_the_same_figure_has_the_same_bytes_and_asks_for_nothing(make_result):
    first, second = (data_uri(fold_figure(make_result())) for _ in range(2))
    assert first == second
    text = base64.b64decode(first.partition(",")[2]).decode()
    assert not re.search(r'(?:href|src)="(?!#)', text)


def test_reliability_shows_filled_bins():
    bins = reliability_bins([[0.95, 0.05], [0.55, 0.45]], ["a", "b"], ["a", "b"], n_bins=10)
    line = reliability_figure(bins).axes[0].lines[1]
    assert line.get_xdata() == pytest.approx([0.55, 0.95])
    assert line.get_ydata() == pytest.approx([0, 1])


def test_mistakes_are_the_surest_first_without_abstentions(make_result):
    table = pd.DataFrame(
        {
            "id": list("abcd"),
            "fold": "1",
            "true": ["neutral", "anger", "anger", "anger"],
            "predicted": ["anger", "neutral", "anger", "abstained"],
            "score_neutral": [0.4, 0.9, 0.2, 0.9],
            "score_anger": [0.6, 0.1, 0.8, 0.1],
        }
    )
    mistakes = confident_mistakes(make_result(predictions=table))
    assert [(m.id, m.confidence, m.true_probability) for m in mistakes] == [
        *[("b", 0.9, 0.1), ("a", 0.6, 0.4)]
    ]
    assert confident_mistakes(make_result(predictions=table.iloc[:0])) == []


def test_pictures_say_why_there_are_none(tmp_path, make_result):
    pictures, _, problem = FacePictures().of(tmp_path, make_result(), ["a"])
    assert pictures == {}
    assert "name them with --data" in problem
    _, _, problem = FacePictures("generated").of(tmp_path, make_result(), ["a"])
    assert "'generated' do not hold the faces of this run" in problem
    _, _, problem = FacePictures(tmp_path / "no.zip").of(tmp_path, make_result(), ["a"])
    assert "no.zip" in problem


def test_latex_escapes_and_marks():
    table = Table("A & B", ("x_1", "%"), [("a~b", "1")], strong={(0, 1)})
    text = latex_table(table, note="50 %.")
    assert r"\caption{A \& B. 50 \%.}" in text
    assert r"x\_1 & \% \\" in text
    assert r"a\textasciitilde{}b & \textbf{1} \\" in text
    assert r"\begin{tabular}{lr}" in text


def test_latex_of_a_run_holds_classes_and_confusion(make_result):
    text = run_latex(make_result())
    assert text.count(r"\begin{table}") == 2
    assert "precision & recall" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "on 7 of 10 faces of people it had not seen"),
        (
            {"protocol": {"name": "random10", "groups": None, "folds": 10}},
            "other faces of the same",
        ),
        ({"protocol": {"name": "10", "groups": None, "folds": 10}}, "on 7 of 10 faces it had not"),
        ({"scores": {}, "confusion": None}, "Selection score 0.750"),
    ],
)
def test_summary_sentence_says_whose_faces(make_result, changes, said):
    assert said in content.summary_sentence(make_result(**changes))


def test_summary_sentence_names_baseline_and_weakest_class(make_result):
    text = content.summary_sentence(make_result())
    assert "Always saying neutral would be right on 4." in text
    assert "weakest on anger (recall 0.333)" in text


def test_pictures_of_damaged_settings_are_a_note(tmp_path, make_result):
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(ParameterError, match="damaged"):
        FacePictures()._dataset(tmp_path)
    assert "damaged" in FacePictures().of(tmp_path, make_result(), ["a"])[2]
