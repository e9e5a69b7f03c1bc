"""What a model file holds, read without building anything that is not trusted."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import classic_fer
from classic_fer.errors import ModelFileError
from classic_fer.models.recognizer import Recognizer

__all__ = [
    "DAMAGE",
    "FORMAT",
    "FORMAT_VERSION",
    "TRUSTED_TYPES",
    "damaged_file",
    "foreign_types",
    "read_bundle",
]

FORMAT = "classic_fer model"
FORMAT_VERSION = 1

# What a model file may hold besides the types of NumPy, SciPy and scikit-learn that skops trusts.
TRUSTED_TYPES = (
    "classic_fer.features.geometry.Geometry",
    "classic_fer.features.hog.HOG",
    "classic_fer.features.lbp.LBP",
    "classic_fer.features.pixels.Pixels",
    "classic_fer.models.compact_kernel_ridge.CompactKernelRidge",
    "classic_fer.models.discriminant.ShrinkageLDA",
    "classic_fer.models.encodings.bow.BOW",
    "classic_fer.models.encodings.fisher.Fisher",
    "classic_fer.models.encodings.vlad.VLAD",
    "classic_fer.models.expression.FeatureExpression",
    "classic_fer.models.kernel_ridge.KernelRidgeClassifier",
    "classic_fer.models.kernels.KernelTerm",
    "classic_fer.models.linear_svm.LinearSVM",
    "classic_fer.models.kernel_svc.KernelSVC",
    "classic_fer.models.local_ridge.LocalRidgeClassifier",
    "classic_fer.models.lp.PairwiseLPClassifier",
    "classic_fer.models.mirror_pca.MPCA",
    "classic_fer.models.projections.ICA",
    "classic_fer.models.projections.LDA",
    "classic_fer.models.projections.PCA",
    "classic_fer.models.recognizer.Recognizer",
    "classic_fer.models.scaler.FeatureScaler",
    "classic_fer.models.transfer.Transfer",
)

# What zipfile, json, NumPy and skops raise on bytes that are not what they expect.
DAMAGE = (
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


def read_bundle(file: Path) -> dict[str, Any]:
    """The content of a model file, with its types checked before anything is built.

    Raises
    ------
    ModelFileError
        If it is not a model, is damaged, of another format, or asks for foreign types.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    content = file.read_bytes()
    if not content.startswith(b"PK"):
        raise ModelFileError(
            f"{file} is not a classic_fer model: expected a skops file (a zip archive), found "
            f"{_kind_of(content)}; pickles are never loaded. Save with save_model"
        )
    try:
        foreign = foreign_types(content)
    except DAMAGE as error:
        raise damaged_file(file, error) from error
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
    except DAMAGE as error:
        raise damaged_file(file, error) from error
    if not isinstance(bundle, dict) or bundle.get("format") != FORMAT:
        found = "a dict" if isinstance(bundle, dict) else f"a {type(bundle).__name__}"
        raise ModelFileError(
            f"{file} is not a classic_fer model: it holds {found}; expected a file made by "
            "save_model or 'classic-fer gridsearch'"
        )
    if bundle.get("format_version") != FORMAT_VERSION:
        raise ModelFileError(
            f"{file} has format version {bundle.get('format_version')}, but classic_fer "
            f"{classic_fer.__version__} reads version {FORMAT_VERSION}; install the classic_fer "
            "that saved it"
        )
    if not isinstance(bundle.get("recognizer"), Recognizer) or not isinstance(
        bundle.get("metadata"), dict
    ):
        raise ModelFileError(f"{file} is not a classic_fer model: it holds no recognizer")
    return bundle


def foreign_types(content: bytes) -> list[str]:
    """Types that a skops file asks for and that are not in `TRUSTED_TYPES`."""
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))


def damaged_file(file: Path, error: BaseException) -> ModelFileError:
    """The error to raise for one of `DAMAGE`."""
    return ModelFileError(
        f"{file} is damaged or not a classic_fer model ({type(error).__name__}: {error}); "
        "copy it again or train again"
    )


def _kind_of(content: bytes) -> str:
    if not content:
        return "an empty file"
    return "a pickle" if content.startswith(b"\x80") else f"bytes starting with {content[:4]!r}"
