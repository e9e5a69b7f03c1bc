"""The classifiers by name, each with its default grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sklearn.base import BaseEstimator

from classic_fer.errors import ParameterError, unknown_name

__all__ = ["CLASSIFIERS", "ClassifierSpec", "classifier_name", "default_grid", "make_classifier"]


@dataclass(frozen=True)
class ClassifierSpec:
    """What a name of a classifier stands for.

    Attributes
    ----------
    factory : callable
        Makes the unfitted classifier; called with ``random_state`` and, if `weighted`,
        ``class_weight``.
    grid : mapping of str to list
        Default grid. The scale of `FeatureScaler` makes it fit any feature.
    weighted : bool
        Whether class weights are supported.
    doc : str
        One line for people.
    """

    factory: Callable[..., BaseEstimator]
    grid: Mapping[str, list[Any]]
    weighted: bool
    doc: str


def _svm(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from classic_fer.models.kernel_svc import KernelSVC

    # break_ties: the predicted class is the one of the highest decision value.
    return KernelSVC(
        C=10.0,
        gamma=0.5,
        break_ties=True,
        cache_size=500,
        class_weight=class_weight,
        random_state=random_state,
    )


def _linear_svm(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from classic_fer.models.linear_svm import LinearSVM

    return LinearSVM(C=1.0, tol=1e-3, class_weight=class_weight)


def _krr(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from classic_fer.models.kernel_ridge import KernelRidgeClassifier

    return KernelRidgeClassifier(alpha=0.3, gamma=1.0, class_weight=class_weight)


def _compact_krr(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from classic_fer.models.compact_kernel_ridge import CompactKernelRidge

    return CompactKernelRidge(alpha=0.1, gamma=1.0, class_weight=class_weight)


def _logistic(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=3.0, tol=1e-3, max_iter=2000, class_weight=class_weight, random_state=random_state
    )


def _ridge(*, random_state: int, class_weight: Any) -> BaseEstimator:
    from sklearn.linear_model import RidgeClassifier

    return RidgeClassifier(alpha=1.0, class_weight=class_weight, random_state=random_state)


def _lda(*, random_state: int) -> BaseEstimator:
    from classic_fer.models.discriminant import ShrinkageLDA

    return ShrinkageLDA()


def _knn(*, random_state: int) -> BaseEstimator:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=5, algorithm="brute")


def _local(*, random_state: int) -> BaseEstimator:
    from classic_fer.models.local_ridge import LocalRidgeClassifier

    return LocalRidgeClassifier(n_neighbors=100, alpha=0.3, gamma=0.5)


def _lp(*, random_state: int) -> BaseEstimator:
    from classic_fer.models.lp import PairwiseLPClassifier

    return PairwiseLPClassifier()


def _majority(*, random_state: int) -> BaseEstimator:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _spec(
    factory: Callable[..., BaseEstimator], grid: dict[str, list[Any]], weighted: bool, doc: str
) -> ClassifierSpec:
    return ClassifierSpec(factory, MappingProxyType(grid), weighted, doc)


CLASSIFIERS: dict[str, ClassifierSpec] = {
    "svm": _spec(
        _svm,
        {
            "clf__kernel": ["rbf"],
            "clf__C": [1.0, 3.0, 10.0, 30.0],
            "clf__gamma": [0.125, 0.25, 0.5, 1.0],
        },
        True,
        "support vector machine with a kernel (SVC, one against one)",
    ),
    "linear-svm": _spec(
        _linear_svm,
        {"clf__C": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]},
        True,
        "linear support vector machine (squared hinge, one against the rest)",
    ),
    "krr": _spec(
        _krr,
        {
            "clf__kernel": ["rbf"],
            "clf__alpha": [0.03, 0.1, 0.3, 1.0],
            "clf__gamma": [0.25, 0.5, 1.0, 2.0],
        },
        True,
        "kernel ridge regression on class indicators (least-squares SVM)",
    ),
    "compact-krr": _spec(
        _compact_krr,
        {"clf__alpha": [0.03, 0.1, 0.3, 1.0], "clf__gamma": [0.5, 1.0]},
        True,
        "kernel ridge regression that keeps its training rows in a byte a value",
    ),
    "logistic": _spec(
        _logistic,
        {"clf__C": [0.3, 1.0, 3.0, 10.0, 30.0, 100.0]},
        True,
        "multinomial logistic regression",
    ),
    "ridge": _spec(
        _ridge,
        {"clf__alpha": [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]},
        True,
        "ridge regression on class indicators",
    ),
    "lda": _spec(
        _lda,
        {"clf__shrinkage": ["auto", 0.1, 0.3, 0.6]},
        False,
        "linear discriminant analysis with shrunken covariance",
    ),
    "knn": _spec(
        _knn,
        {"clf__n_neighbors": [1, 3, 5, 9, 15], "clf__weights": ["uniform", "distance"]},
        False,
        "k nearest neighbours",
    ),
    "local": _spec(
        _local,
        {"clf__n_neighbors": [50, 100, 200, 400], "clf__alpha": [0.1, 0.3, 1.0]},
        False,
        "kernel ridge on the nearest training faces of each face (local learning)",
    ),
    "lp": _spec(
        _lp,
        {"clf__C": [3.0, 10.0, 30.0]},
        False,
        "pairwise linear programming (Feng, Pietikäinen and Hadid 2005)",
    ),
    "majority": _spec(_majority, {}, False, "always the most frequent class: the floor"),
}


def make_classifier(
    clf: str | BaseEstimator,
    *,
    class_weight: str | dict[str, float] | None = None,
    random_state: int = 0,
    **params: Any,
) -> BaseEstimator:
    """An unfitted classifier.

    Parameters
    ----------
    clf : str or classifier
        A name in `CLASSIFIERS`, or any scikit-learn classifier, which is copied.
    class_weight : "balanced", dict of class to weight, or None
        For imbalanced classes.
    random_state : int
        For named classifiers that draw numbers.
    **params
        Further parameters of the classifier, without the prefix ``clf__``.

    Raises
    ------
    ParameterError
        For an unknown name or parameter, or class weights where they are not supported.
    """
    from sklearn.base import clone

    from classic_fer.models.known_params import set_known_params

    if (
        class_weight is not None
        and class_weight != "balanced"
        and not isinstance(class_weight, dict)
    ):
        raise ParameterError(
            f"class_weight must be 'balanced', a dict of class to weight or None, "
            f"got {class_weight!r}"
        )
    if isinstance(clf, str):
        if clf not in CLASSIFIERS:
            raise unknown_name("classifier", clf, CLASSIFIERS)
        spec = CLASSIFIERS[clf]
        if class_weight is not None and not spec.weighted:
            able = ", ".join(sorted(name for name, each in CLASSIFIERS.items() if each.weighted))
            raise ParameterError(
                f"classifier {clf!r} takes no class weights (got {class_weight!r}); "
                f"leave class_weight out or choose one of: {able}"
            )
        weight = {"class_weight": class_weight} if spec.weighted else {}
        made = spec.factory(random_state=random_state, **weight)
    elif isinstance(clf, type) or not hasattr(clf, "get_params"):
        raise ParameterError(
            f"expected the name of a classifier ({', '.join(sorted(CLASSIFIERS))}) or a "
            f"scikit-learn classifier, got {clf!r}"
        )
    else:
        made = clone(clf)
        if class_weight is not None:
            params = {"class_weight": class_weight, **params}
    set_known_params(made, params)
    return made


def classifier_name(clf: BaseEstimator) -> str:
    """The name under which a classifier of this type is registered, else its type's name."""
    for name, spec in CLASSIFIERS.items():
        weight = {"class_weight": None} if spec.weighted else {}
        if type(spec.factory(random_state=0, **weight)) is type(clf):
            return name
    return type(clf).__name__


def default_grid(clf: str | BaseEstimator) -> dict[str, list[Any]]:
    """The default grid (``clf__<parameter>`` to values) of a named classifier or of its type.

    A classifier that is not in the registry has an empty grid.
    """
    name = clf if isinstance(clf, str) else classifier_name(clf)
    if name not in CLASSIFIERS:
        if isinstance(clf, str):
            raise unknown_name("classifier", name, CLASSIFIERS)
        return {}
    return {key: list(values) for key, values in CLASSIFIERS[name].grid.items()}
