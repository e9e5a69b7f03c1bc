"""``classic-fer study samples``: learning curves."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["samples"]


@study_command(without=("model", "spec"))
def samples(
    run: StudyRun,
    sizes: Annotated[
        str | None,
        typer.Option(
            "--sizes",
            help="Numbers of training faces, commas between; whole people are taken.",
            show_default="six sizes, each twice the one before",
            rich_help_panel="Study",
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats", min=1, help="Orders in which people are added.", rich_help_panel="Study"
        ),
    ] = 1,
) -> None:
    """How accuracy grows with the number of training faces, with a power law."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.learning_curve import samples_study

    texts = comma_separated(sizes)
    chosen = None if texts is None else [round(n) for n in run.numbers("--sizes", texts)]
    dataset, recognizers = run.trained()
    with tracked("training on more and more faces") as report:
        result = samples_study(
            recognizers,
            dataset,
            sizes=chosen,
            repeats=repeats,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
