"""``classic-fer study augment``: generated training faces."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["augment"]

_PANEL = "Study"


@study_command(without=("model",))
def augment(
    run: StudyRun,
    per_emotion: Annotated[
        int,
        typer.Option(
            "--per-emotion",
            min=1,
            help="New faces of each emotion for each neutral training face.",
            rich_help_panel=_PANEL,
        ),
    ] = 1,
    judge: Annotated[
        str,
        typer.Option(
            "--judge",
            metavar="MODEL",
            help="Model trained on other data that says what generated faces show; none for none.",
            rich_help_panel=_PANEL,
        ),
    ] = "default",
) -> None:
    """Accuracy with no, simple and generated augmentation, and how good generated faces are."""
    from classic_fer.cli.progress import tracked
    from classic_fer.models.persistence import load_model
    from classic_fer.studies.augment import augment_study

    named = None if judge == "none" else load_model(judge)
    dataset, recognizers = run.trained()
    with tracked("training with new faces") as report:
        result = augment_study(
            recognizers,
            dataset,
            judge=named,
            judge_name=judge,
            per_emotion=per_emotion,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
