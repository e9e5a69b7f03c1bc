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
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv

from classic_fer.errors import ParameterError
from classic_fer.faces.frame import Alignment
from classic_fer.models.block_store import BlockStore
from classic_fer.models.fold_search import FoldSearch, settings_of
from classic_fer.models.folds import Fold
from classic_fer.models.forecast import Forecast, summed
from classic_fer.models.halving import Skipped, within_budget
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.kernel_svc import KernelSVC
from classic_fer.models.labels import checked_labels
from classic_fer.models.memory import memory_limit
from classic_fer.models.recognizer import Recognizer
from classic_fer.models.search_results import for_calibration, out_of_fold, outcomes_of
from classic_fer.models.search_scoring import reads_decisions, reads_probabilities
from classic_fer.progress import Progress

__all__ = ["GridSearch"]

_SHARED_PARTS = ("features", "scaler", "clf")
_THREADED = (KernelSVC, KernelRidgeClassifier)  # work in the threads that they are given
_STEPS = 10_000  # of progress
_SHARED = "a search over a Recognizer's parts by scorers of scikit-learn"


class GridSearch(GridSearchCV):
    """Search over the parameters of a `Recognizer`.

    The interface, results and tie rules are those of scikit-learn's GridSearchCV. For a
    Recognizer, features are extracted once per setting, scaler and projections are fitted once
    per fold and setting, SVC fits share kernels, and ridge classifiers (with and without a kernel)
    are fitted for all alphas together; work is done in threads, with one BLAS thread each, so that
    results do not depend on `n_jobs`. Everything else (other estimators, training scores, a search
    over the calibration, metrics of calibrated probabilities, scoring functions that are no scorers
    of scikit-learn) is handed to GridSearchCV.

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
    Scores are of decisions: no face is answered ``unsure`` while parameters are searched.
    `fit_store` hands no metric of probabilities over: it scores the softmax of the decision
    values, as with ``calibration=None``.

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
        self._validate_params()
        groups = params.get("groups")
        if self._shares_work(params) and not self._scores_calibrated:
            return self.fit_store(BlockStore(X), y, groups=groups)
        if self.budget is not None or self.memory is not None:
            name = "budget" if self.budget is not None else "memory"
            raise ParameterError(f"{name} works only for {_SHARED}; this one is GridSearchCV's")
        self.oof_scores_: NDArray[np.float32] | None = None
        self.skipped_: list[Skipped] = []
        recognizes = isinstance(self.estimator, Recognizer)
        if recognizes:
            X, y = np.asarray(X), np.asarray(y)
        super().fit(X, y, **params)
        if recognizes and groups is not None and self.refit:
            self.best_estimator_.fit(X, y, groups=groups)  # calibrated with people kept together
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
                raise ParameterError(f"refit_on works only for {_SHARED}")
            chosen = store.X if rows is None else store.X[np.asarray(rows)]
            return self.fit(chosen, y, groups=groups)
        from joblib import effective_n_jobs
        from threadpoolctl import threadpool_limits

        index = np.arange(len(store)) if rows is None else np.asarray(rows, dtype=np.intp)
        labels = checked_labels(y, len(index))
        n_jobs = effective_n_jobs(self.n_jobs)
        with threadpool_limits(limits=1, user_api="blas"), memory_limit(self.memory):
            # Chosen rows come with folds; other splitters may look at the faces.
            faces = store.X if rows is None else np.zeros(len(index))
            splitter = check_cv(self.cv, labels, classifier=True)
            folds = list(splitter.split(faces, labels, groups))
            self._search(store, index, labels, folds, n_jobs)
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
        return (
            type(self.estimator) is Recognizer
            and reads_decisions(self.scoring)
            and not self.return_train_score
            and set(fit_params) <= {"groups"}
            and all(name.split("__")[0] in _SHARED_PARTS for name in names)
            and not get_config()["enable_metadata_routing"]
        )

    @property
    def _scores_calibrated(self) -> bool:
        """Whether scores depend on the calibration, which needs fits of its own."""
        return self.estimator.calibration is not None and reads_probabilities(self.scoring)

    def _search(
        self,
        store: BlockStore,
        rows: NDArray[np.intp],
        y: NDArray,
        folds: Sequence[Fold],
        n_jobs: int,
    ) -> None:
        scorers, refit_metric = self._get_scorers()
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
        outcomes = outcomes_of(fits, error_score=self.error_score)
        with warnings.catch_warnings():  # failures have been reported
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            results = self._format_results(candidates, self.n_splits_, outcomes)
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
            best = fits[self.best_index_ * len(folds) : (self.best_index_ + 1) * len(folds)]
            self.oof_scores_ = out_of_fold(best, folds, len(y), len(np.unique(y)))
        self.scorer_ = scorers._scorers if self.multimetric_ else scorers
        self.cv_results_ = results

    def _report(self, kind: str, cost: float, seconds: float) -> None:
        self._forecast.add(kind, cost, seconds)
        self._reported = max(self._reported, int(_STEPS * self._forecast.share_done))
        if self.progress is not None:
            self.progress(self._reported, _STEPS)

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
        oof_scores = for_calibration(self.oof_scores_)
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
