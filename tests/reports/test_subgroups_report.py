from classic_fer.reports.markdown import markdown_report
from classic_fer.reports.subgroups import subgroup_sections


def group(name, *, n=80, people=8, small=False, accuracy=0.5):
    scores = {"accuracy": {"value": accuracy, "ci95": [accuracy - 0.1, accuracy + 0.1]}}
    return {"group": name, "n": n, "people": people, "small": small, "scores": scores}


def column(interval, **changes):
    gap = {"value": 0.2, "ci95": interval, "best": "old", "worst": "young"}
    groups = [group("old", accuracy=0.7), group("young")]
    return {"column": "age_group", "meaning": None, "groups": groups, "gaps": {"accuracy": gap}} | (
        changes
    )


def test_a_gap_whose_interval_holds_zero_is_no_evidence(make_result):
    first, *_ = subgroup_sections(make_result(subgroups=[column([-0.1, 0.4])]))
    assert "no evidence of a difference" in first.sentences[-1]
    first, *_ = subgroup_sections(make_result(subgroups=[column([0.1, 0.4])]))
    assert "a gap of 0.200 [0.100, 0.400]" in first.sentences[-1]


def test_sections_end_with_what_the_numbers_cannot_show(make_result):
    sections = subgroup_sections(make_result(subgroups=[column([-0.1, 0.4])]))
    assert [section.title for section in sections] == [
        "By age group",
        "Gaps by age group",
        "What groups cannot show",
    ]
    assert subgroup_sections(make_result()) == []


def test_small_groups_are_marked_in_every_report(make_result):
    groups = [group("old"), group("young", n=5, small=True), group("not known", people=None)]
    result = make_result(subgroups=[column(None, groups=groups, gaps={})])
    text = markdown_report(result)
    assert "young (few)" in text
    assert "Fewer than two groups are large enough" in text
    assert "0.500 [0.400, 0.600]" in text


def test_equal_groups_have_no_best_and_no_worst(make_result):
    gap = {"value": 0.0, "ci95": [0.0, 0.0], "best": "old", "worst": "old"}
    first, gaps, _ = subgroup_sections(
        make_result(subgroups=[column(None, gaps={"accuracy": gap})])
    )
    assert first.sentences[-1].startswith("Accuracy is the same")
    assert gaps.table.rows[0][-2:] == ("none", "none")
