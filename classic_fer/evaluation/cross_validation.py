"""Nested cross-validation: the score of a tuned recognizer on faces (and people) it never saw."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from classic_fer.errors import ParameterError
from classic_fer.evaluation.cross_validation_result import (
    add_final_scores,
    cross_validation_result,
)
from classic_fer.evaluation.fold_files import FoldFiles
from classic_fer.evaluation.outer_loop import OuterLoop
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.protocols import Protocol, dataset_protocol
from classic_fer.evaluation.result import Result
from classic_fer.models.block_store import BlockStore
from classic_fer.models.presets import expand_presets
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.models.search import GridSearch, check_scoring_name, complete_grid
from classic_fer.progress import Progress

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.neutral_reference import NeutralReferences

__all__ = ["cross_validate"]


def cross_validate(
    dataset: Dataset,
    *,
    features: str | Any = "lbp",
    clf: str | BaseEstimator = "svm",
    grid: Mapping[str, Sequence[Any]] | None = None,
    params: Mapping[str, Any] | None = None,
    cv: str | int | Path | Protocol | None = None,
    references: NeutralReferences | None = None,
    inner_cv: int = 5,
    nested: bool = True,
    scoring: Any = "accuracy",
    scaler: str | BaseEstimator = "auto",
    class_weight: str | dict[str, float] | None = None,
    calibration: str | None = "temperature",
    wished_error: float | None = None,
    averaging: str | None = None,
    final: bool = False,
    n_jobs: int | None = 1,
    random_state: int = 0,
    budget: float | None = None,
    memory: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[Result, Recognizer, GridSearch]:
    """Tune and score a recognizer, and train it on all training data.

    In each outer fold parameters are chosen by a search inside the training part; the best
    recognizer, trained on the whole training part, predicts the test part. The last search, on
    all training data, gives the recognizer that is kept.

    Parameters
    ----------
    dataset : Dataset
        Aligned (`classic_fer.faces.align.align_faces`).
    features, clf, grid, params, scaler, class_weight, calibration, wished_error, \
averaging, scoring
        See `classic_fer.models.search.grid_search`.
    cv : str, int, Path or Protocol, optional
        Outer protocol; see `classic_fer.evaluation.protocols.make_protocol`.
    references : NeutralReferences, optional
        Whose `scored` is `dataset`: features are taken beside their differences to a neutral face
        of the same person. `recognizer` then answers no face alone.
    inner_cv : int
        Folds of each search, people and identical images kept together unless `cv` ignores them.
    nested : bool
        False searches on the outer folds themselves. The Result then has no scores, only a
        `selection_score`, which is optimistic.
    final : bool
        Whether the recognizer that is kept also predicts the part ``final``.
    n_jobs : int or None
        Threads; predictions and scores are the same for any number.
    random_state : int
        For folds, classifiers that draw numbers, and the bootstrap.
    budget : float, optional
        Seconds for all searches together. Each gets its part of what is left, and chooses by
        successive halving which candidates it has time for; the warnings of the result say what
        was skipped. Results then depend on the speed of the machine.
    memory : int, optional
        Bytes that the process keeps below; see `classic_fer.models.search.GridSearch`. Noted in
        the environment of the result.
    out : path, optional
        Finished folds are kept in its folder ``folds``.
    resume : bool
        Go on with the finished folds in `out`.
    progress : callable, optional
        Called as ``progress(done, total)`` with costs of work: the part that is done takes about
        ``done / total`` of the time.

    Returns
    -------
    result : Result
    recognizer : Recognizer
        Trained on all training data with the parameters of `search`, calibrated.
    search : GridSearch
        The last search.

    Raises
    ------
    DataError
        If the data are not aligned or do not fit the protocol.
    ParameterError
        For unknown names or values, a part ``final`` that is not there, or an `out` whose folds
        were made otherwise.
    """
    start = time.perf_counter()
    faces = aligned_faces(dataset)
    protocol = (
        cv if isinstance(cv, Protocol) else dataset_protocol(dataset, cv, random_state=random_state)
    )
    if final and protocol.final is None:
        raise ParameterError("the data have no part 'final' to score; leave final out")
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
    loop = OuterLoop(
        dataset=dataset,
        protocol=protocol,
        store=BlockStore(faces) if references is None else references.store(),
        recognizer=recognizer,
        grid=complete_grid(recognizer, recipe.clf, recipe.grid, recipe.params),
        scoring=check_scoring_name(scoring),
        inner_cv=inner_cv,
        n_jobs=n_jobs,
        random_state=random_state,
        budget=budget,
        memory=memory,
        progress=progress,
    )
    if nested:
        folder = None if out is None else Path(out) / "folds"
        files = FoldFiles(folder, loop.settings(), resume=resume)
        finished, search = loop.nested(files)
    else:
        finished, search = [], loop.plain_search()
    kept: Recognizer = search.best_estimator_
    result = cross_validation_result(loop, finished, search)
    result.scoring = str(scoring)
    if final and protocol.final is not None:
        add_final_scores(result, loop, kept, protocol.final)
    kept.set_bundle(
        alignment=dataset.alignment,
        card=dataset.card.to_dict(),
        label_policy=None if dataset.policy is None else dataset.policy.to_dict(),
        dataset=dict(result.dataset),
        protocol=dict(result.protocol),
        best_params=result.to_dict()["best_params"],
    )
    result.seconds = time.perf_counter() - start
    return result, kept, search
