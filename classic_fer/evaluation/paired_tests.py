"""Tests whether recognizers that answered the same faces differ.

Conventions
-----------
``right`` is bool, shape (n_samples, n_recognizers): who answered which face correctly. Scores have
the shape (n_blocks, n_recognizers), higher is better. All p-values are two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from classic_fer.errors import DataError, ParameterError

__all__ = [
    "FEW_DISCORDANT",
    "RankTest",
    "Test",
    "cochran_q",
    "corrected_resampled_t_test",
    "friedman_nemenyi",
    "holm",
    "mcnemar",
]

FEW_DISCORDANT = 25
"""Below so many discordant pairs McNemar's test is the exact binomial one."""


@dataclass(frozen=True)
class Test:
    """Outcome of a test.

    Attributes
    ----------
    name : str
    statistic : float
    p_value : float
    """

    __test__ = False  # pytest should not collect it

    name: str
    statistic: float
    p_value: float


@dataclass(frozen=True)
class RankTest(Test):
    """Friedman's test with what Nemenyi's adds.

    Attributes
    ----------
    ranks : ndarray of float64, shape (k,)
        Mean rank of each recognizer; 1 is best.
    pairwise : ndarray of float64, shape (k, k)
        Nemenyi's p-value of each pair, already adjusted for the number of pairs.
    critical_difference : float
        Mean ranks that differ by more are different at `alpha`.
    alpha : float
    n_blocks : int
    """

    ranks: NDArray[np.float64]
    pairwise: NDArray[np.float64]
    critical_difference: float
    alpha: float
    n_blocks: int


def mcnemar(first: ArrayLike, second: ArrayLike, *, exact: bool | None = None) -> Test:
    """McNemar's test of two recognizers on the same faces.

    Parameters
    ----------
    first, second : array_like of bool, shape (n,)
        Whether each was right.
    exact : bool, optional
        Binomial test of the discordant pairs, or chi-squared with continuity correction (Edwards
        1948). By default exact below `FEW_DISCORDANT` such pairs.

    Returns
    -------
    Test
        ``statistic`` is the smaller count of discordant pairs if exact, else chi-squared with one
        degree of freedom. Without discordant pairs the p-value is 1.

    References
    ----------
    McNemar 1947; Dietterich 1998 (for classifiers).

    Examples
    --------
    >>> mcnemar([1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]).p_value
    0.0625
    """
    a, b = _booleans(first), _booleans(second)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"expected two columns of equal length, got {a.shape} and {b.shape}")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    discordant = only_a + only_b
    if exact is None:
        exact = discordant < FEW_DISCORDANT
    if exact or not discordant:
        p = stats.binomtest(only_a, discordant, 0.5).pvalue if discordant else 1.0
        return Test("McNemar, exact", float(min(only_a, only_b)), float(p))
    chi2 = max(abs(only_a - only_b) - 1, 0) ** 2 / discordant
    return Test("McNemar, chi-squared", float(chi2), float(stats.chi2.sf(chi2, 1)))


def cochran_q(right: ArrayLike) -> Test:
    """Cochran's Q: whether several recognizers are right equally often on the same faces.

    Parameters
    ----------
    right : array_like of bool, shape (n, k)

    Returns
    -------
    Test
        ``statistic`` is Q, chi-squared with k - 1 degrees of freedom if nothing differs; 0 with
        p-value 1 if all answer each face alike.

    References
    ----------
    Cochran 1950.
    """
    table = _table(_booleans(right)).astype(np.float64)
    k = table.shape[1]
    by_recognizer, by_face = table.sum(axis=0), table.sum(axis=1)
    spread = float((by_face * (k - by_face)).sum())
    if not spread:
        return Test("Cochran's Q", 0.0, 1.0)
    q = k * (k - 1) * float(((by_recognizer - by_recognizer.mean()) ** 2).sum()) / spread
    return Test("Cochran's Q", q, float(stats.chi2.sf(q, k - 1)))


def friedman_nemenyi(scores: ArrayLike, *, alpha: float = 0.05) -> RankTest:
    """Friedman's test over blocks, with Nemenyi's test of all pairs.

    Parameters
    ----------
    scores : array_like, shape (n_blocks, k)
        Such as accuracy of each recognizer (at least three) in each fold or data set. Ties share
        their mean rank.
    alpha : float
        Of the critical difference.

    Returns
    -------
    RankTest
        ``statistic`` is Friedman's chi-squared, corrected for ties; 0 with p-value 1 if all
        scores of each block are tied.

    Raises
    ------
    DataError
        For fewer than three recognizers or two blocks, or scores that are not finite.

    References
    ----------
    Friedman 1937; Nemenyi 1963; Demšar 2006, Statistical comparisons of classifiers over multiple
    data sets, JMLR 7.
    """
    values = _table(np.asarray(scores, dtype=np.float64))
    n, k = values.shape
    if k < 3 or n < 2:
        raise DataError(
            f"Friedman's test needs at least 3 recognizers and 2 blocks, got {k} and {n}; compare "
            "two recognizers with mcnemar"
        )
    if not np.isfinite(values).all():
        raise DataError("scores contain NaN or infinity; expected a number in each block")
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha must be between 0 and 1, got {alpha}")
    each = stats.rankdata(-values, axis=1)
    if np.ptp(each) == 0:
        statistic, p = 0.0, 1.0
    else:
        statistic, p = stats.friedmanchisquare(*values.T)
    ranks = each.mean(axis=0)
    error = np.sqrt(k * (k + 1) / (6 * n))
    apart = np.abs(ranks[:, None] - ranks[None, :]) / error
    pairwise = stats.studentized_range.sf(apart * np.sqrt(2), k, np.inf)
    np.fill_diagonal(pairwise, 1.0)
    q = stats.studentized_range.isf(alpha, k, np.inf) / np.sqrt(2)
    return RankTest(
        name="Friedman",
        statistic=float(statistic),
        p_value=float(p),
        ranks=ranks,
        pairwise=np.minimum(pairwise, 1.0),
        critical_difference=float(q * error),
        alpha=alpha,
        n_blocks=n,
    )


def corrected_resampled_t_test(
    differences: ArrayLike, *, n_train: ArrayLike, n_test: ArrayLike
) -> Test:
    """Student's t-test of differences over folds, whose training parts overlap.

    Parameters
    ----------
    differences : array_like, shape (n_folds,)
        Difference of the two scores in each fold.
    n_train, n_test : array_like, scalar or shape (n_folds,)
        Samples of each part; the mean ratio of them counts.

    Returns
    -------
    Test
        ``statistic`` is t with n_folds - 1 degrees of freedom; 0 with p-value 1 if no fold
        differs, infinite with p-value 0 if all differ by the same.

    Raises
    ------
    DataError
        For fewer than two folds, or parts without samples.

    Notes
    -----
    The variance of the mean is ``(1 / n_folds + n_test / n_train) * s**2`` instead of
    ``s**2 / n_folds``, which takes folds as independent and finds differences that are not there.

    References
    ----------
    Nadeau and Bengio 2003, Inference for the generalization error, Machine Learning 52;
    Bouckaert and Frank 2004.
    """
    d = np.asarray(differences, dtype=np.float64)
    train, test = np.asarray(n_train, dtype=np.float64), np.asarray(n_test, dtype=np.float64)
    if d.ndim != 1 or len(d) < 2:
        raise DataError(f"expected the differences of at least 2 folds, got shape {d.shape}")
    if (train <= 0).any() or (test <= 0).any():
        raise DataError("each fold needs samples to train and to test on")
    name = "corrected resampled t-test"
    mean, variance = float(d.mean()), float(d.var(ddof=1))
    if np.ptp(d) == 0:
        return Test(name, 0.0, 1.0) if not mean else Test(name, float(np.copysign(np.inf, mean)), 0)
    t = mean / np.sqrt((1 / len(d) + float((test / train).mean())) * variance)
    return Test(name, float(t), float(2 * stats.t.sf(abs(t), len(d) - 1)))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted for their number by Holm's step-down method.

    Parameters
    ----------
    p_values : array_like, shape (m,)

    Returns
    -------
    adjusted : ndarray of float64, shape (m,)
        In the order given. Those at most alpha are significant with a chance of at most alpha
        that any of them is a false alarm.

    References
    ----------
    Holm 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise DataError("expected a list of p-values between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _booleans(values: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise DataError("expected whether answers are right: True and False, or 1 and 0")
    return array.astype(bool)


def _table(values: NDArray) -> NDArray:
    if values.ndim != 2 or values.shape[1] < 2 or not len(values):
        raise DataError(
            f"expected a table with a row per block and a column for each of at least two "
            f"recognizers, got shape {values.shape}"
        )
    return values
