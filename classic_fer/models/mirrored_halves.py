"""Which features come in two halves of which mirroring the face turns the sign of the second."""

from __future__ import annotations

from typing import Any

from classic_fer.errors import ParameterError
from classic_fer.models.encodings.fisher import Fisher
from classic_fer.models.expression import FeatureExpression
from classic_fer.models.grammar import Leaf, Node, Projection, Sum, nodes
from classic_fer.models.mirror_pca import MPCA

__all__ = ["check_halves"]

_KERNEL = "mirror-rbf"


def check_halves(features: FeatureExpression, clf: Any) -> None:
    """Refuse ``mpca``, and the kernel ``mirror-rbf``, of features that have no mirrored halves.

    Features of which classic_fer does not know what mirroring does to them are let through, and
    so are sums of kernels, whose columns the caller has chosen.

    Parameters
    ----------
    features : FeatureExpression
        Need not be fitted.
    clf : classifier

    Raises
    ------
    ParameterError
        Names the expression, and what has such halves.
    """
    steps, tree = dict(features.steps), features.tree
    for node in nodes(tree):
        if isinstance(node, Projection) and isinstance(steps[node.name], MPCA):
            _check(node.child, steps, "mpca", features.expression)
    if isinstance(getattr(clf, "kernel", None), str) and clf.kernel == _KERNEL:
        _check(tree, steps, f"kernel {_KERNEL!r}", features.expression)


def _check(node: Node, steps: dict[str, Any], what: str, expression: str) -> None:
    if not _may_have_halves(node, steps):
        raise ParameterError(
            f"{what} needs features of two mirrored halves, which {expression!r} does not give it; "
            "use fisher or fisher:mpca with features__fisher__symmetric=true (and without mirror), "
            "or another kernel or projection"
        )


def _may_have_halves(node: Node, steps: dict[str, Any]) -> bool:
    if isinstance(node, Sum):
        return not any(_is_own(steps[each.name]) for each in nodes(node))
    step = steps[node.name]
    if isinstance(step, Fisher):
        return bool(step.symmetric and not step.mirror)
    if isinstance(node, Leaf):
        return not _is_own(step)
    return isinstance(step, MPCA) or not _is_own(step)


def _is_own(step: Any) -> bool:
    return type(step).__module__.startswith("classic_fer.")
