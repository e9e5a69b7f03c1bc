"""classic_fer: the honest classical baseline for facial expression recognition.

Examples
--------
Train on a folder with one sub-folder per emotion, then label a photo::

    from classic_fer import align_faces, grid_search, load_dataset
    data = align_faces(load_dataset("faces/"))
    search = grid_search(data.faces, data.y, groups=data.groups)
    search.save("mine.skops", alignment=data.alignment)

    from classic_fer import load_model
    print(load_model("mine.skops").predict_photo("photo.jpg"))

The public names below are imported on first use, so that ``import classic_fer`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "HOG": "classic_fer.features.hog",
    "LBP": "classic_fer.features.lbp",
    "Geometry": "classic_fer.features.geometry",
    "Alignment": "classic_fer.faces.frame",
    "ClassicFerError": "classic_fer.errors",
    "Result": "classic_fer.evaluation.result",
    "align_faces": "classic_fer.faces.align",
    "cross_validate": "classic_fer.evaluation.cross_validation",
    "grid_search": "classic_fer.models.search",
    "load_dataset": "classic_fer.datasets",
    "load_model": "classic_fer.models.persistence",
    "make_recognizer": "classic_fer.models.recognizer",
}

__all__ = [
    "HOG",
    "LBP",
    "Alignment",
    "ClassicFerError",
    "Geometry",
    "Result",
    "__version__",
    "align_faces",
    "cross_validate",
    "grid_search",
    "load_dataset",
    "load_model",
    "make_recognizer",
]

if TYPE_CHECKING:
    from classic_fer.datasets import load_dataset
    from classic_fer.errors import ClassicFerError
    from classic_fer.evaluation.cross_validation import cross_validate
    from classic_fer.evaluation.result import Result
    from classic_fer.faces.align import align_faces
    from classic_fer.faces.frame import Alignment
    from classic_fer.features.geometry import Geometry
    from classic_fer.features.hog import HOG
    from classic_fer.features.lbp import LBP
    from classic_fer.models.persistence import load_model
    from classic_fer.models.recognizer import make_recognizer
    from classic_fer.models.search import grid_search


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'classic_fer' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
