"""TiledRows: a matrix of features that is larger than memory, read tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from classic_fer.disk_arrays import release
from classic_fer.errors import MemoryLimitError
from classic_fer.models.memory import available_bytes

__all__ = ["TiledRows", "column_moments", "side_by_side"]

_TILE_BYTES = 2**23
_ROWS = 4096  # converted to double precision at a time
_SCALED = 2  # a matrix that is read as a whole is in memory twice while it is scaled

_Tile = NDArray[np.float32]


class TiledRows:
    """Rows of float32, shape (n, d), that come into memory a few megabytes at a time.

    Indexing gives a view, products with ndarrays are formed tile by tile, and ``np.asarray``
    reads the whole matrix if memory allows.

    Parameters
    ----------
    read : callable
        Maps row numbers, an array of m integers, to an array of float32, shape (m, d).
    rows : ndarray of intp, shape (n,)
        The numbers of these rows.
    width : int
        d.
    """

    __array_ufunc__ = None  # a product with an ndarray on the left is formed here
    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(
        self, read: Callable[[NDArray[np.intp]], _Tile], rows: NDArray[np.intp], width: int
    ) -> None:
        self._read, self._rows, self._width = read, rows, width

    @classmethod
    def of(cls, block: NDArray[np.float32]) -> TiledRows:
        """The rows of a matrix, which may be memory-mapped."""

        def read(rows: NDArray[np.intp]) -> _Tile:
            tile: _Tile = np.asarray(block)[rows]
            release(block)
            return tile

        return cls(read, np.arange(len(block)), block.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self._rows), self._width

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> TiledRows:
        return TiledRows(self._read, self._rows[rows], self._width)

    def map(self, function: Callable[[_Tile], _Tile]) -> TiledRows:
        """These rows after a function of each row, (m, d) to (m, d)."""
        return TiledRows(lambda rows: function(self._read(rows)), self._rows, self._width)

    def tiles(self) -> Iterator[tuple[slice, _Tile]]:
        """Consecutive rows, with their places."""
        step = max(1, _TILE_BYTES // (self.dtype.itemsize * max(1, self._width)))
        for start in range(0, len(self), step):
            place = slice(start, min(start + step, len(self)))
            yield place, self._read(self._rows[place])

    def __matmul__(self, right: NDArray) -> NDArray:
        product = np.empty((len(self), right.shape[1]), np.result_type(self.dtype, right))
        for place, tile in self.tiles():
            np.matmul(tile, right, out=product[place])
        return product

    def __rmatmul__(self, left: NDArray) -> NDArray:
        product = np.zeros((len(left), self._width), np.result_type(self.dtype, left))
        for place, tile in self.tiles():
            product += left[:, place] @ tile
        return product

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        needed, free = self.dtype.itemsize * len(self) * self._width, available_bytes()
        if needed > _TILE_BYTES and _SCALED * needed > free:
            raise MemoryLimitError(
                f"{len(self):,} rows of {self._width:,} features take {_size(needed)}, and twice "
                f"that while they are scaled; {_size(free)} may be used. Raise the limit "
                "(--memory), or choose what reads features in parts: the classifier linear-svm "
                "on features without projections"
            )
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for place, tile in self.tiles():
            whole[place] = tile
        return whole


def side_by_side(
    blocks: Mapping[str, TiledRows],
    combine: Callable[[dict[str, _Tile]], _Tile],
    width: int,
) -> TiledRows:
    """What `combine` makes of tiles of several matrices with the same rows, (m, width)."""
    first = next(iter(blocks.values()))

    def read(places: NDArray[np.intp]) -> _Tile:
        return combine({name: b._read(b._rows[places]) for name, b in blocks.items()})

    return TiledRows(read, np.arange(len(first)), width)


def column_moments(X: NDArray | TiledRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each column, shape (d,), in double precision."""
    if isinstance(X, TiledRows):
        mean = sum(tile.sum(axis=0, dtype=np.float64) for _, tile in X.tiles()) / len(X)
        parts = (tile for _, tile in X.tiles())
    else:
        mean = X.mean(axis=0, dtype=np.float64)
        parts = (X[start : start + _ROWS] for start in range(0, len(X), _ROWS))
    squares = np.zeros_like(mean)
    for part in parts:
        deviations = part - mean
        squares += np.einsum("ij,ij->j", deviations, deviations)
    return mean, squares / len(X)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.1f} GB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MB"
