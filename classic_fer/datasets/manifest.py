"""Manifests: a CSV file with ``path,label[,subject,split,sha256,...]``, in and out.

Paths are relative to a root, by default the folder of the CSV file; ``archive.zip!/member`` names
a file inside an archive. Semicolons or tabs may stand for the commas, as spreadsheets write them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

import pandas as pd

from classic_fer.datasets.cards import card_names
from classic_fer.datasets.dataset import BOX_COLUMNS, Dataset, is_rater_column
from classic_fer.datasets.reading import Reading, image_names
from classic_fer.datasets.sources import Source, Unreadable, ZipSource, open_source, unsafe
from classic_fer.emotions import canonical
from classic_fer.errors import DataError, ImageError

__all__ = [
    "CARD",
    "COLUMNS",
    "ManifestReport",
    "ManifestSource",
    "columns_of",
    "manifest_source",
    "matches",
    "read",
    "unlabelled",
    "write_manifest",
]

CARD = None
COLUMNS = ("path", "label", "subject", "split", "sha256")
_MEMBER = "!/"
_DELIMITERS = ",;\t"
_REQUIRED = {"path", "label"}
_LONGEST_HEADER = 10_000  # characters; a longer first line is none


class ManifestSource(Source):
    """The files that a manifest names, below `root`, also inside archives.

    Parameters
    ----------
    location : Path
        The CSV file.
    root : Path, optional
        What paths are relative to; by default the folder of the CSV file.
    """

    def __init__(self, location: Path, *, root: Path | None = None) -> None:
        super().__init__(location)
        self.root = location.parent if root is None else root
        self._archives: dict[str, ZipSource] = {}

    def names(self) -> list[str]:
        return [self.location.name]

    def open(self, name: str) -> IO[bytes]:
        if name == self.location.name:
            return self.location.open("rb")
        if unsafe(name):
            raise DataError(f"path {name!r} points outside {str(self.root)!r}; refused")
        archive, separator, member = name.partition(_MEMBER)
        if separator:
            return self._archive(archive).open(member)
        try:
            return (self.root / name).open("rb")
        except OSError as error:
            raise ImageError(f"{name}: cannot be read from {self.root}: {error}") from error

    def address(self, name: str) -> Path | str:
        return f"{self.root / name}" if _MEMBER in name else self.root / name

    def _archive(self, name: str) -> ZipSource:
        if name not in self._archives:
            self._archives[name] = ZipSource(self.root / name)
        return self._archives[name]

    def relative(self, path: str) -> str:
        """A path of the table with ``/`` between its parts, and relative if it is below the root.

        Others are returned as they are; `problem` refuses them.
        """
        name = path.replace("\\", "/").removeprefix("./")
        root = f"{self.root.absolute().as_posix().rstrip('/')}/"
        return name.removeprefix(root) if unsafe(name) else name

    def problem(self, name: str) -> str | None:
        """Why the file of a row cannot be a sample, or None if it is there."""
        if unsafe(name):
            return f"points outside {str(self.root)!r}; use paths relative to it, or another root"
        archive, separator, member = name.partition(_MEMBER)
        if not (self.root / archive).is_file():
            return f"no such file below {str(self.root)!r}"
        if not separator:
            return None
        try:
            there = self._archive(archive).has(member)
        except DataError as error:
            return str(error)
        return None if there else f"no such member in {archive}"


def matches(source: Source, names: list[str]) -> bool:
    """Whether the data are one CSV file with the columns path and label."""
    if len(names) != 1 or not names[0].lower().endswith(".csv"):
        return False
    return set(columns_of(source, names[0])) >= _REQUIRED


def columns_of(source: Source, table: str) -> list[str]:
    """The columns of a table in the source, in lower case."""
    with source.open_text(table) as stream:
        return _header(stream.readline(_LONGEST_HEADER))[0]


def read(source: Source, names: list[str]) -> Reading:
    """One row per line; further columns are kept, as numbers where all values are numbers.

    ``label_2``, ``label_3`` ... (or ``second_label``) hold the labels of further people.

    The column ``dataset`` names the data card the faces come from. Absolute paths become relative
    where they lie below the root.
    """
    table = source.read_text(names[0])
    if not isinstance(source, ManifestSource):
        raise DataError(f"{source.location} is not a CSV file; expected a manifest")
    columns, delimiter = _header(table.partition("\n")[0])
    if not set(columns) >= _REQUIRED:
        raise DataError(
            f"{names[0]} has the columns {columns}; expected path,label and, "
            "optionally, subject, split, sha256 and more"
        )
    lines = csv.DictReader(io.StringIO(table, newline=""), columns, delimiter=delimiter)
    next(lines, None)  # the header
    reading = Reading()
    boxes = any(column in columns for column in BOX_COLUMNS)
    ids: set[str] = set()
    cards: set[str] = set()
    for line in lines:
        row = {k: (v or "").strip() or None for k, v in line.items() if isinstance(k, str)}
        if any("\n" in (value or "") for value in (row["path"], row["label"])):
            raise DataError(
                f"{names[0]}: a quotation mark is opened and not closed in the row that ends in "
                f"line {lines.line_num}; close it, or remove it"
            )
        path = source.relative(str(row.pop("path") or ""))
        reason = _problem(source, path, row)
        name = path if not any(row.get(c) for c in BOX_COLUMNS) else _with_box(path, ids)
        if reason is None and name in ids:
            reason = "listed for the second time"
        if reason is not None:
            reading.reject(path or f"{names[0]}, line {lines.line_num}", reason)
            continue
        ids.add(name)
        cards.add(row.pop("dataset", None) or "")
        sample: dict[str, Any] = {"id": name, **row, "label": canonical(row["label"] or "")}
        for column in filter(is_rater_column, row):
            sample[column] = None if row[column] is None else canonical(row[column] or "")
        reading.rows.append(sample | {"path": path} if boxes else sample)
    _convert_numbers(reading.rows)
    reading.card = cards.pop() or None if len(cards) == 1 else None
    return reading


def _header(line: str) -> tuple[list[str], str]:
    """Columns in lower case, and the delimiter with which the required ones are among them."""
    found = []
    for delimiter in _DELIMITERS:
        cells = next(csv.reader([line], delimiter=delimiter), [])
        found.append([name.strip().lower() for name in cells])
    fitting = (i for i, columns in enumerate(found) if set(columns) >= _REQUIRED)
    chosen = next(fitting, 0)
    return found[chosen], _DELIMITERS[chosen]


def _problem(source: ManifestSource, path: str, row: dict[str, str | None]) -> str | None:
    if not path:
        return "no path"
    return source.problem(path) or (None if row.get("label") else "no label")


def _with_box(path: str, taken: set[str]) -> str:
    number = 0
    while f"{path}#{number}" in taken:
        number += 1
    return f"{path}#{number}"


def _convert_numbers(rows: list[dict[str, Any]]) -> None:
    usual = {"id", "path", "label", "subject", "split", "sha256"}
    for column in {name for row in rows for name in row if not is_rater_column(name)} - usual:
        values = pd.Series([row.get(column) for row in rows], dtype=object)
        numbers = pd.to_numeric(values, errors="coerce")
        if (numbers.notna() == values.notna()).all() and values.notna().any():
            for row, number in zip(rows, numbers):
                row[column] = number


@dataclass(frozen=True)
class ManifestReport:
    """What was written.

    Attributes
    ----------
    rows : int
        Number of rows.
    root : Path
        What the paths are relative to; pass it as ``root`` (``--root``) if the CSV file is to
        lie elsewhere.
    unreadable : list of Unreadable
        Files that could not be read and are not in the manifest.
    """

    rows: int
    root: Path
    unreadable: list[Unreadable]


def write_manifest(
    data: Dataset | str | Path, stream: TextIO, *, root: str | Path | None = None
) -> ManifestReport:
    """Write one row per sample: path, label, subject, split, sha256, then the extra columns.

    Parameters
    ----------
    data : Dataset, str or Path
        A data set, or what `load_dataset` takes. Images of a folder or archive without labels
        are written with empty labels, to be filled in.
    stream : text stream
        Opened with ``newline=""``.
    root : path, optional
        What paths are made relative to. By default the working directory if the data lie below
        it, else the folder (or the folder of the archive).

    Returns
    -------
    ManifestReport

    Raises
    ------
    DataError
        If the faces are not files (generated, or pixels of a table), or do not lie below `root`.
    """
    from classic_fer.datasets.loading import load_labelled_or_not

    dataset = data if isinstance(data, Dataset) else load_labelled_or_not(data)
    if dataset.photos is not None or dataset.source is None:
        raise DataError(
            f"the faces of {dataset.name!r} are not files of their own; a manifest needs files"
        )
    base, prefix = _base(dataset.source, root)
    extra = [*(c for c in BOX_COLUMNS if c in dataset.samples), *dataset.extra_columns]
    has_card = dataset.card.name in card_names()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *extra, *(["dataset"] if has_card else [])])
    unreadable = list(dataset.unreadable)
    written = 0
    for i, row in enumerate(dataset.samples.to_dict("records")):
        try:
            digest = hashlib.sha256(dataset.read_bytes(i)).hexdigest()
        except ImageError as error:
            unreadable.append(Unreadable(dataset.path(i), str(error)))
            continue
        values = [row["label"], row["subject"], row["split"], digest, *(row[c] for c in extra)]
        cells = ["" if pd.isna(value) else value for value in values]
        writer.writerow(
            [prefix + dataset.path(i), *cells, *([dataset.card.name] if has_card else [])]
        )
        written += 1
    return ManifestReport(written, base, unreadable)


def _base(source: Source, root: str | Path | None) -> tuple[Path, str]:
    """The root, and what stands before a source's own names to make them relative to it."""
    if isinstance(source, ManifestSource):
        location, tail = source.root.resolve(), "/"
    elif isinstance(source, ZipSource):
        location, tail = source.location.resolve(), _MEMBER
    else:
        location, tail = source.location.resolve(), "/"
    outer = location.parent if tail == _MEMBER else location
    working = Path.cwd()
    if root is not None:
        base = Path(root).resolve()
    else:
        base = working if location.is_relative_to(working) else outer
    if not location.is_relative_to(base):
        raise DataError(
            f"{str(location)!r} does not lie below the root {str(base)!r}; "
            "choose a folder above the data"
        )
    relative = location.relative_to(base).as_posix()
    return base, "" if relative == "." else relative + tail


def unlabelled(source: Source) -> Iterable[dict[str, Any]]:
    """Rows with empty labels for all images of a source."""
    return [{"id": name, "label": ""} for name in image_names(source.names())]


def manifest_source(path: Path, *, root: Path | None, forced: bool) -> Source:
    """The source for a CSV file that is, or is `forced` to be, a manifest; else as usual."""
    plain = open_source(path)
    if isinstance(plain, ZipSource) or path.is_dir():
        return plain
    if forced or matches(plain, plain.names()):
        return ManifestSource(path, root=root)
    return plain
