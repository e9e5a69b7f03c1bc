"""Result: what an evaluation found, as plain data that reports, comparisons and programs read."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classic_fer.errors import DataError, MissingFileError

__all__ = ["PREDICTIONS_FILE", "RESULT_FILE", "SCHEMA_VERSION", "Result", "environment"]

SCHEMA_VERSION = 1
RESULT_FILE = "result.json"
PREDICTIONS_FILE = "predictions.csv"
FINAL_PREDICTIONS_FILE = "predictions_final.csv"

_PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "opencv-python-headless",
    "dlib-bin",
    "onnxruntime",
)


@dataclass
class Result:
    """Scores and predictions of one evaluation.

    Attributes
    ----------
    dataset : dict
        ``name``, ``n`` (rows that take part), ``classes`` in the order of emotions.
    protocol : dict
        ``name``; ``groups``, the number of people that are kept together, None where they are
        not; ``folds``; ``repeats``, how many times each face is predicted; ``kept_together``,
        what no fold tears apart (people, identical images); ``hash``, the SHA-256 of the split
        file; ``references``, the number of neutral faces that others are compared to.
    recognizer : dict
        ``features``, ``clf`` and ``params`` of the recognizer that was kept.
    best_params : dict
        What the last search, on all training data, chose.
    scores : dict
        Metric to ``{"value": ..., "ci95": [low, high] or None}`` over the pooled predictions of
        the folds, accuracy first; empty after a plain search, which has only a `selection_score`.
        A face that was abstained on counts as wrong; ``log_loss``, ``brier``, ``ece`` and
        ``top2`` judge the probabilities, whether or not they were thought high enough.
    interval : str
        What `ci95` was resampled over, ``"people"`` or ``"images"``.
    per_class : list of dict
        ``class``, ``precision``, ``recall``, ``f1``, ``support``, and ``ci95`` of the first
        three.
    confusion : dict
        ``true`` (names of the rows), ``predicted`` (names of the columns) and ``counts``.
    found : dict or None
        ``n``, ``scores``, ``per_class`` and ``confusion`` over rows in which a face was found;
        None if that was all of them.
    answered : dict or None
        See `classic_fer.evaluation.selective.answer_scores`; None where every face was answered
        and no error was wished for.
    label_noise : list of dict
        How further raters agree with the labels; see
        `classic_fer.evaluation.predictions_table.label_noise`.
    majority_baseline : float or None
        Accuracy of always saying the most frequent class.
    selection_score, scoring
        Best mean score of the last search, and its metric. It was chosen, so it is optimistic.
    folds : list of dict
        ``name``, ``n_train``, ``n_test``, ``scores``, ``params``, ``selection_score``.
    coverage : dict
        ``found`` faces ``of`` rows.
    unreadable : list of dict
        ``path`` and ``reason`` of files that never became rows.
    left_out : dict
        Class to number of rows that were left out because the recognizer lacks the class.
    warnings : list of str
        What a reader of the scores has to know.
    final : dict or None
        As `found`, and ``coverage``, for the part ``final``; None if it was not asked for.
    dedup : dict or None
        Scores without copies of training images; see
        `classic_fer.evaluation.deduplication.deduplicated_scores`. None if not asked for.
    label_policy : dict or None
        ``name`` and ``changes`` (from, to, number of rows).
    label_policies : list of dict
        The same answers under several label policies; see
        `classic_fer.evaluation.label_policies.score_label_policies`.
    subgroups : list of dict
        Scores by group; see `classic_fer.evaluation.subgroups.subgroups`.
    command : str or None
        The command line.
    seed : int
    environment : dict
        Versions.
    seconds : float
    predictions : DataFrame
        ``id``, ``fold``, ``true``, ``predicted``, ``score_<class>`` ..., ``found``, ``subject``.
        Scores are calibrated probabilities; ``predicted`` is ``abstained`` where the recognizer
        abstained: because no face was found, or (``found`` is True) because it was unsure.
    final_predictions : DataFrame or None
        The same for the part ``final``, in ``predictions_final.csv``.
    """

    dataset: dict[str, Any]
    protocol: dict[str, Any]
    recognizer: dict[str, Any]
    best_params: dict[str, Any]
    scores: dict[str, dict[str, Any]]
    folds: list[dict[str, Any]]
    coverage: dict[str, int]
    predictions: pd.DataFrame
    interval: str = "images"
    per_class: list[dict[str, Any]] = field(default_factory=list)
    confusion: dict[str, Any] | None = None
    found: dict[str, Any] | None = None
    answered: dict[str, Any] | None = None
    label_noise: list[dict[str, Any]] = field(default_factory=list)
    majority_baseline: float | None = None
    selection_score: float | None = None
    scoring: str | None = None
    unreadable: list[dict[str, str]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    final: dict[str, Any] | None = None
    dedup: dict[str, Any] | None = None
    label_policy: dict[str, Any] | None = None
    label_policies: list[dict[str, Any]] = field(default_factory=list)
    subgroups: list[dict[str, Any]] = field(default_factory=list)
    command: str | None = None
    seed: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    final_predictions: pd.DataFrame | None = None

    @property
    def accuracy(self) -> float | None:
        """Accuracy over the pooled predictions; None after a plain search."""
        return self.scores["accuracy"]["value"] if self.scores else None

    @property
    def fold_accuracies(self) -> list[float]:
        """Accuracy of each fold, whose spread a report shows."""
        return [fold["scores"]["accuracy"] for fold in self.folds if fold.get("scores")]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; ``predictions`` is the name of the CSV file."""
        data: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        for each in fields(self):
            data[each.name] = getattr(self, each.name)
        data["predictions"] = PREDICTIONS_FILE
        data["final_predictions"] = (
            None if self.final_predictions is None else FINAL_PREDICTIONS_FILE
        )
        return plain(data)

    @classmethod
    def from_dict(
        cls,
        data: dict[str, Any],
        predictions: pd.DataFrame | None = None,
        final_predictions: pd.DataFrame | None = None,
    ) -> Result:
        """Inverse of `to_dict`, given the tables.

        Raises
        ------
        DataError
            If the data have another schema version, or lack something.
        """
        found = data.get("schema_version")
        if found != SCHEMA_VERSION:
            raise DataError(
                f"result of schema version {found!r}; this classic_fer reads {SCHEMA_VERSION}: "
                "run the evaluation again, or use the version that wrote it"
            )
        known = {each.name for each in fields(cls)} - {"predictions", "final_predictions"}
        missing = sorted(
            {"dataset", "protocol", "recognizer", "best_params", "scores", "folds", "coverage"}
            - set(data)
        )
        if missing:
            raise DataError(f"result lacks {', '.join(missing)}; the file is not complete")
        values = {name: data[name] for name in known if name in data}
        return cls(
            **values,
            predictions=pd.DataFrame() if predictions is None else predictions,
            final_predictions=final_predictions,
        )

    def to_json(self) -> str:
        """JSON text of `to_dict`: no NaN, full precision, the order of the fields above."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(
        cls,
        text: str,
        predictions: pd.DataFrame | None = None,
        final_predictions: pd.DataFrame | None = None,
    ) -> Result:
        """Inverse of `to_json`, given the tables."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"not a result: the text is no JSON ({error})") from error
        return cls.from_dict(data, predictions, final_predictions)

    def save(self, folder: str | Path) -> Path:
        """Write ``result.json`` and the tables of predictions; returns the path of the first."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for table, name in (
            (self.predictions, PREDICTIONS_FILE),
            (self.final_predictions, FINAL_PREDICTIONS_FILE),
        ):
            if table is not None:
                table.to_csv(folder / name, index=False, lineterminator="\n")
        path = folder / RESULT_FILE
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """Read what `save` wrote, from the folder or from the path of ``result.json``.

        Raises
        ------
        MissingFileError
            If there is no such file.
        DataError
            If it is not a result.
        """
        path = Path(path)
        path = path / RESULT_FILE if path.is_dir() else path
        if not path.is_file():
            raise MissingFileError(f"no {path}; expected a run folder that holds {RESULT_FILE}")
        files = (path.parent / PREDICTIONS_FILE, path.parent / FINAL_PREDICTIONS_FILE)
        tables = [read_predictions(file) if file.is_file() else None for file in files]
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), *tables)
        except (DataError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: {error}") from error


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read a ``predictions.csv``: names as text, scores to the last bit."""
    # Everything is read as text: float() gives back the last bit, pandas 2 would not.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in table.columns:
        if name.startswith("score_"):
            table[name] = np.array([float(text) for text in table[name]])
    if "found" in table:
        table["found"] = (table["found"] == "True").to_numpy()
    if "subject" in table:
        table["subject"] = pd.Series([text or None for text in table["subject"]], dtype=object)
    return table


def plain(value: Any) -> Any:
    """`value` with NumPy numbers, arrays and tuples as JSON has them; NaN becomes None."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def environment() -> dict[str, Any]:
    """Versions of Python, the platform and the packages that scores may depend on."""
    from classic_fer import __version__

    versions: dict[str, Any] = {"classic_fer": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    versions["platform"] = platform.platform()
    return versions
