"""Audit: what in a data set would make scores look better than they are, before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.sources import Unreadable
from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ParameterError
from classic_fer.evaluation.duplicates import find_duplicates, leaked_rows, rows_by_label
from classic_fer.evaluation.official_parts import official_parts
from classic_fer.progress import StageProgress

__all__ = ["Audit", "CopyGroup", "Leak", "audit"]


@dataclass(frozen=True)
class CopyGroup:
    """Samples that show the same image.

    Attributes
    ----------
    rows : list of int
        Row numbers in the data set.
    files, labels : list of str
        Of each of them.
    splits : list of (str or None)
        Of each of them; None where it has none.
    """

    rows: list[int]
    files: list[str]
    labels: list[str]
    splits: list[str | None]

    @property
    def conflicting(self) -> bool:
        """Whether the labels differ."""
        return len(set(self.labels)) > 1

    @property
    def across_splits(self) -> bool:
        """Whether the samples lie in several parts."""
        return len(set(self.splits) - {None}) > 1

    def to_dict(self) -> dict[str, Any]:
        """Files, labels and splits as plain data."""
        return {"files": self.files, "labels": self.labels, "splits": self.splits}


@dataclass(frozen=True)
class Leak:
    """Copies of training images in an official part that is scored.

    Attributes
    ----------
    part : str
    of : int
        Images of that part.
    identical : int
        Images whose pixels are those of a training image.
    copies : int or None
        Images that are identical to or a near copy of a training image; None if near copies were
        not looked for.
    """

    part: str
    of: int
    identical: int
    copies: int | None


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    name : str
        Of the data set.
    files : int
        Samples.
    unique : int
        Different images among those that can be read.
    groups : list of CopyGroup
        Images with identical pixels that occur more than once.
    near_groups : list of CopyGroup or None
        Images of which there are different copies (with any identical ones); None if they were
        not looked for.
    leaks : list of Leak
        One for each official part that is scored.
    unreadable : list of Unreadable
        Files that are no image, and those that the reader refused.
    constant : list of str
        Files whose pixels are all equal.
    people : int or None
        None where not known.
    people_across_splits : list of str
        People in several parts.
    folds : int
        What `small_classes` are too small for.
    classes : dict of str to int
        Images per class.
    small_classes : dict of str to (dict)
        ``{"images", "people"}`` of each class with fewer images or people than folds.
    largest_person : dict or None
        ``{"person", "images"}`` of the person with most images.
    """

    name: str
    files: int
    unique: int
    groups: list[CopyGroup]
    near_groups: list[CopyGroup] | None
    leaks: list[Leak]
    unreadable: list[Unreadable]
    constant: list[str]
    people: int | None
    people_across_splits: list[str]
    folds: int
    classes: dict[str, int]
    small_classes: dict[str, dict[str, int | None]]
    largest_person: dict[str, Any] | None

    @property
    def label_imbalance(self) -> float:
        """Images of the largest class for each image of the smallest one."""
        return max(self.classes.values()) / min(self.classes.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: counts first, then the lists behind them."""
        near = self.near_groups
        return {
            "dataset": self.name,
            "files": self.files,
            "unique": self.unique,
            **_counts(self.groups, ""),
            **(_counts(near, "near_") if near is not None else {}),
            "unreadable": len(self.unreadable),
            "constant": len(self.constant),
            "leaks": [asdict(leak) for leak in self.leaks],
            "people": self.people,
            "people_across_splits": self.people_across_splits,
            "folds": self.folds,
            "classes": self.classes,
            "small_classes": self.small_classes,
            "label_imbalance": self.label_imbalance,
            "largest_person": self.largest_person,
            "unreadable_files": [asdict(each) for each in self.unreadable],
            "constant_files": self.constant,
            "groups": [group.to_dict() for group in self.groups],
            "near_groups": None if near is None else [group.to_dict() for group in near],
        }


def _counts(groups: Sequence[CopyGroup], prefix: str) -> dict[str, int]:
    return {
        f"{prefix}duplicate_groups": len(groups),
        f"{prefix}duplicate_images": sum(len(group.rows) for group in groups),
        f"{prefix}groups_across_splits": sum(group.across_splits for group in groups),
        f"{prefix}conflicting_groups": sum(group.conflicting for group in groups),
    }


def audit(
    dataset: Dataset,
    *,
    near: bool = True,
    folds: int = 10,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> Audit:
    """Examine a data set for what spoils an evaluation.

    Every image is decoded once; about a minute for 30,000 small images.

    Parameters
    ----------
    dataset : Dataset
        Not changed.
    near : bool
        Look for near copies too; see `classic_fer.evaluation.duplicates.find_duplicates`.
    folds : int
        Classes with fewer images or people than this are named.
    n_jobs : int
        Threads; -1 for one per core. The result does not depend on it.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    Audit

    Raises
    ------
    ParameterError
        If `folds` is below 2.
    DataError
        If there are no samples.

    Examples
    --------
    >>> from classic_fer.datasets import load_dataset
    >>> audit(load_dataset("fer2013")).unique  # doctest: +SKIP
    """
    if folds < 2:
        raise ParameterError(f"expected at least 2 folds, got {folds}")
    if not len(dataset):
        raise DataError(f"data set {dataset.name!r} has no samples; there is nothing to audit")
    found = find_duplicates(dataset, near=near, n_jobs=n_jobs, progress=progress)
    prints = found.fingerprints
    content = prints.content
    near_groups = None
    if found.near is not None:
        copies = [rows for rows in rows_by_label(found.near) if len(set(content[rows])) > 1]
        near_groups = [_group(dataset, rows) for rows in copies]
    people = dataset.samples["subject"].dropna()
    sizes = people.value_counts(sort=True)
    return Audit(
        name=dataset.name,
        files=len(dataset),
        unique=len(np.unique(content[prints.readable])),
        groups=[_group(dataset, rows) for rows in rows_by_label(content)],
        near_groups=near_groups,
        leaks=_leaks(dataset, content, found.near),
        unreadable=[*dataset.unreadable, *prints.unreadable],
        constant=[dataset.path(int(i)) for i in np.flatnonzero(prints.constant)],
        people=len(sizes) or None,
        people_across_splits=_people_across_splits(dataset),
        folds=folds,
        classes={name: int((dataset.y == name).sum()) for name in dataset.classes},
        small_classes=_small_classes(dataset.y, dataset.groups, folds),
        largest_person=(
            {"person": str(sizes.index[0]), "images": int(sizes.iloc[0])} if len(sizes) else None
        ),
    )


def _group(dataset: Dataset, rows: list[int]) -> CopyGroup:
    samples = dataset.samples.iloc[rows]
    return CopyGroup(
        rows=rows,
        files=samples["id"].astype(str).tolist(),
        labels=samples["label"].astype(str).tolist(),
        splits=[split if isinstance(split, str) else None for split in samples["split"]],
    )


def _leaks(
    dataset: Dataset, content: NDArray[np.intp], near: NDArray[np.intp] | None
) -> list[Leak]:
    parts = official_parts(dataset.split, dataset.card.official_split)
    if parts is None:
        return []
    scored = {parts.test_name: parts.test}
    if parts.final is not None:
        scored[str((dataset.card.official_split or {}).get("final", "final"))] = parts.final
    return [
        Leak(
            part=name,
            of=len(rows),
            identical=len(leaked_rows(content, parts.train, rows)),
            copies=None if near is None else len(leaked_rows(near, parts.train, rows)),
        )
        for name, rows in scored.items()
    ]


def _people_across_splits(dataset: Dataset) -> list[str]:
    known = dataset.samples[["subject", "split"]].dropna()
    parts = known.groupby("subject")["split"].nunique()
    return sorted(str(person) for person in parts.index[parts > 1])


def _small_classes(
    y: NDArray[np.str_], groups: NDArray[np.str_] | None, folds: int
) -> dict[str, dict[str, int | None]]:
    small: dict[str, dict[str, int | None]] = {}
    for name in order_classes(y.tolist()):
        images = int((y == name).sum())
        people = None if groups is None else len(np.unique(groups[y == name]))
        if min(images, images if people is None else people) < folds:
            small[name] = {"images": images, "people": people}
    return small
