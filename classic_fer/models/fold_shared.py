"""What fits of a fold share: the interface of the families of classifiers that share work."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cancelled", "Piece", "Room", "SharedFits", "Work", "chunks", "grouped"]

Piece = tuple[str, Callable[[], None], float]
_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)

_TASK_COST = 30.0  # work that is shorter is put together


class Cancelled(BaseException):
    """What work that waits for other works ends with once they are cancelled."""


@dataclass(frozen=True)
class Room:
    """Memory that the fits of a fold may take.

    Attributes
    ----------
    kept_bytes : int
        For matrices that are kept; those beyond are computed when they are needed.
    kernels : semaphore
        Bounds the kernels that are in memory together.
    """

    kept_bytes: int
    kernels: threading.BoundedSemaphore


@dataclass(frozen=True)
class Work:
    """A piece of work.

    Attributes
    ----------
    kind : str
        See `classic_fer.models.forecast.Forecast`.
    run : callable
    cost : float
        As `classic_fer.models.search_cost` measures it.
    """

    kind: str
    run: Callable[[], Any]
    cost: float


class SharedFits(ABC):
    """Classifiers of one family on the same training rows.

    `prepare` comes first, the works of `works` in any order and any thread after it, as long as
    each one starts after those before it, and `decisions` waits for them all.

    Parameters
    ----------
    classifiers : mapping of int to classifier
        Unfitted, by candidate number.

    y : ndarray, shape (n_train,)
        Training labels.
    n_test, width : int
        Number of test rows, and of feature values.

    Attributes
    ----------
    classifiers : dict of int to classifier
    errors : dict of int to Exception
        Why candidates cannot be fitted.
    seconds : float
        Time spent on what all share.
    fit_seconds : dict of int to float
        Time that each candidate took for itself.
    """

    def __init__(
        self, classifiers: Mapping[int, Any], y: NDArray, *, n_test: int, width: int
    ) -> None:
        self.classifiers = dict(classifiers)
        self._y, self._n_test, self._width = y, n_test, width
        self.errors: dict[int, Exception] = {}
        self.seconds = 0.0
        self.fit_seconds = dict.fromkeys(classifiers, 0.0)
        self._changed = threading.Condition()
        self._waiting = 0
        self._cancelled = False

    @staticmethod
    @abstractmethod
    def takes(clf: Any) -> bool:
        """Whether fits of `clf` can share work in this way."""

    @property
    @abstractmethod
    def kernel_bytes(self) -> int:
        """Memory that one piece of work needs."""

    @property
    @abstractmethod
    def kept_bytes(self) -> int:
        """Memory for all that is worth keeping between pieces of work."""

    @property
    @abstractmethod
    def score_cost(self) -> float:
        """Cost of `decisions`."""

    @abstractmethod
    def prepare(self, train: NDArray[np.float32], room: Room) -> None:
        """Take the training rows, shape (n_train, d), and make room for the solutions."""

    @abstractmethod
    def decisions(self, test: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        """Decision values of the test rows by each candidate that could be fitted.

        Training matrices are dropped: nothing can be solved afterwards.

        Parameters
        ----------
        test : ndarray of float32, shape (n_test, d)

        Returns
        -------
        decisions : dict of int to ndarray of float64, shape (n_test, n_classes)
            By candidate; columns are in the one order of classes.
        """

    @abstractmethod
    def _pieces(self) -> Iterator[Piece]:
        """What to do: its kind, itself, and its cost."""

    def works(self) -> list[Work]:
        """All that has to be done, in pieces of some length; to be called once."""
        made = [Work(kind, partial(self._counted, run), cost) for kind, run, cost in self._pieces()]
        self._waiting = len(made)
        return made

    def cancel(self) -> None:
        """End what waits for other works: they will not be done."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def _counted(self, run: Callable[[], None]) -> None:
        try:
            if not self._cancelled:
                run()
        finally:
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def _wait(self, done: Callable[[], bool] | None = None) -> None:
        """Until `done` (until all works are done, if it is not given); for use in works."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._cancelled or (done() if done is not None else not self._waiting)
            )
        if self._cancelled:
            raise Cancelled

    @contextmanager
    def _charged(self, candidates: Sequence[int]) -> Iterator[None]:
        """Work for some candidates: its time is shared out, and what goes wrong is noted."""
        start = time.perf_counter()
        try:
            yield
        except Exception as error:
            with self._changed:
                self.errors |= dict.fromkeys(candidates, error)
        with self._changed:
            for candidate in candidates:
                self.fit_seconds[candidate] += (time.perf_counter() - start) / len(candidates)

    def _add_seconds(self, seconds: float) -> None:
        with self._changed:
            self.seconds += seconds


def grouped(classifiers: Mapping[int, Any], key: Callable[[Any], _Key]) -> dict[_Key, list[int]]:
    """Candidates by a key of their classifiers."""
    groups: dict[_Key, list[int]] = {}
    for candidate, clf in classifiers.items():
        groups.setdefault(key(clf), []).append(candidate)
    return groups


def chunks(items: Sequence[_Item], cost: Sequence[float]) -> Iterator[tuple[list[_Item], float]]:
    """Items, the dearest first, in chunks that are worth a task, and what each chunk costs."""
    chunk: list[_Item] = []
    total = 0.0
    for number in sorted(range(len(items)), key=lambda i: -cost[i]):
        chunk.append(items[number])
        total += cost[number]
        if total >= _TASK_COST:
            yield chunk, total
            chunk, total = [], 0.0
    if chunk:
        yield chunk, total
