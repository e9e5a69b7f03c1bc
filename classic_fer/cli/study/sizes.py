"""``classic-fer study sizes``: recognizers and networks from small to large."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["sizes"]


@study_command(without=("model", "features", "clf"))
def sizes(
    run: StudyRun,
    recognizers: Annotated[
        str | None,
        typer.Option(
            "--recognizers",
            help="features/classifier, commas between, such as hog/lda,lbp+hog/svm.",
            show_default="hog/lda,hog/linear-svm,lbp/linear-svm,lbp+hog/svm,fisher/ridge",
            rich_help_panel="Study",
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            help="Also run folders, .skops and .onnx files and bundled models, commas between.",
            show_default=False,
            rich_help_panel="Study",
        ),
    ] = None,
) -> None:
    """One table: recognizers and networks of growing size, their accuracy, speed and memory."""
    from classic_fer.cli.progress import tracked
    from classic_fer.studies.sizes import USUAL_RECIPES, recipes_of, sizes_study

    chosen = list(USUAL_RECIPES) if recognizers is None else comma_separated(recognizers)
    recipes = recipes_of(chosen or [], run.recipe())
    given = {name: run.given(name) for name in comma_separated(models) or []}
    dataset = run.aligned()
    spec = run.flags["spec"]
    with tracked("training and measuring") as report:
        result = sizes_study(
            recipes,
            dataset,
            models={name: (model, faces) for name, (faces, model) in given.items()},
            specs={} if spec is None else dict.fromkeys(given, spec),
            cv=run.flags["cv"],
            n_jobs=run.jobs,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
