"""What a benchmark runs, from arguments and from YAML."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import MissingFileError, ParameterError
from classic_fer.evaluation.benchmark_config import read_config
from classic_fer.evaluation.benchmark_plan import plan_benchmark
from classic_fer.evaluation.parameter_texts import parse_grid

YAML = """
leak-gap: true
cv: 10
inner-cv: 3
features: [lbp, hog]
clf: svm
grid: {clf__C: [1, 10], features__lbp__radius: [[1, 2], 3]}
data:
  - jaffe
  - {data: a/lfw.zip, name: LFW, labels: 3class, clf: [knn, lda]}
"""


def test_every_feature_with_every_classifier():
    (plan,) = plan_benchmark("a/faces.zip", features=["lbp", "hog"], clf=["svm", "knn"], seed=3)
    assert plan.name == "faces"
    assert plan.cv == (None,)
    searches = plan.searches("5")
    assert [(each.features, each.clf) for each in searches] == [
        *[("lbp", "svm"), ("lbp", "knn"), ("hog", "svm"), ("hog", "knn")]
    ]
    assert {(each.data, each.cv, each.seed) for each in searches} == {("a/faces.zip", "5", 3)}


def test_generated_faces_are_the_default():
    (plan,) = plan_benchmark()
    assert (plan.name, plan.settings.data) == ("generated", None)


def test_yaml_with_settings_of_single_data_sets(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML)
    config = read_config(tmp_path / "b.yaml")
    assert config.pop("leak_gap") is True
    jaffe, lfw = plan_benchmark(**config)
    assert (jaffe.features, jaffe.clf, jaffe.cv) == (("lbp", "hog"), ("svm",), ("10",))
    assert jaffe.settings.inner_cv == 3
    assert jaffe.settings.grid == ("clf__C=1,10", "features__lbp__radius=(1, 2),3")
    assert (lfw.name, lfw.clf, lfw.settings.labels) == ("LFW", ("knn", "lda"), "3class")


def test_parameters_of_a_mapping_read_as_on_the_command_line(tmp_path):
    (tmp_path / "b.yaml").write_text("grid: {clf__C: [1e-3, 2.5], clf__gamma: 'scale,0.1'}")
    (plan,) = plan_benchmark(**read_config(tmp_path / "b.yaml"), set={"clf__tol": np.float64(0.5)})
    assert parse_grid(plan.settings.grid) == {"clf__C": [0.001, 2.5], "clf__gamma": ["scale", 0.1]}
    assert plan.settings.fixed == ("clf__tol=0.5",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cv: 5\nclff: svm", "b.yaml, line 2: unknown benchmark setting 'clff'.*mean 'clf'"),
        ("cv: 5\ndata:\n  - jaffe\n  - data: ck48\n    clff: svm", "line 5: unknown .*'clff'"),
        ("cross: 1", "line 1: cross must be true or false"),
        ("[1, 2]", "must hold keys and values"),
        ("a: [", "is no YAML"),
        ("leak-gap: maybe", "leak-gap must be true or false"),
        ("features: []", "features must name at least one"),
        ("labels: [3class, keep]", "labels takes one value"),
    ],
)
def test_wrong_yaml_is_refused(tmp_path, text, said):
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(ParameterError, match=said):
        read_config(tmp_path / "b.yaml")


def test_missing_yaml_and_shared_folders_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no configuration file"):
        read_config(tmp_path / "b.yaml")
    with pytest.raises(ParameterError, match="would share the folder 'a'"):
        plan_benchmark(["x/a.zip", "y/a.csv"])
    with pytest.raises(ParameterError, match="would share the folder 'a'"):
        plan_benchmark(["x/a.zip", {"data": "x/a.zip", "labels": "3class"}])
    assert len(plan_benchmark(["x/a.zip", {"data": "x/a.zip", "clf": "lp"}])) == 2
    with pytest.raises(ParameterError, match="at least one data set"):
        plan_benchmark([])


def test_paths_are_found_beside_the_yaml(tmp_path, monkeypatch):
    (tmp_path / "study" / "faces").mkdir(parents=True)
    (tmp_path / "study" / "folds.csv").write_text("id,fold,role\n")
    (tmp_path / "study" / "b.yaml").write_text("cv: folds.csv\ndata: [faces, jaffe, sub/x.zip]")
    monkeypatch.chdir(tmp_path)
    config = read_config("study/b.yaml")
    assert config == {"cv": ("study/folds.csv",), "data": ["study/faces", "jaffe", "sub/x.zip"]}
    assert [plan.name for plan in plan_benchmark(**config)] == ["faces", "jaffe", "x"]
