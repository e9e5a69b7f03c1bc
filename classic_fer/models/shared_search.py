"""GridSearch: GridSearchCV's interface and answers, with shared work done once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Alignment
from classic_fer.models.block_store import BlockStore
from classic_fer.models.fold_search import FoldSearch, settings_of
from classic_fer.models.fold_unit import Fit
from classic_fer.models.folds import Fold
from classic_fer.models.forecast import Forecast, summed
from classic_fer.models.halving import Skipped, within_budget
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernel_svc import KernelSVC
from classic_fer.models.memory import memory_limit
from classic_fer.models.recognizer import Recognizer
from classic_fer.progress import Progress

__all__ = ["GridSearch", "checked_labels"]

_SHARED_PARTS = ("features", "scaler", "clf")
_THREADED = (KernelSVC, KernelRidgeClassifier)  # work in the threads that they are given
_STEPS = 10_000  # of progress


class GridSearch(GridSearchCV):
    """Search over the parameters of a `Recognizer`.

    The interface, results and tie rules are those of scikit-learn's GridSearchCV. For a
    Recognizer, features are extracted once per setting, scaler and projections are fitted once
    per fold and setting, SVC fits share kernels, and ridge classifiers (with and without a kernel)
    are fitted for all alphas together; work is done in threads, with one BLAS thread each, so that
    results do not depend on `n_jobs`. Everything else (other estimators, training scores, a search
    over the calibration, scoring functions that are no scorers of scikit-learn) is handed to
    GridSearchCV.

    Parameters
    ----------
    estimator : Recognizer
    param_grid : dict or list of dicts
    scoring : str, callable, list, dict or None
    n_jobs : int or None
        Threads; -1 for all cores.
    refit : bool, str or callable
    cv : int, splitter, iterable of (train, test), or None
    error_score : float or "raise"
    return_train_score : bool
    budget : float, optional
        Seconds. Candidates that would take longer are chosen among on parts of the faces
        (`classic_fer.models.halving.within_budget`); the rest is in `skipped_`. What is chosen
        then depends on the speed of the machine.
    memory : int, optional
        Bytes that the process keeps below, as far as the features themselves allow: kernels are
        computed in smaller parts, and again instead of kept.
    progress : callable, optional
        Called as ``progress(done, total)`` after each piece of work, the last one being the
        refit. The numbers are shares of the time: what is done takes about ``done / total`` of it.

    Attributes
    ----------
    cv_results_, best_index_, best_params_, best_score_, best_estimator_, n_splits_, refit_time_
        As in GridSearchCV.
    oof_scores_ : ndarray of float32, shape (n, n_classes), or None
        Decision values of each row by the best candidate's fits on folds that did not train on
        it, in the order of the recognizer's ``classes_``; NaN for rows that no fold tests. They
        set the temperature of `best_estimator_`. None after a plain GridSearchCV.
    skipped_ : list of Skipped
        Candidates that the budget left out; they are not in `cv_results_`.

    Notes
    -----
    While parameters are searched probabilities are not calibrated: a scorer that reads
    ``predict_proba`` sees the softmax of the decision values, as with ``calibration=None``.

    Scores are those of GridSearchCV; for kernel ridge on more than 2,048 training rows, which is
    solved by conjugate gradients, to the `tol` of the classifier.
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        budget: float | None = None,
        memory: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.budget = budget
        self.memory = memory
        self.progress = progress

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> GridSearch:
        """Search, and refit the best candidate on all rows.

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        y : array_like of str, shape (n,)
        **params
            ``groups``: people, array_like of shape (n,), for splitters that use them.
        """
        groups = params.get("groups")
        if self._shares_work(params):
            return self.fit_store(BlockStore(X), y, groups=groups)
        if isinstance(self.estimator, Recognizer):
            X, y = np.asarray(X), np.asarray(y)
        if self.budget is not None:
            raise ParameterError("a budget works only for a search over a Recognizer's parts")
        self.oof_scores_: NDArray[np.float32] | None = None
        self.skipped_: list[Skipped] = []
        super().fit(X, y, **params)
        return self

    def fit_store(
        self,
        store: BlockStore,
        y: ArrayLike | None,
        *,
        groups: ArrayLike | None = None,
        rows: ArrayLike | None = None,
        refit_on: ArrayLike | None = None,
    ) -> GridSearch:
        """`fit` on faces whose features are kept between searches.

        Parameters
        ----------
        store : BlockStore
        y : array_like of str, shape (n,)
        groups : array_like, shape (n,), optional
            People.
        rows : array_like of int, shape (n,), optional
            The rows of `store` that `y` and `groups` belong to; all of them if not given.
        refit_on : array_like of int, optional
            Positions in `rows` that the best candidate is refitted on; all of them if not given.
            Its probabilities are then calibrated by folds of its own.

        Raises
        ------
        DataError
            If lengths differ or `y` has fewer than two classes.
        ParameterError
            If `refit_on` is given for a search that GridSearchCV has to do.
        """
        if not self._shares_work({}):
            if refit_on is not None:
                raise ParameterError("refit_on works only for a search over a Recognizer's parts")
            chosen = store.X if rows is None else store.X[np.asarray(rows)]
            return self.fit(chosen, y, groups=groups)
        from joblib import effective_n_jobs
        from threadpoolctl import threadpool_limits

        index = np.arange(len(store)) if rows is None else np.asarray(rows, dtype=np.intp)
        labels = checked_labels(y, len(index))
        n_jobs = effective_n_jobs(self.n_jobs)
        with threadpool_limits(limits=1, user_api="blas"), memory_limit(self.memory):
            self._search(store, index, labels, groups, n_jobs)
            if self.refit:
                self._refit(store, index, labels, groups, refit_on, n_jobs)
        return self

    def save(self, path: str | Path, *, alignment: Alignment | None = None) -> Path:
        """Save the refitted recognizer; see `classic_fer.models.persistence.save_model`.

        With the `alignment` of the training faces (``data.alignment``) it can label photos.
        """
        from classic_fer.models.persistence import save_model

        if alignment is not None:
            self.best_estimator_.set_bundle(alignment=alignment)
        return save_model(self.best_estimator_, path)

    def _shares_work(self, fit_params: Mapping[str, Any]) -> bool:
        """Whether this search is one that the engine knows how to share."""
        from sklearn import get_config

        names = {name for candidate in ParameterGrid(self.param_grid) for name in candidate}
        scored = not callable(self.scoring) or hasattr(self.scoring, "_score_func")
        return (
            type(self.estimator) is Recognizer
            and scored
            and not self.return_train_score
            and set(fit_params) <= {"groups"}
            and all(name.split("__")[0] in _SHARED_PARTS for name in names)
            and not get_config()["enable_metadata_routing"]
        )

    def _search(
        self,
        store: BlockStore,
        rows: NDArray[np.intp],
        y: NDArray,
        groups: ArrayLike | None,
        n_jobs: int,
    ) -> None:
        scorers, refit_metric = self._get_scorers()
        splitter = check_cv(self.cv, y, classifier=True)
        folds = list(splitter.split(np.zeros(len(y)), y, groups))
        start = time.perf_counter()
        candidates = list(ParameterGrid(self.param_grid))
        self.n_splits_ = len(folds)
        self.skipped_ = []

        def planned(some: Sequence[dict[str, Any]], on: Sequence[Fold]) -> FoldSearch:
            settings = settings_of(self.estimator, some)
            return FoldSearch(store, rows, y, on, settings, scorers, error_score=self.error_score)

        if self.budget is not None:
            candidates, self.skipped_ = within_budget(
                planned,
                candidates,
                folds,
                y,
                seconds=self.budget,
                started=start,
                metric=refit_metric if isinstance(refit_metric, str) else "score",
                n_jobs=n_jobs,
            )
        search = planned(candidates, folds)
        costs = [*search.costs.items()]
        if self.refit:  # on one core, where the classifier knows no other
            cores = 1 if isinstance(self.estimator.clf, _THREADED) else n_jobs
            costs += [(kind, cores * cost) for kind, cost in search.refit_costs.items()]
        self._forecast, self._reported = Forecast(summed(costs)), 0
        fits = search.run(n_jobs=n_jobs, on_done=self._report)
        self.multimetric_ = not (self.scoring is None or isinstance(self.scoring, str)) and (
            not callable(self.scoring)
        )
        results = self._results_of(fits, candidates)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
            best = fits[self.best_index_ * len(folds) : (self.best_index_ + 1) * len(folds)]
            self.oof_scores_ = _out_of_fold(best, folds, len(y), len(np.unique(y)))
        self.scorer_ = scorers._scorers if self.multimetric_ else scorers
        self.cv_results_ = results

    def _report(self, kind: str, cost: float, seconds: float) -> None:
        self._forecast.add(kind, cost, seconds)
        self._reported = max(self._reported, int(_STEPS * self._forecast.share_done))
        if self.progress is not None:
            self.progress(self._reported, _STEPS)

    def _results_of(self, fits: list[Fit], candidates: list[dict[str, Any]]) -> dict[str, Any]:
        """``cv_results_`` of the fits, which are sorted by candidate and fold."""
        failed = [fit for fit in fits if fit.error is not None]
        if len(failed) == len(fits):
            raise DataError(
                f"all {len(fits)} fits of the search failed, the first one with: {fits[0].error}"
            )
        if failed:
            warnings.warn(
                f"{len(failed)} fits failed out of a total of {len(fits)}; their score is set to "
                f"{self.error_score}. The first one with: {failed[0].error}",
                FitFailedWarning,
                stacklevel=5,
            )
        good = next(fit.test_scores for fit in fits if fit.error is None)
        missing = dict.fromkeys(good, self.error_score) if self.multimetric_ else self.error_score
        out = [
            {
                "fit_time": fit.fit_time,
                "score_time": fit.score_time,
                "test_scores": missing if fit.error is not None else self._numbers(fit.test_scores),
            }
            for fit in fits
        ]
        with warnings.catch_warnings():  # failed fits were reported above
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            return self._format_results(candidates, self.n_splits_, out)

    def _numbers(self, scores: Any) -> Any:
        """Scores of one fit; a metric that failed (its value is a traceback) as `error_score`."""
        if not isinstance(scores, dict):
            return scores
        return {k: self.error_score if isinstance(v, str) else v for k, v in scores.items()}

    def _refit(
        self,
        store: BlockStore,
        rows: NDArray[np.intp],
        y: NDArray,
        groups: ArrayLike | None,
        refit_on: ArrayLike | None,
        n_jobs: int,
    ) -> None:
        from joblib import parallel_config

        start = time.perf_counter()
        oof_scores = _for_calibration(self.oof_scores_)
        if refit_on is not None:
            chosen = np.asarray(refit_on, dtype=np.intp)
            rows, y, oof_scores = rows[chosen], y[chosen], None
            groups = None if groups is None else np.asarray(groups)[chosen]
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        blocks = store.blocks(best.features, n_jobs=n_jobs)
        # They work in the threads that they are given.
        threads = isinstance(best.clf, _THREADED) or bool(best.features.encodings)
        with parallel_config("threading", n_jobs=n_jobs) if threads else nullcontext():
            best.fit_blocks(
                {name: block[rows] for name, block in blocks.items()},
                y,
                image_shape=store.image_shape,
                groups=groups,
                oof_scores=oof_scores,
            )
        self.best_estimator_ = best
        self.refit_time_ = time.perf_counter() - start
        if self.progress is not None:
            self.progress(_STEPS, _STEPS)


def checked_labels(y: ArrayLike | None, n: int) -> NDArray:
    """Labels of `n` faces as an array.

    Raises
    ------
    DataError
        If they are not `n`, or of fewer than two classes.
    """
    labels = np.asarray([] if y is None else y)
    if len(labels) != n or not n:
        raise DataError(
            f"expected one label for each face and at least one face, got {n} faces and "
            f"{len(labels)} labels"
        )
    labels = labels.astype(str) if labels.dtype == object else labels
    if len(np.unique(labels)) < 2:
        raise DataError(f"expected at least two classes, found only {str(labels[0])!r}")
    return labels


def _out_of_fold(
    fits: Sequence[Fit], folds: Sequence[tuple[NDArray, NDArray]], n: int, n_classes: int
) -> NDArray[np.float32]:
    """Decision values of the rows that folds test; the last fold counts for rows tested twice."""
    scores = np.full((n, n_classes), np.nan, dtype=np.float32)
    for fit, (_, test) in zip(fits, folds):
        if fit.decision is not None:
            scores[test] = fit.decision
    return scores


def _for_calibration(scores: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    """Rows that were not tested take no part (-inf); None if no row was."""
    if scores is None or np.isnan(scores).all():
        return None
    return np.where(np.isnan(scores), -np.inf, scores)
