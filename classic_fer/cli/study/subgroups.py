"""``classic-fer study subgroups``: who is recognized worse, and what helps."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["subgroups"]


@study_command()
def subgroups(
    run: StudyRun,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="COLUMNS",
            help="Columns of the data, or brightness, contrast, face_size, head_yaw; commas "
            "between.",
            rich_help_panel="Study",
        ),
    ] = "brightness,head_yaw,face_size",
    measures: Annotated[
        str,
        typer.Option(
            "--measures",
            help="Counter-measures: reweighing, thresholds; commas between.",
            rich_help_panel="Study",
        ),
    ] = "reweighing,thresholds",
) -> None:
    """Scores by group, gaps with intervals, and counter-measures before and after."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.group_gaps import subgroups_study

    dataset, recognizers = run.prepared()
    with tracked("asking about groups") as report:
        result = subgroups_study(
            recognizers,
            dataset,
            by=comma_separated(by) or [],
            measures=comma_separated(measures) or [],
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
