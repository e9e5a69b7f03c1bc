"""Vocabularies of local descriptors: k-means words and mixtures of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classic_fer.models.encodings.pooling import Affinity, Pooled, pool
from classic_fer.models.interruption import check_interruption

__all__ = ["Mixture", "fit_mixture", "nearest_word", "visual_words", "with_squares"]

_KMEANS_BATCH = 4096
_ITERATIONS = 25
_BLOCK = 8192
_LEAST_POSTERIOR = -12.0  # logarithm; smaller shares, below 6e-6 of the largest, count as 0
_LEAST_VARIANCE = 0.01  # share of the variance of all rows


def visual_words(
    rows: NDArray[np.float32], k: int, *, random_state: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Centres (k, d) of mini-batch k-means, and the word of each row (n,)."""
    from sklearn.cluster import MiniBatchKMeans

    means = MiniBatchKMeans(
        k, batch_size=_KMEANS_BATCH, n_init=1, max_iter=20, random_state=random_state
    ).fit(rows)
    return means.cluster_centers_, means.labels_


def nearest_word(words: NDArray[np.float32], variance: float | None = None) -> Affinity:
    """Each row to the nearest word, or to near ones by a Gaussian of the distance."""
    exact = words.astype(np.float64) / np.sqrt(variance or 1.0)
    scaled = exact / np.sqrt(variance or 1.0)
    bias = -0.5 * (exact**2).sum(axis=1)
    floor = 0.0 if variance is None else _LEAST_POSTERIOR
    return Affinity(scaled.T.astype(np.float32), bias.astype(np.float32), floor)


@dataclass(frozen=True)
class Mixture:
    """Gaussians with diagonal covariances.

    Attributes
    ----------
    weights : ndarray of float64, shape (k,)
        Sum 1.
    means, variances : ndarray of float64, shape (k, d)
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    def affinity(self) -> Affinity:
        """Posteriors of the Gaussians, for rows with their squares (`with_squares`)."""
        precisions = 1 / self.variances
        weights = np.vstack([(self.means * precisions).T, -0.5 * precisions.T])
        bias = np.log(self.weights) + 0.5 * (np.log(precisions) - self.means**2 * precisions).sum(
            axis=1
        )
        return Affinity(weights.astype(np.float32), bias.astype(np.float32), _LEAST_POSTERIOR)


def with_squares(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, d) and their squares side by side, (n, 2 d)."""
    return np.hstack([rows, rows * rows])


def fit_mixture(
    rows: NDArray[np.float32],
    k: int,
    *,
    signs: NDArray[np.float32] | None = None,
    n_iter: int = _ITERATIONS,
    n_jobs: int | None = None,
    random_state: int = 0,
) -> Mixture:
    """Fit a mixture by expectation maximisation, from k-means on.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    k : int
        Number of Gaussians.
    signs : ndarray of float32, shape (d,), optional
        By which a mirrored row is the row times them. The mixture is then that of rows and
        mirrored rows, and Gaussian ``k / 2 + i`` the mirror image of Gaussian ``i``; `k` is even.
    n_iter : int
        Iterations. The likelihood hardly grows after some twenty of them.
    n_jobs : int, optional
        Threads; the result is the same for any number.
    random_state : int
        Of k-means.

    Notes
    -----
    Agrees with `sklearn.mixture.GaussianMixture` from the same start, but needs no matrix of n x
    k posteriors (200,000 x 256 in float64 are 400 MB, three times), and the least variance is a
    share of the variance of each column instead of one constant for all.
    """
    if signs is None:
        mixture, least = _start(rows, k, random_state)
    else:
        half, least = _start(_to_one_side(rows, signs), k // 2, random_state)
        mixture = Mixture(
            np.tile(half.weights / 2, 2),
            np.vstack([half.means, half.means * signs]),
            np.tile(half.variances, (2, 1)),
        )
    for _ in range(n_iter):
        check_interruption()
        counts, sums = _moments(rows, mixture.affinity(), n_jobs)
        if signs is not None:
            counts, sums = _with_mirrored(counts, sums, signs)
        mixture = _maximised(mixture, counts, sums, least)
    return mixture


def _start(
    rows: NDArray[np.float32], k: int, random_state: int
) -> tuple[Mixture, NDArray[np.float64]]:
    """The words of k-means as Gaussians, and the least variance of each column."""
    centres, words = visual_words(rows, k, random_state=random_state)
    spread = rows.var(axis=0, dtype=np.float64)
    spread = np.maximum(spread, _LEAST_VARIANCE * spread.mean()) if spread.any() else spread + 1
    least = _LEAST_VARIANCE * spread
    counts = np.bincount(words, minlength=k)
    parts = np.split(rows[np.argsort(words, kind="stable")], np.cumsum(counts)[:-1])
    variances = np.stack(
        [part.var(axis=0, dtype=np.float64) if len(part) > 1 else spread for part in parts]
    )
    weights = (counts + 1) / (counts + 1).sum()
    return Mixture(weights, centres.astype(np.float64), np.maximum(variances, least)), least


def _to_one_side(rows: NDArray[np.float32], signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows, or their mirror images where their last value that changes sign is above 0.

    That is the horizontal place of the window, where positions are appended.
    """
    odd = np.flatnonzero(signs < 0)
    if not len(odd):
        return rows
    return np.where(rows[:, odd[-1:]] > 0, rows * signs, rows)


def _with_mirrored(
    counts: NDArray[np.float64], sums: NDArray[np.float64], signs: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`_moments` of rows and of mirrored rows together."""
    mirrored = np.roll(np.arange(len(counts)), len(counts) // 2)
    turned = sums[mirrored] * np.append(signs, np.ones(len(signs)))
    return counts + counts[mirrored], sums + turned


def _moments(
    rows: NDArray[np.float32], affinity: Affinity, n_jobs: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over rows of the posteriors (k,), and of rows and squares that they weigh (k, 2 d)."""
    from joblib import Parallel, delayed

    def block(start: int) -> Pooled:
        values = with_squares(rows[start : start + _BLOCK])
        pooled = Pooled.empty(1, len(affinity.bias), values.shape[1])
        pool(values, np.zeros((len(values), 1), np.int64), affinity, pooled)
        return pooled

    parts = Parallel(n_jobs=n_jobs, require="sharedmem", return_as="generator")(
        delayed(block)(start) for start in range(0, len(rows), _BLOCK)
    )
    counts = np.zeros(len(affinity.bias))
    sums = np.zeros((len(affinity.bias), 2 * rows.shape[1]))
    for part in parts:  # in the order of the rows, so that rounding does not depend on threads
        counts += part.counts[0]
        sums += part.sums[0]
    return counts, sums


def _maximised(
    mixture: Mixture,
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    least: NDArray[np.float64],
) -> Mixture:
    """The mixture of greatest likelihood for given posteriors; empty Gaussians stay."""
    first, second = np.hsplit(sums / np.maximum(counts, 1)[:, None], 2)
    filled = (counts >= 1)[:, None]
    means = np.where(filled, first, mixture.means)
    variances = np.where(filled, second - first**2, mixture.variances)
    weights = np.maximum(counts, 1e-3)
    return Mixture(weights / weights.sum(), means, np.maximum(variances, least))
