"""Networks of torchvision, with a new last layer and, from a file, ImageNet weights.

torchvision is not a dependency, even of the extra ``cnn``: its builds fit one build of torch each.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from classic_fer.errors import ModelFileError

__all__ = ["GreyToColour", "torchvision_network"]


class GreyToColour(nn.Module):
    """A network for colours, given grey faces.

    Standardised grey levels have about the mean and deviation that ImageNet's normalisation gives
    colours, so they only have to be repeated in three channels.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (n, 1, side, side) to logits (n, n_classes)."""
        return self.network(x.expand(-1, 3, -1, -1))


def torchvision_network(arch: str, *, n_classes: int, weights: str | None) -> nn.Module:
    """A network of torchvision by name; random without `weights`.

    Parameters
    ----------
    arch : str
    n_classes : int
        Of the new last layer, which is always random.
    weights : str, optional
        A state_dict, such as torchvision offers for download.

    Raises
    ------
    ModelFileError
        If the file is none, or does not fit the network.
    """
    from torchvision.models import get_model

    network = get_model(arch, weights=None)
    if weights is not None:
        _load(network, Path(weights), arch)
    name, last = [each for each in network.named_modules() if isinstance(each[1], nn.Linear)][-1]
    parent = network.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Linear(last.in_features, n_classes))
    return GreyToColour(network)


def _load(network: nn.Module, file: Path, arch: str) -> None:
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except (
        pickle.UnpicklingError,
        AttributeError,
        EOFError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{file} holds no weights of {arch}: {reason}") from None
