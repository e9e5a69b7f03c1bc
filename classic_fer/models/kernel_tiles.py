"""Tiles of kernels: parts small enough for the processor's cache, of which matrices are made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError

__all__ = [
    "TILES",
    "exponential",
    "mirrored_exponential",
    "tile_places",
    "tile_rows",
    "tiled",
    "write_tile",
]

_TILE = 1024  # rows and columns
_VALUES = 2**16  # of which an exponential is taken at a time

_Loop = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], None]
Place = tuple[slice, slice]


def tile_rows(kernel: str, X: NDArray) -> NDArray:
    """Rows as the tiles of a kernel need them.

    Raises
    ------
    DataError
        For negative values, where the kernel compares histograms.
    """
    if kernel in ("linear", "rbf", "mirror-rbf"):
        return X
    rows = np.ascontiguousarray(X, dtype=np.float32)
    least = rows.min(initial=0)
    if least < 0:
        raise DataError(
            f"chi-squared and intersection kernels need values of 0 or more, found {least:.3g}; "
            "take scaler='none' and features that are histograms"
        )
    return rows


def tile_places(n: int, m: int | None = None) -> list[Place]:
    """Rows and columns of the tiles of a matrix (n, m), or of the upper half of (n, n)."""
    return [
        (slice(row, min(row + _TILE, n)), slice(column, min(column + _TILE, m or n)))
        for row in range(0, n, _TILE)
        for column in range(row if m is None else 0, n if m is None else m, _TILE)
    ]


def write_tile(tile: NDArray, out: NDArray, place: Place, *, symmetric: bool) -> None:
    """Put a tile in its place, and into the other half of a symmetric matrix."""
    rows, columns = place
    out[rows, columns] = tile
    if symmetric and rows.start != columns.start:
        out[columns, rows] = tile.T


def tiled(tile: Callable[[Place], NDArray], n: int, m: int | None, dtype: np.dtype) -> NDArray:
    """Matrix of tiles, shape (n, m), or the symmetric one (n, n) of the tiles of its upper half."""
    from joblib import Parallel, delayed

    out = np.empty((n, n if m is None else m), dtype)

    def make(place: Place) -> None:
        write_tile(tile(place), out, place, symmetric=m is None)

    Parallel(require="sharedmem")(delayed(make)(place) for place in tile_places(n, m))
    return out


def exponential(distances: NDArray, gamma: float, out: NDArray | None = None) -> NDArray:
    """``exp(-gamma * distances)``, into `out` if it is given."""
    out = np.empty_like(distances) if out is None else out
    height = max(1, _VALUES // max(1, distances.shape[1]))
    for start in range(0, len(distances), height):
        rows = slice(start, start + height)
        np.multiply(distances[rows], -gamma, out=out[rows])
        np.exp(out[rows], out=out[rows])
    return out


def mirrored_exponential(distances: NDArray, left: NDArray, right: NDArray, gamma: float) -> None:
    """Turn squared distances of rows into the mean of RBF kernels of rows and mirrored rows.

    Mirroring turns the sign of the second half of a row. In place.
    """
    half = left.shape[1] // 2
    turned = left[:, half:] @ right[:, half:].T  # the mirrored distance is 4 times this further
    turned *= 4
    turned += distances
    exponential(distances, gamma, out=distances)
    exponential(turned, gamma, out=turned)
    distances += turned
    distances *= 0.5


def _products(left: NDArray, right: NDArray) -> NDArray:
    return left @ right.T


def _squared_distances(left: NDArray, right: NDArray) -> NDArray:
    tile = left @ right.T
    tile *= -2
    tile += np.einsum("ij,ij->i", left, left)[:, np.newaxis]
    tile += np.einsum("ij,ij->i", right, right)
    return np.maximum(tile, 0, out=tile)


def _additive_chi2(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    tile = _chi2_distances(left, right)
    tile *= -1
    tile += left.sum(axis=1, dtype=np.float64).astype(np.float32)[:, np.newaxis]
    tile += right.sum(axis=1, dtype=np.float64).astype(np.float32)
    tile /= 2
    return tile


def _chi2_distances(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    from classic_fer.models._kernel_loops import chi2_distances

    return _looped(chi2_distances, left, right)


def _minima(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    from classic_fer.models._kernel_loops import minima

    return _looped(minima, left, right)


def _looped(
    loop: _Loop, left: NDArray[np.float32], right: NDArray[np.float32]
) -> NDArray[np.float32]:
    tile = np.empty((len(left), len(right)), np.float32)
    loop(left, right, tile)
    return tile


# The kernel of rows (n, d) and (m, d), or the distance that an exponential kernel is made of.
TILES: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    "linear": _products,
    "rbf": _squared_distances,
    "mirror-rbf": _squared_distances,
    "chi2": _additive_chi2,
    "exp-chi2": _chi2_distances,
    "intersection": _minima,
}
