"""``--set``, ``--grid``, ``--budget`` and ``--memory``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.evaluation.parameter_texts import (
    parse_duration,
    parse_grid,
    parse_set,
    parse_size,
)

values = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.tuples(st.integers(), st.integers()),
    st.sampled_from(["scale", "rbf", "nri_uniform"]),
)


def test_grid_reads_numbers_words_and_tuples():
    assert parse_grid(["clf__C=0.1,1,10", "clf__gamma=scale,0.1"]) == {
        "clf__C": [0.1, 1, 10],
        "clf__gamma": ["scale", 0.1],
    }
    assert parse_grid(["features__lbp__radius=1,(1,2)"]) == {"features__lbp__radius": [1, (1, 2)]}


def test_words_of_python_mean_their_values_in_any_case():
    assert parse_grid(["a__b=none,True,false"]) == {"a__b": [None, True, False]}


def test_quotes_keep_a_comma():
    assert parse_grid(["a__b='x,y',z"]) == {"a__b": ["x,y", "z"]}


@given(st.lists(values, min_size=1, max_size=5))
def test_every_value_comes_back(wanted):
    text = ",".join(v if isinstance(v, str) else repr(v) for v in wanted)
    assert parse_grid([f"clf__x={text}"]) == {"clf__x": wanted}


def test_set_takes_one_value():
    assert parse_set(["clf__C=10", "features__lbp__radius=(1, 2)"]) == {
        "clf__C": 10,
        "features__lbp__radius": (1, 2),
    }
    with pytest.raises(ParameterError, match=r"got 2 in .*\(1,2\) for a tuple.*--grid clf__C=1,2"):
        parse_set(["clf__C=1,2"])


@pytest.mark.parametrize("text", ["clf__C", "=3", "clf__C=", "  = "])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(ParameterError, match=r"--grid expects name=value"):
        parse_grid([text])


def test_empty_value_is_refused():
    with pytest.raises(ParameterError, match=r"a value is empty in 'clf__C=1,,2'"):
        parse_grid(["clf__C=1,,2"])


def test_half_a_tuple_is_refused():
    with pytest.raises(ParameterError, match=r"a tuple is written \(1,2\)"):
        parse_grid(["features__lbp__radius=(1,2"])


def test_a_name_twice_is_refused():
    with pytest.raises(ParameterError, match="--grid names clf__C twice"):
        parse_grid(["clf__C=1", "clf__C=2"])
    with pytest.raises(ParameterError, match="--set names clf__C twice"):
        parse_set(["clf__C=1", "clf__C=2"])


def test_durations_and_sizes_have_units():
    assert [parse_duration(text) for text in ("90", "90s", "10m", "1.5h", "2 H")] == [
        *(90, 90, 600, 5400, 7200)
    ]
    assert [parse_size(text) for text in ("1000", "500M", "4G", "4GiB", "1.5 k")] == [
        *(1000, 500 * 2**20, 4 * 2**30, 4 * 2**30, 1536)
    ]


@pytest.mark.parametrize("text", ["", "m", "-1m", "0", "10 apples", "1e3", "5d", "1.m.2"])
def test_what_is_no_duration_or_size_is_refused(text):
    with pytest.raises(ParameterError, match="--budget expects a value such as 10m"):
        parse_duration(text)
    with pytest.raises(ParameterError, match="--memory expects a value such as 4G"):
        parse_size(text.replace("m", "x"))
