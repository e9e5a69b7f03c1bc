"""What all studies have in common on the command line: flags, run folder, faces, recognizers."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classic_fer.cli import options, search_options
from classic_fer.cli.console import Session, guard, output_console, say

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.experiment import Experiment
    from classic_fer.studies.recognizers import GivenRecognizer, HeldOutRecognizers, Recipe
    from classic_fer.studies.result import StudyResult

__all__ = ["StudyRun", "study_command"]

_UNSAID = {"out", "resume", "jobs", "as_json", "debug"}  # flags that change no number

_TRAINING = (
    *("features", "clf", "fixed", "grid", "scaler", "class_weight", "scoring", "cv", "inner_cv"),
    *("size", "margin"),
)


def _go_on(context: typer.Context, folder: Path | None) -> Path | None:
    """Flags that are not given now are those that the study was started with."""
    if folder is None:
        return None
    from classic_fer.errors import ClassicFerError
    from classic_fer.reports.run_folder import load_settings

    try:
        stored = load_settings(folder)
    except ClassicFerError as error:
        raise typer.BadParameter(str(error)) from None
    if stored.get("study") != context.info_name:
        raise typer.BadParameter(
            f"{folder} holds {stored.get('study', 'no study')!r}, not the study "
            f"{context.info_name!r}; use the command that it was started with"
        )
    context.default_map = stored["flags"]
    return folder


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Run folder, .skops or .onnx file, or the name of a bundled model: default.",
        show_default="--features and --clf, trained with people held out",
        rich_help_panel="Recognizer",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume",
        callback=_go_on,
        is_eager=True,
        help="Go on with this run folder, with the flags it was started with.",
        show_default=False,
        rich_help_panel=options.RUN,
    ),
]


def _common(
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: options.Labels = "keep",
    model: Model = None,
    spec: options.Spec = None,
    features: search_options.Features = "lbp",
    clf: search_options.Classifier = "svm",
    fixed: search_options.Fixed = None,
    grid: search_options.Grid = None,
    scaler: search_options.Scaler = "auto",
    class_weight: search_options.ClassWeight = None,
    scoring: search_options.Scoring = "accuracy",
    cv: search_options.Protocol = None,
    inner_cv: search_options.InnerFolds = 5,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    size: options.Size = None,
    margin: options.Margin = None,
    jobs: options.Jobs = -1,
    seed: options.Seed = 0,
    out: options.Out = None,
    resume: Resume = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """The flags of every study."""


@dataclass
class StudyRun:
    """One run of a study from the command line.

    Attributes
    ----------
    name : str
        Of the study.
    flags : dict
        All flags by the names of their parameters.
    usual : dict
        Their defaults.
    path : Path
        The run folder.
    resumed : bool
    command : str
        The command line that gives the same numbers.
    warnings : list of str
        Put into the result.
    """

    name: str
    flags: dict[str, Any]
    usual: dict[str, Any]
    path: Path
    resumed: bool
    command: str
    warnings: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> int:
        """Workers, at least 1."""
        from joblib import effective_n_jobs

        return effective_n_jobs(self.flags["jobs"])

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.flags["seed"]

    @staticmethod
    def numbers(flag: str, texts: Sequence[str]) -> list[float]:
        """Numbers of a flag that takes several.

        Raises
        ------
        ParameterError
            If there are none, or one is no number.
        """
        from classic_fer.errors import ParameterError

        try:
            values = [float(text) for text in texts]
        except ValueError as error:
            raise ParameterError(f"{flag}: expected numbers with commas between: {error}") from None
        if not values:
            raise ParameterError(f"{flag}: expected numbers with commas between, got none")
        return values

    @property
    def keeping(self) -> dict[str, Any]:
        """``out`` and ``resume`` of the study's function."""
        return {"out": self.path, "resume": self.resumed}

    def experiment(self) -> Experiment:
        """Data and recipe of these flags, checked."""
        from classic_fer.evaluation.experiment import Experiment
        from classic_fer.evaluation.search_settings import SearchSettings

        renamed = {"data_format": "format"}
        flags = {renamed.get(name, name): value for name, value in self.flags.items()}
        chosen = {
            each.name: flags[each.name] for each in fields(SearchSettings) if each.name in flags
        }
        for name in ("fixed", "grid"):
            chosen[name] = tuple(chosen.get(name) or ())
        if chosen["root"] is not None:
            chosen["root"] = str(chosen["root"])
        settings = SearchSettings(**chosen)
        return Experiment.plan(settings)

    def recipe(self) -> Recipe:
        """How recognizers are trained in this study."""
        from classic_fer.studies.recognizers import Recipe

        arguments = self.experiment().arguments
        return Recipe(**{each.name: arguments[each.name] for each in fields(Recipe)})

    def aligned(self, alignment: Any = None) -> Dataset:
        """The data of these flags with aligned faces.

        Parameters
        ----------
        alignment : Alignment, optional
            That of a model.
        """
        from classic_fer.cli.progress import tracked
        from classic_fer.faces.align import align_faces

        experiment = self.experiment()
        dataset = experiment.load()
        with tracked("aligning faces") as report:
            if alignment is None:
                return experiment.align(dataset, n_jobs=self.flags["jobs"], progress=report)
            return align_faces(
                dataset,
                alignment=alignment,
                detector=self.flags["detector"],
                landmarks=self.flags["landmarks"],
                n_jobs=self.flags["jobs"],
                progress=report,
            )

    def trained(self) -> tuple[Dataset, HeldOutRecognizers]:
        """Aligned data, and recognizers trained on them with people held out."""
        from classic_fer.studies.recognizers import HeldOutRecognizers

        dataset = self.aligned()
        return dataset, HeldOutRecognizers(
            dataset,
            self.recipe(),
            cv=self.flags["cv"],
            n_jobs=self.jobs,
            random_state=self.seed,
        )

    def prepared(
        self, *, gradients: bool = False
    ) -> tuple[Dataset, HeldOutRecognizers | GivenRecognizer]:
        """Aligned data, and whom to ask: ``--model``, or recognizers with people held out.

        Parameters
        ----------
        gradients : bool
            Load the run folder of a network that was trained here with its gradients.

        Raises
        ------
        ParameterError
            For flags of training together with a model.
        """
        from classic_fer.errors import ParameterError

        model = self.flags["model"]
        if model is None:
            if self.flags["spec"] is not None:
                raise ParameterError("--spec describes a --model; give that, too")
            return self.trained()
        for name in _TRAINING:
            if self.flags.get(name) != self.usual.get(name):
                raise ParameterError(
                    f"--{name.replace('_', '-')} says how a recognizer is trained, and --model is "
                    "one that is trained; leave one of them out"
                )
        return self.given(model, gradients=gradients)

    def given(self, model: str, *, gradients: bool = False) -> tuple[Dataset, GivenRecognizer]:
        """A trained recognizer, and the data aligned as it needs them.

        Unless ``--labels`` says something else, the data get its label policy.
        """
        from classic_fer.cnn.differentiable import load_with_gradients
        from classic_fer.models.persistence import load_model
        from classic_fer.reports.content import generated_note
        from classic_fer.studies.recognizers import GivenRecognizer

        spec = self.flags["spec"] if model == self.flags.get("model", model) else None
        load = load_with_gradients if gradients else load_model
        recognizer = load(model, spec=spec, n_jobs=self.jobs)
        policy = getattr(recognizer, "label_policy_", None)
        dataset = self.aligned(recognizer.alignment_)
        if self.flags["labels"] == "keep" and policy is not None:
            dataset = dataset.with_labels(policy)
        if note := generated_note(recognizer):
            self.warnings.append(f"the recognizer was {note}")
        return dataset, GivenRecognizer(recognizer, dataset, model=model)

    def finish(self, result: StudyResult) -> None:
        """Write the run folder and show the result."""
        from classic_fer.reports.studies.folder import write_study
        from classic_fer.reports.studies.report import study_view

        result.command = self.command
        result.warnings += self.warnings
        write_study(result, self.path)
        if self.flags["as_json"]:
            import json

            typer.echo(json.dumps(result.to_dict() | {"run_folder": str(self.path)}, indent=1))
        else:
            output_console().print(study_view(result))
        say("run folder", str(self.path), style="green")


def study_command(
    *, without: tuple[str, ...] = (), **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A study's function with the flags that all studies share, after its own.

    Parameters
    ----------
    without : tuple of str
        Shared flags that have no meaning for this study.
    **defaults
        Of shared flags, where this study has others.

    Notes
    -----
    The function is called with a `StudyRun`, whose `flags` hold all flags, and with its own flags
    by keyword. Errors, Ctrl-C and the run folder are taken care of.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            each.replace(default=defaults.get(each.name, each.default))
            for each in inspect.signature(_common, eval_str=True).parameters.values()
            if each.name not in without
        ]
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [each.replace(kind=keyword) for each in [*own, *shared]]
        usual = {each.name: each.default for each in parameters}
        first = inspect.Parameter("context", keyword, annotation=typer.Context)

        @wraps(function)
        def command(context: typer.Context, **flags: Any) -> None:
            with guard(flags["debug"]) as session, _opened(context, session, flags, usual) as run:
                function(run, **{each.name: flags[each.name] for each in own})

        signature = inspect.Signature([first, *parameters])
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {n: each.annotation for n, each in signature.parameters.items()}
        return command

    return decorate


@contextmanager
def _opened(
    context: typer.Context, session: Session, flags: dict[str, Any], usual: dict[str, Any]
) -> Iterator[StudyRun]:
    """The run folder of a study, new or gone on with."""
    from classic_fer.errors import ParameterError
    from classic_fer.reports.run_folder import RunFolder, study_run_name

    name, resume, out = str(context.info_name), flags["resume"], flags["out"]
    if resume is not None and out is not None:
        raise ParameterError(f"--resume {resume} goes on in that folder; leave --out {out} out")
    if resume is None:
        kept = {
            key: str(value) if isinstance(value, Path) else value
            for key, value in flags.items()
            if key not in _UNSAID
        }
        data = flags.get("data") or "generated"
        folder = RunFolder.create(out, study_run_name(data, name), {"study": name, "flags": kept})
    else:
        folder = RunFolder.open(resume)
    with folder:
        session.resume = f"study {name} --resume {shlex.quote(str(folder.path))}"
        session.run_folder = folder.path
        yield StudyRun(
            name=name,
            flags=flags,
            usual=usual,
            path=folder.path,
            resumed=resume is not None,
            command=_command_line(context, flags, usual),
        )


def _command_line(context: typer.Context, flags: dict[str, Any], usual: dict[str, Any]) -> str:
    """The flags that differ from their defaults, now or when the study was started."""
    words = ["classic-fer", "study", str(context.info_name)]
    for option in context.command.params:
        name = str(option.name)
        if name in _UNSAID or name not in flags or flags[name] in (usual[name], None, []):
            continue
        value = flags[name]
        for each in value if isinstance(value, list) else [value]:
            words += [option.opts[0]] if each is True else [option.opts[0], str(each)]
    return shlex.join(words)
