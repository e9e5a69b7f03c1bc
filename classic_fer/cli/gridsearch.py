"""``classic-fer gridsearch``: a tuned recognizer, and how far to trust it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, show_result

if TYPE_CHECKING:
    from classic_fer.cli.settings import SearchSettings
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.protocols import Protocol
    from classic_fer.evaluation.result import Result
    from classic_fer.reports.run_folder import RunFolder

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
            help="svm, linear-svm, logistic, ridge, lda, knn, lp or majority.",
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
    from classic_fer.cli.settings import SearchSettings

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
        seed=seed,
    )
    with guard(debug) as session:
        from classic_fer.reports.run_folder import RunFolder, load_settings, run_name

        if resume is not None:
            settings = settings.resumed_from(load_settings(resume), folder=str(resume))
        search = _search_arguments(settings)
        dataset = _load(settings)
        protocol = _protocol(dataset, settings)  # refuses unfit data before the faces are aligned
        if resume is None:
            name = run_name(dataset.name, settings.features, settings.clf, protocol.name)
            folder = RunFolder.create(out, name, settings.to_dict())
        else:
            folder = RunFolder.open(resume)
        with folder:
            session.run_folder = folder.path
            aligned = _align(dataset, settings, jobs)
            resumed = resume is not None
            result = _search(aligned, folder, settings, search, jobs=jobs, resume=resumed)
        show_result(result, folder.path, as_json=as_json)


def _search_arguments(settings: SearchSettings) -> dict[str, Any]:
    """What `cross_validate` is told; unknown names are refused here, before any work."""
    from classic_fer.cli.parameters import parse_grid, parse_set
    from classic_fer.models.recognizer import make_recognizer
    from classic_fer.models.search import check_scoring_name, complete_grid

    params, grid = parse_set(settings.fixed), parse_grid(settings.grid)
    recognizer = make_recognizer(
        settings.features,
        settings.clf,
        scaler=settings.scaler,
        class_weight=settings.class_weight,
        **params,
    )
    complete_grid(recognizer, settings.clf, grid, params)
    check_scoring_name(settings.scoring)
    return {
        "features": settings.features,
        "clf": settings.clf,
        "params": params,
        "grid": grid,
        "scaler": settings.scaler,
        "class_weight": settings.class_weight,
        "cv": settings.cv,
        "inner_cv": settings.inner_cv,
        "nested": settings.nested,
        "scoring": settings.scoring,
        "final": settings.final,
        "random_state": settings.seed,
    }


def _load(settings: SearchSettings) -> Dataset:
    from classic_fer.datasets import load_dataset

    return load_dataset(
        settings.data,
        format=settings.format,
        labels=settings.labels,
        root=settings.root,
        seed=settings.seed,
    )


def _protocol(dataset: Dataset, settings: SearchSettings) -> Protocol:
    from classic_fer.evaluation.protocols import make_protocol

    return make_protocol(
        settings.cv,
        dataset.y,
        dataset.groups,
        dataset.split,
        ids=dataset.ids.tolist(),
        official=dataset.card.official_split,
        random_state=settings.seed,
    )


def _align(dataset: Dataset, settings: SearchSettings, jobs: int) -> Dataset:
    from classic_fer.cli.progress import tracked
    from classic_fer.errors import ParameterError
    from classic_fer.faces.align import align_faces
    from classic_fer.faces.frame import Alignment, Frame

    detector = settings.detector or dataset.card.detector
    landmarks = settings.landmarks
    if landmarks is None and "geometry" in settings.features and dataset.card.landmarks == "none":
        landmarks = "68"
    alignment, size = None, settings.size
    if settings.margin is not None:
        if detector == "none":
            raise ParameterError(
                f"--margin {settings.margin} has no effect on cropped faces, which keep their own "
                "frame; leave it out"
            )
        frame = Frame.standard(margin=settings.margin, **({} if size is None else {"size": size}))
        alignment = Alignment(detector, landmarks or dataset.card.landmarks, frame=frame)
        size = None
    with tracked("aligning faces") as report:
        return align_faces(
            dataset,
            alignment=alignment,
            size=size,
            detector=detector,
            landmarks=landmarks,
            not_found=settings.not_found,
            n_jobs=jobs,
            progress=report,
        )


def _search(
    aligned: Dataset,
    folder: RunFolder,
    settings: SearchSettings,
    search: dict[str, Any],
    *,
    jobs: int,
    resume: bool,
) -> Result:
    """Cross-validate, and write the run folder."""
    from classic_fer.cli.progress import tracked
    from classic_fer.evaluation.cross_validation import cross_validate

    with tracked("searching") as report:
        result, recognizer, selected = cross_validate(
            aligned,
            **search,
            n_jobs=jobs,
            out=folder.path,
            resume=resume,
            progress=report,
        )
    result.command = settings.command()
    folder.write(
        result,
        recognizer=recognizer,
        search=selected,
        protocol=_protocol(aligned, settings),
        ids=aligned.ids.tolist(),
    )
    return result
