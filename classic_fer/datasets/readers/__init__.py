"""One reader per format: ``matches(source, names)`` and ``read(source, names)``."""

from __future__ import annotations

from types import ModuleType

from classic_fer.datasets import manifest
from classic_fer.datasets.readers import (
    affectnet,
    affectnet_crops,
    ck48,
    ckplus,
    expw,
    fer2013,
    fer2013_csv,
    folder,
    jaffe,
    kdef,
    lfw_emotion,
    lfw_expressions,
    yale,
)

__all__ = ["READERS"]

READERS: dict[str, ModuleType] = {
    "manifest": manifest,
    "fer2013-csv": fer2013_csv,
    "ckplus": ckplus,
    "affectnet": affectnet,
    "affectnet-crops": affectnet_crops,
    "expw": expw,
    "lfw-expressions": lfw_expressions,
    "lfw-emotion": lfw_emotion,
    "fer2013": fer2013,
    "ck48": ck48,
    "jaffe": jaffe,
    "kdef": kdef,
    "yale": yale,
    "folder": folder,
}
"""Formats in the order in which they are tried: tables first, names next, folders last."""
