"""Models as files: skops with an explicit list of types, never pickle."""

from __future__ import annotations

import json
import os
import platform
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import classic_fer
from classic_fer.errors import MissingFileError, ModelFileError, ParameterError
from classic_fer.faces.types import N_LANDMARKS, make_faces
from classic_fer.models.classifiers import classifier_name
from classic_fer.models.recognizer import Recognizer

__all__ = ["MODEL_FILE", "TRUSTED_TYPES", "load_model", "save_model"]

MODEL_FILE = "model.skops"

# What a model file may hold besides the types of NumPy, SciPy and scikit-learn that skops trusts.
TRUSTED_TYPES = (
    "classic_fer.features.geometry.Geometry",
    "classic_fer.features.hog.HOG",
    "classic_fer.features.lbp.LBP",
    "classic_fer.models.discriminant.ShrinkageLDA",
    "classic_fer.models.expression.FeatureExpression",
    "classic_fer.models.kernel_ridge.KernelRidgeClassifier",
    "classic_fer.models.kernels.KernelTerm",
    "classic_fer.models.linear_svm.LinearSVM",
    "classic_fer.models.kernel_svc.KernelSVC",
    "classic_fer.models.lp.PairwiseLPClassifier",
    "classic_fer.models.projections.ICA",
    "classic_fer.models.projections.LDA",
    "classic_fer.models.projections.PCA",
    "classic_fer.models.recognizer.Recognizer",
    "classic_fer.models.scaler.FeatureScaler",
)

_FORMAT = "classic_fer model"
_FORMAT_VERSION = 1
_GOLDEN_TOLERANCE = 1e-5

# What zipfile, json, NumPy and skops raise on bytes that are not what they expect.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def save_model(recognizer: Recognizer, path: str | Path) -> Path:
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
    golden = _golden_faces(recognizer.image_shape_)
    content = skops.io.dumps(
        {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "recognizer": recognizer,
            "metadata": _metadata(recognizer),
            "golden_faces": golden,
            "golden_probabilities": recognizer.predict_proba(golden),
        },
        compression=zipfile.ZIP_DEFLATED,
        compresslevel=1,
    )
    foreign = _foreign_types(content)
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


def load_model(path: str | Path) -> Recognizer:
    """Load a recognizer that `save_model` wrote.

    Parameters
    ----------
    path : str or Path
        The file, or a run folder that holds ``model.skops``.

    Returns
    -------
    recognizer : Recognizer
        Its `bundle_` holds the saved metadata, with ``versions``, ``features``, ``clf``,
        ``classes`` and ``image_shape``.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ModelFileError
        If the file is not a classic_fer model, is damaged, asks for types that are not in
        `TRUSTED_TYPES`, or gives other probabilities here than where it was saved.
    """
    path = Path(path)
    file = path / MODEL_FILE if path.is_dir() else path
    if not file.exists():
        kind = f"{MODEL_FILE} in the folder {path}" if path.is_dir() else f"model file {path}"
        raise MissingFileError(
            f"no {kind}; expected a run folder or a .skops file, as made by "
            "'classic-fer gridsearch' or save_model"
        )
    bundle = _read_bundle(file)
    recognizer, metadata = bundle["recognizer"], bundle["metadata"]
    try:
        got = recognizer.predict_proba(bundle["golden_faces"])
        difference = float(np.abs(got - bundle["golden_probabilities"]).max())
    except _DAMAGE as error:
        raise _damaged(file, error) from error
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


def _read_bundle(file: Path) -> dict[str, Any]:
    """The content of a model file, with its types checked before anything is built."""
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    content = file.read_bytes()
    if not content.startswith(b"PK"):
        raise ModelFileError(
            f"{file} is not a classic_fer model: expected a skops file (a zip archive), found "
            f"{_kind_of(content)}; pickles are never loaded. Save with save_model"
        )
    try:
        foreign = _foreign_types(content)
    except _DAMAGE as error:
        raise _damaged(file, error) from error
    if foreign:
        raise ModelFileError(
            f"{file} asks for types that are not trusted: {', '.join(foreign)}; "
            "a classic_fer model does not need them, so the file was not loaded"
        )
    try:
        with warnings.catch_warnings():
            # Other versions are allowed as long as the golden vectors agree.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            bundle = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
    except _DAMAGE as error:
        raise _damaged(file, error) from error
    if not isinstance(bundle, dict) or bundle.get("format") != _FORMAT:
        found = "a dict" if isinstance(bundle, dict) else f"a {type(bundle).__name__}"
        raise ModelFileError(
            f"{file} is not a classic_fer model: it holds {found}; expected a file made by "
            "save_model or 'classic-fer gridsearch'"
        )
    if bundle.get("format_version") != _FORMAT_VERSION:
        raise ModelFileError(
            f"{file} has format version {bundle.get('format_version')}, but classic_fer "
            f"{classic_fer.__version__} reads version {_FORMAT_VERSION}; install the classic_fer "
            "that saved it"
        )
    if not isinstance(bundle.get("recognizer"), Recognizer) or not isinstance(
        bundle.get("metadata"), dict
    ):
        raise ModelFileError(f"{file} is not a classic_fer model: it holds no recognizer")
    return bundle


def _foreign_types(content: bytes) -> list[str]:
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))


def _damaged(file: Path, error: BaseException) -> ModelFileError:
    return ModelFileError(
        f"{file} is damaged or not a classic_fer model ({type(error).__name__}: {error}); "
        "copy it again or train again"
    )


def _kind_of(content: bytes) -> str:
    if not content:
        return "an empty file"
    return "a pickle" if content.startswith(b"\x80") else f"bytes starting with {content[:4]!r}"


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


def _metadata(recognizer: Recognizer) -> dict[str, Any]:
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


def _golden_faces(shape: tuple[int, int]) -> NDArray:
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
