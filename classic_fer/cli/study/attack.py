"""``classic-fer study attack``: adversarial attacks, and whom else they fool."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["attack"]

_PANEL = "Study"


@study_command()
def attack(
    run: StudyRun,
    attack: Annotated[
        str,
        typer.Option(
            "--attack",
            help="square (asks for probabilities), hopskipjump (asks for the label alone); fgsm or "
            "pgd on networks trained here.",
            rich_help_panel=_PANEL,
        ),
    ] = "square",
    strengths: Annotated[
        str,
        typer.Option(
            "--strengths",
            help="The most that a pixel changes, as shares of the grey scale, commas between.",
            rich_help_panel=_PANEL,
        ),
    ] = "0.01,0.02,0.04,0.08",
    queries: Annotated[
        int,
        typer.Option("--queries", min=1, help="Rounds an attack may try.", rich_help_panel=_PANEL),
    ] = 200,
    faces: Annotated[
        int,
        typer.Option("--faces", min=1, help="Faces to attack.", rich_help_panel=_PANEL),
    ] = 100,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Seeds.", rich_help_panel=_PANEL)
    ] = 1,
    transfer: Annotated[
        str | None,
        typer.Option(
            "--transfer",
            metavar="MODEL",
            help="Also show the attacked faces to this model, and attacks on it to the other.",
            show_default=False,
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> None:
    """How little has to change in the pixels for a recognizer to err, and who else errs then."""
    from classic_fer.cli.progress import tracked
    from classic_fer.models.attacks import check_toolbox
    from classic_fer.studies.attack import Attacked, attack_study

    check_toolbox(attack)
    levels = run.numbers("--strengths", comma_separated(strengths) or [])
    dataset, recognizers = run.prepared(gradients=True)
    first = Attacked(str(run.flags["model"] or run.recipe().name), recognizers, dataset)
    second = None
    if transfer is not None:
        others, given = run.given(transfer, gradients=True)
        second = Attacked(transfer, given, others)
    with tracked("attacking") as report:
        result = attack_study(
            first,
            second,
            attack=attack,
            strengths=levels,
            queries=queries,
            n_faces=faces,
            repeats=repeats,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
