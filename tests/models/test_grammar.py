"""Feature expressions as trees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.errors import ParameterError
from classic_fer.models.grammar import Leaf, Projection, Sum, leaves, nodes, parse_expression

LBP, HOG = Leaf("lbp", "lbp"), Leaf("hog", "hog")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("lbp", LBP),
        (" LBP ", LBP),
        ("lbp+hog", Sum((LBP, HOG))),
        ("hog:pca:lda", Projection("lda", "lda", Projection("pca", "pca", HOG))),
        ("lbp + hog:pca", Sum((LBP, Projection("pca", "pca", HOG)))),
        ("(lbp+hog):pca", Projection("pca", "pca", Sum((LBP, HOG)))),
        ("((lbp))", LBP),
        ("fisher", Projection("fisher", "fisher", Leaf("pixels", "pixels"))),
        (
            "lbp+fisher:pca",
            Sum(
                (
                    LBP,
                    Projection(
                        "pca", "pca", Projection("fisher", "fisher", Leaf("pixels", "pixels"))
                    ),
                )
            ),
        ),
        (
            "bow+bow",
            Sum(
                (
                    Projection("bow", "bow", Leaf("pixels", "pixels")),
                    Projection("bow2", "bow", Leaf("pixels2", "pixels")),
                )
            ),
        ),
        ("lbp+lbp", Sum((LBP, Leaf("lbp2", "lbp")))),
        (
            "lbp:pca+hog:pca",
            Sum((Projection("pca", "pca", LBP), Projection("pca2", "pca", HOG))),
        ),
    ],
)
def test_colon_binds_tighter_than_plus_and_names_are_unique(text, tree):
    assert parse_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found the end, expected the name of a feature"),
        ("lbp+", "found the end, expected the name of a feature"),
        ("+lbp", r"found '\+' at position 1"),
        ("lbp:", "found the end, expected the name of a projection"),
        ("lbp:(pca)", r"found '\(' at position 5, expected the name of a projection"),
        ("(lbp+hog", r"found the end, expected '\)'"),
        ("lbp)", r"found '\)' at position 4, expected '\+', ':' or the end"),
        ("lbp hog", "found 'hog' at position 5"),
        ("lbp*2", r"unexpected '\*'"),
        ("()", r"found '\)' at position 2"),
    ],
)
def test_ill_formed_text_is_refused_with_its_place(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_expression(text)


def _written(tree) -> str:
    if isinstance(tree, Leaf):
        return tree.key
    if isinstance(tree, Sum):
        return "(" + "+".join(map(_written, tree.children)) + ")"
    return f"{_written(tree.child)}:{tree.key}"


def _trees(inner):
    pairs = st.lists(inner, min_size=2, max_size=3).map("+".join).map("({})".format)
    return pairs | st.tuples(inner, st.sampled_from(["pca", "lda"])).map(":".join)


@given(st.recursive(st.sampled_from(["lbp", "hog", "geometry"]), _trees, max_leaves=8))
def test_any_expression_survives_writing_and_parsing(text):
    tree = parse_expression(text)
    assert parse_expression(_written(tree)) == tree
    names = [node.name for node in nodes(tree)]
    assert len(set(names)) == len(names)
    assert [leaf.key for leaf in leaves(tree)] == [
        w
        for w in text.replace("(", " ")
        .replace(")", " ")
        .replace("+", " ")
        .replace(":", " ")
        .split()
        if w not in ("pca", "lda")
    ]
