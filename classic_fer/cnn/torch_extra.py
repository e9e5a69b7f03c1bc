"""PyTorch is an extra: what is said where it is not there."""

from __future__ import annotations

from importlib.util import find_spec

from classic_fer.errors import MissingPackageError

__all__ = ["require_torch"]

_NEEDED = ("torch", "onnx")


def require_torch() -> None:
    """Raise unless a network can be trained and exported here.

    Raises
    ------
    MissingPackageError
        If torch or onnx is not installed; says how to get them.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            f"training a network needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed: pip install "
            "'classic_fer[cnn]' (on Linux first PyTorch's build for CPUs, which is much smaller: "
            "'Get started' on pytorch.org has the command). Trained networks run without it"
        )
