"""What a data set holds, before anything is learned from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.sources import Unreadable
from classic_fer.errors import ImageError
from classic_fer.progress import Progress

__all__ = ["Description", "check_images", "describe"]

_PARTS = ("train", "val", "public", "test", "final")


@dataclass(frozen=True)
class Description:
    """Counts of a data set; plain data.

    Attributes
    ----------
    name, title, origin, terms : str
        From the data card.
    n : int
        Number of samples.
    classes : list of str
        In the order of every table.
    counts : dict of str to (dict of str to int)
        Samples per class, for ``"all"`` and for each part.
    people : int or None
        Number of people; None where not known.
    people_per_class : dict of str to int
        People that show each class; empty where people are not known.
    splits : dict of str to int
        Samples per part; empty where there are no parts.
    majority : dict of str to (dict)
        ``{"class", "accuracy"}`` of always naming the most frequent class, for ``"all"`` and for
        each part. In a part other than ``train`` the class is the one most frequent in ``train``.
    extra_columns : list of str
        Columns beyond label, subject, split and box.
    landmarks, boxes : bool
        Whether they come with the data.
    unreadable : list of Unreadable
        Files and rows that are no samples.
    policy_changes : list of (str, str or None, int)
        What the label policy did.
    official_counts : dict
        From the data card, to compare with.
    """

    name: str
    title: str
    origin: str
    terms: str
    n: int
    classes: list[str]
    counts: dict[str, dict[str, int]]
    people: int | None
    people_per_class: dict[str, int]
    splits: dict[str, int]
    majority: dict[str, dict[str, Any]]
    extra_columns: list[str]
    landmarks: bool
    boxes: bool
    unreadable: list[Unreadable]
    policy_changes: list[tuple[str, str | None, int]]
    official_counts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def describe(dataset: Dataset) -> Description:
    """Count classes, people and parts of a data set.

    Photos are not opened; `check_images` does that.
    """
    y, groups, split = dataset.y, dataset.groups, dataset.split
    parts = {"all": y}
    if split is not None:
        there = set(split.tolist()) - {""}
        ordered = [part for part in _PARTS if part in there] + sorted(there - set(_PARTS))
        parts |= {part: y[split == part] for part in ordered}
    counts = {
        part: {name: int((labels == name).sum()) for name in dataset.classes}
        for part, labels in parts.items()
    }
    people_per_class = {}
    if groups is not None:
        people_per_class = {name: len(set(groups[y == name])) for name in dataset.classes}
    return Description(
        name=dataset.name,
        title=dataset.card.title,
        origin=dataset.card.origin,
        terms=dataset.card.terms,
        n=len(dataset),
        classes=dataset.classes,
        counts=counts,
        people=None if groups is None else len(set(groups)),
        people_per_class=people_per_class,
        splits={part: len(labels) for part, labels in parts.items() if part != "all"},
        majority=_majority(counts),
        extra_columns=dataset.extra_columns,
        landmarks=dataset.landmarks is not None,
        boxes="width" in dataset.samples,
        unreadable=list(dataset.unreadable),
        policy_changes=list(dataset.policy_changes),
        official_counts=dict(dataset.card.counts),
    )


def _majority(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, Any]]:
    result = {}
    for part, of in counts.items():
        learned = counts.get("train", of) if part != "all" else of
        name = max(learned, key=lambda c: learned[c], default="")
        result[part] = {"class": name, "accuracy": of.get(name, 0) / max(1, sum(of.values()))}
    return result


def check_images(dataset: Dataset, *, progress: Progress | None = None) -> list[Unreadable]:
    """Open every photo and list those that cannot be read, or whose checksum is wrong.

    Parameters
    ----------
    dataset : Dataset
        Not changed.
    progress : callable, optional
        Called with (done, total).
    """
    bad = []
    for i in range(len(dataset)):
        try:
            dataset.read_photo(i)
        except ImageError as error:
            bad.append(Unreadable(dataset.path(i), str(error)))
        if progress is not None:
            progress(i + 1, len(dataset))
    return bad
