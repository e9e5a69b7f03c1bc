"""Decision values of each classifier in a graph."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.models.compact_kernel_ridge import CompactKernelRidge
from classic_fer.models.decisions import LEAST_PROBABILITY
from classic_fer.models.kernel_search import pair_weights, working_dtype
from classic_fer.models.kernels import KernelTerm
from classic_fer.onnx.converters.kernels import (
    compact_kernel,
    kernel_values,
    products,
    squared_distances,
)
from classic_fer.onnx.graph import Constant, Graph, Value

__all__ = ["class_decisions"]


def class_decisions(graph: Graph, clf: Any, rows: Value, classes: NDArray) -> Value:
    """`classic_fer.models.decisions.class_scores`, float64, shape (n, n_classes).

    Parameters
    ----------
    graph : Graph
    clf : fitted classifier
    rows : str
        float32, shape (n, d).
    classes : ndarray of str, shape (n_classes,)
        In the order of the columns.

    Raises
    ------
    ParameterError
        For a classifier, or parameters of one, that no graph can be made of.
    """
    for is_kind, decide in _converters():
        if isinstance(clf, is_kind):
            decisions = decide(graph, clf, rows)
            break
    else:
        raise _unsupported(type(clf).__name__)
    own = clf.classes_.tolist()
    order = np.array([own.index(name) for name in classes.tolist()])
    return graph.op("Gather", decisions, order, axis=1)


def _converters() -> list[tuple[Any, Any]]:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model._base import LinearClassifierMixin
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    from classic_fer.models.discriminant import ShrinkageLDA
    from classic_fer.models.kernel_ridge import KernelRidgeClassifier
    from classic_fer.models.lp import PairwiseLPClassifier

    return [
        (SVC, _svm),
        (LinearClassifierMixin, _linear),
        (ShrinkageLDA, _shrinkage_lda),
        (KernelRidgeClassifier, _kernel_ridge),
        (KNeighborsClassifier, _neighbours),
        (PairwiseLPClassifier, _pairwise_lp),
        (DummyClassifier, _constant),
    ]


def _unsupported(part: str) -> ParameterError:
    return ParameterError(
        f"classifier {part} cannot be exported; supported are svm (rbf, linear, poly and sigmoid "
        "kernels), linear-svm, logistic, ridge and other linear classifiers of scikit-learn, lda, "
        "knn (Euclidean), krr, compact-krr, lp and majority"
    )


def _affine(graph: Graph, rows: Value, coef: NDArray, intercept: Any) -> Value:
    """``rows @ coef.T + intercept``, float64."""
    sums = products(graph, rows, np.atleast_2d(coef), np.float32)
    return graph.op("Add", sums, np.atleast_1d(np.asarray(intercept, dtype=np.float64)))


def _both_sides(graph: Graph, decision: Value) -> Value:
    """The decision of two classes (n, 1), positive for the second, as two columns."""
    return graph.op("Concat", graph.op("Neg", decision), decision, axis=1)


def _linear(graph: Graph, clf: Any, rows: Value) -> Value:
    decisions = _affine(graph, rows, clf.coef_, clf.intercept_)
    return _both_sides(graph, decisions) if len(clf.classes_) == 2 else decisions


def _shrinkage_lda(graph: Graph, clf: Any, rows: Value) -> Value:
    decisions = _affine(graph, rows, clf.coef_, clf.intercept_)
    if len(clf.classes_) > 2:
        return decisions
    parts = [graph.part(decisions, 1, i, i + 1) for i in (1, 0)]
    return _both_sides(graph, graph.op("Sub", *parts))


def _kernel_ridge(graph: Graph, clf: Any, rows: Value) -> Value:
    if isinstance(clf, CompactKernelRidge):
        terms: list[Any] = clf.terms_
        kernel = compact_kernel(graph, KernelTerm(*terms[0]), rows, clf.X_fit_, clf.scales_)
    else:
        kernel = kernel_values(graph, clf.terms_, rows, clf.X_fit_)
    sums = graph.op("MatMul", kernel, _exact(graph, clf.dual_coef_))
    decisions = graph.op("Add", sums, np.asarray(clf.intercept_, dtype=np.float64))
    return _both_sides(graph, decisions) if len(clf.classes_) == 2 else decisions


def _svm(graph: Graph, clf: Any, rows: Value) -> Value:
    n_classes = len(clf.classes_)
    if clf.decision_function_shape == "ovo" and n_classes > 2:
        raise _unsupported("svm with decision_function_shape='ovo'")
    vectors = np.asarray(clf.support_vectors_)
    dtype = working_dtype(clf.shape_fit_[0])
    gamma, coef0 = np.float64(clf._gamma), np.float64(clf.coef0)
    if clf.kernel == "rbf":
        distances = squared_distances(graph, rows, vectors, dtype=dtype)
        kernel = graph.op("Exp", graph.op("Mul", distances, -gamma))
    elif clf.kernel == "linear":
        kernel = products(graph, rows, vectors, dtype)
    elif clf.kernel in ("poly", "sigmoid"):
        inner = graph.op("Mul", products(graph, rows, vectors, dtype), gamma)
        inner = graph.op("Add", inner, coef0)
        poly = clf.kernel == "poly"
        kernel = graph.op("Pow", inner, np.float64(clf.degree)) if poly else _tanh(graph, inner)
    else:
        raise _unsupported(f"svm with kernel {clf.kernel!r}")
    # As libsvm has them; SVC shows two classes the other way round.
    weights = pair_weights(clf._dual_coef_, clf._n_support)
    sums = graph.op("MatMul", kernel, _exact(graph, weights))
    decisions = graph.op("Add", sums, np.asarray(clf._intercept_, dtype=np.float64))
    if n_classes == 2:
        return _both_sides(graph, graph.op("Neg", decisions))
    return _votes(graph, decisions, n_classes, "GreaterOrEqual")


def _tanh(graph: Graph, value: Value) -> Value:
    """Hyperbolic tangent in double precision, which onnxruntime has in single precision only."""
    grown = graph.op("Exp", graph.op("Mul", value, np.float64(-2)))
    one = np.float64(1)
    return graph.op("Div", graph.op("Sub", one, grown), graph.op("Add", one, grown))


def _votes(graph: Graph, decisions: Value, n_classes: int, wins: str) -> Value:
    """Scores of classes from decisions of each two, positive for the first.

    `wins` is the comparison with 0 by which the first class wins.
    """
    pairs = np.array(list(combinations(range(n_classes), 2)))
    first, second = np.eye(n_classes)[pairs[:, 0]], np.eye(n_classes)[pairs[:, 1]]
    sums = graph.op("MatMul", decisions, first - second)
    won = graph.cast(graph.op(wins, decisions, np.float64(0)), "float64")
    lost = graph.op("Sub", np.float64(1), won)
    votes = graph.op("Add", graph.op("MatMul", won, first), graph.op("MatMul", lost, second))
    width = graph.op("Mul", graph.op("Add", graph.op("Abs", sums), np.float64(1)), np.float64(3))
    return graph.op("Add", votes, graph.op("Div", sums, width))


def _pairwise_lp(graph: Graph, clf: Any, rows: Value) -> Value:
    decisions = _affine(graph, rows, clf.coef_, clf.intercept_)
    if len(clf.classes_) == 2:
        return _both_sides(graph, graph.op("Neg", decisions))
    return _votes(graph, decisions, len(clf.classes_), "Greater")


def _neighbours(graph: Graph, clf: Any, rows: Value) -> Value:
    if clf.effective_metric_ != "euclidean":
        raise _unsupported(f"knn with metric {clf.effective_metric_!r}")
    if clf.weights not in ("uniform", "distance"):
        raise _unsupported("knn with weights by a function")
    stored = np.asarray(clf._fit_X)
    distances = graph.op("Max", squared_distances(graph, rows, stored), np.float64(0))
    count = np.array([clf.n_neighbors])
    nearest, places = graph.ops("TopK", 2, distances, count, axis=1, largest=0)
    members = np.eye(len(clf.classes_))[np.ravel(clf._y)]
    votes = graph.op("Gather", members, places, axis=0)  # (n, k, n_classes)
    if clf.weights == "distance":
        shares = _inverse_distances(graph, graph.op("Sqrt", nearest))
        votes = graph.op("Mul", votes, graph.op("Unsqueeze", shares, np.array([2])))
    sums = graph.summed(votes, 1, keepdims=False)
    shares = graph.op("Div", sums, graph.summed(sums, 1))
    return graph.op("Log", graph.op("Max", shares, np.float64(LEAST_PROBABILITY)))


def _inverse_distances(graph: Graph, distances: Value) -> Value:
    """Weights (n, k); where a row lies on neighbours, they alone count."""
    same = graph.cast(graph.op("Equal", distances, np.float64(0)), "float64")
    any_same = graph.cast(graph.op("ReduceMax", same, axes=[1], keepdims=1), "bool")
    return graph.op("Where", any_same, same, graph.op("Reciprocal", distances))


def _constant(graph: Graph, clf: Any, rows: Value) -> Value:
    if clf.strategy in ("stratified", "uniform"):
        raise _unsupported(f"majority with strategy {clf.strategy!r}, which draws its answers,")
    chances = clf.predict_proba(np.zeros((1, 1)))
    decisions = np.log(np.maximum(chances, LEAST_PROBABILITY))
    shape = graph.op("Concat", graph.length(rows), np.array([1]), axis=0)
    return graph.op("Expand", decisions, shape)


def _exact(graph: Graph, values: Constant) -> Value:
    """A constant in double precision, stored in single precision where nothing is lost."""
    exact = np.asarray(values, dtype=np.float64)
    single = exact.astype(np.float32)
    return graph.cast(single, "float64") if np.array_equal(single, exact) else graph.constant(exact)
