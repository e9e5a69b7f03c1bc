"""Support vector machines of one fold that share kernels: their tasks and decision values."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.models import search_cost
from classic_fer.models.decisions import ordered_classes
from classic_fer.models.kernel_search import (
    ClassGram,
    class_bounds,
    kernel_key,
    kernel_sums,
    one_vs_rest,
    solve_pair,
)

__all__ = ["Room", "SharedMachines", "Work"]

_Block = tuple[int, int]

_TASK_COST = 30.0  # work that is shorter is put together


@dataclass(frozen=True)
class Room:
    """Memory that the machines of a fold may take.

    Attributes
    ----------
    gram_bytes : int
        For inner products; those beyond are computed when they are needed.
    kernels : semaphore
        Bounds the kernels that are in memory together.
    """

    gram_bytes: int
    kernels: threading.BoundedSemaphore


@dataclass(frozen=True)
class Work:
    """A piece of work.

    Attributes
    ----------
    run : callable
    cost : float
        As `classic_fer.models.search_cost` measures it.
    """

    run: Callable[[], Any]
    cost: float


class SharedMachines:
    """SVCs with RBF or linear kernels on the same training rows.

    `prepare` comes first, the works of `works` in any order and any thread after it, and
    `decisions` waits for them all.

    Parameters
    ----------
    classifiers : mapping of int to SVC
        By candidate number.
    y : ndarray, shape (n_train,)
        Training labels.
    n_test, width : int
        Number of test rows, and of feature values.

    Attributes
    ----------
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
        self._classifiers, self._y = classifiers, y
        self._known, self._codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        self._sizes: list[int] = counts.tolist()
        self._n_test, self._width = n_test, width
        groups: dict[Any, list[int]] = {}
        for candidate, clf in classifiers.items():
            groups.setdefault((clf.kernel, str(clf.gamma)), []).append(candidate)
        self._groups = list(groups.values())
        self._pairs = list(combinations(range(len(self._sizes)), 2))
        self._changed = threading.Condition()
        self._waiting = 0
        self.errors: dict[int, Exception] = {}
        self.seconds = 0.0
        self.fit_seconds = dict.fromkeys(classifiers, 0.0)

    @property
    def score_cost(self) -> float:
        """Cost of `decisions`."""
        groups = [len(group) for group in self._groups]
        n = len(self._y)
        return search_cost.score_cost(n, self._n_test, self._width, groups, len(self._pairs))

    def works(self) -> list[Work]:
        """Inner products, then solutions, in pieces of some length; to be called once."""
        sizes, made = self._sizes, []
        blocks = [(c, c) for c in range(len(sizes))] + self._pairs
        cost = [search_cost.product_cost(sizes[a], sizes[b], self._width) for a, b in blocks]
        for chunk, total in _chunks(blocks, cost):
            made.append(Work(partial(self._counted, partial(self._multiply, chunk)), total))
        for number, group in enumerate(self._groups):
            cost = [search_cost.solve_cost(sizes[a] + sizes[b], len(group)) for a, b in self._pairs]
            for chunk, total in _chunks(self._pairs, cost):
                made.append(
                    Work(partial(self._counted, partial(self._solve, number, chunk)), total)
                )
        self._waiting = len(made)
        return made

    def prepare(self, train: NDArray[np.float32], room: Room) -> None:
        """Check the candidates, and make room for the solutions.

        Parameters
        ----------
        train : ndarray of float32, shape (n_train, d)
        room : Room

        Raises
        ------
        ValueError
            If a row has a value that is not finite.
        """
        self._gram = ClassGram(train, self._codes, max_bytes=room.gram_bytes)
        self._kernels = room.kernels
        self._keys = [kernel_key(self._classifiers[group[0]], train) for group in self._groups]
        self._bounds: dict[int, NDArray[np.float64]] = {}
        self._weights: dict[int, NDArray[np.float64]] = {}
        self._intercepts: dict[int, NDArray[np.float64]] = {}
        for candidate, unfitted in self._classifiers.items():
            clf = clone(unfitted)
            try:
                clf._validate_params()
                self._bounds[candidate] = class_bounds(clf, self._y)
            except ValueError as error:
                self.errors[candidate] = error
                continue
            self._weights[candidate] = np.zeros((len(train), len(self._pairs)))
            self._intercepts[candidate] = np.zeros(len(self._pairs))

    def _counted(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def _multiply(self, blocks: Sequence[_Block]) -> None:
        start = time.perf_counter()
        for block in blocks:
            self._gram.products(*block)
        self._add_seconds(time.perf_counter() - start)

    def _solve(self, group: int, pairs: Sequence[_Block]) -> None:
        """Solutions of a group on some pairs; what goes wrong is noted for its candidates."""
        candidates = [c for c in self._groups[group] if c not in self.errors]
        try:
            for pair in pairs if candidates else []:
                self._solve_pair(group, candidates, pair)
        except Exception as error:
            with self._changed:
                self.errors |= dict.fromkeys(candidates, error)

    def _solve_pair(self, group: int, candidates: Sequence[int], pair: _Block) -> None:
        start = time.perf_counter()
        clfs = [self._classifiers[candidate] for candidate in candidates]
        bounds = [self._bounds[candidate] for candidate in candidates]
        with self._kernels:
            solutions = solve_pair(self._gram, self._keys[group], pair, clfs, bounds)
        column = self._pairs.index(pair)
        here, there = (self._gram.slices[c] for c in pair)
        n_first = here.stop - here.start
        for candidate, solution in zip(candidates, solutions):
            self._weights[candidate][here, column] = solution.coefficients[:n_first]
            self._weights[candidate][there, column] = solution.coefficients[n_first:]
            self._intercepts[candidate][column] = solution.intercept
            with self._changed:
                self.fit_seconds[candidate] += solution.seconds
        own = sum(solution.seconds for solution in solutions)
        self._add_seconds(time.perf_counter() - start - own)

    def decisions(self, test: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        """Decision values of the test rows by each candidate that could be fitted.

        Inner products of training rows are dropped: nothing can be solved afterwards.

        Parameters
        ----------
        test : ndarray of float32, shape (n_test, d)

        Returns
        -------
        decisions : dict of int to ndarray of float64, shape (n_test, n_classes)
            By candidate; columns are in the one order of classes.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)
        weights, members = [], []
        for group, key in zip(self._groups, self._keys):
            good = [candidate for candidate in group if candidate not in self.errors]
            if good:
                weights.append((key, np.hstack([self._weights.pop(c) for c in good])))
                members.append(good)
        rows, norms, n_pairs = self._gram.rows, self._gram.norms, len(self._pairs)
        del self._gram
        order = [self._known.tolist().index(c) for c in ordered_classes(self._known).tolist()]
        made = {}
        for good, sums in zip(members, kernel_sums(test, rows, norms, weights)):
            for candidate, pairs in zip(good, np.split(sums, len(good), axis=1)):
                decisions = pairs + self._intercepts[candidate]
                if n_pairs == 1:
                    scores = np.hstack([decisions, -decisions])
                else:
                    scores = one_vs_rest(decisions, len(self._known))
                made[candidate] = scores[:, order]
        return made

    def _add_seconds(self, seconds: float) -> None:
        with self._changed:
            self.seconds += seconds


def _chunks(items: Sequence[_Block], cost: Sequence[float]) -> Iterator[tuple[list[_Block], float]]:
    """Items, the dearest first, in chunks that are worth a task, and what each chunk costs."""
    chunk: list[_Block] = []
    total = 0.0
    for number in sorted(range(len(items)), key=lambda i: -cost[i]):
        chunk.append(items[number])
        total += cost[number]
        if total >= _TASK_COST:
            yield chunk, total
            chunk, total = [], 0.0
    if chunk:
        yield chunk, total
