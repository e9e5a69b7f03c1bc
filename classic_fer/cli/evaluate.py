"""``classic-fer evaluate``: a saved recognizer on any data, without training."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, show_result

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="Run folder, .skops or .onnx file, or a bundled model: default, fer-cnn.",
            show_default=False,
        ),
    ],
    spec: options.Spec = None,
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="Label policy for the data and the answers; see gridsearch.",
            show_default="the policy the model was trained with",
            rich_help_panel="Data",
        ),
    ] = None,
    label_policies: Annotated[
        str | None,
        typer.Option(
            "--label-policies",
            help="Also score the same answers under these policies, side by side, as the data are "
            "and balanced by class: keep,merge7,drop7.",
            show_default=False,
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
    by: options.By = None,
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
        from joblib import parallel_config

        from classic_fer.cli.progress import tracked
        from classic_fer.datasets import load_dataset
        from classic_fer.emotions import label_policy
        from classic_fer.evaluation.holdout import evaluate as evaluate_recognizer
        from classic_fer.evaluation.label_policies import score_label_policies
        from classic_fer.evaluation.subgroups import (
            check_columns,
            column_names,
            group_columns,
            subgroups,
        )
        from classic_fer.faces.align import align_faces
        from classic_fer.models.persistence import load_model
        from classic_fer.reports.content import generated_note
        from classic_fer.reports.run_folder import RunFolder, run_name

        recognizer = load_model(model, spec=spec, n_jobs=jobs)
        policy = (recognizer.label_policy_ or "keep") if labels is None else labels
        rules = [label_policy(each) for each in options.comma_separated(label_policies) or []]
        dataset = load_dataset(
            data, format=data_format, root=root, labels="keep" if rules else policy, seed=seed
        )
        columns = column_names(by)
        check_columns(dataset, columns)
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
            kept = aligned.with_labels(policy) if rules else aligned
            with parallel_config("threading", n_jobs=jobs):  # for encodings
                result = evaluate_recognizer(
                    recognizer, kept, restrict_classes=restrict_classes, random_state=seed
                )
            result.label_policies = score_label_policies(
                recognizer, aligned, rules, restrict_classes=restrict_classes, random_state=seed
            )
            groups = group_columns(kept, columns)
            result.subgroups = subgroups(result.predictions, groups, random_state=seed)
            if note := generated_note(recognizer):
                result.warnings.append(f"the recognizer was {note}")
            result.command = _command(
                model,
                {
                    "--spec": spec,
                    "--data": data,
                    "--format": data_format,
                    "--root": root,
                    "--labels": labels,
                    "--label-policies": label_policies,
                    "--by": by,
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
