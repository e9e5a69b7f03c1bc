"""``classic-fer study transfer``: neutral faces take an expression."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["transfer"]

_PANEL = "Study"


@study_command()
def transfer(
    run: StudyRun,
    emotions: Annotated[
        str | None,
        typer.Option(
            "--emotions",
            help="Whose mean expression neutral faces take, commas between.",
            show_default="all",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ID",
            help="Take the expression of this face of the data instead of a mean one.",
            show_default=False,
            rich_help_panel=_PANEL,
        ),
    ] = None,
    strengths: Annotated[
        str,
        typer.Option(
            "--strengths",
            help="Factors of the expression, commas between; 1 is full.",
            rich_help_panel=_PANEL,
        ),
    ] = "0.25,0.5,0.75,1",
    faces: Annotated[
        int,
        typer.Option("--faces", min=1, help="Neutral faces to change.", rich_help_panel=_PANEL),
    ] = 20,
) -> None:
    """Neutral faces take the expression of an emotion or of a face; with a GIF of each."""
    from classic_fer.cli.progress import tracked
    from classic_fer.reports.studies.transfer import save_animations
    from classic_fer.studies.transfer import transfer_study

    levels = run.numbers("--strengths", comma_separated(strengths) or [])
    dataset, recognizers = run.prepared()
    with tracked("changing faces") as report:
        result = transfer_study(
            recognizers,
            dataset,
            emotions=comma_separated(emotions),
            donor=source,
            strengths=levels,
            n_faces=faces,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    save_animations(result, run.path)
    run.finish(result)
