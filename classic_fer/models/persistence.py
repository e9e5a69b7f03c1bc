"""Models as files: skops with an explicit list of types, never pickle."""

from __future__ import annotations

import json
import os
import platform
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import classic_fer
from classic_fer.errors import MissingFileError, ModelFileError, ParameterError
from classic_fer.faces.types import N_LANDMARKS, make_faces
from classic_fer.models.bundled import BUNDLED, DEFAULT_MODEL, bundled_file
from classic_fer.models.classifiers import classifier_name
from classic_fer.models.half_precision import halved, widened
from classic_fer.models.model_bundle import (
    DAMAGE,
    FORMAT,
    FORMAT_VERSION,
    damaged_file,
    foreign_types,
    read_bundle,
)
from classic_fer.models.recognizer import Recognizer

if TYPE_CHECKING:
    from classic_fer.onnx.recognizer import OnnxRecognizer

__all__ = [
    "GRAPH_FILE",
    "MODEL_FILE",
    "golden_faces",
    "load_model",
    "model_file",
    "model_metadata",
    "save_model",
]

MODEL_FILE, GRAPH_FILE = "model.skops", "model.onnx"
"""Names of a model in a run folder; the first that is there is taken."""

_GRAPH_SUFFIX = ".onnx"

_GOLDEN_TOLERANCE = 1e-5


def save_model(recognizer: Recognizer, path: str | Path, *, half: bool = False) -> Path:
    """Save a fitted recognizer.

    The file holds the recognizer with its alignment, classes and whatever
    `Recognizer.set_bundle` noted, the versions of the libraries, and golden vectors: drawn
    patterns (no person's picture) with the probabilities that the model gives them.

    Parameters
    ----------
    recognizer : Recognizer
    path : str or Path
        A file, usually ``*.skops``, or an existing folder, in which it is called
        ``model.skops``. Missing parent folders are made. The file appears whole or not at all.
    half : bool
        Store arrays in half precision where that is harmless
        (`classic_fer.models.half_precision`): about half the size, and probabilities that differ
        from those of `recognizer` in the fourth digit.

    Returns
    -------
    path : Path
        Of the file.

    Raises
    ------
    ModelFileError
        If the recognizer has a part of a type that `load_model` would refuse.
    ParameterError
        If its bundle holds something else than plain data.
    """
    import skops.io

    check_is_fitted(recognizer, "classes_")
    path = Path(path)
    if path.is_dir():
        path = path / MODEL_FILE
    golden = golden_faces(recognizer.image_shape_)
    stored = recognizer
    if half:
        stored = halved(recognizer)
        recognizer = widened(halved(recognizer))
    content = skops.io.dumps(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "recognizer": stored,
            "metadata": model_metadata(recognizer),
            "golden_faces": golden,
            "golden_probabilities": recognizer.predict_proba(golden),
        },
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=9 if half else 1,
    )
    foreign = foreign_types(content)
    if foreign:
        raise ModelFileError(
            f"this recognizer cannot be saved: it holds {', '.join(foreign)}, which a model file "
            "may not ask for; use features and classifiers of classic_fer or scikit-learn"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def load_model(
    path: str | Path = DEFAULT_MODEL, *, spec: str | Path | None = None, n_jobs: int = -1
) -> Recognizer | OnnxRecognizer:
    """Load a recognizer that comes with the package, that `save_model` wrote, or a network.

    Parameters
    ----------
    path : str or Path
        The name of a bundled recognizer (`classic_fer.models.bundled`), a ``.skops`` or ``.onnx``
        file, or a run folder that holds ``model.skops`` or ``model.onnx``.
    spec : str or Path, optional
        What an ``.onnx`` file takes and gives that classic_fer did not write: a name or a YAML
        file (`classic_fer.onnx.spec.load_spec`).
    n_jobs : int
        Threads of each prediction of an ``.onnx`` file; -1 takes all cores.

    Returns
    -------
    recognizer : Recognizer or OnnxRecognizer
        Its `bundle_` holds the saved metadata, with ``features``, ``clf``, ``classes``,
        ``image_shape`` and, for files of classic_fer, ``versions``.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ParameterError
        If a spec is needed, or given for a model that knows what it takes.
    ModelFileError
        If the file is not a classic_fer model, is damaged, asks for types that are not in
        `classic_fer.models.model_bundle.TRUSTED_TYPES`, or gives other probabilities here than
        where it was saved.
    """
    file = model_file(path)
    if file.suffix.lower() == _GRAPH_SUFFIX:
        from classic_fer.onnx.recognizer import load_onnx

        return load_onnx(file, spec=spec, n_jobs=n_jobs)
    if spec is not None:
        raise ParameterError(
            f"{file} is a model of classic_fer and knows what it takes; leave out the spec "
            f"{str(spec)!r}, which belongs to an .onnx file"
        )
    bundle = read_bundle(file)
    recognizer, metadata = widened(bundle["recognizer"]), bundle["metadata"]
    try:
        got = recognizer.predict_proba(bundle["golden_faces"])
        difference = float(np.abs(got - bundle["golden_probabilities"]).max())
    except DAMAGE as error:
        raise damaged_file(file, error) from error
    if not difference <= _GOLDEN_TOLERANCE:
        saved, here = metadata.get("versions"), _versions()
        raise ModelFileError(
            f"{file} gives other probabilities here than where it was saved (golden vectors "
            f"differ by {difference:.2g}, expected at most {_GOLDEN_TOLERANCE:g}): it is damaged "
            f"or needs other versions; saved with {saved}, running {here}. Install those "
            "versions or train again"
        )
    recognizer.bundle_ = metadata
    return recognizer


def model_file(path: str | Path) -> Path:
    """The file of a model given as a bundled name, a file or a run folder.

    Raises
    ------
    MissingFileError
        If there is none.
    """
    bundled = bundled_file(str(path))
    path = Path(path)
    inside = [path / name for name in (MODEL_FILE, GRAPH_FILE)] if path.is_dir() else [path]
    for file in [bundled] if bundled else inside:
        if file.exists():
            return file
    kind = (
        f"{MODEL_FILE} or {GRAPH_FILE} in the folder {path} (a search with --neutral-reference "
        "keeps none)"
    )
    raise MissingFileError(
        f"no {kind if path.is_dir() else f'model file {path}'}; expected a run folder or a .skops "
        "file, as made by 'classic-fer gridsearch' or save_model, an .onnx file, or the name of a "
        f"bundled model: {', '.join(BUNDLED)}"
    )


def _versions() -> dict[str, str]:
    import scipy
    import sklearn

    return {
        "classic_fer": classic_fer.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def model_metadata(recognizer: Recognizer) -> dict[str, Any]:
    """What is noted in a recognizer's file besides the recognizer, as plain data for JSON.

    Its `bundle_`, with ``alignment``, ``features``, ``clf``, ``classes``, ``image_shape`` and the
    ``versions`` of the libraries.

    Raises
    ------
    ParameterError
        If its bundle holds something else than plain data.
    """
    metadata = {
        "alignment": None,
        **recognizer.bundle_,
        "features": recognizer.features_.expression,
        "clf": classifier_name(recognizer.clf_),
        "classes": recognizer.classes_.tolist(),
        "image_shape": list(recognizer.image_shape_),
        "versions": _versions(),
    }
    try:
        return json.loads(json.dumps(metadata))
    except TypeError as error:
        raise ParameterError(
            f"the recognizer's bundle must be plain data (dict, list, str, number, None): {error}"
        ) from error


def golden_faces(shape: tuple[int, int]) -> NDArray:
    """Four Faces of smooth patterns with scattered landmarks; the last one has none."""
    from scipy.ndimage import gaussian_filter

    height, width = shape
    rng = np.random.default_rng(20050101)
    noise = gaussian_filter(rng.standard_normal((4, height, width)), (0, height / 24, width / 24))
    low, high = noise.min(axis=(1, 2), keepdims=True), noise.max(axis=(1, 2), keepdims=True)
    images = (255 * (noise - low) / (high - low)).astype(np.uint8)
    landmarks = rng.uniform(0.15, 0.85, (4, N_LANDMARKS, 2)) * (width, height)
    landmarks[3] = np.nan
    return make_faces(images, landmarks=landmarks)
