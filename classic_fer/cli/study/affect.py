"""``classic-fer study affect``: valence, arousal and other ratings."""

from __future__ import annotations

from typing import Annotated

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

__all__ = ["affect"]

_PANEL = "Study"


@study_command(
    without=("model", "clf", "grid", "scaler", "class_weight", "scoring"), features="hog"
)
def affect(
    run: StudyRun,
    targets: Annotated[
        str | None,
        typer.Option(
            "--targets",
            metavar="COLUMNS",
            help="Numeric columns of the data, commas between.",
            show_default="valence,arousal if there, else all columns rating_...",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    regressors: Annotated[
        str,
        typer.Option(
            "--regressors",
            help="ridge, svr (support vectors) and krr (kernel ridge), commas between.",
            rich_help_panel=_PANEL,
        ),
    ] = "ridge,svr,krr",
    middle: Annotated[
        float | None,
        typer.Option(
            "--middle",
            help="Where the scale changes its sign, for SAGR.",
            show_default="0 for columns with negative values, else the middle of the ratings",
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> None:
    """Regression of valence and arousal, or any ratings: RMSE, correlation, CCC, SAGR."""
    from classic_fer.cli.progress import tracked
    from classic_fer.models.presets import expand_presets
    from classic_fer.studies.affect import affect_study, target_columns

    names = comma_separated(targets)
    recipe = expand_presets(run.flags["features"], "lda", run.recipe().params)
    dataset = run.aligned()
    target_columns(dataset, names)
    with tracked("training regressors") as report:
        result = affect_study(
            dataset,
            targets=names,
            features=recipe.features,
            params=recipe.params,
            regressors=comma_separated(regressors) or [],
            middle=middle,
            cv=run.flags["cv"],
            inner_cv=run.flags["inner_cv"],
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    run.finish(result)
