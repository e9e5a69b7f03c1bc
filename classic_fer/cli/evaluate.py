"""``classic-fer evaluate``: a saved recognizer on any data, without training."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, show_result

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[str, typer.Argument(help="Run folder or .skops file.", show_default=False)],
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="Label policy for the data; see gridsearch.",
            show_default="the policy the model was trained with",
            rich_help_panel="Data",
        ),
    ] = None,
    restrict_classes: Annotated[
        bool,
        typer.Option(
            "--restrict-classes",
            help="Let the model choose only among classes that the data have.",
        ),
    ] = False,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    not_found: Annotated[
        str | None,
        typer.Option(
            "--not-found",
            help="A face that is not found: take the whole image, or abstain.",
            show_default="as the model was trained",
            rich_help_panel="Faces",
        ),
    ] = None,
    jobs: options.Jobs = -1,
    seed: options.Seed = 0,
    out: options.Out = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Score a saved recognizer on data that it never saw."""
    with guard(debug):
        from classic_fer.cli.progress import tracked
        from classic_fer.datasets import load_dataset
        from classic_fer.emotions import LabelPolicy
        from classic_fer.evaluation.cross_validation import evaluate as evaluate_recognizer
        from classic_fer.faces.align import align_faces
        from classic_fer.models.persistence import load_model
        from classic_fer.reports.content import generated_note
        from classic_fer.reports.run_folder import RunFolder, run_name

        recognizer = load_model(model)
        stored = recognizer.bundle_.get("label_policy")
        trained_with = "keep" if stored is None else LabelPolicy.from_dict(stored)
        policy = trained_with if labels is None else labels
        dataset = load_dataset(data, format=data_format, root=root, labels=policy, seed=seed)
        bundle = recognizer.bundle_
        name = run_name(dataset.name, bundle["features"], bundle["clf"], "evaluate")
        with RunFolder.create(out, name) as folder:
            with tracked("aligning faces") as report:
                aligned = align_faces(
                    dataset,
                    alignment=recognizer.alignment_,
                    detector=detector,
                    landmarks=landmarks,
                    not_found=not_found,
                    n_jobs=jobs,
                    progress=report,
                )
            result = evaluate_recognizer(
                recognizer, aligned, restrict_classes=restrict_classes, random_state=seed
            )
            if note := generated_note(recognizer):
                result.warnings.append(f"the recognizer was {note}")
            result.command = _command(
                model,
                {
                    "--data": data,
                    "--format": data_format,
                    "--root": root,
                    "--labels": labels,
                    "--detector": detector,
                    "--landmarks": landmarks,
                    "--not-found": not_found,
                    "--seed": seed,
                },
                restrict_classes,
            )
            folder.write(result)
        show_result(result, folder.path, as_json=as_json)


def _command(model: str, flags: dict[str, object], restrict_classes: bool) -> str:
    """The command line that gives the same numbers."""
    words = ["classic-fer", "evaluate", model]
    for flag, value in flags.items():
        words += [] if value is None else [flag, str(value)]
    return shlex.join([*words, *(["--restrict-classes"] if restrict_classes else [])])
