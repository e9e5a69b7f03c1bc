"""Ridge classifiers of one fold, with and without a kernel: whole paths of alphas at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from sklearn.base import clone

from classic_fer.errors import DataError
from classic_fer.models import search_cost
from classic_fer.models.decisions import ordered_classes
from classic_fer.models.fold_shared import Piece, Room, SharedFits, chunks, grouped
from classic_fer.models.kernel_ridge import KernelRidgeClassifier, training_kernel
from classic_fer.models.kernel_tiles import (
    TILES,
    Place,
    exponential,
    tile_places,
    tile_rows,
    write_tile,
)
from classic_fer.models.kernels import (
    EXPONENTIAL_KERNELS,
    KernelTerm,
    above_zero,
    each_kernel,
    kernel_terms,
)
from classic_fer.models.ridge_path import ridge_path, shares_gram
from classic_fer.models.ridge_systems import class_targets, ridge_solutions, row_weights

__all__ = ["SharedKernelRidge", "SharedRidge"]

_BLOCK = 1024  # test rows whose kernel is in memory at a time


class _SharedAlphas(SharedFits):
    """Classifiers in groups that differ only in alpha."""

    def __init__(
        self, classifiers: Mapping[int, Any], y: NDArray, *, n_test: int, width: int
    ) -> None:
        super().__init__(classifiers, y, n_test=n_test, width=width)
        self._classes = np.unique(y)
        self._n_columns = 1 if len(self._classes) == 2 else len(self._classes)

    def _alphas(self, group: Sequence[int]) -> NDArray[np.float64]:
        return np.array([float(self.classifiers[candidate].alpha) for candidate in group])

    def _columns(self, scores: NDArray) -> NDArray[np.float64]:
        """Scores of the sorted classes (or of the second of two) in the one order of classes."""
        if self._n_columns == 1:
            scores = np.hstack([-scores, scores])
        sorted_classes = self._classes.tolist()
        order = [sorted_classes.index(c) for c in ordered_classes(self._classes).tolist()]
        return scores[:, order].astype(np.float64)


class SharedKernelRidge(_SharedAlphas):
    """Kernel ridge classifiers on the same training rows.

    Distances are computed once for all gammas of a kernel, and the systems of all alphas are
    solved together.
    """

    def __init__(
        self, classifiers: Mapping[int, Any], y: NDArray, *, n_test: int, width: int
    ) -> None:
        super().__init__(classifiers, y, n_test=n_test, width=width)
        # Sorted: kernels that differ only in gamma follow each other.
        groups = grouped(classifiers, _all_but_alpha)
        self._groups = [groups[key] for key in sorted(groups)]
        users = Counter(self._kernel(group) for group in self._groups)
        self._names = [name for name in EXPONENTIAL_KERNELS if users[name] > 1]
        self._unfilled: dict[str, int] = {}
        self._distances: dict[str, NDArray] = {}
        self._rows: dict[str, NDArray] = {}
        self._solved: dict[int, tuple[list[int], list[KernelTerm], NDArray, NDArray]] = {}

    @property
    def kernel_bytes(self) -> int:
        return 4 * len(self._y) ** 2

    @property
    def kept_bytes(self) -> int:
        return self.kernel_bytes * len(self._names)

    @property
    def score_cost(self) -> float:
        groups = [len(group) for group in self._groups]
        n = len(self._y)
        return search_cost.score_cost(n, self._n_test, self._width, groups, self._n_columns)

    def _pieces(self) -> Iterator[Piece]:
        n = len(self._y)
        for name in self._names:
            places = tile_places(n)
            sizes = [(rows.stop - rows.start, cols.stop - cols.start) for rows, cols in places]
            costs = [search_cost.product_cost(*size, self._width) for size in sizes]
            made = list(chunks(places, costs))
            self._unfilled[name] = len(made)
            for chunk, total in made:
                yield f"distances {name}", partial(self._fill, name, chunk), total
        for number, group in enumerate(self._groups):
            width = 0 if self._kernel(group) in self._names else self._width
            cost = search_cost.kernel_ridge_cost(n, width, len(group), self._n_columns)
            yield f"systems {number}", partial(self._solve, number), cost

    @staticmethod
    def takes(clf: Any) -> bool:
        return type(clf) is KernelRidgeClassifier and above_zero(clf.alpha)

    def prepare(self, train: NDArray[np.float32], room: Room) -> None:
        self._train, self._kernels = train, room.kernels
        left = room.kept_bytes
        for name in self._names:
            if left >= self.kernel_bytes:
                try:
                    self._rows[name] = tile_rows(name, train)
                except DataError:  # which each solution of this kernel reports
                    continue
                self._distances[name] = np.empty((len(train), len(train)), dtype=np.float32)
                left -= self.kernel_bytes

    def _kernel(self, group: Sequence[int]) -> str:
        kernel = self.classifiers[group[0]].kernel
        return kernel if isinstance(kernel, str) else ""

    def _fill(self, name: str, places: Sequence[Place]) -> None:
        start = time.perf_counter()
        try:
            if name in self._distances:
                rows = self._rows[name]
                for place in places:
                    tile = TILES[name](rows[place[0]], rows[place[1]])
                    write_tile(tile, self._distances[name], place, symmetric=True)
        finally:
            with self._changed:
                self._unfilled[name] -= 1
                self._changed.notify_all()
        self._add_seconds(time.perf_counter() - start)

    def _solve(self, number: int) -> None:
        group = self._groups[number]
        clf, name = self.classifiers[group[0]], self._kernel(group)
        self._wait(lambda: not self._unfilled.get(name))
        with self._kernels, self._charged(group):
            terms = kernel_terms(clf.kernel, clf.gamma, self._train)
            if name in self._distances:
                gram: Any = exponential(self._distances[name], float(terms[0].gamma))
            else:
                gram = training_kernel(terms, self._train)
            targets, weights = class_targets(self._y)[1], row_weights(clf.class_weight, self._y)
            duals, constants, _ = ridge_solutions(
                gram, targets, weights, self._alphas(group), tol=clf.tol, max_iter=clf.max_iter
            )
            side_by_side = np.hstack(list(duals)).astype(self._train.dtype)
            self._solved[number] = group, terms, side_by_side, constants.ravel()

    def decisions(self, test: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        self._wait()
        self._distances.clear()
        solved = [self._solved[number] for number in sorted(self._solved)]
        shape = len(test), self._n_columns
        made = {c: np.empty(shape) for candidates, *_ in solved for c in candidates}
        for start in range(0, len(test), _BLOCK):
            rows = slice(start, start + _BLOCK)
            kernels = each_kernel([terms for _, terms, *_ in solved], test[rows], self._train)
            for kernel, (candidates, _, duals, constants) in zip(kernels, solved):
                parts = np.hsplit(kernel @ duals + constants, len(candidates))
                for candidate, part in zip(candidates, parts):
                    made[candidate][rows] = part
        del self._train
        return {candidate: self._columns(scores) for candidate, scores in made.items()}


class SharedRidge(_SharedAlphas):
    """RidgeClassifiers on the same training rows, which share their Gram matrix."""

    def __init__(
        self, classifiers: Mapping[int, Any], y: NDArray, *, n_test: int, width: int
    ) -> None:
        super().__init__(classifiers, y, n_test=n_test, width=width)
        self._groups = list(grouped(classifiers, _all_but_alpha).values())
        self._solved: dict[int, tuple[NDArray, NDArray]] = {}

    @property
    def kernel_bytes(self) -> int:
        n = len(self._y)
        return 4 * (n * self._width + 2 * min(n, self._width) ** 2)

    @property
    def kept_bytes(self) -> int:
        return 0

    @property
    def score_cost(self) -> float:
        return search_cost.product_cost(
            self._n_test, self._width, self._n_columns * len(self.classifiers)
        )

    def _pieces(self) -> Iterator[Piece]:
        for group in self._groups:
            cost = search_cost.ridge_cost(len(self._y), self._width, len(group))
            yield "ridge", partial(self._solve, group), cost

    @staticmethod
    def takes(clf: Any) -> bool:
        return shares_gram(clf)

    def prepare(self, train: NDArray[np.float32], room: Room) -> None:
        self._train, self._kernels = train, room.kernels

    def _solve(self, group: Sequence[int]) -> None:
        clf = self.classifiers[group[0]]
        with self._kernels, self._charged(group):
            try:
                path = ridge_path(
                    self._train,
                    self._y,
                    self._alphas(group).tolist(),
                    class_weight=clf.class_weight,
                    fit_intercept=clf.fit_intercept,
                )
            except LinAlgError:  # for which RidgeClassifier has another solver
                fitted = [clone(self.classifiers[c]).fit(self._train, self._y) for c in group]
                path = [(one.coef_, one.intercept_) for one in fitted]
            self._solved |= dict(zip(group, path))

    def decisions(self, test: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        self._wait()
        del self._train
        return {
            candidate: self._columns(test @ coef.T + intercept)
            for candidate, (coef, intercept) in self._solved.items()
        }


def _all_but_alpha(clf: Any) -> str:
    return repr(sorted((k, v) for k, v in clf.get_params(deep=False).items() if k != "alpha"))
