"""The recognizers that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BUNDLED", "DEFAULT_MODEL", "FISHER", "NETWORK", "bundled_file"]

DEFAULT_MODEL = "default"
NETWORK = "fer-cnn"
FISHER = "fer2013-fisher"  # whose features `classic_fer.models.transfer` takes

BUNDLED: dict[str, str] = {
    DEFAULT_MODEL: "default.skops",
    NETWORK: "fer-cnn.onnx",
    FISHER: "fer2013-fisher.skops",
}
"""File of each bundled recognizer in the package; ``docs/model_cards`` describes it."""


def bundled_file(name: str) -> Path | None:
    """File of a bundled recognizer; None if `name` is not the name of one.

    A file or folder of that name in the working directory is reached as ``./default``.
    """
    return Path(__file__).parent / "bundled_models" / BUNDLED[name] if name in BUNDLED else None
