import numpy as np
import pandas as pd
import pytest

from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.experiment import Experiment
from classic_fer.evaluation.result import Result
from classic_fer.evaluation.search_settings import SearchSettings
from classic_fer.evaluation.subgroups import (
    NOT_KNOWN,
    Grouping,
    check_columns,
    column_names,
    group_columns,
    subgroups,
)
from classic_fer.reports.run_folder import RunFolder


def predictions(n: int = 160, *, people: int | None = 8) -> pd.DataFrame:
    """Half the rows in each of two classes; rows 0, 4, 8 ... are wrong."""
    true = np.tile(["neutral", "neutral", "anger", "anger"], n // 4)
    predicted = true.copy()
    predicted[::4] = "anger"
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "fold": "1", "true": true})
    table["predicted"] = predicted
    table["score_neutral"] = np.where(predicted == "neutral", 0.8, 0.2)
    table["score_anger"] = 1 - table["score_neutral"]
    subject = None if people is None else [f"p{i * people // n}" for i in range(n)]
    return table.assign(found=True, subject=subject)


def grouping(table: pd.DataFrame, groups: list[str]) -> Grouping:
    return Grouping("age", None, pd.Series(pd.Categorical(groups), index=table["id"]))


def test_scores_and_gap_agree_with_counting_by_hand():
    table = predictions()
    groups = ["old" if i % 4 < 2 else "young" for i in range(160)]  # old: half of them wrong
    (column,) = subgroups(table, [grouping(table, groups)])
    assert [(row["group"], row["n"], row["people"]) for row in column["groups"]] == [
        ("old", 80, 8),
        ("young", 80, 8),
    ]
    assert [row["scores"]["accuracy"]["value"] for row in column["groups"]] == [0.5, 1.0]
    gap = column["gaps"]["accuracy"]
    assert gap == {"value": 0.5, "ci95": [0.5, 0.5], "best": "young", "worst": "old"}
    assert column["gaps"]["brier"]["worst"] == "old"  # the higher score
    assert column["gaps"]["brier"]["value"] == pytest.approx(0.5 * 2 * (0.8**2 - 0.2**2))


def test_interval_of_a_gap_is_wide_where_people_differ_more_than_groups():
    table = predictions()
    lucky = table["subject"].isin(["p0", "p1", "p4"])
    table["predicted"] = np.where(lucky, table["true"], "abstained")
    groups = np.where(np.arange(160) < 80, "A", "B")  # A holds p0 to p3
    gap = subgroups(table, [grouping(table, groups)])[0]["gaps"]["accuracy"]
    assert gap["value"] == pytest.approx(0.25)
    assert gap["best"] == "A"
    assert gap["ci95"][0] < 0 < 0.6 < gap["ci95"][1]


def test_small_and_unknown_groups_are_shown_but_take_no_part_in_gaps():
    table = predictions()
    table.loc[:1, "predicted"] = "anger"  # A is the worst of the large ones
    groups = ["A"] * 60 + ["B"] * 60 + ["C"] * 10 + [NOT_KNOWN] * 30
    (column,) = subgroups(table, [grouping(table, groups)])
    assert {row["group"]: row["small"] for row in column["groups"]} == {
        "A": False,
        "B": False,
        "C": True,
        NOT_KNOWN: False,
    }
    assert {column["gaps"]["accuracy"][end] for end in ("best", "worst")} == {"A", "B"}


def test_a_group_of_one_person_is_small_and_one_group_has_no_gap():
    table = predictions(people=2)
    groups = np.where(table["subject"] == "p0", "A", "B")
    (column,) = subgroups(table, [grouping(table, groups)])
    assert all(row["small"] for row in column["groups"])
    assert column["gaps"] == {}


def test_without_people_images_are_drawn():
    table = predictions(people=None)
    groups = ["A", "B"] * 80
    (column,) = subgroups(table, [grouping(table, groups)])
    assert column["groups"][0]["people"] is None
    assert column["gaps"]["accuracy"]["ci95"] is not None


def test_the_same_seed_gives_the_same_numbers():
    table = predictions()
    groups = [grouping(table, ["A", "B"] * 80)]
    assert subgroups(table, groups, random_state=3) == subgroups(table, groups, random_state=3)


def test_columns_of_the_data_become_groups(toy_dataset):
    data = toy_dataset()
    data.samples["light"] = ["day", None, " day", "night"] * 9
    data.samples["age"] = np.arange(36.0)
    data.samples["stage"] = [10, 9] * 18
    light, age, stage = group_columns(data, ["light", "age", "stage"])
    assert light.groups.value_counts().to_dict() == {"day": 18, "night": 9, NOT_KNOWN: 9}
    assert light.groups.index.tolist() == data.ids.tolist()
    assert age.groups.value_counts(sort=False).to_dict() == {
        "up to 11.67": 12,
        "11.67 to 23.33": 12,
        "above 23.33": 12,
    }
    assert list(stage.groups.cat.categories) == ["9", "10"]  # by value, not by letter


def test_measured_columns_are_cut_into_thirds(toy_dataset):
    (light,) = group_columns(toy_dataset(), ["brightness"])
    assert light.meaning is not None
    assert light.groups.value_counts().tolist() == [12, 12, 12]


def test_equal_values_are_one_group(toy_dataset):
    data = toy_dataset()
    data.faces["image"] = 90
    (light,) = group_columns(data, ["brightness"])
    assert list(light.groups.cat.categories) == ["up to 90"]


def test_a_column_of_the_data_goes_before_a_measured_one(toy_dataset):
    data = toy_dataset()
    data.samples["brightness"] = "dim"
    (light,) = group_columns(data, ["brightness"])
    assert list(light.groups.cat.categories) == ["dim"]


def test_refusals_name_what_was_found(toy_dataset):
    data = toy_dataset()
    data.samples["note"] = [f"n{i}" for i in range(36)]
    with pytest.raises(ParameterError, match=r"'gendre'.*brightness.*head_yaw"):
        check_columns(data, ["gendre"])
    with pytest.raises(ParameterError, match="'note' has 36 different values"):
        check_columns(data, ["note"])
    with pytest.raises(DataError, match="--landmarks 68"):
        group_columns(data, ["head_yaw"])
    with pytest.raises(DataError, match="'face_size'"):
        group_columns(data, ["face_size"])


def test_names_are_split_at_commas_and_taken_once():
    assert column_names("age, gender,,age ") == ["age", "gender"]
    assert column_names(None) == []


def test_a_search_scores_by_group_and_keeps_it_in_its_result(toy_dataset, tmp_path):
    settings = SearchSettings(clf="lda", cv="3", inner_cv=2, by="brightness")
    folder = RunFolder.create(tmp_path / "run", "run", settings.to_dict())
    result = Experiment.plan(settings).run(toy_dataset(), folder)
    (column,) = Result.load(folder.path).subgroups
    assert column == result.to_dict()["subgroups"][0]
    assert [row["n"] for row in column["groups"]] == [12, 12, 12]
    assert "--by brightness" in (result.command or "")
    assert "By brightness" in (folder.path / "report.md").read_text()


def test_a_plain_search_predicts_nothing_to_group():
    with pytest.raises(ParameterError, match=r"--by .* --no-nested"):
        Experiment.plan(SearchSettings(by="brightness", nested=False))
