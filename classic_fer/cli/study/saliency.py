"""``classic-fer study saliency``: where a recognizer looks, by several methods."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["saliency"]

_PANEL = "Study"


@study_command(features="hog", clf="linear-svm")
def saliency(
    run: StudyRun,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            help="contributions (of linear models), occlusion, rise; gradient and guided on "
            "networks trained here; commas between.",
            show_default="all that the recognizer allows",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    faces: Annotated[
        int, typer.Option("--faces", min=1, help="Faces to explain.", rich_help_panel=_PANEL)
    ] = 70,
    masks: Annotated[
        int, typer.Option("--masks", min=1, help="Random masks of RISE.", rich_help_panel=_PANEL)
    ] = 500,
) -> None:
    """Where a recognizer looks, mean maps by emotion, scored by deletion and insertion."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.saliency import check_methods, saliency_study

    names = check_methods(comma_separated(methods))
    dataset, recognizers = run.prepared(gradients=True)
    with tracked("drawing maps") as report:
        result = saliency_study(
            recognizers,
            dataset,
            methods=names,
            n_faces=faces,
            n_masks=masks,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
