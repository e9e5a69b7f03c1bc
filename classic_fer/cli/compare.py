"""``classic-fer compare``: is the difference between runs real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, output_console, say

if TYPE_CHECKING:
    from classic_fer.evaluation.model_comparison import ModelSource

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders; with --data also .skops and .onnx files and bundled models "
            "(default, fer-cnn). At least two.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Score the saved recognizers on these data, with speed and size.",
            show_default="the saved predictions",
            rich_help_panel="Data",
        ),
    ] = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="Label policy for the data; see gridsearch.",
            show_default="the policy the first recognizer was trained with",
            rich_help_panel="Data",
        ),
    ] = None,
    spec: Annotated[
        list[str] | None,
        typer.Option(
            "--spec",
            help="What .onnx files of others take and give: ferplus, hsemotion, mini-xception, "
            "mobilefacenet, or a .yaml file; where they differ FILE.onnx=SPEC, for each.",
            show_default=False,
            rich_help_panel="Recognizer",
        ),
    ] = None,
    restrict_classes: Annotated[
        bool,
        typer.Option(
            "--restrict-classes",
            help="Let the recognizers choose only among classes that the data have.",
            rich_help_panel="Data",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for comparison.json, comparison.md and the figures.",
            show_default="nothing is written",
            rich_help_panel=options.RUN,
        ),
    ] = None,
    jobs: options.Jobs = -1,
    seed: options.Seed = 0,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Test whether recognizers differ on the same faces."""
    with guard(debug):
        import json

        from classic_fer.cli.progress import tracked
        from classic_fer.datasets import load_dataset
        from classic_fer.errors import ParameterError
        from classic_fer.evaluation.comparison import compare_results
        from classic_fer.evaluation.model_comparison import ModelsOnData, compare_models
        from classic_fer.evaluation.result import Result
        from classic_fer.models.bundled import BUNDLED
        from classic_fer.reports.comparison import (
            ComparisonReport,
            comparison_view,
            save_comparison,
        )
        from classic_fer.reports.content import generated_note

        names = _names(runs)
        told = ModelsOnData()
        if data is not None:
            models = _models(names, spec or [], jobs)
            policy = labels or next(iter(models.values())).recognizer.label_policy_ or "keep"
            dataset = load_dataset(data, format=data_format, root=root, labels=policy, seed=seed)
            told = compare_models(
                models,
                dataset,
                restrict_classes=restrict_classes,
                n_jobs=jobs,
                random_state=seed,
                stage=tracked,
            )
            results = told.results
            for name, model in models.items():
                if note := generated_note(model.recognizer):
                    told.warnings.append(f"{name}: the recognizer was {note}")
        elif data_format or root or labels or restrict_classes or spec:
            raise ParameterError(
                "--format, --root, --labels, --restrict-classes and --spec belong to --data; give "
                "it, too"
            )
        elif bundled := [name for name in map(str, runs) if name in BUNDLED]:
            raise ParameterError(
                f"the bundled model {bundled[0]!r} has no saved predictions; add --data to score it"
            )
        else:
            results = {name: Result.load(path) for name, path in names.items()}
        comparison = compare_results(results, random_state=seed)
        report = ComparisonReport(comparison, results, told.costs, told.warnings)
        if as_json:
            typer.echo(json.dumps(report.to_dict(), indent=1))
        else:
            output_console().print(comparison_view(report))
        if out is not None:
            say("comparison", str(save_comparison(report, out)), style="green")


def _names(runs: list[Path]) -> dict[str, Path]:
    """A name for each run: the end of its path, as long as needed to tell the runs apart."""
    from classic_fer.errors import ParameterError

    if len(runs) < 2:
        raise ParameterError(f"expected at least two runs to compare, got {len(runs)}")
    parts = [path.resolve().parts for path in runs]
    if len(set(parts)) < len(parts):
        raise ParameterError("the same run is given twice; expected different runs")
    length = 1
    while len({each[-length:] for each in parts}) < len(parts):
        length += 1
    return {"/".join(each[-length:]): path for each, path in zip(parts, runs)}


def _models(names: dict[str, Path], specs: list[str], jobs: int) -> dict[str, ModelSource]:
    """The models, each file that needs a spec with the one that was told for it, or for all."""
    from classic_fer.errors import ParameterError
    from classic_fer.evaluation.model_comparison import ModelSource
    from classic_fer.models.persistence import model_file
    from classic_fer.onnx.recognizer import needs_spec

    one_by_one = dict(text.rsplit("=", 1) for text in specs if "=" in text)
    for_all = [text for text in specs if "=" not in text]
    if len(for_all) > 1:
        raise ParameterError(
            f"--spec {' and '.join(for_all)} are both for all files; give FILE.onnx=SPEC for each"
        )
    if strange := sorted(set(one_by_one) - {str(path) for path in names.values()}):
        given = ", ".join(map(str, names.values()))
        raise ParameterError(f"--spec {strange[0]}=... is for none of the models: {given}")
    models = {}
    for name, path in names.items():
        spec = one_by_one.get(str(path))
        if spec is None and for_all and needs_spec(model_file(path)):
            spec = for_all[0]
        models[name] = ModelSource.load(path, spec, n_jobs=jobs)
    return models
