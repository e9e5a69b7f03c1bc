"""Figures of a benchmark: ranks where three recognizers or more share their folds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from classic_fer.evaluation.benchmark_table import benchmark_table
from classic_fer.evaluation.predictions_table import score_sheets
from classic_fer.reports.benchmark import gap_sentences
from classic_fer.reports.benchmark_figures import benchmark_figures, rank_figures, score_figures
from classic_fer.reports.page import benchmark_page


def runs(make_result, shares: dict[str, float], *, cv: str = "4"):
    """Runs on 40 faces of 8 people, each right about its share of them."""
    rng = np.random.default_rng(0)
    true = np.array(["happiness", "anger"] * 20)
    results = {}
    for name, share in shares.items():
        wrong = np.where(true == "anger", "happiness", "anger")
        table = pd.DataFrame(
            {
                "id": [str(i) for i in range(40)],
                "fold": [str(i // 2 % 4) for i in range(40)],
                "true": true,
                "predicted": np.where(rng.random(40) < share, true, wrong),
                "found": True,
                "subject": [f"P{i // 2 % 8}" for i in range(40)],
            }
        )
        sheet, _ = score_sheets(table)
        fields = {key: sheet[key] for key in ("scores", "interval", "per_class", "confusion")}
        results[f"toy/{name}-svm-{cv}"] = make_result(
            dataset={"name": "toy", "n": 40, "classes": ["happiness", "anger"]},
            protocol={"name": cv, "groups": 8, "folds": 4, "hash": cv},
            recognizer={"features": name, "clf": "svm", "params": {}},
            predictions=table,
            answered=None,
            **fields,
        )
    return results


def texts(figure) -> str:
    return " ".join(text.get_text() for text in figure.axes[0].texts)


def test_ranks_need_three_runs_with_the_same_folds(make_result):
    three = runs(make_result, {"hog": 0.95, "lbp": 0.7, "geometry": 0.4})
    table = benchmark_table(three | runs(make_result, {"hog": 0.9, "lbp": 0.8}, cv="random4"))
    ((figure, caption),) = rank_figures(table, "toy")
    assert "protocol 4" in caption
    assert all(name in texts(figure) for name in ("hog + svm", "lbp + svm", "geometry + svm"))
    captions = [caption for _, caption in score_figures(table, "toy")]
    assert [("people leak" in caption) for caption in captions] == [False, True]
    assert rank_figures(table, "other") == []


def test_the_page_shows_the_diagram(make_result, tmp_path):
    table = benchmark_table(runs(make_result, {"hog": 0.95, "lbp": 0.7, "geometry": 0.4}))
    page = benchmark_page(tmp_path, table)
    assert "mean ranks over folds; bars join what is level" in page
    assert 'class="wide"' in page


def test_every_figure_has_a_name_of_its_own(make_result):
    three = runs(make_result, {"hog": 0.95, "lbp": 0.7, "geometry": 0.4})
    table = benchmark_table(three | runs(make_result, {"hog": 0.9, "lbp": 0.8}, cv="random4"))
    assert set(benchmark_figures(table)) == {
        "scores-toy",
        "scores-toy-2",
        "ranks-toy",
        "leak-gap",
    }


def test_gaps_that_mean_the_same_are_one_sentence(make_result):
    held_out = runs(make_result, {"hog": 0.6, "lbp": 0.5, "geometry": 0.4})
    random = runs(make_result, {"hog": 1.0, "lbp": 1.0, "geometry": 0.4}, cv="random4")
    first, second = gap_sentences(benchmark_table(held_out | random))
    assert "points more than folds with people held out, for 2 recognizers" in first
    assert second.startswith("toy, geometry + svm: No evidence of a leak gap")
