"""The run folder: everything that a search or an evaluation leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from classic_fer.errors import ClassicFerError, MissingFileError, ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.evaluation.protocols import Protocol
    from classic_fer.evaluation.result import Result
    from classic_fer.models.recognizer import Recognizer
    from classic_fer.models.search import GridSearch

__all__ = [
    "RunFolder",
    "has_settings",
    "load_settings",
    "run_name",
    "search_name",
    "study_run_name",
]

_RUNS = Path("runs")
_SETTINGS = "settings.json"
_RESULT = "result.json"


def run_name(data: str, features: str, clf: str, cv: str) -> str:
    """``<data>-<features>-<clf>-<cv>`` without characters that shells or file systems mind.

    Examples
    --------
    >>> run_name("jaffe", "(lbp+hog):pca", "svm", "folds/mine.csv")
    'jaffe-lbp+hog.pca-svm-mine'
    """
    return f"{_plain(data)}-{search_name(features, clf, cv)}"


def search_name(features: str, clf: str, cv: str) -> str:
    """``<features>-<clf>-<cv>``, likewise: the folder of a run within a benchmark."""
    return "-".join(map(_plain, (features.replace(":", "."), clf, Path(cv).stem)))


def study_run_name(data: str, study: str) -> str:
    """``<data>-study-<study>``, likewise; `data` may be a path."""
    return f"{_plain(Path(data).stem)}-study-{study}"


def _plain(part: str) -> str:
    return re.sub(r"[^\w+.-]", "", part) or "x"


def has_settings(folder: str | Path) -> bool:
    """Whether a search was started in a folder."""
    return (Path(folder) / _SETTINGS).is_file()


def load_settings(folder: str | Path) -> dict[str, Any]:
    """What the search in a run folder was told.

    Raises
    ------
    MissingFileError, ParameterError
        As `RunFolder.open`.
    """
    file = Path(folder) / _SETTINGS
    if not file.is_file():
        raise MissingFileError(
            f"{folder} is no run folder that can be resumed: {_SETTINGS} is not there"
        )
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParameterError(f"{file} is damaged ({error}); start a new run") from None
    if not isinstance(stored, dict):
        raise ParameterError(f"{file} is damaged; start a new run")
    return stored


class RunFolder:
    """A folder with the files of one run.

    Used as a context, an error that classic_fer raises on purpose takes a folder away again in
    which nothing was finished; so does an interruption, unless ``--resume`` can go on there.

    Attributes
    ----------
    path : Path
    settings : dict or None
        What a search was told, as given to `create`; None for other runs.
    """

    def __init__(self, path: Path, settings: dict[str, Any] | None) -> None:
        self.path = path
        self.settings = settings

    @classmethod
    def create(
        cls, path: str | Path | None, name: str, settings: dict[str, Any] | None = None
    ) -> RunFolder:
        """A new run folder.

        Parameters
        ----------
        path : str, Path or None
            Where; it must not hold a run. None takes ``runs/<name>``, or the first free of
            ``runs/<name>-2``, ``runs/<name>-3`` ...
        name : str
            See `run_name`.
        settings : dict, optional
            Plain data of a search that can be resumed, stored for `open`.

        Raises
        ------
        ParameterError
            If `path` is a file or already holds a run.
        PermissionError
            If it cannot be written.
        """
        if path is None:
            folder = _first_free(_RUNS, name)
        else:
            folder = Path(path)
            if folder.exists() and not folder.is_dir():
                raise ParameterError(f"run folder {folder} is a file; choose another --out")
            if (folder / _SETTINGS).exists() or (folder / _RESULT).exists():
                raise ParameterError(
                    f"{folder} already holds a run; choose another --out, or go on with a search: "
                    f"--resume {folder}"
                )
            folder.mkdir(parents=True, exist_ok=True)
        if settings is not None:
            text = json.dumps(settings, indent=1) + "\n"
            (folder / _SETTINGS).write_text(text, encoding="utf-8")
        return cls(folder, settings)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The folder of an earlier search.

        Raises
        ------
        MissingFileError
            If it is not there or no search was started in it.
        ParameterError
            If its settings cannot be read.
        """
        return cls(Path(path), load_settings(path))

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        interrupted = isinstance(error, KeyboardInterrupt) and self.settings is None
        if isinstance(error, ClassicFerError) or interrupted:
            self._remove_if_unused()

    def _remove_if_unused(self) -> None:
        files = [each for each in self.path.rglob("*") if not each.is_dir()]
        if any(each.name != _SETTINGS for each in files):
            return
        for each in files:
            each.unlink()
        for folder in sorted(self.path.rglob("*"), reverse=True):
            folder.rmdir()
        self.path.rmdir()
        if self.path.parent == _RUNS and not any(_RUNS.iterdir()):
            _RUNS.rmdir()

    def write(
        self,
        result: Result,
        *,
        recognizer: Recognizer | None = None,
        search: GridSearch | None = None,
        protocol: Protocol | None = None,
        ids: Sequence[str] = (),
    ) -> None:
        """Write the report, the figures and, after a search, the model.

        The marks of the report (see `content.marks`) become warnings of the result.

        Parameters
        ----------
        result : Result
            Becomes ``result.json``, ``predictions.csv``, ``report.md`` and, if anything was
            predicted, ``confusion``, ``folds``, ``reliability`` and ``risk_coverage`` as PNG and
            SVG.
        recognizer : Recognizer, optional
            Becomes ``model.skops``.
        search : GridSearch, optional
            The search on all training data: its candidates become ``cv_results.csv`` and, where
            a parameter was searched, the figure ``search``.
        protocol : Protocol, optional
            Becomes ``split.csv``, which ``--cv`` takes to run the same folds again.
        ids : sequence of str
            Sample ids of the rows of `protocol`.
        """
        from classic_fer.reports.content import marks
        from classic_fer.reports.figures import save_figures
        from classic_fer.reports.markdown import markdown_report

        if recognizer is not None:
            from classic_fer.models.persistence import save_model

            save_model(recognizer, self.path / "model.skops")
        surface = None
        if search is not None:
            import pandas as pd

            from classic_fer.reports.page_figures import surface_figure

            path = self.path / "cv_results.csv"
            pd.DataFrame(search.cv_results_).to_csv(path, index=False)
            surface = surface_figure(pd.read_csv(path))  # as the page reads it
        if protocol is not None:
            from classic_fer.evaluation.split_files import write_split_file

            write_split_file(protocol, ids, self.path / "split.csv")
        result.warnings += [mark for mark in marks(result) if mark not in result.warnings]
        figures = _result_figures(result) | ({} if surface is None else {"search": surface[0]})
        save_figures(figures, self.path)
        (self.path / "report.md").write_text(markdown_report(result), encoding="utf-8")
        result.save(self.path)  # last: a folder with a result is finished


def _result_figures(result: Result) -> dict[str, Figure]:
    """The confusion matrix, the spread over folds, and what doubt is worth, by name of file."""
    from classic_fer.reports.content import headline, marks, title
    from classic_fer.reports.doubt_figures import doubt_figures
    from classic_fer.reports.figures import confusion_figure
    from classic_fer.reports.page_figures import fold_figure
    from classic_fer.reports.wording import answer_name

    if result.confusion is None:
        return {}
    figures = doubt_figures(result)
    figures["confusion"] = confusion_figure(
        result.confusion["counts"],
        result.confusion["true"],
        predicted_classes=[answer_name(name) for name in result.confusion["predicted"]],
        title="\n".join([title(result), headline(result), *marks(result)]),
    )
    if len(result.fold_accuracies) > 1:
        figures["folds"] = fold_figure(result)
    return figures


def _first_free(parent: Path, name: str) -> Path:
    """Make and return ``name``, ``name-2``, ``name-3`` ... whichever does not exist yet."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
