"""``classic-fer explain``: where in the face a decision comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classic_fer.cli import options
from classic_fer.cli.console import guard, output_console, say
from classic_fer.models.bundled import DEFAULT_MODEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classic_fer.models.explanations import Explanation
    from classic_fer.models.photo_predictions import PhotoPredictionsMixin

__all__ = ["explain"]

_MOST_PER_CLASS = 100


def explain(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(help="Photos, or folders of photos.", show_default=False),
    ] = None,
    model: options.Model = DEFAULT_MODEL,
    spec: options.Spec = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="Explain this class.",
            show_default="the predicted one",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Labelled faces: the mean map of each emotion, over at most "
            f"{_MOST_PER_CLASS} faces of it.",
            show_default=False,
            rich_help_panel="Data",
        ),
    ] = None,
    data_format: options.Format = None,
    root: options.Root = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="Folder for explanation.json and the pictures (PNG and SVG).",
            rich_help_panel=options.RUN,
        ),
    ] = Path("explanations"),
    jobs: options.Jobs = -1,
    seed: options.Seed = 0,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Draw where in the face a decision comes from."""
    with guard(debug):
        import json

        from classic_fer.errors import ParameterError
        from classic_fer.models.explanations import explain as explain_faces
        from classic_fer.models.persistence import load_model
        from classic_fer.reports.explanation import explanation_table
        from classic_fer.reports.figures import save_figures

        if bool(photos) == (data is not None):
            raise ParameterError("give photos to explain, or --data for the mean of each emotion")
        if data is None and (data_format or root):
            raise ParameterError("--format and --root belong to --data; give it, too")
        if data is not None and target is not None:
            raise ParameterError("with --data each face is explained for its own label")
        recognizer = load_model(model, spec=spec)
        if data is not None:
            faces, labels = _labelled(recognizer, data, data_format, root, seed=seed, jobs=jobs)
            told = explain_faces(recognizer, faces, target=labels)
            figures, shown, names = _mean_figures(told, data)
        else:
            faces, names = _found(recognizer, photos or [])
            shown = told = explain_faces(recognizer, faces, target=target)
            figures = _figures(told, names)
        report = told.to_dict()
        for face, name in zip(report["faces"], names if data is None else []):
            face["name"] = name
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=1)
        (out / "explanation.json").write_text(text + "\n", encoding="utf-8")
        save_figures(figures, out)
        if as_json:
            typer.echo(text)
        else:
            output_console().print(explanation_table(shown, names))
        say("explanations", f"{len(figures)} pictures and explanation.json in {out}", style="green")


def _found(recognizer: PhotoPredictionsMixin, photos: list[Path]) -> tuple[NDArray, list[str]]:
    """The faces of photos and a name for each; unreadable photos are named."""
    import numpy as np

    from classic_fer.errors import DataError, ImageError
    from classic_fer.faces.align import find_faces
    from classic_fer.predictions import find_photos

    alignment = recognizer.alignment_
    if alignment is None:
        raise DataError("this model does not know how its faces were aligned; explain with --data")
    faces: list[NDArray] = []
    names: list[str] = []
    for path in find_photos(photos):
        try:
            found = find_faces(path, alignment, largest=False).faces
        except ImageError as error:
            say("unreadable", str(error))
            continue
        faces.append(found)
        stems = [path.stem] + [f"{path.stem}-{i}" for i in range(2, len(found) + 1)]
        names += [_free(stem, names) for stem in stems]
    if not faces:
        raise ImageError("none of the photos can be read")
    return np.concatenate(faces), names


def _free(stem: str, taken: list[str]) -> str:
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _labelled(
    recognizer: PhotoPredictionsMixin,
    data: str,
    data_format: str | None,
    root: Path | None,
    *,
    seed: int,
    jobs: int,
) -> tuple[NDArray, NDArray]:
    """Faces of each class that the recognizer knows, at most so many, and their labels."""
    import numpy as np

    from classic_fer.cli.progress import tracked
    from classic_fer.datasets import load_dataset
    from classic_fer.errors import DataError
    from classic_fer.faces.align import align_faces

    policy = recognizer.label_policy_ or "keep"
    dataset = load_dataset(data, format=data_format, root=root, labels=policy, seed=seed)
    rng = np.random.default_rng(seed)
    rows = []
    for name in recognizer.classes_.tolist():
        of_class = np.flatnonzero(dataset.y == name)
        rows += rng.permutation(of_class)[:_MOST_PER_CLASS].tolist()
    if not rows:
        raise DataError(
            f"none of the classes of the data ({', '.join(dataset.classes)}) is known to the "
            f"model ({', '.join(recognizer.classes_.tolist())})"
        )
    chosen = dataset.subset(np.array(rows))
    with tracked("aligning faces") as report:
        aligned = align_faces(chosen, alignment=recognizer.alignment_, n_jobs=jobs, progress=report)
    assert aligned.faces is not None
    return aligned.faces, aligned.y


def _figures(told: Explanation, names: list[str]) -> dict:
    from classic_fer.reports.explanation import explanation_figure

    return {name: explanation_figure(told, i, title=name) for i, name in enumerate(names)}


def _mean_figures(told: Explanation, data: str) -> tuple[dict, Explanation, list[str]]:
    from classic_fer.reports.explanation import explanation_figure, mean_figure

    means = told.means()
    names = [str(name) for name in means.explained]
    counts = {name: int((told.explained == name).sum()) for name in names}
    if means.has_maps:
        title = f"{Path(data).stem}: mean over the faces of each emotion"
        return {"mean": mean_figure(means, counts=counts, title=title)}, means, names
    return {f"mean-{n}": explanation_figure(means, i) for i, n in enumerate(names)}, means, names
