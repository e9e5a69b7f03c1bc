"""``classic-fer gridsearch``: a tuned recognizer, and how far to trust it."""

from __future__ import annotations

import shlex

from classic_fer.cli import options, search_options
from classic_fer.cli.console import guard, show_result

__all__ = ["gridsearch"]


def gridsearch(
    data: options.Data = None,
    data_format: options.Format = None,
    root: options.Root = None,
    labels: options.Labels = "keep",
    features: search_options.Features = "lbp",
    clf: search_options.Classifier = "svm",
    fixed: search_options.Fixed = None,
    grid: search_options.Grid = None,
    scaler: search_options.Scaler = "auto",
    class_weight: search_options.ClassWeight = None,
    abstain: options.Abstain = None,
    averaging: search_options.Averaging = None,
    scoring: search_options.Scoring = "accuracy",
    cv: search_options.Protocol = None,
    neutral_reference: search_options.NeutralReference = False,
    inner_cv: search_options.InnerFolds = 5,
    no_nested: search_options.NoNested = False,
    final: search_options.Final = False,
    dedup: options.Dedup = False,
    by: options.By = None,
    detector: options.Detector = None,
    landmarks: options.Landmarks = None,
    not_found: options.NotFound = "whole",
    size: options.Size = None,
    margin: options.Margin = None,
    jobs: options.Jobs = -1,
    budget: options.Budget = None,
    memory: options.Memory = None,
    backend: options.Backend = "local",
    scheduler: options.Scheduler = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    resume: search_options.Resume = None,
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
        abstain=abstain,
        averaging=averaging,
        scoring=scoring,
        cv=cv,
        neutral_reference=neutral_reference,
        inner_cv=inner_cv,
        nested=not no_nested,
        final=final,
        dedup=dedup,
        by=by,
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
        from classic_fer.cli.backend import search_backend
        from classic_fer.cli.progress import tracked, tracked_stages
        from classic_fer.errors import ParameterError
        from classic_fer.evaluation.experiment import Experiment
        from classic_fer.reports.run_folder import RunFolder, load_settings, run_name

        settings = settings.expanded()
        if resume is not None and out is not None:
            raise ParameterError(f"--resume {resume} goes on in that folder; leave --out {out} out")
        if resume is not None:
            settings = settings.resumed_from(load_settings(resume), folder=str(resume))
        experiment = Experiment.plan(settings)
        place = search_backend(backend, scheduler)
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
            with tracked_stages() as report:
                copies = experiment.find_copies(aligned, n_jobs=jobs, progress=report)
            with tracked("searching") as report, place:
                result = experiment.run(
                    aligned,
                    folder,
                    copies=copies,
                    n_jobs=jobs,
                    resume=resume is not None,
                    progress=report,
                )
        show_result(result, folder.path, as_json=as_json)
