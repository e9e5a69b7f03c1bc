"""``classic-fer study masks``: plain, masked and cut faces."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["masks"]


@study_command(labels="3class", landmarks="68")
def masks(
    run: StudyRun,
    train: Annotated[
        str,
        typer.Option(
            "--train",
            help="Kinds of faces to train on: plain, masked, cut.",
            rich_help_panel="Study",
        ),
    ] = "plain,masked,cut",
    test: Annotated[
        str,
        typer.Option(
            "--test",
            help="Kinds of faces to ask about: plain, masked, cut.",
            rich_help_panel="Study",
        ),
    ] = "plain,masked,cut",
) -> None:
    """What face masks cost, and what training with masks, or on the part above them, wins back."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.mask_matrix import masks_study

    dataset, recognizers = run.prepared()
    with tracked("training and asking about masked faces") as report:
        result = masks_study(
            recognizers,
            dataset,
            train=comma_separated(train) or [],
            test=comma_separated(test) or [],
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
