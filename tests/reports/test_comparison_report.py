"""Words, tables, Markdown and diagram of a comparison."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from classic_fer.errors import ParameterError
from classic_fer.evaluation.comparison import compare_results
from classic_fer.evaluation.cost import PredictionCost
from classic_fer.reports.comparison import (
    ComparisonReport,
    comparison_markdown,
    comparison_view,
    rank_figure,
    save_comparison,
    sentences,
)
from classic_fer.reports.cost_figures import cost_figure

N = 120


@pytest.fixture
def make_report(make_result):
    """A report on runs that are right with the given rates, on 12 people and 4 folds."""

    def make(rates, *, costs=None, **changes) -> ComparisonReport:
        rng = np.random.default_rng(1)
        place = np.arange(N)
        results = {}
        for name, rate in rates.items():
            right = np.zeros(N, dtype=bool)
            # Equally often for each person, so that people do not add doubt.
            for person in range(12):
                right[person * 10 + rng.permutation(10)[: round(rate * 10)]] = True
            table = pd.DataFrame(
                {
                    "id": place.astype(str),
                    "fold": (place // 30 + 1).astype(str),
                    "true": "fear",
                    "predicted": np.where(right, "fear", "anger"),
                    "subject": [f"P{p}" for p in place // 10],
                }
            )
            folds = [{"name": str(k), "n_train": 90} for k in range(1, 5)]
            results[name] = make_result(predictions=table, folds=folds, **changes)
        return ComparisonReport(compare_results(results), results, costs or {})

    return make


def printed(view) -> str:
    from rich.console import Console

    stream = io.StringIO()
    Console(width=160, file=stream).print(view)
    return stream.getvalue()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_difference_is_said_whichever_run_comes_first(make_report):
    for rates in ({"good": 0.9, "bad": 0.4}, {"bad": 0.4, "good": 0.9}):
        (text,) = sentences(make_report(rates).comparison)
        assert text.startswith("good is better than bad: accuracy differs by 0.500 [0.")
        assert text.endswith("(95 % interval over people), McNemar, chi-squared: p < 0.001.")


def test_no_evidence_is_called_that(make_report):
    (text,) = sentences(make_report({"a": 0.8, "b": 0.7}).comparison)
    assert text.startswith("No evidence of a difference between a and b: accuracy differs by 0.100")
    assert "better" not in text


def test_doubt_is_called_doubt(make_report):
    from dataclasses import replace

    comparison = make_report({"a": 0.9, "b": 0.4}).comparison
    pair = replace(comparison.pairs[0], verdict="doubtful", ci95=[-0.1, 0.9])
    (text,) = sentences(replace(comparison, pairs=[pair]))
    assert text.startswith("Doubtful whether a is better than b")
    assert "but the interval over people holds 0" in text


def test_several_runs_have_an_overall_sentence(make_report):
    said = sentences(make_report({"a": 0.9, "b": 0.9, "c": 0.4}).comparison)
    assert said[0].startswith("The 3 runs are not all equally good (Cochran's Q ")
    assert said[1] == (
        "a has the highest accuracy: better than c; no evidence of a difference from b "
        "(McNemar with Holm's correction)."
    )
    assert said[2].startswith("Ranks over 4 folds: ")
    none = sentences(make_report({"a": 0.7, "b": 0.7, "c": 0.7}).comparison)
    assert none[0].startswith("No evidence of a difference among the 3 runs (Cochran's Q 0.00, p")
    assert "highest" not in " ".join(none)


def test_terminal_shows_tables_sentence_and_explanation(make_report):
    text = squeezed(printed(comparison_view(make_report({"a": 0.9, "b": 0.4}))))
    assert "a is better than b" in text
    assert "120 faces of 12 people; intervals over people" in text
    assert "pair difference [95 %] only first right only second right p McNemar p folds" in text
    assert "lbp+hog + svm" in text
    assert "Nadeau and Bengio" in text
    assert "ms a face" not in text


def test_costs_are_columns(make_report, tmp_path):
    costs = {
        "a": PredictionCost(1.5, 0.25, 3.0, 12345, 0.75, 81.4),
        "b": PredictionCost(2.0, 0.75, 0.5, 67, 1.25, None),
    }
    report = make_report({"a": 0.9, "b": 0.4}, costs=costs)
    text = squeezed(printed(comparison_view(report)))
    assert "ms a face, single ms a face, 64 at once load s parameters MB peak MB" in text
    assert "1.50 0.25 0.75 12,345 3.00 81" in text
    assert "2.00 0.75 1.25 67 0.50 -" in text
    assert "of one thread" in text
    assert report.to_dict()["costs"]["b"]["ms_batch"] == 0.75
    save_comparison(report, tmp_path)
    assert "![accuracy, speed and size](accuracy-speed-size.png)" in (
        (tmp_path / "comparison.md").read_text()
    )
    assert (tmp_path / "accuracy-speed-size.svg").exists()


def test_the_cost_figure_shows_accuracy_over_speed_and_size(make_report):
    costs = {
        "a": PredictionCost(1.5, 0.25, 4.0, 1, 1, None),
        "b": PredictionCost(2.0, 0.75, 1.0, 1, 1, None),
    }
    accuracy = {"a": {"value": 0.9, "ci95": [0.8, 0.95]}, "b": {"value": 0.4, "ci95": None}}
    axes = cost_figure(costs, accuracy).axes[0]
    markers = axes.collections
    points = [m.get_offsets().data.tolist()[0] for m in markers if len(m.get_offsets()) == 1]
    assert [0.25, 0.9] in points
    assert [0.75, 0.4] in points
    sizes = {m.get_sizes()[0] for m in markers if hasattr(m, "get_sizes") and len(m.get_sizes())}
    assert max(sizes) == pytest.approx(4 * min(sizes))
    with pytest.raises(ParameterError, match="no costs to draw"):
        cost_figure({}, {})


def test_generated_faces_and_leaking_folds_are_marked(make_report):
    report = make_report(
        {"a": 0.9, "b": 0.4},
        dataset={"name": "generated", "n": N, "classes": ["fear", "anger"]},
        protocol={"name": "random10", "groups": None, "folds": 4, "hash": "ab"},
    )
    for text in (squeezed(printed(comparison_view(report))), comparison_markdown(report)):
        assert text.count("says nothing about real people") == 1
        assert text.count("people leak") == 1


def test_files_are_written(make_report, tmp_path):
    report = make_report({"a_1": 0.9, "b": 0.8, "c": 0.4})
    folder = save_comparison(report, tmp_path / "new" / "cmp")
    assert sorted(path.name for path in folder.iterdir()) == [
        "comparison.json",
        "comparison.md",
        "critical-difference.png",
        "critical-difference.svg",
    ]
    stored = json.loads((folder / "comparison.json").read_text())
    assert stored == json.loads(json.dumps(report.to_dict()))
    assert stored["names"] == ["a_1", "b", "c"]
    text = (folder / "comparison.md").read_text()
    assert "| a\\_1 | 0.900 [" in text
    assert "(critical-difference.png)" in text
    with Image.open(folder / "critical-difference.png") as image:
        assert image.width > 500
    two = save_comparison(make_report({"a": 0.9, "b": 0.8}), tmp_path / "two")
    assert sorted(path.name for path in two.iterdir()) == ["comparison.json", "comparison.md"]


def test_diagram_shows_ranks_and_joins_what_is_not_told_apart(make_report):
    comparison = make_report({"a": 0.9, "b": 0.8, "c": 0.3}).comparison
    axes = rank_figure(comparison).axes[0]
    texts = [text.get_text().strip() for text in axes.texts]
    for name, rank in zip(comparison.names, comparison.ranks.ranks):
        assert any(name in text and f"({rank:.2f})" in text for text in texts)
    assert f"critical difference {comparison.ranks.critical_difference:.2f}" in texts
    with pytest.raises(ParameterError, match="three runs or more with the same folds"):
        rank_figure(make_report({"a": 0.9, "b": 0.3}).comparison)


@pytest.mark.parametrize(
    ("ranks", "critical", "expected"),
    [
        ([1.0, 2.0, 3.0], 0.5, []),
        ([1.0, 2.0, 3.0], 5.0, [(0, 2)]),
        ([1.0, 1.5, 2.2, 3.9], 1.0, [(0, 1), (1, 2)]),
        ([1.0, 1.5, 1.9, 2.4], 1.0, [(0, 2), (1, 3)]),
    ],
)
def test_stretches_of_ranks(ranks, critical, expected):
    from classic_fer.reports.comparison import _groups

    assert _groups(np.array(ranks), critical) == expected
