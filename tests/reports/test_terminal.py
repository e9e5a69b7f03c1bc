"""What people see on the terminal."""

from __future__ import annotations

import pytest
from rich.console import Console

from classic_fer.predictions import FacePrediction
from classic_fer.reports.installation import MISSING, OPTIONAL, WORKS, Check
from classic_fer.reports.terminal import checks_table, predictions_table, result_view


def shown(renderable, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_result_leads_with_the_pooled_accuracy(make_result):
    lines = shown(result_view(make_result())).splitlines()
    assert lines[0] == "jaffe, lbp+hog + svm, 10 folds, people held out (3 people)" or lines[
        0
    ].startswith("jaffe, lbp+hog + svm, 2 folds, people held out (3 people)")
    assert lines[1].startswith("accuracy 0.700 [")
    assert "95 % interval over people" in lines[1]


def test_result_says_spread_selection_baseline_and_coverage(make_result):
    text = squeezed(shown(result_view(make_result())))
    assert "spread over folds 0.600 to 0.800, standard deviation 0.141" in text
    assert "selection score 0.750 (accuracy of the best values tried; optimistic)" in text
    assert "majority baseline 0.400 (accuracy)" in text
    assert "coverage 9 of 10 faces found (90.0%)" in text
    assert "clf__C 10" in text
    assert "clf__kernel rbf" in text


def test_result_shows_classes_and_confusion(make_result):
    text = squeezed(shown(result_view(make_result())))
    assert "class precision recall F1 support" in text
    assert "happiness 1.000 1.000 1.000 3" in text
    assert "neutr happi anger unsur" in text
    assert "neutral 3 · 1 ·" in text
    assert "anger 1 · 1 1" in text


def test_result_fits_80_columns(make_result):
    assert max(map(len, shown(result_view(make_result())).splitlines())) <= 80


def test_random_folds_are_marked_as_leaking_people(make_result):
    protocol = {"name": "random10", "groups": None, "folds": 10, "hash": "x"}
    text = shown(result_view(make_result(protocol=protocol)), 200)
    assert "10 random folds, people ignored" in text
    assert "! people leak: random folds put faces of one person into training and test" in text


def test_generated_faces_are_marked(make_result):
    dataset = {"name": "generated", "n": 10, "classes": ["neutral", "happiness", "anger"]}
    text = shown(result_view(make_result(dataset=dataset)), 200)
    assert "! generated faces: this says nothing about real people" in text
    assert "says nothing" not in shown(result_view(make_result()))


def test_plain_search_has_no_accuracy(make_result):
    plain = make_result(scores={}, per_class=[], confusion=None, majority_baseline=None, folds=[])
    text = squeezed(shown(result_view(plain), 200))
    assert "selection score 0.750 (accuracy): the best of the values tried" in text
    assert "it is no accuracy, as nothing was held out" in text
    assert "95 % interval" not in text


def test_found_left_out_unreadable_warnings_and_policy_are_said(make_result):
    result = make_result(
        found={"n": 9, "scores": {"accuracy": {"value": 0.75, "ci95": None}}, "per_class": []},
        left_out={"contempt": 18},
        unreadable=[{"path": f"{i}.jpg", "reason": "zero bytes"} for i in range(12)],
        warnings=["class fear has 2 people for 10 folds"],
        label_policy={"name": "merge7", "changes": [["contempt", "neutral", 5], ["none", None, 2]]},
    )
    text = squeezed(shown(result_view(result), 200))
    assert "accuracy, found only 0.750 (9 faces)" in text
    assert "left out 18 faces of classes it does not know: contempt 18" in text
    assert "unreadable files 12" in text
    assert "unreadable: 0.jpg: zero bytes" in text
    assert "and 2 more in report.md" in text
    assert "warning: class fear has 2 people for 10 folds" in text
    assert "warning: labels merge7: 5 contempt became neutral" in text
    assert "warning: labels merge7: 2 none removed" in text


def test_final_part_stands_apart(make_result):
    final = {"n": 7, "scores": {"accuracy": {"value": 0.5, "ci95": [0.25, 0.75]}}, "per_class": []}
    text = squeezed(shown(result_view(make_result(final=final))))
    assert "final: accuracy 0.500 [0.250, 0.750] (7 faces)" in text


def test_predictions_show_label_probability_runner_up_and_box():
    happy = FacePrediction(
        "happiness", 0.8, {"anger": 0.15, "happiness": 0.8, "fear": 0.05}, (1, 2, 30, 40), photo="p"
    )
    text = squeezed(shown(predictions_table([happy, happy])))
    assert "p 1 happiness 80% anger 15% 1, 2, 30, 40" in text
    assert "p 2 happiness" in text


@pytest.mark.parametrize(
    ("prediction", "said"),
    [
        (FacePrediction("fear", 0.6, {"fear": 0.6}, found=False), "no face found: whole image"),
        (FacePrediction(None, float("nan"), {"fear": 1.0}, found=False), "unsure no face found"),
    ],
)
def test_predictions_say_when_no_face_was_found(prediction, said):
    assert said in squeezed(shown(predictions_table([prediction]), 120))


def test_checks_show_status_and_remedy():
    checks = [
        Check("dlib-bin", MISSING, "import dlib: no module", 'pip install "dlib-bin"'),
        Check("torch", OPTIONAL, "not installed", "pip install torch"),
        Check("numba", WORKS, "0.60, compiles"),
    ]
    text = shown(checks_table(checks), 120)
    assert 'dlib-bin: pip install "dlib-bin"' in text
    assert "1 needed things are missing" in text
    assert "all that is needed works" in shown(checks_table(checks[1:]))
