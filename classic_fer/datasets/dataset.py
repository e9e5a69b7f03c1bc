"""Dataset: samples with labels, people and splits, and access to their photos."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from classic_fer.datasets.images import decode, encode_png
from classic_fer.datasets.sources import Source, Unreadable
from classic_fer.emotions import POLICIES, LabelPolicy, label_policy, order_classes
from classic_fer.errors import DataError, ImageError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from classic_fer.datasets.cards import Card
    from classic_fer.faces.frame import Alignment

__all__ = ["BOX_COLUMNS", "CORE_COLUMNS", "Dataset", "is_rater_column"]

CORE_COLUMNS = ("id", "path", "label", "subject", "split")
BOX_COLUMNS = ("x", "y", "width", "height")

_RATER_COLUMN = re.compile(r"second_label|label_\d+")


def is_rater_column(name: str) -> bool:
    """Whether a column holds the labels of a further person.

    Examples
    --------
    >>> [is_rater_column(name) for name in ("second_label", "label_2", "label", "age")]
    [True, True, False, False]
    """
    return _RATER_COLUMN.fullmatch(name) is not None


@dataclass
class Dataset:
    """Faces with labels: one row per sample, photos read on demand.

    Attributes
    ----------
    name : str
        The name of its card, or the stem of the folder, archive or manifest.
    samples : DataFrame of n rows
        ``id`` (unique; the path relative to the source), ``label`` (canonical), ``subject`` and
        ``split`` (None where not known), then the extra columns of the data set. ``path`` where
        it differs from ``id``; ``x, y, width, height`` in pixels of the photo where faces come
        with boxes; ``sha256`` where a manifest gives it.
    source : Source or None
        Where bytes come from; None for photos that exist only in memory.
    card : Card
        Origin, terms, default detector, official split.
    landmarks : ndarray of float32, shape (n, 68, 2), or None
        x, y in pixels of the photo, where they come with the data; NaN rows where some lack them.
    faces : structured ndarray, shape (n,), or None
        Aligned faces; set by ``align_faces``.
    alignment : Alignment or None
        How `faces` were made.
    unreadable : list of Unreadable
        Files and rows that are no samples, each with the reason.
    policy : LabelPolicy or None
        The label policy that was applied last; `policy_changes` lists what it did.
    policy_changes : list of (str, str or None, int)
        Old name, new name (None: removed), number of rows.
    photos : ndarray of uint8, shape (n, H, W), or None
        Photos kept in memory.
    """

    name: str
    samples: pd.DataFrame
    source: Source | None
    card: Card
    landmarks: NDArray[np.float32] | None = None
    faces: NDArray | None = None
    alignment: Alignment | None = None
    unreadable: list[Unreadable] = field(default_factory=list)
    policy: LabelPolicy | None = None
    policy_changes: list[tuple[str, str | None, int]] = field(default_factory=list)
    photos: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        missing = {"id", "label", "subject", "split"} - set(self.samples.columns)
        if missing:
            raise DataError(f"samples lack the columns {sorted(missing)}")
        twice = self.samples["id"][self.samples["id"].duplicated()]
        if len(twice):
            raise DataError(f"sample ids must be unique, {twice.iloc[0]!r} occurs more than once")
        for name in ("landmarks", "faces", "photos"):
            rows = getattr(self, name)
            if rows is not None and len(rows) != len(self.samples):
                raise DataError(f"{name} has {len(rows)} rows for {len(self.samples)} samples")
        if self.source is None and self.photos is None:
            raise DataError("a data set needs a source or photos in memory, got neither")

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def y(self) -> NDArray[np.str_]:
        """Canonical labels, shape (n,)."""
        return np.asarray(self.samples["label"], dtype=str)

    @property
    def ids(self) -> NDArray[np.str_]:
        """Sample ids, shape (n,)."""
        return np.asarray(self.samples["id"], dtype=str)

    @property
    def groups(self) -> NDArray[np.str_] | None:
        """Person of each sample, shape (n,); None when no people are known.

        Where only some are known, each sample without a person counts as a person of its own.
        """
        subjects = self.samples["subject"]
        if subjects.isna().all():
            return None
        alone = "unknown person of " + self.samples["id"]
        return np.asarray(subjects.where(subjects.notna(), alone), dtype=str)

    @property
    def split(self) -> NDArray[np.str_] | None:
        """Part of each sample (``train``, ``public``, ``test`` ...), shape (n,), or None.

        Samples without a part, where others have one, hold an empty string.
        """
        splits = self.samples["split"]
        return None if splits.isna().all() else np.asarray(splits.fillna(""), dtype=str)

    @property
    def classes(self) -> list[str]:
        """The labels that occur, in the order of `order_classes`."""
        return order_classes(self.samples["label"].unique())

    @property
    def extra_columns(self) -> list[str]:
        """Columns beyond id, path, label, subject, split, box and checksum."""
        usual = {*CORE_COLUMNS, *BOX_COLUMNS, "sha256"}
        return [str(column) for column in self.samples.columns if column not in usual]

    @property
    def rater_columns(self) -> list[str]:
        """Columns with the labels of further people: ``second_label``, ``label_2`` ..."""
        return [name for name in self.extra_columns if is_rater_column(name)]

    def path(self, i: int) -> str:
        """Path of sample `i` in the source, as errors and reports name it."""
        column = "path" if "path" in self.samples else "id"
        return str(self.samples[column].iat[i])

    def read_bytes(self, i: int) -> bytes:
        """The file of sample `i` (a PNG file for photos that are kept in memory).

        Raises
        ------
        ImageError
            If it cannot be read, or is not the file whose SHA-256 the manifest gives.
        """
        if self.photos is not None:
            return encode_png(self.photos[i])
        assert self.source is not None  # checked in __post_init__
        data = self.source.read(self.path(i))
        if "sha256" in self.samples:
            self._verify(i, data)
        return data

    def _verify(self, i: int, data: bytes) -> None:
        expected = self.samples["sha256"].iat[i]
        if pd.isna(expected):
            return
        measured = hashlib.sha256(data).hexdigest()
        if measured != str(expected).lower():
            raise ImageError(
                f"{self.path(i)}: sha256 is {measured[:12]}..., the manifest expects "
                f"{str(expected)[:12]}...: the file has changed; restore it or write the "
                "manifest again"
            )

    def read_photo(self, i: int) -> NDArray[np.uint8]:
        """The photo of sample `i`: (H, W) grey or (H, W, 3) RGB.

        Raises
        ------
        ImageError
            If it is not a readable image; names the path.
        """
        if self.photos is not None:
            return self.photos[i]
        return decode(self.read_bytes(i), path=self.path(i))

    def subset(self, rows: ArrayLike) -> Dataset:
        """The chosen rows with everything that belongs to them.

        Parameters
        ----------
        rows : array_like of bool, shape (n,), or of int
            A mask, or row numbers.

        Raises
        ------
        ParameterError
            If a mask is not as long as the data set.
        """
        index = np.asarray(rows)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise ParameterError(
                    f"expected a mask of {len(self)} values, got shape {index.shape}"
                )
            index = np.flatnonzero(index)
        index = index.astype(np.intp)

        def take(values: NDArray | None) -> NDArray | None:
            return None if values is None else values[index]

        return replace(
            self,
            samples=self.samples.iloc[index].reset_index(drop=True),
            landmarks=take(self.landmarks),
            faces=take(self.faces),
            photos=take(self.photos),
        )

    def with_labels(self, policy: str | Path | LabelPolicy) -> Dataset:
        """The data set after a label policy; rows it removes are counted in `policy_changes`.

        Labels of further raters are renamed likewise; one that the policy would remove stays, so
        that it counts as a disagreement.

        Warns if a policy that is not one of `POLICIES` names no label of the data.

        Raises
        ------
        DataError
            If no row is left.
        """
        rule = label_policy(policy)
        outcome = rule.apply(self.y)
        if not outcome.keep.any():
            raise DataError(
                f"label policy {rule.name!r} removes all {len(self)} samples of {self.name!r}, "
                f"whose labels are {', '.join(self.classes)}; choose another one"
            )
        if rule.name not in POLICIES and rule.mapping.keys().isdisjoint(self.classes):
            warnings.warn(
                f"label policy {rule.name!r} names none of the labels of {self.name!r}, which are "
                f"{', '.join(self.classes)}; it changes nothing",
                stacklevel=2,
            )
        kept = self.subset(outcome.keep)
        kept.samples["label"] = outcome.labels
        for column in kept.rater_columns:
            kept.samples[column] = [rule.renamed(label) for label in kept.samples[column]]
        kept.policy, kept.policy_changes = rule, outcome.changes
        return kept
