"""The table over the runs of a benchmark: scores with intervals, ranks, leak gaps, failures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classic_fer.errors import DataError, MissingFileError
from classic_fer.evaluation.cross_table import CROSS_PREFIX, cross_cells
from classic_fer.evaluation.leak_gap import leak_gap, paired_accuracy_difference, people_held_out
from classic_fer.evaluation.numbered_folds import fold_spec
from classic_fer.evaluation.result import RESULT_FILE, Result, environment, plain

__all__ = ["TABLE_FILE", "BenchmarkTable", "benchmark_table", "read_benchmark"]

TABLE_FILE = "table.json"
_SCHEMA_VERSION = 1


@dataclass
class BenchmarkTable:
    """All finished runs of a benchmark.

    Attributes
    ----------
    rows : list of dict
        One a run, by data, protocol and rank: ``run`` (its folder, relative to the benchmark),
        ``data``, ``dataset``, ``n``, ``n_classes``, ``people`` (number kept together, or None),
        ``features``, ``clf``, ``cv``, ``hash`` (of the folds), ``scores``, ``interval``, ``rank``
        (by accuracy, among the runs with the same folds), ``behind_best`` {``value``, ``ci95``}
        (paired bootstrap; None for the best), ``majority_baseline``, ``selection_score``,
        ``best_params``, ``coverage``, ``seconds``, ``kept_together``, ``dedup``, ``warnings``.
    leak_gaps : list of dict
        ``data``, ``features``, ``clf``, ``cv``, and the fields of
        `classic_fer.evaluation.leak_gap.LeakGap`.
    cross : list of dict
        See `classic_fer.evaluation.cross_table.cross_cells`.
    failures : list of dict
        ``run`` and ``error`` of what could not be run.
    results : dict of str to Result
        By ``run``.
    cross_results : dict of str to Result
        By ``<train>/<run>/on-<test>``.
    command : str or None
    environment : dict
    """

    rows: list[dict[str, Any]]
    leak_gaps: list[dict[str, Any]]
    cross: list[dict[str, Any]]
    failures: list[dict[str, str]]
    results: dict[str, Result]
    cross_results: dict[str, Result]
    command: str | None = None
    environment: dict[str, Any] = field(default_factory=environment)

    @property
    def seconds(self) -> float:
        """Of all runs together."""
        return float(sum(row["seconds"] for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return plain(
            {
                "schema_version": _SCHEMA_VERSION,
                "command": self.command,
                "rows": self.rows,
                "leak_gaps": self.leak_gaps,
                "cross": self.cross,
                "failures": self.failures,
                "seconds": self.seconds,
                "environment": self.environment,
            }
        )

    def save(self, folder: str | Path) -> Path:
        """Write ``table.json``; returns its path."""
        path = Path(folder) / TABLE_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        path.write_text(text, encoding="utf-8")
        return path


def benchmark_table(
    results: dict[str, Result],
    *,
    cross_results: dict[str, Result] | None = None,
    failures: Sequence[dict[str, str]] = (),
    command: str | None = None,
) -> BenchmarkTable:
    """The table of some runs.

    Parameters
    ----------
    results : dict of str to Result
        By ``<data>/<features>-<clf>-<cv>``. Plain searches have no scores and are left out.
    cross_results : dict of str to Result, optional
        By ``<train>/<run>/on-<test>``.
    failures : sequence of dict
    command : str, optional
    """
    scored = {run: result for run, result in results.items() if result.accuracy is not None}
    fields: dict[tuple[str, str], list[str]] = {}
    for run, result in scored.items():
        fields.setdefault((_data(run), str(result.protocol["hash"])), []).append(run)
    rows = [row for runs in fields.values() for row in _ranked({r: scored[r] for r in runs})]
    order = {data: place for place, data in enumerate(dict.fromkeys(map(_data, scored)))}
    rows.sort(key=lambda row: (order[row["data"]], row["cv"].startswith("random"), row["cv"]))
    crossed = cross_results or {}
    return BenchmarkTable(
        rows=rows,
        leak_gaps=_leak_gaps(scored),
        cross=cross_cells(scored, crossed),
        failures=list(failures),
        results=scored,
        cross_results=crossed,
        command=command,
    )


def read_benchmark(folder: str | Path) -> BenchmarkTable:
    """The table of a benchmark folder, made from the runs that are finished in it.

    Raises
    ------
    MissingFileError
        If there is none.
    """
    folder = Path(folder)
    files = sorted(folder.glob(f"*/*/{RESULT_FILE}"))
    if not files:
        raise MissingFileError(
            f"{folder} holds no finished runs (<data>/<run>/{RESULT_FILE}); expected the folder of "
            "a benchmark, or of one run"
        )
    results = _loaded(folder, files)
    crossed = _loaded(folder, sorted(folder.glob(f"*/*/{CROSS_PREFIX}*/{RESULT_FILE}")))
    stored: dict[str, Any] = {}
    if (folder / TABLE_FILE).is_file():
        try:
            stored = json.loads((folder / TABLE_FILE).read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{folder / TABLE_FILE} is damaged ({error}); delete it") from None
    made = {**results, **crossed}
    failures = [each for each in stored.get("failures", []) if each["run"] not in made]
    return benchmark_table(
        results, cross_results=crossed, failures=failures, command=stored.get("command")
    )


def _loaded(folder: Path, files: Sequence[Path]) -> dict[str, Result]:
    return {file.parent.relative_to(folder).as_posix(): Result.load(file) for file in files}


def _data(run: str) -> str:
    return run.partition("/")[0]


def _ranked(results: dict[str, Result]) -> list[dict[str, Any]]:
    """Rows of runs with the same folds, the most accurate first."""
    accuracy = {run: result.scores["accuracy"]["value"] for run, result in results.items()}
    runs = sorted(results, key=lambda run: -accuracy[run])
    best = runs[0]
    rows = []
    for run in runs:
        result, behind = results[run], None
        if accuracy[run] < accuracy[best]:
            value, ci95, _ = paired_accuracy_difference(
                result, results[best], random_state=result.seed
            )
            behind = {"value": value, "ci95": ci95}
        rows.append(
            {
                "run": run,
                "data": _data(run),
                "dataset": result.dataset["name"],
                "n": result.dataset["n"],
                "n_classes": len(result.dataset["classes"]),
                "people": result.protocol["groups"],
                "features": result.recognizer["features"],
                "clf": result.recognizer["clf"],
                "cv": str(result.protocol["name"]),
                "hash": result.protocol["hash"],
                "scores": result.scores,
                "interval": result.interval,
                "rank": 1 + sum(other > accuracy[run] for other in accuracy.values()),
                "behind_best": behind,
                "majority_baseline": result.majority_baseline,
                "selection_score": result.selection_score,
                "best_params": result.best_params,
                "coverage": result.coverage,
                "seconds": result.seconds,
                "kept_together": result.protocol.get("kept_together"),
                "dedup": result.dedup,
                "warnings": result.warnings,
            }
        )
    return rows


def _leak_gaps(results: dict[str, Result]) -> list[dict[str, Any]]:
    """A gap for each recognizer that ran under random folds as well as under the same number of
    folds with people held out; where people are not known, why there is none."""

    def key(run: str, cv: str) -> tuple[str, str, str, str]:
        recognizer = results[run].recognizer
        return _data(run), recognizer["features"], recognizer["clf"], cv

    by_key = {key(run, str(result.protocol["name"])): run for run, result in results.items()}
    gaps = []
    for run, result in results.items():
        cv = str(result.protocol["name"])
        spec = fold_spec(cv)
        if spec is None or spec.random:
            continue
        names = key(run, cv)
        random = by_key.get((*names[:3], f"random{cv}"))
        if people_held_out(result) and random is None:
            continue
        gap = leak_gap(
            result, None if random is None else results[random], random_state=result.seed
        )
        described = dict(zip(("data", "features", "clf", "cv"), names))
        gaps.append({**described, **gap.to_dict()})
    return gaps
