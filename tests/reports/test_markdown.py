"""report.md: the content of the terminal, the protocol, the environment and the command."""

from __future__ import annotations

from classic_fer.reports.markdown import markdown_report


def test_report_holds_scores_classes_confusion_and_figure(make_result):
    text = markdown_report(make_result())
    assert text.startswith("# jaffe, lbp+hog + svm, 2 folds, people held out (3 people)\n")
    assert "**accuracy 0.700 [" in text
    assert "| happiness | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] |" in text
    assert "| neutral | **3** | · | 1 | · |" in text
    assert "|  | neutral | happiness | anger | unsure |" in text
    assert "![confusion matrix](confusion.png)" in text


def test_report_holds_what_is_needed_to_repeat_it(make_result):
    text = markdown_report(make_result())
    assert "SHA-256 of the split: `" + "ab12" * 16 + "`." in text
    assert "saw only the training part of each fold" in text
    assert "| 2 | 5 | 5 | 0.800 | clf\\_\\_C=10 |" in text
    assert "Seed 0; 12 seconds." in text
    assert "| classic\\_fer | 0.1.0 |" in text
    assert "dlib-bin" not in text  # not installed
    assert "```\nclassic-fer gridsearch --data jaffe.zip --features lbp+hog\n```" in text


def test_report_marks_generated_faces_and_leaks(make_result):
    text = markdown_report(
        make_result(
            dataset={"name": "generated", "n": 10, "classes": ["neutral", "anger"]},
            protocol={"name": "random10", "groups": None, "folds": 10, "hash": "x"},
        )
    )
    assert "> **generated faces: this says nothing about real people**" in text
    assert "> **people leak:" in text


def test_report_lists_all_unreadable_files_and_escapes_names(make_result):
    bad = [{"path": f"{i}.jpg", "reason": "zero | bytes"} for i in range(30)]
    text = markdown_report(make_result(unreadable=bad, warnings=["class a_b is small"]))
    assert "- 29.jpg: zero \\| bytes" in text
    assert "- class a\\_b is small" in text


def test_report_of_a_plain_search_has_no_empty_sections(make_result):
    plain = make_result(
        scores={}, per_class=[], confusion=None, majority_baseline=None, folds=[], command=None
    )
    text = markdown_report(plain)
    assert "confusion" not in text
    assert "## Classes" not in text
    assert "## Command" not in text
    assert "it is no accuracy, as nothing was held out" in text
