"""Agreement of two raters: how far labels can be trusted, and with them any score.

A recognizer that is scored by one person's labels cannot honestly do much better than another
person does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.metrics import classification_scores

__all__ = ["ENOUGH", "Agreement", "is_given", "rater_agreement"]

ENOUGH = 30
"""Below so many doubly labelled faces agreement is not worth a figure."""


@dataclass(frozen=True)
class Agreement:
    """What two raters say about the same faces.

    Attributes
    ----------
    n : int
        Faces that both labelled.
    agreement : dict or None
        ``value``, the share of equal labels, and ``ci95``; None if there are too few faces.
    kappa : dict or None
        Cohen's kappa likewise; also None if both raters only ever use one and the same label.
    interval : str
        What intervals were resampled over, ``"people"`` or ``"images"``.
    confusion : dict
        ``true`` (labels of the first), ``predicted`` (of the second) and ``counts``; empty if
        there are too few faces.
    """

    n: int
    agreement: dict[str, Any] | None
    kappa: dict[str, Any] | None
    interval: str
    confusion: dict[str, Any]

    @property
    def too_few(self) -> bool:
        """Whether there are fewer than `ENOUGH` doubly labelled faces."""
        return self.n < ENOUGH

    @property
    def sentence(self) -> str:
        """What to print beside a score."""
        if self.agreement is None:
            return (
                f"only {self.n:,} faces are labelled by two people, too few (below {ENOUGH}) to "
                "say how far labels can be trusted"
            )
        parts = [f"two raters agree on {_shown(self.agreement)} of {self.n:,} faces"]
        if self.kappa is not None:
            parts.append(f"Cohen's kappa {_shown(self.kappa)}")
        return (
            f"{', '.join(parts)} (95 % intervals over {self.interval}): on such faces no honest "
            "accuracy exceeds this by much"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "n": self.n,
            "too_few": self.too_few,
            "sentence": self.sentence,
            "agreement": self.agreement,
            "kappa": self.kappa,
            "interval": self.interval,
            "confusion": self.confusion,
        }


def _shown(score: dict[str, Any]) -> str:
    interval = score["ci95"]
    bounds = "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"
    return f"{score['value']:.3f}{bounds}"


def rater_agreement(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    random_state: int = 0,
) -> Agreement:
    """Agreement and Cohen's kappa of two raters, with bootstrap intervals.

    Parameters
    ----------
    first, second : array_like of str, shape (n,)
        Labels; None, NaN or an empty text where a rater gave none.
    groups : array_like, shape (n,), optional
        People shown, over whom the intervals are resampled; over images if not given.
    random_state : int
        Of the bootstrap.

    Returns
    -------
    Agreement

    Raises
    ------
    DataError
        If the raters do not have equally many rows.
    ParameterError
        If `groups` has another length.

    References
    ----------
    Cohen 1960, A coefficient of agreement for nominal scales.
    """
    ours, theirs = (np.asarray(labels, dtype=object) for labels in (first, second))
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise DataError(
            f"expected the labels of two raters for the same faces, got shapes {ours.shape} and "
            f"{theirs.shape}"
        )
    people = None if groups is None else np.asarray(groups, dtype=str)
    if people is not None and people.shape != ours.shape:
        raise ParameterError(f"got {len(people)} groups for {len(ours)} rows")
    both = is_given(ours) & is_given(theirs)
    n, unit = int(both.sum()), "images" if people is None else "people"
    if n < ENOUGH:
        return Agreement(n, None, None, unit, {})
    a, b = ours[both].astype(str), theirs[both].astype(str)
    sheet = classification_scores(
        a,
        b,
        order_classes({*a.tolist(), *b.tolist()}),
        groups=None if people is None else people[both],
        random_state=random_state,
    )
    one_label = len({*a.tolist(), *b.tolist()}) == 1
    scores = sheet["scores"]
    return Agreement(
        n=n,
        agreement=scores["accuracy"],
        kappa=None if one_label else scores["kappa"],
        interval=sheet["interval"],
        confusion=sheet["confusion"],
    )


def is_given(labels: NDArray) -> NDArray[np.bool_]:
    """Whether each label is one: not None, NaN or an empty text."""
    return np.array([not pd.isna(label) and str(label).strip() != "" for label in labels], bool)
