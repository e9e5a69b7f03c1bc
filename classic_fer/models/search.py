"""grid_search: the best parameters of a recognizer in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterGrid

from classic_fer.errors import ParameterError, unknown_name
from classic_fer.models.block_store import BlockStore
from classic_fer.models.classifiers import default_grid
from classic_fer.models.folds import inner_folds
from classic_fer.models.labels import checked_labels
from classic_fer.models.mirrored_halves import check_halves
from classic_fer.models.presets import expand_presets
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.models.shared_search import GridSearch
from classic_fer.progress import Progress

__all__ = ["SCORINGS", "GridSearch", "check_scoring_name", "complete_grid", "grid_search"]

SCORINGS = {
    "accuracy": "accuracy",
    "macro-f1": "f1_macro",
    "balanced-accuracy": "balanced_accuracy",
}


def check_scoring_name(scoring: Any) -> Any:
    """What scikit-learn calls a metric of `SCORINGS`; scorers and its own names stay.

    Raises
    ------
    ParameterError
        For a name that neither knows.
    """
    from sklearn.metrics import get_scorer_names

    if not isinstance(scoring, str) or scoring in get_scorer_names():
        return scoring
    if scoring not in SCORINGS:
        raise unknown_name("scoring", scoring, SCORINGS)
    return SCORINGS[scoring]


def grid_search(
    X: ArrayLike,
    y: ArrayLike,
    *,
    features: str | Any = "lbp",
    clf: str | BaseEstimator = "svm",
    grid: Mapping[str, Sequence[Any]] | None = None,
    params: Mapping[str, Any] | None = None,
    groups: ArrayLike | None = None,
    cv: Any = 5,
    scoring: Any = "accuracy",
    scaler: str | BaseEstimator = "auto",
    class_weight: str | dict[str, float] | None = None,
    calibration: str | None = "temperature",
    wished_error: float | None = None,
    averaging: str | None = None,
    refit: bool = True,
    n_jobs: int | None = 1,
    random_state: int = 0,
    budget: float | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> GridSearch:
    """Find the best parameters of a recognizer and train it with them.

    Parameters
    ----------
    X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        Aligned faces.
    y : array_like of str, shape (n,)
        Expressions.
    features : str, transformer or sequence of transformers
        ``"lbp+hog:pca"`` or ``LBP(radius=2)``; ``"best"`` is a preset, as for `clf`
        (`classic_fer.models.presets`).
    clf : str or classifier
    grid : mapping of str to sequence, optional
        Values to try, ``{"clf__C": [1, 10], "features__lbp__radius": [1, 2]}``. A classifier
        that is given by name and not in `grid` keeps its default grid.
    params : mapping, optional
        Fixed values, ``{"features__lbp__radius": 2}``; they take the place of a grid's values.
    groups : array_like, shape (n,), optional
        People. No person is in training and test of the same fold.
    cv : int, splitter or iterable of (train, test)
        A number means stratified, shuffled folds, with people kept together.
    scoring : str or scorer
        ``"accuracy"``, ``"macro-f1"``, ``"balanced-accuracy"``, or one of scikit-learn's.
    scaler, class_weight, calibration, wished_error, averaging
        See `classic_fer.models.recognizer.make_recognizer`.
    refit : bool
        Whether to train the best recognizer on all rows.
    n_jobs : int or None
        Threads; -1 for all cores.
    random_state : int
    budget : float, optional
        Seconds; candidates for which there is no time are left out (``search.skipped_``).
    memory : int, optional
        Bytes that the process keeps below.
    progress : callable, optional
        Called as ``progress(done, total)`` with costs of work.

    Returns
    -------
    search : GridSearch
        With ``best_params_``, ``best_score_``, ``cv_results_``, ``best_estimator_``, ``predict``.
        The best score was chosen and is therefore optimistic; see
        `classic_fer.evaluation.cross_validation.cross_validate`.

    Raises
    ------
    ParameterError
        For an unknown name or value; the message lists the choices.
    DataError
        For labels that do not fit, or faces too few to divide.
    """
    recipe = expand_presets(features, clf, params, grid)
    recognizer = make_recognizer(
        recipe.features,
        recipe.clf,
        scaler=scaler,
        class_weight=class_weight,
        calibration=calibration,
        wished_error=wished_error,
        averaging=averaging,
        random_state=random_state,
        **recipe.params,
    )
    labels = checked_labels(y, len(np.asarray(X)))
    if isinstance(cv, int):
        cv = inner_folds(labels, groups, n_splits=cv, random_state=random_state)
    search = GridSearch(
        recognizer,
        complete_grid(recognizer, recipe.clf, recipe.grid, recipe.params),
        scoring=check_scoring_name(scoring),
        n_jobs=n_jobs,
        cv=cv,
        refit=refit,
        budget=budget,
        memory=memory,
        progress=progress,
    )
    return search.fit_store(BlockStore(X), labels, groups=groups)


def complete_grid(
    recognizer: Recognizer,
    clf: str | BaseEstimator,
    grid: Mapping[str, Sequence[Any]] | None,
    params: Mapping[str, Any] | None = None,
) -> dict[str, list[Any]]:
    """`grid`, with the default grid of a classifier that is given by name and not in `grid`.

    Fixed `params` take the place of values of the default grid.

    Raises
    ------
    ParameterError
        For a parameter that the recognizer lacks, no values, a value that its classifier refuses,
        a parameter that is both fixed and searched, or features without the mirrored halves that
        a candidate needs.
    """
    grid, params = dict(grid or {}), dict(params or {})
    both = sorted(set(grid) & set(params))
    if both:
        raise ParameterError(f"{both[0]} is both fixed and in the grid; keep one of them")
    known = recognizer.get_params(deep=True)
    for name, values in grid.items():
        if name not in known:
            settable = [key for key, value in known.items() if not hasattr(value, "get_params")]
            raise unknown_name("parameter", name, settable)
        if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
            raise ParameterError(f"{name}: expected a list of values to try, got {values!r}")
    for name, values in [*grid.items(), *((name, [value]) for name, value in params.items())]:
        if name.startswith("clf__"):
            _check_values(recognizer.clf, name, values)
    searched = any(name.split("__")[0] == "clf" for name in grid)
    usual = default_grid(clf) if isinstance(clf, str) and not searched else {}
    free = {name: values for name, values in usual.items() if name not in params}
    complete = {name: list(values) for name, values in {**free, **grid}.items()}
    _check_candidates(recognizer, complete)
    return complete


def _check_candidates(recognizer: Recognizer, grid: Mapping[str, Sequence[Any]]) -> None:
    """Refuse candidates that need mirrored halves of features without them."""
    deciding = ("kernel", "symmetric", "mirror")
    tried = {name: values for name, values in grid.items() if name.split("__")[-1] in deciding}
    for candidate in ParameterGrid(tried):
        changed = clone(recognizer).set_params(**candidate)
        check_halves(changed.features, changed.clf)


def _check_values(clf: BaseEstimator, name: str, values: Sequence[Any]) -> None:
    """Refuse values of a parameter of the classifier before any work."""
    for value in values:
        changed = clone(clf).set_params(**{name.removeprefix("clf__"): value})
        try:
            if hasattr(changed, "check_params"):
                changed.check_params()
            elif hasattr(changed, "_parameter_constraints"):
                changed._validate_params()
        except ValueError as error:
            raise ParameterError(f"{name}={value}: {error}") from None
