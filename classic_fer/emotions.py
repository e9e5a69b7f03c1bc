"""The one vocabulary of expressions: names, order, aliases, and label policies.

Inside classic_fer every label is a canonical name. Readers translate the names, abbreviations and
numbers of their data set once, where they enter; no other module lists emotions.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import MissingFileError, ParameterError, unknown_name

__all__ = [
    "EMOTIONS",
    "POLICIES",
    "LabelPolicy",
    "PolicyOutcome",
    "canonical",
    "label_policy",
    "order_classes",
]

EMOTIONS: tuple[str, ...] = (
    "neutral",
    "happiness",
    "sadness",
    "surprise",
    "fear",
    "disgust",
    "anger",
    "contempt",
    "none",
    "uncertain",
    "no-face",
)
"""All categories in the one order used everywhere; the place is AffectNet's number (0 to 10)."""

_ALIASES: dict[str, tuple[str, ...]] = {
    "neutral": ("ne", "neutrality", "normal", "neural"),
    "happiness": ("ha", "happy", "joy", "joyful", "smile"),
    "sadness": ("sa", "sad"),
    "surprise": ("su", "surprised"),
    "fear": ("fe", "af", "afraid", "fearful", "scared"),
    "disgust": ("di", "disgusted"),
    "anger": ("an", "angry"),
    "contempt": ("co", "contemptuous"),
    "uncertain": ("unsure",),
    "no-face": ("noface", "non-face", "nf"),
}
_CANONICAL = {name: name for name in EMOTIONS} | {
    alias: name for name, aliases in _ALIASES.items() for alias in aliases
}
_ORDER = {name: place for place, name in enumerate((*EMOTIONS, "positive", "negative"))}


def canonical(name: str) -> str:
    """The canonical name of an expression.

    Parameters
    ----------
    name : str
        A name or abbreviation as any data set writes it; case, blanks around it, and blank,
        ``_`` or ``-`` within it do not matter.

    Returns
    -------
    str
        One of `EMOTIONS`, or `name` itself in lower case and stripped if it is not known.

    Examples
    --------
    >>> canonical("AN"), canonical("Happy"), canonical("No_Face"), canonical("Wink ")
    ('anger', 'happiness', 'no-face', 'wink')
    """
    plain = name.strip().lower()
    return _CANONICAL.get(plain.replace("_", "-").replace(" ", "-"), plain)


def order_classes(names: Iterable[str]) -> list[str]:
    """The distinct `names` in the order of every table and every model.

    Order of `EMOTIONS` first, then positive and negative, then all others alphabetically.

    Examples
    --------
    >>> order_classes(["wink", "negative", "anger", "neutral", "positive", "anger"])
    ['neutral', 'anger', 'positive', 'negative', 'wink']
    """
    return sorted({str(name) for name in names}, key=lambda n: (_ORDER.get(n, len(_ORDER)), n))


@dataclass(frozen=True)
class PolicyOutcome:
    """What a label policy did with each row.

    Attributes
    ----------
    labels : ndarray of str, shape (n_kept,)
        New labels of the rows that stay, in their order.
    keep : ndarray of bool, shape (n,)
        Which rows stay.
    changes : list of (str, str or None, int)
        Old name, new name (None: removed) and number of rows, for every name that changed.
    """

    labels: NDArray[np.str_]
    keep: NDArray[np.bool_]
    changes: list[tuple[str, str | None, int]]


@dataclass(frozen=True)
class LabelPolicy:
    """A rule that renames or removes labels.

    Attributes
    ----------
    name : str
        Shown in reports: a key of `POLICIES` or the file it came from.
    mapping : mapping of str to (str or None)
        Canonical name to new name; None removes the row.
    drop_others : bool
        Whether rows whose label is not in `mapping` are removed (else they stay as they are).
    """

    name: str
    mapping: Mapping[str, str | None]
    drop_others: bool = False

    def apply(self, labels: ArrayLike) -> PolicyOutcome:
        """Apply the rule to `labels`, an array of n canonical names.

        Returns
        -------
        PolicyOutcome

        Examples
        --------
        >>> outcome = POLICIES["3class"].apply(["happiness", "surprise", "fear"])
        >>> outcome.labels.tolist(), outcome.keep.tolist()
        (['positive', 'negative'], [True, False, True])
        """
        old = [str(label) for label in np.asarray(labels, dtype=str)]
        new = [self.mapping.get(label, None if self.drop_others else label) for label in old]
        counts = Counter((a, b) for a, b in zip(old, new) if a != b)
        place = {name: i for i, name in enumerate(order_classes(old))}
        return PolicyOutcome(
            labels=np.asarray([label for label in new if label is not None], dtype=str),
            keep=np.asarray([label is not None for label in new], dtype=bool),
            changes=[
                (a, b, n) for (a, b), n in sorted(counts.items(), key=lambda c: place[c[0][0]])
            ],
        )

    def renamed(self, label: str) -> str:
        """The new name of a label; a label that the rule removes stays as it is."""
        return self.mapping.get(label) or label

    def renamed_scores(
        self, classes: Sequence[str], scores: ArrayLike
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Answers under the rule: probabilities of classes that become one are added.

        Parameters
        ----------
        classes : sequence of str, length k
        scores : array_like, shape (n, k)

        Returns
        -------
        classes : list of str, length m
            In the order of `order_classes`. One that the rule removes stays as it is.
        scores : ndarray of float64, shape (n, m)

        Examples
        --------
        >>> POLICIES["3class"].renamed_scores(["neutral", "fear", "anger"], [[0.5, 0.125, 0.375]])
        (['neutral', 'negative'], array([[0.5, 0.5]]))
        """
        values = np.asarray(scores, dtype=np.float64)
        new = [self.renamed(name) for name in classes]
        names = order_classes(new)
        columns = [values[:, [i for i, each in enumerate(new) if each == name]] for name in names]
        return names, np.column_stack([part.sum(axis=1) for part in columns])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and for the model file."""
        return {
            "name": self.name,
            "mapping": dict(self.mapping),
            "drop_others": self.drop_others,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelPolicy:
        """Inverse of `to_dict`."""
        return cls(data["name"], dict(data["mapping"]), bool(data["drop_others"]))


def _only(name: str, classes: Iterable[str]) -> LabelPolicy:
    return LabelPolicy(name, {emotion: emotion for emotion in classes}, drop_others=True)


_BASIC = EMOTIONS[:7]
_NEGATIVE = ("anger", "disgust", "fear", "sadness", "contempt", "negative")
_POLICIES = (
    LabelPolicy("keep", {}),
    LabelPolicy("merge7", dict.fromkeys(EMOTIONS[7:], "neutral")),
    LabelPolicy("drop7", dict.fromkeys(EMOTIONS[7:])),
    _only("8class", EMOTIONS[:8]),
    _only("7class", _BASIC),
    _only("6class", _BASIC[1:]),
    LabelPolicy(
        "3class",
        {
            "neutral": "neutral",
            "happiness": "positive",
            "positive": "positive",
            **dict.fromkeys(_NEGATIVE, "negative"),
        },
        drop_others=True,
    ),
)
POLICIES: dict[str, LabelPolicy] = {policy.name: policy for policy in _POLICIES}
"""The named policies.

``keep`` changes nothing. ``merge7`` makes AffectNet's labels 7 and above (contempt, none,
uncertain, no-face) neutral; ``drop7`` removes them. ``8class``, ``7class`` and ``6class`` (without
neutral) keep the basic expressions with or without contempt and remove all else. ``3class`` is
neutral, positive (happiness) and negative (anger, disgust, fear, sadness, contempt); surprise and
all else are removed.
"""


def label_policy(spec: str | Path | LabelPolicy) -> LabelPolicy:
    """A label policy from its name or from a CSV file.

    Parameters
    ----------
    spec : str, Path or LabelPolicy
        A key of `POLICIES`, or the path of a CSV file with the header ``from,to``: one row per
        name, an empty ``to`` removes the rows of that name, names that are not listed stay.
        Semicolons may stand for the commas, as spreadsheets write them.

    Returns
    -------
    LabelPolicy

    Raises
    ------
    ParameterError
        If the name is unknown or the file does not have that form.
    MissingFileError
        If `spec` ends in ``.csv`` and there is no such file.
    """
    if isinstance(spec, LabelPolicy):
        return spec
    if str(spec) in POLICIES:
        return POLICIES[str(spec)]
    if not str(spec).lower().endswith(".csv"):
        raise unknown_name("label policy", str(spec), [*POLICIES, "a CSV file with from,to"])
    return _read_policy(Path(spec))


def _read_policy(path: Path) -> LabelPolicy:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            delimiter = ";" if stream.readline().strip().lower() == "from;to" else ","
            stream.seek(0)
            lines = csv.DictReader(stream, delimiter=delimiter)
            header = [name.strip().lower() for name in lines.fieldnames or ()]
            lines.fieldnames = header
            rows = list(lines)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"no label policy file {str(path)!r}; expected a CSV file with the header from,to, "
            f"or one of: {', '.join(POLICIES)}"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(
            f"label policy file {str(path)!r} cannot be read as CSV text: {error}"
        ) from error
    if not rows or header[:2] != ["from", "to"]:
        raise ParameterError(
            f"label policy file {str(path)!r} has the columns {header or 'none'} or no rows; "
            "expected the header from,to and a row for each name to change"
        )
    mapping: dict[str, str | None] = {}
    for number, row in enumerate(rows, start=2):
        old, new = canonical(row["from"] or ""), canonical(row["to"] or "")
        if not old or old in mapping:
            raise ParameterError(
                f"label policy file {str(path)!r}, line {number}: 'from' is "
                f"{'empty' if not old else f'{old!r} for the second time'}; "
                "expected each name once"
            )
        mapping[old] = new or None
    return LabelPolicy(str(path), mapping)
