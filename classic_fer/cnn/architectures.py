"""The registry of architectures; importing it does not import torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.errors import MissingFileError, ParameterError, unknown_name

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES", "check_architecture", "check_side", "make_network"]


def _native(name: str, **options: Any) -> Callable[..., nn.Module]:
    def build(**common: Any) -> nn.Module:
        from classic_fer.cnn import networks

        return getattr(networks, name)(**common, **options)

    return build


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "baseline": _native("baseline"),
    "mini-xception": _native("mini_xception"),
    "vgg-tiny": _native("vgg", widths=(32, 48, 128, 256)),
    "resnet-tiny": _native("resnet", widths=(32, 64, 128)),
    "resnet-small": _native("resnet", widths=(48, 96, 192)),
    "resnet-medium": _native("resnet", widths=(64, 128, 256)),
}
"""Name to a function of ``n_classes``, ``side`` (of the input, in pixels) and ``dropout``."""

_SMALLEST = {"mini-xception": 32}
_SMALLEST_SIDE = 16


def check_architecture(arch: str, weights: str | None = None) -> None:
    """Refuse what there is not, before any work.

    Parameters
    ----------
    arch, weights
        See `classic_fer.cnn.settings.TrainingSettings`.

    Raises
    ------
    ParameterError
        For an unknown name (lists the choices), and weights for a network that has none.
    MissingFileError
        If there is no file with weights.
    """
    if arch not in ARCHITECTURES:
        _check_torchvision(arch)
        if weights is not None and not Path(weights).is_file():
            raise MissingFileError(
                f"no file with weights {weights}; expected a state_dict of {arch}"
            )
    elif weights is not None:
        raise ParameterError(
            f"weights {weights!r} are for networks of torchvision; {arch!r} is trained from "
            "scratch, leave them out"
        )


def check_side(arch: str, side: int) -> None:
    """Refuse faces of a height and width, in pixels, that an architecture cannot take.

    Raises
    ------
    ParameterError
    """
    smallest = _SMALLEST.get(arch, _SMALLEST_SIDE)
    if side < smallest:
        raise ParameterError(
            f"{arch} needs faces of at least {smallest} pixels, got {side}; choose a larger size "
            "or input size"
        )


def _check_torchvision(arch: str) -> None:
    if find_spec("torchvision") is None:
        error = unknown_name("architecture", arch, ARCHITECTURES)
        raise ParameterError(f"{error}; with torchvision installed also the names of its networks")
    from torchvision.models import list_models

    names = list_models()
    if arch not in names:
        raise unknown_name("architecture", arch, [*ARCHITECTURES, *names])


def make_network(
    arch: str, *, n_classes: int, side: int, dropout: float, weights: str | None = None
) -> nn.Module:
    """An untrained network, or one of torchvision with weights from a file.

    Parameters
    ----------
    arch : str
    n_classes : int
    side : int
        Height and width of its input in pixels.
    dropout : float
        Before the last layer (networks of torchvision have their own).
    weights : str, optional
        File with a state_dict.

    Returns
    -------
    network : torch.nn.Module
        From float32 (n, 1, side, side), standardised, to logits (n, n_classes).
    """
    if arch in ARCHITECTURES:
        return ARCHITECTURES[arch](n_classes=n_classes, side=side, dropout=dropout)
    from classic_fer.cnn.torchvision_networks import torchvision_network

    return torchvision_network(arch, n_classes=n_classes, weights=weights)
