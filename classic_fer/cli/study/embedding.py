"""``classic-fer study embedding``: faces as points of a plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classic_fer.cli.options import comma_separated
from classic_fer.cli.study.command import StudyRun, study_command

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["embedding"]

_PANEL = "Study"


@study_command(features="hog", clf="linear-svm")
def embedding(
    run: StudyRun,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            help="pca, lda, tsne and umap (if umap-learn is installed), commas between.",
            rich_help_panel=_PANEL,
        ),
    ] = "pca,lda,tsne",
    faces: Annotated[
        int, typer.Option("--faces", min=5, help="Faces to show.", rich_help_panel=_PANEL)
    ] = 500,
    neighbours: Annotated[
        int,
        typer.Option(
            "--neighbours",
            min=1,
            help="Neighbours that count in the trustworthiness.",
            rich_help_panel=_PANEL,
        ),
    ] = 10,
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer",
            help="Layer of a network that was trained here (--model RUN).",
            show_default="what its last layer gets",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    answers: Annotated[
        bool,
        typer.Option(
            "--answers",
            help="Also colour by whether faces are recognized with their person held out; always "
            "with --model.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
) -> None:
    """Faces as points of a plane, by emotion, person or correctness; an interactive page."""
    from classic_fer.cli.progress import tracked
    from classic_fer.errors import ParameterError
    from classic_fer.models.embedding import check_embedding
    from classic_fer.models.presets import expand_presets
    from classic_fer.reports.studies.embedding import save_embedding_page
    from classic_fer.studies.embedding import embedding_study

    names = comma_separated(methods) or []
    for name in names:
        check_embedding(name)
    recognizers = vectors = params = None
    if answers or run.flags["model"] is not None:
        dataset, recognizers = run.prepared(gradients=True)
    else:
        dataset = run.aligned()
    if run.flags["model"] is not None:
        assert recognizers is not None  # just prepared
        expression, vectors = _seen_by(recognizers.recognizer(0), layer)
    elif layer is not None:
        raise ParameterError(f"--layer {layer} needs a network as --model")
    else:
        recipe = expand_presets(run.flags["features"], "lda", run.recipe().params)
        expression = recipe.features
        prefix = "features__"
        given = recipe.params.items()
        params = {n.removeprefix(prefix): value for n, value in given if n.startswith(prefix)}
    with tracked("drawing planes") as report:
        result = embedding_study(
            dataset,
            features=expression,
            params=params,
            vectors=vectors,
            recognizers=recognizers,
            methods=names,
            n_faces=faces,
            neighbours=neighbours,
            random_state=run.seed,
            progress=report,
            **run.keeping,
        )
    terms = (dataset.card.terms or "not known").rstrip(".")
    generated = dataset.name == "generated"
    note = "" if generated else f"Holds faces of {dataset.name}. Their terms: {terms}."
    save_embedding_page(result, run.path / "embedding.html", note=note)
    run.finish(result)


def _seen_by(recognizer: Any, layer: str | None) -> tuple[str, Callable[[NDArray], NDArray]]:
    """What the classifier of a recognizer sees, or a layer; of other networks probabilities."""
    from classic_fer.errors import ParameterError
    from classic_fer.models.recognizer import Recognizer

    if hasattr(recognizer, "layer_output"):
        return layer or "last hidden layer", lambda faces: recognizer.layer_output(faces, layer)
    if layer is not None:
        raise ParameterError(
            f"--layer {layer} needs the run folder of a network that was trained here as --model"
        )
    if isinstance(recognizer, Recognizer):
        seen = recognizer.features_
        return seen.expression, lambda faces: recognizer.scaler_.transform(seen.transform(faces))
    return "probabilities", recognizer.predict_proba
