"""load_dataset: from a path or a name to a Dataset."""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from classic_fer.datasets.cards import Card, card_names, generic_card, load_card, official_split
from classic_fer.datasets.dataset import Dataset
from classic_fer.datasets.images import is_image_name
from classic_fer.datasets.manifest import ManifestSource, columns_of, manifest_source, unlabelled
from classic_fer.datasets.readers import READERS
from classic_fer.datasets.reading import NoLabelsError, Reading
from classic_fer.datasets.sources import Source, open_source
from classic_fer.emotions import LabelPolicy, label_policy
from classic_fer.errors import DataError, MissingFileError, ParameterError, unknown_name

__all__ = ["dataset_names", "find_data", "load_dataset", "load_labelled_or_not"]

GENERATED = "generated"


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` looks up, alphabetically; each has a data card."""
    return card_names()


def load_dataset(
    data: str | Path | None = None,
    *,
    format: str | None = None,
    labels: str | Path | LabelPolicy = "keep",
    root: str | Path | None = None,
    seed: int = 0,
) -> Dataset:
    """Read a labelled data set in place.

    Parameters
    ----------
    data : str, Path or None
        A folder, a zip archive, a CSV file (a manifest, or FER2013 as pixels), or one of
        `dataset_names`, looked up in ``$CLASSIC_FER_DATA`` and in ``../shared/datasets``. None or
        ``"generated"``: generated faces, which need no file.
    format : str, optional
        One of the formats of `readers.READERS`; recognised from the content by default.
    labels : str, Path or LabelPolicy
        See `classic_fer.emotions.label_policy`.
    root : path, optional
        What the paths of a manifest are relative to; by default its folder.
    seed : int
        Seed of the generated faces.

    Returns
    -------
    Dataset
        Photos are read later, one by one; unreadable ones are found then.

    Raises
    ------
    MissingFileError
        If there is no such file or name; says where to get a known data set, and its terms.
    DataError
        If it is empty, without labels, or not of the format.
    ParameterError
        If the format or the label policy is unknown, or an option has no effect on such data.

    Examples
    --------
    >>> from classic_fer.datasets import load_dataset
    >>> load_dataset("faces.zip", labels="7class")  # doctest: +SKIP
    """
    policy = label_policy(labels)
    if format is not None and format not in READERS:
        raise unknown_name("format", format, READERS)
    if data is None or (str(data) == GENERATED and not Path(data).exists()):
        from classic_fer.datasets.synthetic import generated_dataset

        for option, value in (("format", format), ("root", root)):
            if value is not None:
                raise ParameterError(
                    f"{option} {str(value)!r} has no effect on generated faces; leave it out, or "
                    "name the data"
                )
        dataset = generated_dataset(seed=seed)
    else:
        path = find_data(data)
        if path.is_file() and is_image_name(path.name):
            raise DataError(
                f"{str(data)!r} is a single image; expected a folder, a zip archive or a CSV file"
            )
        source = manifest_source(
            path, root=None if root is None else Path(root), forced=format == "manifest"
        )
        if root is not None and not isinstance(source, ManifestSource):
            raise ParameterError(
                f"root {str(root)!r} is for the paths of a manifest, and {str(data)!r} is none; "
                "leave it out, or give a CSV file with the columns path,label"
            )
        dataset = _read(source, format)
    return dataset if policy.name == "keep" else dataset.with_labels(policy)


def load_labelled_or_not(data: str | Path) -> Dataset:
    """As `load_dataset`, but images without labels become samples whose label is empty."""
    try:
        return load_dataset(data)
    except NoLabelsError:
        source = open_source(find_data(data))
        samples = Reading(rows=list(unlabelled(source))).frame()
        card = generic_card(source.stem, splits=set(), people=False)
        return Dataset(source.stem, samples, source, card, unreadable=list(source.refused))


def find_data(data: str | Path) -> Path:
    """The path that `data` means: itself if it exists, else a name looked up in the data folders.

    Raises
    ------
    MissingFileError
        If nothing is found.
    """
    name = str(data)
    if not name:
        raise MissingFileError(
            "the name of the data is empty; expected a folder, a zip archive, a CSV file or one "
            f"of: {', '.join(card_names())}"
        )
    if Path(data).exists():
        return Path(data)
    stem = name.removesuffix(".zip").removesuffix(".csv")
    card = load_card(stem) if stem in card_names() else None
    wanted = [name, f"{name}.zip", f"{name}.csv", *(card.files if card else ())]
    for folder in _data_folders():
        for candidate in wanted:
            if (folder / candidate).exists():
                return folder / candidate
    where = os.environ.get("CLASSIC_FER_DATA")
    place = f"in CLASSIC_FER_DATA ({where})" if where else "(CLASSIC_FER_DATA is not set)"
    if card is not None:
        raise MissingFileError(f"data set {name!r} not found {place}. {card.where_to_get()}")
    hint = str(unknown_name("data set", stem, card_names()))
    raise MissingFileError(
        f"no file or folder {name!r}, nor a data set of that name {place}: {hint}"
    )


def _data_folders() -> list[Path]:
    folders = [Path("..") / "shared" / "datasets"]
    if variable := os.environ.get("CLASSIC_FER_DATA"):
        folders.insert(0, Path(variable))
    return [folder for folder in folders if folder.is_dir()]


def _read(source: Source, format: str | None) -> Dataset:
    names = source.names()
    if not names:
        refused = f"; {len(source.refused)} refused: {source.refused[0]}" if source.refused else ""
        raise DataError(
            f"{str(source.location)!r} is empty: expected images in a folder per class, or a data "
            f"set in its official layout{refused}"
        )
    try:
        reader = READERS[format] if format else _recognise(source, names)
        reading = reader.read(source, names)
    except (csv.Error, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"a table in {str(source.location)!r} is damaged ({error}); download or write it again"
        ) from error
    reading.unreadable = [*source.refused, *reading.unreadable]
    if not reading.rows:
        bad = reading.unreadable
        first = f"; {len(bad)} files or rows are unreadable: {bad[0]}" if bad else ""
        layout = f" in the layout of {format}" if format else ""
        raise DataError(
            f"no samples{layout} in {str(source.location)!r} "
            f"({len(names)} {'file' if len(names) == 1 else 'files'}){first}"
        )
    return _assemble(source, reading, reading.card or reader.CARD)


def _recognise(source: Source, names: list[str]) -> ModuleType:
    for reader in READERS.values():
        if reader.matches(source, names):
            return reader
    if len(names) == 1 and names[0].lower().endswith(".csv"):
        raise DataError(
            f"{names[0]!r} has the columns {columns_of(source, names[0])}; expected a manifest "
            "with path,label and, optionally, subject, split and more, or FER2013 as "
            "emotion,pixels,Usage"
        )
    endings = sorted({Path(name).suffix.lower() or "(none)" for name in names})
    raise DataError(
        f"{str(source.location)!r} holds {len(names)} files ({', '.join(endings[:8])}) but nothing "
        "that looks like faces with labels: expected images in a folder per class, a manifest "
        f"(CSV with the columns path,label) or one of the formats {', '.join(READERS)}"
    )


def _assemble(source: Source, reading: Reading, card_name: str | None) -> Dataset:
    samples = reading.frame()
    landmarks = None
    if reading.landmarks is not None:
        landmarks = np.stack(reading.landmarks).astype(np.float32)
    photos = None if reading.photos is None else np.stack(reading.photos)
    if card_name in card_names():
        card = _fitting(load_card(str(card_name)), samples, landmarks is not None)
        name = card.name if reading.card is None else source.stem
    else:
        name = source.stem
        splits = set(samples["split"].dropna())
        card = generic_card(name, splits=splits, people=bool(samples["subject"].notna().any()))
    return Dataset(
        name=name,
        samples=samples,
        source=source,
        card=card,
        landmarks=landmarks,
        unreadable=reading.unreadable,
        photos=photos,
    )


def _fitting(card: Card, samples: pd.DataFrame, landmarks: bool) -> Card:
    """The card with defaults that these samples can serve: a manifest has no landmarks, and users
    may divide the samples in their own way.
    """
    if card.landmarks == "data" and not landmarks:
        card = replace(card, landmarks="68")
    if card.detector == "data" and "width" not in samples:
        card = replace(card, detector="dlib")
    splits = set(samples["split"].dropna())
    official = card.official_split
    if official is None or not {*official["train"], official["test"]} <= splits:
        card = replace(card, official_split=official_split(splits))
    return card
