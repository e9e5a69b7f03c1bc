"""``classic-fer study noise``: noise and other damage."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["noise"]

_PANEL = "Study"


@study_command()
def noise(
    run: StudyRun,
    damage: Annotated[
        str,
        typer.Option(
            "--damage",
            help="noise, blur, jpeg, contrast, brightness, occlusion, rotation, scale, margin or "
            "misalignment.",
            rich_help_panel=_PANEL,
        ),
    ] = "noise",
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels",
            "--variance",
            help="Levels of the damage, commas between; of noise its variance on pixels from 0 "
            "to 1.",
            show_default="usual ones of the damage",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option("--repeats", min=1, help="Seeds a level.", rich_help_panel=_PANEL),
    ] = 10,
    train_noise: Annotated[
        float | None,
        typer.Option(
            "--train-noise",
            metavar="LEVEL",
            help="Also train on faces damaged at this level, and compare before and after.",
            show_default="only trained on faces as they are",
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> None:
    """How accuracy falls with noise or other damage; with --train-noise what training wins back."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.noise import checked_levels, noise_study

    texts = comma_separated(levels)
    chosen = checked_levels(damage, None if texts is None else run.numbers("--levels", texts))
    dataset, recognizers = run.prepared()
    with tracked("asking about damaged faces") as report:
        result = noise_study(
            recognizers,
            dataset,
            damage=damage,
            levels=chosen,
            repeats=repeats,
            train_level=train_noise,
            n_jobs=run.jobs,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
