"""The runs of a benchmark on one data set: each reads, aligns and searches only what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classic_fer.errors import ClassicFerError
from classic_fer.evaluation.benchmark_plan import PlannedData
from classic_fer.evaluation.experiment import Experiment
from classic_fer.evaluation.leak_gap import people_held_out
from classic_fer.evaluation.numbered_folds import fold_spec
from classic_fer.evaluation.result import RESULT_FILE, Result
from classic_fer.evaluation.search_settings import SearchSettings
from classic_fer.progress import Progress

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.duplicates import Duplicates

__all__ = ["DataRuns", "Watcher", "failure_text"]


class Watcher:
    """What hears of the progress of a benchmark; this one is silent."""

    @contextmanager
    def stage(self, what: str) -> Iterator[Progress | None]:
        """A stage of the work; yields what is called with (done, total), or None."""
        yield None

    def finished(self, run: str, result: Result, *, kept: bool) -> None:
        """A run has a result, which was there before if it is `kept`."""

    def failed(self, run: str, error: str) -> None:
        """A run could not be made."""

    def note(self, text: str) -> None:
        """Something a reader of the table should know."""


@dataclass
class DataRuns:
    """The runs on one data set, which is read and aligned when the first of them needs it."""

    plan: PlannedData
    folder: Path
    leak_gap: bool
    n_jobs: int
    place: Callable[[], AbstractContextManager[object]]
    watcher: Watcher
    results: dict[str, Result]
    failures: list[dict[str, str]]
    _dataset: Dataset | None = None
    _trouble: Exception | None = None
    _aligned: dict[str, Dataset] = field(default_factory=dict)
    _found: Duplicates | None = None

    def run(self) -> None:
        """All protocols, each with all recognizers."""
        for cv in self._protocols():
            for settings in self.plan.searches(cv):
                done = self._attempt(settings)
                spec = fold_spec(cv)
                random_too = self.leak_gap and spec is not None and not spec.random
                if random_too and done and people_held_out(done):
                    self._attempt(replace(settings, cv=f"random{cv}"))

    def _protocols(self) -> list[str]:
        """Protocols without those that the leak gap adds, each once."""
        names = []
        for cv in self.plan.cv:
            name = self._default_protocol() if cv is None else cv
            if fold_spec(name) and self.leak_gap:
                # Its random folds follow, where people are known.
                name = name.removeprefix("random")
            names.append(name)
        if self.leak_gap and not any(map(fold_spec, names)):
            self.watcher.note(
                f"{self.plan.name}: no leak gap under protocol {', '.join(names)}; it needs folds, "
                "such as --cv 10"
            )
        return list(dict.fromkeys(names))

    def _default_protocol(self) -> str:
        from classic_fer.evaluation.official_parts import official_parts

        try:
            dataset = self.dataset(self.plan.settings)
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
            text = failure_text(error)
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
        dataset = self.dataset(settings)
        experiment.protocol(dataset)  # refuses unfit data before the faces are aligned
        if started:
            opened = RunFolder.open(path)
        else:
            opened = RunFolder.create(path, path.name, settings.to_dict())
        with opened:
            aligned = self._faces(experiment, dataset)
            copies = self._copies(experiment, aligned)
            with self.watcher.stage(run) as report, self.place():
                done = experiment.run(
                    aligned,
                    opened,
                    copies=copies,
                    n_jobs=self.n_jobs,
                    resume=started,
                    progress=report,
                )
        return done, False

    def dataset(self, settings: SearchSettings) -> Dataset:
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

    def _copies(self, experiment: Experiment, aligned: Dataset) -> Duplicates | None:
        """Copies among the images, looked for once, as all alignments keep the readable rows."""
        if self._found is None:
            stage = f"{self.plan.name}: looking for copies"
            with (
                self.watcher.stage(stage) if experiment.settings.dedup else nullcontext() as report
            ):
                self._found = experiment.find_copies(
                    aligned,
                    n_jobs=self.n_jobs,
                    progress=None if report is None else lambda _, *done: report(*done),
                )
        return self._found


def failure_text(error: Exception) -> str:
    """What a table says about an error that stops one run.

    Raises
    ------
    KeyboardInterrupt
        If the error stands for Ctrl-C inside the import of a compiled module.
    """
    if isinstance(error.__cause__, KeyboardInterrupt):
        raise KeyboardInterrupt from error
    known = isinstance(error, (ClassicFerError, OSError))
    return str(error) if known else f"{type(error).__name__}: {error}"
