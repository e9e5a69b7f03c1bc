"""``classic-fer gridsearch``: a tuned recognizer, and how far to trust it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, show_result

__all__ = ["gridsearch"]

_MODEL = "Recognizer"
_PROTOCOL = "Protocol"


def gridsearch(
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: options.Labels = "keep",
    features: Annotated[
        str,
        typer.Option(
            "--features",
            help="Features, such as lbp, lbp+hog+geometry, hog:pca:lda or (lbp+hog):pca.",
            rich_help_panel=_MODEL,
        ),
    ] = "lbp",
    clf: Annotated[
        str,
        typer.Option(
            "--clf",
            help="svm, linear-svm, logistic, ridge, lda, knn, lp, krr or majority.",
            rich_help_panel=_MODEL,
        ),
    ] = "svm",
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Fix a parameter, such as features__lbp__radius=2; may be repeated.",
            show_default=False,
            rich_help_panel=_MODEL,
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            help="Values to try, such as clf__C=0.1,1,10; may be repeated.",
            show_default="the grid of the classifier",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    scaler: Annotated[
        str,
        typer.Option("--scaler", help="standard, center or none.", rich_help_panel=_MODEL),
    ] = "standard",
    class_weight: Annotated[
        str | None,
        typer.Option(
            "--class-weight", help="balanced, for imbalanced classes.", rich_help_panel=_MODEL
        ),
    ] = None,
    scoring: Annotated[
        str,
        typer.Option(
            "--scoring",
            help="What the search maximises: accuracy, macro-f1 or balanced-accuracy.",
            rich_help_panel=_PROTOCOL,
        ),
    ] = "accuracy",
    cv: Annotated[
        str | None,
        typer.Option(
            "--cv",
            help="Outer protocol: a number of folds, random10, loso, official or a split file.",
            show_default="official if the data has it, else 10",
            rich_help_panel=_PROTOCOL,
        ),
    ] = None,
    inner_cv: Annotated[
        int,
        typer.Option(
            "--inner-cv",
            help="Folds of the search inside each outer training part.",
            rich_help_panel=_PROTOCOL,
        ),
    ] = 5,
    no_nested: Annotated[
        bool,
        typer.Option(
            "--no-nested",
            help="Plain grid search on all data: a selection score, no accuracy.",
            rich_help_panel=_PROTOCOL,
        ),
    ] = False,
    final: Annotated[
        bool,
        typer.Option(
            "--final",
            help="Also score the part called final, which nothing else touches.",
            rich_help_panel=_PROTOCOL,
        ),
    ] = False,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    not_found: options.NotFound = "whole",
    size: options.Size = None,
    margin: options.Margin = None,
    jobs: options.Jobs = -1,
    budget: options.Budget = None,
    memory: options.Memory = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            help="Go on with this run folder, with the flags it was started with.",
            show_default=False,
            rich_help_panel=options.RUN,
        ),
    ] = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Tune a recognizer, score it on faces (and people) it never saw, and save it."""
    from classic_fer.evaluation.search_settings import SearchSettings

    settings = SearchSettings(
        data=data,
        format=data_format,
        root=None if root is None else str(root),
        labels=labels,
        features=features,
        clf=clf,
        fixed=tuple(fixed or ()),
        grid=tuple(grid or ()),
        scaler=scaler,
        class_weight=class_weight,
        scoring=scoring,
        cv=cv,
        inner_cv=inner_cv,
        nested=not no_nested,
        final=final,
        detector=detector,
        landmarks=landmarks,
        not_found=not_found,
        size=size,
        margin=margin,
        budget=budget,
        memory=memory,
        seed=seed,
    )
    with guard(debug) as session:
        from classic_fer.cli.progress import tracked
        from classic_fer.errors import ParameterError
        from classic_fer.evaluation.experiment import Experiment
        from classic_fer.reports.run_folder import RunFolder, load_settings, run_name

        if resume is not None and out is not None:
            raise ParameterError(f"--resume {resume} goes on in that folder; leave --out {out} out")
        if resume is not None:
            settings = settings.resumed_from(load_settings(resume), folder=str(resume))
        experiment = Experiment.plan(settings)
        dataset = experiment.load()
        protocol = experiment.protocol(dataset)  # refuses unfit data before faces are aligned
        if resume is None:
            name = run_name(dataset.name, settings.features, settings.clf, protocol.name)
            folder = RunFolder.create(out, name, settings.to_dict())
        else:
            folder = RunFolder.open(resume)
        with folder:
            session.resume = f"gridsearch --resume {shlex.quote(str(folder.path))}"
            session.run_folder = folder.path
            with tracked("aligning faces") as report:
                aligned = experiment.align(dataset, n_jobs=jobs, progress=report)
            with tracked("searching") as report:
                result = experiment.run(
                    aligned, folder, n_jobs=jobs, resume=resume is not None, progress=report
                )
        show_result(result, folder.path, as_json=as_json)
