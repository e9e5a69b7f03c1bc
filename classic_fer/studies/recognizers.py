"""Whom a study asks: one trained recognizer, or one a fold that never saw the people it is asked.

Both look alike to a study: folds of rows, and the recognizer of each fold, which obeys
``predict_proba`` over Faces and ``classes_``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import LabelPolicy, order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.fold_files import content_hash
from classic_fer.evaluation.holdout import (
    answer_classes,
    policy_of_answers,
    recognizer_facts,
    seen_before,
)
from classic_fer.evaluation.official_parts import official_parts
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.protocols import Protocol as FoldProtocol
from classic_fer.evaluation.protocols import dataset_protocol
from classic_fer.models.folds import Fold

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["GivenRecognizer", "HeldOutRecognizers", "Recipe", "Recognizers"]

_ASKED = 64  # faces whose answers tell recognizers apart


class Recognizers(Protocol):
    """What a study is told to examine.

    Attributes
    ----------
    folds : list of (train, test)
        Rows of the data set; `train` is empty where nothing is trained.
    classes : list of str
        That are scored, in the order of emotions.
    """

    folds: list[Fold]
    classes: list[str]

    def recognizer(self, fold: int) -> Any:
        """The recognizer that answers the test rows of a fold."""
        ...

    def facts(self) -> dict[str, Any]:
        """The fields ``recognizer``, ``protocol`` and ``warnings`` of a StudyResult."""
        ...

    def settings(self) -> dict[str, Any]:
        """Plain data that tell these from other recognizers, for `run_cells`."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How a recognizer is trained: what `classic_fer.grid_search` is told.

    Attributes
    ----------
    features, clf, params, grid, scaler, class_weight, scoring
        See `classic_fer.models.search.grid_search`.
    inner_cv : int
        Folds of the search, people kept together.
    """

    features: str = "lbp"
    clf: str = "svm"
    params: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] | None = None
    scaler: str = "auto"
    class_weight: str | None = None
    scoring: str = "accuracy"
    inner_cv: int = 5

    def fit(
        self,
        faces: NDArray,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        n_jobs: int = 1,
        random_state: int = 0,
    ) -> Any:
        """The best recognizer of a search on these faces, trained on all of them.

        Parameters
        ----------
        faces : Faces of shape (n,)
        y : array_like of str, shape (n,)
        groups : array_like, shape (n,), optional
            People; they never straddle the folds of the search.
        n_jobs : int
            Threads; the recognizer is the same for any number.
        random_state : int

        Returns
        -------
        Recognizer
        """
        from classic_fer.models.search import grid_search

        search = grid_search(
            faces,
            y,
            features=self.features,
            clf=self.clf,
            grid=self.grid,
            params=self.params,
            groups=groups,
            cv=self.inner_cv,
            scoring=self.scoring,
            scaler=self.scaler,
            class_weight=self.class_weight,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        return search.best_estimator_

    @property
    def name(self) -> str:
        """``<features>, <clf>``."""
        return f"{self.features}, {self.clf}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


class GivenRecognizer:
    """A trained recognizer, which answers all rows of classes that it knows.

    Of data with official parts these are the rows of the test part.

    Parameters
    ----------
    recognizer : Recognizer
        Or anything else with ``predict_proba`` over Faces and ``classes_``.
    dataset : Dataset
        Aligned as its training faces were.
    model : str, optional
        Where it was loaded from.

    Raises
    ------
    DataError
        If it knows none of the classes.
    """

    def __init__(self, recognizer: Any, dataset: Dataset, *, model: str | None = None) -> None:
        policy = policy_of_answers(recognizer, dataset)
        own = [str(name) for name in recognizer.classes_]
        known = answer_classes(recognizer, dataset)
        parts = official_parts(dataset.split, dataset.card.official_split)
        asked = np.arange(len(dataset)) if parts is None else parts.test
        rows = asked[np.isin(dataset.y[asked], known)]
        if not len(rows):
            raise DataError(
                f"none of the classes of the data ({', '.join(dataset.classes)}) is known to the "
                f"recognizer ({', '.join(known)}); choose a label policy that maps them"
            )
        self._given, self._model = recognizer, model
        self._recognizer = recognizer if set(known) == set(own) else _Renamed(recognizer, policy)
        self._faces = aligned_faces(dataset)
        self.folds: list[Fold] = [(rows[:0], rows)]
        self.classes = order_classes({*known, *dataset.y[rows].tolist()})
        self.warnings = seen_before(recognizer, dataset)
        self.warnings += getattr(recognizer, "bundle_", {}).get("notes", [])
        if set(known) != set(own):
            self.warnings.append(
                f"the label policy {policy.name!r} renames the answers, too: {', '.join(own)} "
                f"become {', '.join(known)}, probabilities are added"
            )
        if parts is not None:
            self.warnings.append(f"only the part {parts.test_name!r} of the data is asked")
        self.warnings += [
            f"{int((dataset.y[asked] == name).sum())} faces of class {name!r} are left out: the "
            "recognizer does not know it"
            for name in order_classes(dataset.y[asked].tolist())
            if name not in known
        ]

    def recognizer(self, fold: int) -> Any:
        """The one that was given; under a label policy that it was not trained with, renamed."""
        return self._recognizer

    def facts(self) -> dict[str, Any]:
        """See `Recognizers.facts`."""
        recognizer = recognizer_facts(self._given) | {"model": self._model}
        return {"recognizer": recognizer, "protocol": None, "warnings": list(self.warnings)}

    def settings(self) -> dict[str, Any]:
        """See `Recognizers.settings`; the answers to some faces tell models of one kind apart."""
        rows = self.folds[0][1][:_ASKED]
        answers = self._recognizer.predict_proba(self._faces[rows]).argmax(axis=1)
        return {
            "recognizer": recognizer_facts(self._given),
            "answers": content_hash(np.asarray(answers, dtype=np.int64)),
        }


class _Renamed:
    """The answers of a recognizer under a label policy: its classes renamed and merged."""

    def __init__(self, recognizer: Any, policy: LabelPolicy) -> None:
        self._recognizer, self._policy = recognizer, policy
        self._own = [str(name) for name in recognizer.classes_]
        self.classes_ = np.array(order_classes(map(policy.renamed, self._own)))

    def predict_proba(self, X: NDArray) -> NDArray[np.float64]:
        """Probabilities, shape (n, n_classes)."""
        return self._policy.renamed_scores(self._own, self._recognizer.predict_proba(X))[1]


class HeldOutRecognizers:
    """Recognizers trained in the folds of a protocol: none saw the people it is asked about.

    Parameters
    ----------
    dataset : Dataset
        Aligned.
    recipe : Recipe
        Parameters are chosen inside each training part.
    cv : str, int, Path or Protocol, optional
        See `classic_fer.evaluation.protocols.make_protocol`.
    versions : sequence of structured ndarray, shape (n,), optional
        Versions of all faces to train on, such as the plain and the noisy ones; by default the
        faces of `dataset`. All versions of a person are held out together.
    usable : ndarray of bool, shape (n,), optional
        Rows that may be trained on; all by default.
    n_jobs : int
        Threads.
    random_state : int

    Raises
    ------
    DataError
        If the data do not fit the protocol.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: Recipe,
        *,
        cv: str | int | Path | FoldProtocol | None = None,
        versions: Sequence[NDArray] | None = None,
        usable: NDArray[np.bool_] | None = None,
        n_jobs: int = 1,
        random_state: int = 0,
    ) -> None:
        self._versions = [aligned_faces(dataset)] if versions is None else list(versions)
        sizes = [len(faces) for faces in self._versions]
        if not sizes or any(size != len(dataset) for size in sizes):
            raise ParameterError(f"expected versions of {len(dataset)} faces, got {sizes}")
        self.protocol = (
            cv
            if isinstance(cv, FoldProtocol)
            else dataset_protocol(dataset, cv, random_state=random_state)
        )
        self.recipe = recipe
        self.folds = self.protocol.folds
        scored = np.concatenate([test for _, test in self.folds])
        trained = self.protocol.training
        self._y = dataset.y
        people = dataset.groups
        self._people = None if people is None else len(np.unique(people))
        self.classes = order_classes({*self._y[scored].tolist(), *self._y[trained].tolist()})
        self.n_jobs, self._random_state = n_jobs, random_state
        self._last: tuple[int, Any] | None = None
        self.warnings = list(self.protocol.warnings)
        self._dataset = dataset
        self._usable = np.ones(len(dataset), dtype=bool) if usable is None else usable

    def trained_on(
        self, versions: Sequence[NDArray], *, usable: NDArray[np.bool_] | None = None
    ) -> HeldOutRecognizers:
        """The same recipe and folds with other versions of the faces to train on."""
        return HeldOutRecognizers(
            self._dataset,
            self.recipe,
            cv=self.protocol,
            versions=versions,
            usable=usable,
            n_jobs=self.n_jobs,
            random_state=self._random_state,
        )

    def recognizer(self, fold: int) -> Any:
        """Trained on the training part of a fold; the last one asked for is kept."""
        if self._last is None or self._last[0] != fold:
            train = self.folds[fold][0]
            train = train[self._usable[train]]
            times = len(self._versions)
            groups = self.protocol.groups.labels
            if groups is None and times > 1:
                groups = np.arange(len(self._y))  # versions of a face stay together
            trained = self.recipe.fit(
                np.concatenate([faces[train] for faces in self._versions]),
                np.tile(self._y[train], times),
                groups=None if groups is None else np.tile(groups[train], times),
                n_jobs=self.n_jobs,
                random_state=self._random_state,
            )
            self._last = fold, trained
        return self._last[1]

    def facts(self) -> dict[str, Any]:
        """See `Recognizers.facts`."""
        protocol, recipe = self.protocol, self.recipe
        return {
            "recognizer": {
                "features": recipe.features,
                "clf": recipe.clf,
                "params": dict(recipe.params),
                "model": None,
            },
            "protocol": {
                "name": protocol.name,
                "folds": len(self.folds),
                "groups": self._people if protocol.grouped else None,
                "kept_together": protocol.groups.kept_together,
                "repeats": protocol.repeats,
                "hash": protocol.hash,
            },
            "warnings": list(self.warnings),
        }

    def settings(self) -> dict[str, Any]:
        """See `Recognizers.settings`."""
        return {
            "recipe": self.recipe.to_dict(),
            "protocol": self.protocol.hash,
            "training": content_hash(*self._versions, self._usable),
            "seed": self._random_state,
        }
