"""Blocks: the stateless features of faces by name, and what stands in for missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.features.pixels import Pixels
from classic_fer.models.tiled_rows import TiledRows

__all__ = ["Blocks", "are_tiled", "column_means", "extract_block", "filled", "image_shape"]

Blocks = dict[str, Any]  # rows of float32 (ndarray or TiledRows), or images of uint8


def image_shape(X: NDArray) -> tuple[int, int]:
    """Height and width of the images of Faces or of a (n, H, W) array.

    Raises
    ------
    ParameterError
        If `X` is neither.
    """
    X = np.asarray(X)
    shape = X.dtype["image"].shape if X.dtype.names and "image" in X.dtype.names else X.shape[1:]
    if len(shape) != 2:
        raise ParameterError(
            f"expected Faces or grey images of shape (n, H, W), got {X.dtype} of shape {X.shape}"
        )
    return int(shape[0]), int(shape[1])


def extract_block(leaf: Any, X: ArrayLike) -> NDArray:
    """Features of faces by a stateless transformer, float32 (n, d); of `Pixels` the images."""
    if isinstance(leaf, Pixels):
        return leaf.images(X)
    return np.asarray(leaf.transform(X), dtype=np.float32)


def are_tiled(blocks: Blocks) -> bool:
    """Whether some rows are larger than memory."""
    return any(isinstance(block, TiledRows) for block in blocks.values())


def column_means(block: NDArray[np.float32] | TiledRows) -> NDArray[np.float32]:
    """Mean of the values of each column that are not NaN, 0 where there are none."""
    if isinstance(block, np.ndarray) and not np.isnan(block).any():
        return block.mean(axis=0, dtype=np.float64).astype(np.float32)
    sums, counts = np.zeros(block.shape[1]), np.zeros(block.shape[1])
    for tile in [block] if isinstance(block, np.ndarray) else (tile for _, tile in block.tiles()):
        known = ~np.isnan(tile)
        sums += np.where(known, tile, 0).sum(axis=0, dtype=np.float64)
        counts += known.sum(axis=0)
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def filled(block: NDArray[np.float32], fill: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows with the values of `fill`, shape (d,), in the place of NaN."""
    missing = np.isnan(block)
    return np.where(missing, fill, block) if missing.any() else block
