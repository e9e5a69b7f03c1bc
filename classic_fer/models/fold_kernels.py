"""Support vector machines of one fold that share kernels: their tasks and decision values."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from classic_fer.models import search_cost
from classic_fer.models.decisions import ordered_classes
from classic_fer.models.fold_shared import Piece, Room, SharedFits, chunks, grouped
from classic_fer.models.kernel_search import (
    ClassGram,
    class_bounds,
    kernel_key,
    kernel_sums,
    one_vs_rest,
    pair_bytes,
    shares_kernel,
    solve_pair,
    working_dtype,
)

__all__ = ["SharedMachines"]

_Block = tuple[int, int]


class SharedMachines(SharedFits):
    """SVCs with RBF or linear kernels on the same training rows."""

    def __init__(
        self, classifiers: Mapping[int, Any], y: NDArray, *, n_test: int, width: int
    ) -> None:
        super().__init__(classifiers, y, n_test=n_test, width=width)
        self._known, self._codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        self._sizes: list[int] = counts.tolist()
        self._groups = list(grouped(classifiers, lambda clf: (clf.kernel, str(clf.gamma))).values())
        self._pairs = list(combinations(range(len(self._sizes)), 2))

    @staticmethod
    def takes(clf: Any) -> bool:
        return shares_kernel(clf) and clf.decision_function_shape == "ovr"

    @property
    def kernel_bytes(self) -> int:
        return pair_bytes(self._sizes)

    @property
    def kept_bytes(self) -> int:
        n = len(self._y)
        return np.dtype(working_dtype(n)).itemsize * n * n

    @property
    def score_cost(self) -> float:
        groups = [len(group) for group in self._groups]
        n = len(self._y)
        return search_cost.score_cost(n, self._n_test, self._width, groups, len(self._pairs))

    def _pieces(self) -> Iterator[Piece]:
        sizes = self._sizes
        blocks = [(c, c) for c in range(len(sizes))] + self._pairs
        cost = [search_cost.product_cost(sizes[a], sizes[b], self._width) for a, b in blocks]
        for chunk, total in chunks(blocks, cost):
            yield "products", partial(self._multiply, chunk), total
        for number, group in enumerate(self._groups):
            cost = [search_cost.solve_cost(sizes[a] + sizes[b], len(group)) for a, b in self._pairs]
            for chunk, total in chunks(self._pairs, cost):
                yield f"machines {number}", partial(self._solve, number, chunk), total

    def prepare(self, train: NDArray[np.float32], room: Room) -> None:
        self._gram = ClassGram(train, self._codes, max_bytes=room.kept_bytes)
        self._kernels = room.kernels
        self._keys = [kernel_key(self.classifiers[group[0]], train) for group in self._groups]
        self._bounds: dict[int, NDArray[np.float64]] = {}
        self._weights: dict[int, NDArray[np.float64]] = {}
        self._intercepts: dict[int, NDArray[np.float64]] = {}
        for candidate, unfitted in self.classifiers.items():
            clf = clone(unfitted)
            try:
                clf._validate_params()
                self._bounds[candidate] = class_bounds(clf, self._y)
            except ValueError as error:
                self.errors[candidate] = error
                continue
            self._weights[candidate] = np.zeros((len(train), len(self._pairs)))
            self._intercepts[candidate] = np.zeros(len(self._pairs))

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
        clfs = [self.classifiers[candidate] for candidate in candidates]
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
        self._wait()
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
