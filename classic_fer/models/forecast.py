"""How far a search is, in time: costs of work, corrected by the seconds that work has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["EXTRACTION", "SECONDS", "Forecast", "summed"]

EXTRACTION = "extraction"  # the kind of work that tells nothing of others: a cache may have done it

SECONDS = 1e-3  # of a unit of cost, until one has been measured


def summed(costs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Total cost of each kind."""
    total: dict[str, float] = {}
    for kind, cost in costs:
        total[kind] = total.get(kind, 0.0) + cost
    return total


class Forecast:
    """Time that work takes, by what work of the same kind took.

    What is true of one machine, classifier or parameter need not be true of another: costs of
    kinds that have been seen are taken at the rate that was measured, those of other kinds at the
    rate of their family, or else at that of all.

    Parameters
    ----------
    costs : mapping of str to float
        All work: the cost of each kind. ``"fit 3"`` is a kind of the family ``"fit"``.
    """

    def __init__(self, costs: Mapping[str, float]) -> None:
        self._left = dict(costs)
        self._done: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def add(self, kind: str, cost: float, seconds: float) -> None:
        """Count a piece of work as done.

        Parameters
        ----------
        kind : str
        cost : float
        seconds : float
            What it took.
        """
        self._left[kind] = self._left.get(kind, 0.0) - cost
        self._done[kind] = self._done.get(kind, 0.0) + cost
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds

    @property
    def seconds_left(self) -> float:
        """Seconds that the work ahead will take."""
        return sum(max(0.0, cost) * self._rate(kind) for kind, cost in self._left.items())

    @property
    def share_done(self) -> float:
        """Part of all the time that is over, between 0 and 1."""
        spent = sum(self._seconds.values())
        return spent / (spent + self.seconds_left) if spent > 0 else 0.0

    def _rate(self, kind: str) -> float:
        """Seconds for a unit of cost."""
        family = kind.split()[0]
        for known in (
            [kind],
            [other for other in self._done if other.split()[0] == family],
            [other for other in self._done if other != EXTRACTION],
        ):
            cost = sum(self._done.get(one, 0.0) for one in known)
            if cost > 0:
                return sum(self._seconds[one] for one in known if one in self._seconds) / cost
        return SECONDS
