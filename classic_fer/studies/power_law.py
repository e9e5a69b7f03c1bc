"""Power laws of learning curves: error against the number of training faces."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError

__all__ = ["PowerLaw", "fit_power_law"]

_LEAST_POINTS = 4


@dataclass(frozen=True)
class PowerLaw:
    """``error = floor + factor * n ** -exponent``.

    Attributes
    ----------
    floor : float
        What is left with any number of faces, 0 to 1.
    factor, exponent : float
        Not negative.
    residual : float
        Root mean square distance of the fitted points.
    """

    floor: float
    factor: float
    exponent: float
    residual: float

    def error(self, n: ArrayLike) -> NDArray[np.float64]:
        """The error at numbers of faces."""
        return self.floor + self.factor * np.asarray(n, dtype=np.float64) ** -self.exponent


def fit_power_law(n: ArrayLike, errors: ArrayLike) -> PowerLaw:
    """The power law with the least squared distance from errors at numbers of training faces.

    Parameters
    ----------
    n : array_like, shape (m,)
        Numbers of faces, at least four different ones.
    errors : array_like, shape (m,)
        Shares of wrong answers.

    Raises
    ------
    DataError
        For fewer sizes, or other values.

    References
    ----------
    Cortes et al. 1994, Learning curves; Hestness et al. 2017, Deep learning scaling is predictable,
    empirically.

    Notes
    -----
    For a given exponent the floor and the factor follow from linear least squares; the exponent is
    found by bounded search over 0.01 to 3, so that the fit does not depend on a starting point.

    Examples
    --------
    >>> n = [100, 400, 1600, 6400]
    >>> law = fit_power_law(n, [0.2 + 3 / each**0.5 for each in n])
    >>> round(law.floor, 3), round(law.factor, 3), round(law.exponent, 3)
    (0.2, 3.0, 0.5)
    """
    from scipy.optimize import minimize_scalar, nnls

    sizes, wrong = np.asarray(n, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if sizes.shape != wrong.shape or sizes.ndim != 1 or not (sizes > 0).all():
        raise DataError(
            f"expected an error for each number of faces above 0, got {wrong.shape} and "
            f"{sizes.shape}"
        )
    if len(np.unique(sizes)) < _LEAST_POINTS:
        raise DataError(
            f"a power law has three parameters and needs at least {_LEAST_POINTS} sizes, got "
            f"{len(np.unique(sizes))}; add sizes"
        )
    unit = sizes.min()

    def parts(exponent: float) -> tuple[NDArray[np.float64], float]:
        columns = np.column_stack([np.ones(len(sizes)), (sizes / unit) ** -exponent])
        return nnls(columns, wrong)

    grid = np.geomspace(0.01, 3, 60)
    best = int(np.argmin([parts(each)[1] for each in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = minimize_scalar(
            lambda exponent: parts(exponent)[1],
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-8},
        )
    exponent = float(found.x)
    (floor, scaled), distance = parts(exponent)
    return PowerLaw(
        floor=float(floor),
        factor=float(scaled * unit**exponent),
        exponent=exponent,
        residual=float(distance / np.sqrt(len(sizes))),
    )
