"""The transformers that a feature expression consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.features.pixels import Pixels
from classic_fer.models.encodings import ENCODINGS
from classic_fer.models.grammar import Leaf, Projection, Sum, leaves, nodes, parse_expression

__all__ = ["Steps", "steps_of_text", "steps_of_transformers"]

Steps = list[tuple[str, Any]]


def steps_of_text(expression: str) -> Steps:
    """One transformer for each name in an expression.

    Raises
    ------
    ParameterError
        For an ill-formed expression, an unknown feature or projection, or one in a wrong place.
    """
    from classic_fer.features import FEATURES, make_feature
    from classic_fer.models.encodings import make_encoding
    from classic_fer.models.projections import PROJECTIONS, make_projection

    steps: Steps = []
    for node in nodes(parse_expression(expression)):
        if isinstance(node, Leaf):
            if node.key in PROJECTIONS:
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} is a projection and needs "
                    f"something to project, as in 'hog:{node.key}'"
                )
            if node.key not in FEATURES:
                raise unknown_name("feature", node.key, [*FEATURES, *ENCODINGS])
            steps.append((node.name, make_feature(node.key)))
        elif node.key in ENCODINGS:
            if not (isinstance(node.child, Leaf) and node.child.key == "pixels"):
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} encodes the images "
                    f"themselves; write {node.key!r} alone, joined to others by '+'"
                )
            steps.append((node.name, make_encoding(node.key)))
        else:
            if node.key in FEATURES:
                raise ParameterError(
                    f"feature expression {expression!r}: {node.key!r} is a feature, but after "
                    f"':' comes a projection ({', '.join(PROJECTIONS)}); join features by '+'"
                )
            steps.append((node.name, make_projection(node.key)))
    return steps


def steps_of_transformers(parts: Sequence[Any]) -> tuple[Steps, str]:
    """Transformers side by side as steps, copied, and the expression that they stand for.

    Raises
    ------
    ParameterError
        For what is no transformer, or none at all.
    """
    for part in parts:
        if isinstance(part, type) or not hasattr(part, "transform"):
            raise ParameterError(
                f"expected a feature expression such as 'lbp+hog' or transformers such as LBP(), "
                f"got {part!r}"
            )
    if not parts:
        raise ParameterError("expected at least one feature, got an empty sequence")
    expression = "+".join(type(part).__name__.lower() for part in parts)
    tree = parse_expression(expression)
    steps: Steps = []
    for term, part in zip(tree.children if isinstance(tree, Sum) else (tree,), parts):
        if isinstance(term, Projection):  # an encoding, which comes with the images
            steps += [(leaf.name, Pixels()) for leaf in leaves(term)]
        steps.append((list(nodes(term))[-1].name, clone(part)))
    return steps, expression
