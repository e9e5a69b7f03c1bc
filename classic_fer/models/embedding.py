"""Embeddings: faces as points of a plane, and how far the plane can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, MissingPackageError, ParameterError, unknown_name

__all__ = ["EMBEDDINGS", "Embedding", "check_embedding", "embed", "neighbour_agreement"]

EMBEDDINGS = ("pca", "lda", "tsne", "umap")

_COMPONENTS = 50  # principal components that t-SNE and UMAP start from


@dataclass(frozen=True)
class Embedding:
    """Points of a plane.

    Attributes
    ----------
    method : str
    points : ndarray of float64, shape (n, 2)
    trustworthiness : float
        0 to 1: how rarely points are neighbours in the plane that are far apart in the features
        (Venna and Kaski 2001).
    """

    method: str
    points: NDArray[np.float64]
    trustworthiness: float


def embed(
    features: ArrayLike,
    *,
    method: str = "tsne",
    y: ArrayLike | None = None,
    fitted_on: ArrayLike | None = None,
    neighbours: int = 10,
    random_state: int = 0,
) -> Embedding:
    """Two coordinates for each face.

    Parameters
    ----------
    features : array_like, shape (n, d)
        Scaled as the caller likes; distances are Euclidean.
    method : {"pca", "lda", "tsne", "umap"}
    y : array_like of str, shape (n,), optional
        Classes; LDA needs them, the others never look at them.
    fitted_on : array_like of bool, shape (n,), optional
        Rows whose labels LDA may see; all, if not given. It separates the rows that it was fitted
        on, whatever they are: only the others show what there is to separate.
    neighbours : int
        How many neighbours count in the trustworthiness, and in UMAP.
    random_state : int

    Returns
    -------
    Embedding

    Raises
    ------
    MissingPackageError
        For ``"umap"`` without umap-learn.
    DataError
        For too few faces, or fewer than three classes for LDA, whose second axis needs them.
    ParameterError
        For an unknown method or a number of neighbours that the trustworthiness cannot have.

    References
    ----------
    L. van der Maaten, G. Hinton: Visualizing data using t-SNE. JMLR 9, 2008. J. Venna, S. Kaski:
    Neighborhood preservation in nonlinear projection methods. ICANN 2001. L. McInnes, J. Healy,
    J. Melville: UMAP. arXiv:1802.03426, 2018.
    """
    from sklearn.manifold import trustworthiness

    check_embedding(method)
    rows = np.asarray(features, dtype=np.float64)
    n = len(rows)
    if rows.ndim != 2 or n < 5:
        raise DataError(f"expected features (n, d) of at least five faces, got shape {rows.shape}")
    if not 1 <= neighbours < n / 2:
        raise ParameterError(
            f"neighbours must lie between 1 and half the number of faces ({n}), got {neighbours}"
        )
    if method == "lda":
        points = _discriminants(rows, y, fitted_on)
    else:
        start = _principal(rows, 2 if method == "pca" else _COMPONENTS, random_state)
        points = start if method == "pca" else _manifold(start, method, neighbours, random_state)
    kept = trustworthiness(rows, points, n_neighbors=neighbours)
    return Embedding(method, np.asarray(points, dtype=np.float64), float(kept))


def check_embedding(method: str) -> None:
    """Raise what `embed` would raise for this method, before any work."""
    if method not in EMBEDDINGS:
        raise unknown_name("embedding", method, EMBEDDINGS)
    if method == "umap" and find_spec("umap") is None:
        raise MissingPackageError(
            "the embedding 'umap' needs the package umap-learn, which is not installed; "
            "run: pip install umap-learn, or choose tsne"
        )


def neighbour_agreement(
    points: ArrayLike, labels: ArrayLike, *, neighbours: int = 10
) -> tuple[float, float]:
    """How often the nearest neighbours of a point have its label, and how often by chance.

    Parameters
    ----------
    points : array_like, shape (n, d)
    labels : array_like of str, shape (n,)
    neighbours : int

    Returns
    -------
    share, chance : float
        Means over points and their neighbours; of labels in random order.
    """
    from sklearn.neighbors import NearestNeighbors

    names = np.asarray(labels, dtype=str)
    n = len(names)
    finder = NearestNeighbors(n_neighbors=min(neighbours, n - 1)).fit(np.asarray(points))
    near = finder.kneighbors(return_distance=False)
    counts = np.unique(names, return_counts=True)[1]
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    return float((names[near] == names[:, None]).mean()), chance


def _principal(rows: NDArray[np.float64], n: int, random_state: int) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    return PCA(min(n, *rows.shape), random_state=random_state).fit_transform(rows)


def _discriminants(
    rows: NDArray[np.float64], y: ArrayLike | None, fitted_on: ArrayLike | None
) -> NDArray[np.float64]:
    from classic_fer.models.projections import LDA

    fitted = np.ones(len(rows), bool) if fitted_on is None else np.asarray(fitted_on, dtype=bool)
    labels = np.array([]) if y is None else np.asarray(y, dtype=str)[fitted]
    found = np.unique(labels).tolist()
    if len(found) < 3:
        raise DataError(
            f"LDA draws a plane from three classes or more, found {len(found)} "
            f"({', '.join(found) or 'no labels'}); choose pca, tsne or umap"
        )
    return LDA(2).fit(rows[fitted], labels).transform(rows).astype(np.float64)


def _manifold(
    start: NDArray[np.float64], method: str, neighbours: int, random_state: int
) -> NDArray[np.float64]:
    if method == "umap":
        from umap import UMAP

        model: Any = UMAP(n_neighbors=neighbours, random_state=random_state)
        return model.fit_transform(start)
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(start) - 1) / 3)
    return TSNE(
        perplexity=perplexity, init="pca", learning_rate="auto", random_state=random_state
    ).fit_transform(start)
