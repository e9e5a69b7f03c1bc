"""Kernel ridge regression with some of the training rows as landmarks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

__all__ = ["landmark_solution"]

_BLOCK = 4096  # training rows whose kernel is in memory at a time
_JITTER = 1e-5  # of the kernel's diagonal, against rounding in single precision


def landmark_solution(
    kernel: Callable[[NDArray], NDArray],
    rows: NDArray,
    landmarks: NDArray,
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    alpha: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dual coefficients of the landmarks, and intercepts, that fit all rows best.

    Minimises ``sum(weights * (targets - K a - b)^2) + alpha * a' M a``, K being the kernel of the
    rows with the landmarks and M that of the landmarks (the subset of regressors of Nyström's
    method).

    Parameters
    ----------
    kernel : callable
        Kernel of rows (n, d) with the landmarks, (n, m).
    rows : ndarray, shape (n, d)
    landmarks : ndarray, shape (m, d)
    targets : ndarray of float64, shape (n, k)
    weights : ndarray of float64, shape (n,)
    alpha : float

    Returns
    -------
    dual : ndarray of float64, shape (m, k)
    intercept : ndarray of float64, shape (k,)

    References
    ----------
    Williams, Seeger (2001), Using the Nyström method to speed up kernel machines. Rudi, Carratino,
    Rosasco (2017), FALKON: an optimal large scale kernel method.
    """
    among = np.asarray(kernel(landmarks), dtype=np.float64)
    centre = among.mean(axis=0)  # near that of all rows: small numbers are rounded less
    m, k = len(among), targets.shape[1]
    products, right, sums = np.zeros((m, m)), np.zeros((m, k)), np.zeros(m)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        roots = np.sqrt(weights[block])[:, np.newaxis]
        values = (kernel(rows[block]) - centre.astype(rows.dtype)) * roots.astype(rows.dtype)
        products += values.T @ values
        right += values.T @ (roots * targets[block])
        sums += values.T @ roots[:, 0]
    mean = weights @ targets / weights.sum()
    products -= np.outer(sums, sums / weights.sum())
    right -= np.outer(sums, mean)
    products += alpha * among
    products[np.diag_indices(m)] += alpha * _JITTER * among.diagonal()
    dual = cho_solve(cho_factor(products, overwrite_a=True), right)
    return dual, mean - (sums / weights.sum() + centre) @ dual
