"""Benchmarks: many recognizers on many data sets, each a run folder, and one table over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ClassicFerError, ParameterError
from classic_fer.evaluation.benchmark_plan import PlannedData, plan_benchmark
from classic_fer.evaluation.benchmark_table import BenchmarkTable, benchmark_table, read_benchmark
from classic_fer.evaluation.experiment import Experiment
from classic_fer.evaluation.leak_gap import people_held_out
from classic_fer.evaluation.result import RESULT_FILE, Result
from classic_fer.evaluation.search_settings import SearchSettings

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["BenchmarkTable", "Watcher", "benchmark", "read_benchmark"]


class Watcher:
    """What hears of the progress of a benchmark; this one is silent."""

    @contextmanager
    def stage(self, what: str) -> Iterator[Callable[[int, int], None] | None]:
        """A stage of the work; yields what is called with (done, total), or None."""
        yield None

    def finished(self, run: str, result: Result, *, kept: bool) -> None:
        """A run has a result, which was there before if it is `kept`."""

    def failed(self, run: str, error: str) -> None:
        """A run could not be made."""

    def note(self, text: str) -> None:
        """Something a reader of the table should know."""


def benchmark(
    data: str | Path | Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    out: str | Path,
    leak_gap: bool = False,
    n_jobs: int = 1,
    command: str | None = None,
    watcher: Watcher | None = None,
    **settings: Any,
) -> BenchmarkTable:
    """Run every feature with every classifier under every protocol on every data set.

    Parameters
    ----------
    data : str, path, mapping or None, or a sequence of such
        See `classic_fer.evaluation.benchmark_plan.plan_benchmark`.
    out : path
        Gets a run folder ``<data>/<features>-<clf>-<cv>`` for each run, and ``table.json`` over
        all runs in it. Finished runs are kept, interrupted ones go on where they stopped.
    leak_gap : bool
        Run each recognizer that is scored under ``K`` folds under ``randomK``, too (and the other
        way round), where people are known.
    n_jobs : int
        Threads; results are the same for any number.
    command : str, optional
        The command line, for ``table.json``.
    watcher : Watcher, optional
    **settings
        ``features``, ``clf``, ``cv`` (one or several each), and what else
        `classic_fer.evaluation.search_settings.SearchSettings` has.

    Returns
    -------
    BenchmarkTable
        Over all runs in `out`. Runs that failed are in its ``failures``; the others went on.

    Raises
    ------
    ParameterError
        For unknown settings, or if `out` is a file or a run folder itself.

    Examples
    --------
    >>> from classic_fer.evaluation.benchmark import benchmark
    >>> table = benchmark(
    ...     ["jaffe", {"data": "lfw-expressions", "labels": "3class"}],
    ...     features=["lbp", "hog"], clf=["svm", "knn"], cv="10", leak_gap=True, out="runs/paper",
    ... )  # doctest: +SKIP
    """
    plans = plan_benchmark(data, **settings)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"benchmark folder {folder} is a file; choose another --out")
    if (folder / RESULT_FILE).exists():
        raise ParameterError(f"{folder} holds a single run; choose another --out for the benchmark")
    watcher = watcher or Watcher()
    failures: list[dict[str, str]] = []
    results = _finished(folder)
    for plan in plans:
        part = _Part(plan, folder, leak_gap, n_jobs, watcher, results, failures)
        try:
            part.run()
        finally:
            table = benchmark_table(results, failures=failures, command=command)
            if results or failures:
                table.save(folder)
    return table


def _finished(folder: Path) -> dict[str, Result]:
    return read_benchmark(folder).results if any(folder.glob(f"*/*/{RESULT_FILE}")) else {}


@dataclass
class _Part:
    """The runs on one data set, which is read and aligned when the first of them needs it."""

    plan: PlannedData
    folder: Path
    leak_gap: bool
    n_jobs: int
    watcher: Watcher
    results: dict[str, Result]
    failures: list[dict[str, str]]
    _dataset: Dataset | None = None
    _trouble: Exception | None = None
    _aligned: dict[str, Dataset] = field(default_factory=dict)

    def run(self) -> None:
        """All protocols, each with all recognizers."""
        for cv in self._protocols():
            for settings in self.plan.searches(cv):
                done = self._attempt(settings)
                if self.leak_gap and cv.isdigit() and done and people_held_out(done):
                    self._attempt(replace(settings, cv=f"random{cv}"))

    def _protocols(self) -> list[str]:
        """Protocols without those that the leak gap adds, each once."""
        names = []
        for cv in self.plan.cv:
            name = self._default_protocol() if cv is None else cv
            folds = re.fullmatch(r"random([0-9]+)", name)
            if folds and self.leak_gap:
                name = folds[1]  # its random folds follow, where people are known
            names.append(name)
        if self.leak_gap and not any(name.isdigit() for name in names):
            self.watcher.note(
                f"{self.plan.name}: no leak gap under protocol {', '.join(names)}; it needs folds, "
                "such as --cv 10"
            )
        return list(dict.fromkeys(names))

    def _default_protocol(self) -> str:
        from classic_fer.evaluation.protocols import official_parts

        try:
            dataset = self._loaded(self.plan.settings)
        except ClassicFerError:
            return "10"  # every run says what is wrong
        parts = official_parts(dataset.split, dataset.card.official_split)
        return "official" if parts else "10"

    def _attempt(self, settings: SearchSettings) -> Result | None:
        """One run; an error of it is kept, and the other runs go on."""
        from classic_fer.reports.run_folder import search_name

        name = search_name(settings.features, settings.clf, settings.cv or "")
        run = f"{self.plan.name}/{name}"
        try:
            result, kept = self._result(run, settings)
        except Exception as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from error  # Ctrl-C inside a compiled module's import
            known = isinstance(error, (ClassicFerError, OSError))
            text = str(error) if known else f"{type(error).__name__}: {error}"
            self.failures.append({"run": run, "error": text})
            self.results.pop(run, None)
            self.watcher.failed(run, text)
            return None
        self.results[run] = result
        self.watcher.finished(run, result, kept=kept)
        return result

    def _result(self, run: str, settings: SearchSettings) -> tuple[Result, bool]:
        """The result of a run, and whether it was there already."""
        from classic_fer.reports.run_folder import RunFolder, has_settings, load_settings

        path = self.folder / run
        started = has_settings(path)
        if started:
            settings.resumed_from(load_settings(path), folder=str(path), all_flags=True)
        if (path / RESULT_FILE).is_file():
            return Result.load(path), True
        experiment = Experiment.plan(settings)
        dataset = self._loaded(settings)
        experiment.protocol(dataset)  # refuses unfit data before the faces are aligned
        if started:
            opened = RunFolder.open(path)
        else:
            opened = RunFolder.create(path, path.name, settings.to_dict())
        with opened:
            aligned = self._faces(experiment, dataset)
            with self.watcher.stage(run) as report:
                done = experiment.run(
                    aligned, opened, n_jobs=self.n_jobs, resume=started, progress=report
                )
        return done, False

    def _loaded(self, settings: SearchSettings) -> Dataset:
        """The data set, read once; so is what is wrong with it."""
        if self._trouble is not None:
            raise self._trouble
        if self._dataset is None:
            try:
                self._dataset = Experiment(settings, {}).load()
            except ClassicFerError as error:
                self._trouble = error
                raise
        return self._dataset

    def _faces(self, experiment: Experiment, dataset: Dataset) -> Dataset:
        """The aligned data set; runs with the same alignment share it."""
        key = repr(experiment.alignment_options(dataset))
        if key not in self._aligned:
            with self.watcher.stage(f"{self.plan.name}: aligning faces") as report:
                self._aligned[key] = experiment.align(dataset, n_jobs=self.n_jobs, progress=report)
        return self._aligned[key]
