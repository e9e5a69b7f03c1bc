"""StudyResult: what a study found, as plain data that reports and programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import DataError, MissingFileError
from classic_fer.evaluation.result import environment, plain

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["STUDY_FILE", "StudyResult", "StudyTable", "dataset_facts", "score"]

SCHEMA_VERSION = 1
STUDY_FILE = "study.json"
ARRAYS_FILE = "arrays.npz"


@dataclass(frozen=True)
class StudyTable:
    """Rows of numbers and words.

    Attributes
    ----------
    name : str
        Also the name of its CSV file.
    title : str
    rows : list of dict
        All with the keys `columns`. Values are text, numbers, bools, None (not known), or scores
        with an interval, ``{"value": ..., "ci95": [low, high] or None}`` (see `score`).
    columns : list of str
        In the order shown; the first one names the row.
    formats : dict of str to str
        How numbers of a column are shown, as Python's ``format`` takes it; floats that have none
        get three decimals. Files keep every digit.
    shown : bool
        Whether reports show it; otherwise it is only a file.
    """

    name: str
    title: str
    rows: list[dict[str, Any]]
    columns: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    shown: bool = True

    def __post_init__(self) -> None:
        if not self.columns and self.rows:
            object.__setattr__(self, "columns", list(self.rows[0]))
        for row in self.rows:
            if set(row) != set(self.columns):
                raise DataError(
                    f"table {self.name!r} has the columns {self.columns}, a row has {list(row)}"
                )

    def column(self, name: str) -> list[Any]:
        """The values of a column; of scores, their ``value``."""
        values = [row[name] for row in self.rows]
        return [value["value"] if isinstance(value, Mapping) else value for value in values]


def score(value: float | None, ci95: Sequence[float] | None = None) -> dict[str, Any]:
    """A number with its 95 % interval, as a cell of a table."""
    return {"value": value, "ci95": None if ci95 is None else [float(each) for each in ci95]}


@dataclass
class StudyResult:
    """What a study found.

    Attributes
    ----------
    name : str
        Of the study, as on the command line.
    title : str
        What was studied on what.
    question : str
        In one sentence.
    dataset : dict
        See `dataset_facts`.
    tables : list of StudyTable
        The first one is what the study is about.
    conclusions : list of str
        What the numbers say, in sentences.
    limits : list of str
        What they cannot show.
    warnings : list of str
        What a reader has to know before believing them.
    recognizer : dict or None
        ``features``, ``clf``, ``params``; and ``model`` where one was given, None where each fold
        trained its own. The whole is None for studies of data alone.
    protocol : dict or None
        ``name``, ``folds``, ``groups`` (people kept together, None where not known),
        ``kept_together``, ``hash``; None where nothing was trained.
    arrays : dict of str to ndarray
        What figures are drawn from besides tables; in ``arrays.npz``.
    settings : dict
        Plain data: levels, repeats and the like.
    command : str or None
    seed : int
    environment : dict
        Versions.
    seconds : float
    """

    name: str
    title: str
    question: str
    dataset: dict[str, Any]
    tables: list[StudyTable]
    conclusions: list[str]
    limits: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    recognizer: dict[str, Any] | None = None
    protocol: dict[str, Any] | None = None
    arrays: dict[str, NDArray] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    command: str | None = None
    seed: int = 0
    environment: dict[str, Any] = field(default_factory=environment)
    seconds: float = 0.0

    def table(self, name: str) -> StudyTable:
        """The table of that name.

        Raises
        ------
        DataError
            If there is none.
        """
        for each in self.tables:
            if each.name == name:
                return each
        names = ", ".join(each.name for each in self.tables)
        raise DataError(f"study {self.name!r} has no table {name!r}; its tables are {names}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``arrays`` are the names of those in ``arrays.npz``."""
        data: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        for each in fields(self):
            data[each.name] = getattr(self, each.name)
        data["tables"] = [asdict(table) for table in self.tables]
        data["arrays"] = sorted(self.arrays)
        return plain(data)

    @classmethod
    def from_dict(
        cls, data: dict[str, Any], arrays: Mapping[str, NDArray] | None = None
    ) -> StudyResult:
        """Inverse of `to_dict`, given the arrays.

        Raises
        ------
        DataError
            If the data have another schema version, or lack something.
        """
        found = data.get("schema_version")
        if found != SCHEMA_VERSION:
            raise DataError(
                f"study of schema version {found!r}; this classic_fer reads {SCHEMA_VERSION}: run "
                "the study again, or use the version that wrote it"
            )
        needed = {"name", "title", "question", "dataset", "tables", "conclusions"}
        if missing := sorted(needed - set(data)):
            raise DataError(f"study lacks {', '.join(missing)}; the file is not complete")
        values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        values["tables"] = [StudyTable(**table) for table in data["tables"]]
        values["arrays"] = dict(arrays or {})
        return cls(**values)

    def save(self, folder: str | Path) -> Path:
        """Write ``study.json`` and, if there are arrays, ``arrays.npz``; returns the first."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if self.arrays:
            stored: dict[str, Any] = dict(self.arrays)
            np.savez_compressed(folder / ARRAYS_FILE, **stored)
        path = folder / STUDY_FILE
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> StudyResult:
        """Read what `save` wrote, from the folder or from the path of ``study.json``.

        Raises
        ------
        MissingFileError
            If there is no such file.
        DataError
            If it is not a study.
        """
        path = Path(path)
        path = path / STUDY_FILE if path.is_dir() else path
        if not path.is_file():
            raise MissingFileError(f"no {path}; expected the folder of a study, with {STUDY_FILE}")
        arrays: dict[str, NDArray] = {}
        if (path.parent / ARRAYS_FILE).is_file():
            with np.load(path.parent / ARRAYS_FILE, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")), arrays)
        except (DataError, ValueError, TypeError) as error:
            raise DataError(f"{path} is not a study: {error}") from error


def dataset_facts(dataset: Dataset) -> dict[str, Any]:
    """What a study says about its data.

    Returns
    -------
    facts : dict
        ``name``; ``n``; ``classes`` {class: faces} in the order of emotions; ``people``, None
        where they are not known; ``majority`` {``class``, ``accuracy``} of always guessing the
        most frequent class; ``found``, faces that were found, None before alignment;
        ``unreadable``, files that could not be read; ``label_policy``, its name or None.
    """
    from classic_fer.datasets.describe import describe

    counts = describe(dataset)
    return {
        "name": dataset.name,
        "n": len(dataset),
        "classes": counts.counts["all"],
        "people": counts.people,
        "majority": counts.majority["all"],
        "found": None if dataset.faces is None else int(dataset.faces["found"].sum()),
        "unreadable": len(dataset.unreadable),
        "label_policy": None if dataset.policy is None else dataset.policy.name,
    }
