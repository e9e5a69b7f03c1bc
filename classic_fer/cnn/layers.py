"""The layers around every network: pixels before it, probabilities after it."""

from __future__ import annotations

import torch
from torch import nn

from classic_fer.cnn.preprocessing import resized, standardise

__all__ = ["MirroredLogits", "PixelsToLogits", "PixelsToProbabilities"]


class MirroredLogits(nn.Module):
    """The mean logits of an image and of its mirror image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (n, 1, side, side) to (n, n_classes)."""
        both = self.network(torch.cat([x, x.flip(3)]))
        return both.reshape(2, -1, both.shape[1]).mean(dim=0)


class PixelsToLogits(nn.Module):
    """A network with its fixed pre-processing, differentiable by its pixels.

    Parameters
    ----------
    network : torch.nn.Module
    side : int
        Of what it sees, in pixels.
    temperature : float
        By which logits are divided.
    columns : list of int
        Order of the classes.
    """

    def __init__(
        self, network: nn.Module, *, side: int, temperature: float, columns: list[int]
    ) -> None:
        super().__init__()
        self.network = network
        self.side, self.temperature, self.columns = side, temperature, columns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From float32 (n, 1, H, W), 0 to 1, to (n, n_classes)."""
        seen = standardise(resized(x[:, 0] * 255, self.side))
        return self.network(seen)[:, self.columns] / self.temperature


class PixelsToProbabilities(nn.Module):
    """A network with its fixed pre-processing and its temperature (Guo et al. 2017)."""

    def __init__(self, network: nn.Module, *, side: int, temperature: float, mirror: bool) -> None:
        super().__init__()
        self.network = MirroredLogits(network) if mirror else network
        self.side, self.temperature = side, temperature

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        """From uint8 (n, H, W) to float32 (n, n_classes)."""
        x = standardise(resized(faces.float(), self.side))
        return torch.softmax(self.network(x) / self.temperature, dim=1)
