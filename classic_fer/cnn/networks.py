"""The networks of the registry: grey faces (n, 1, side, side) to logits (n, n_classes)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

__all__ = ["Residual", "Separable", "baseline", "mini_xception", "resnet", "vgg"]


def baseline(*, n_classes: int, side: int, dropout: float) -> nn.Sequential:
    """Three blocks of convolution, ReLU and pooling, and one hidden layer: the tutorial network."""
    cells = (side // 8) ** 2
    return nn.Sequential(
        *_conv(1, 32),
        nn.MaxPool2d(2),
        *_conv(32, 64),
        nn.MaxPool2d(2),
        *_conv(64, 128),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128 * cells, 128),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(128, n_classes),
    )


def vgg(*, n_classes: int, side: int, dropout: float, widths: tuple[int, ...]) -> nn.Sequential:
    """Pairs of 3 x 3 convolutions between poolings (Simonyan and Zisserman 2015), averaged at last.

    The first convolution, on full resolution, is alone: a second one would cost more than all
    others together.
    """
    layers = _conv(1, widths[0])
    for before, width in pairwise(widths):
        layers += [nn.MaxPool2d(2), *_conv(before, width), *_conv(width, width)]
    return nn.Sequential(*layers, *_head(widths[-1], n_classes, dropout))


def resnet(*, n_classes: int, side: int, dropout: float, widths: tuple[int, ...]) -> nn.Sequential:
    """A strided 5 x 5 convolution, then a residual block (He et al. 2016) for each width."""
    layers = [*_conv(1, widths[0], kernel=5, stride=2), Residual(widths[0])]
    for before, width in pairwise(widths):
        layers += [nn.MaxPool2d(2), *_conv(before, width), Residual(width)]
    return nn.Sequential(*layers, *_head(widths[-1], n_classes, dropout))


def mini_xception(*, n_classes: int, side: int, dropout: float) -> nn.Sequential:
    """Mini-Xception (Arriaga, Valdenegro-Toro and Plöger 2017).

    Notes
    -----
    As published, with dropout before the last convolution in place of the penalty on weights.
    """
    layers: list[nn.Module] = [*_conv(1, 8), *_conv(8, 8)]
    for before, width in zip((8, 16, 32, 64), (16, 32, 64, 128)):
        layers.append(Separable(before, width))
    return nn.Sequential(
        *layers,
        nn.Dropout(dropout),
        nn.Conv2d(128, n_classes, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *_conv(width, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Shape in, shape out: (n, width, height, width)."""
        return torch.relu(x + self.path(x))


class Separable(nn.Module):
    """Two depthwise separable convolutions (Chollet 2017) beside a strided 1 x 1 one."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *_separable(before, width),
            nn.ReLU(inplace=True),
            *_separable(width, width),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(before, width, 1, stride=2, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (n, before, h, w) to (n, width, h / 2, w / 2), rounded up."""
        return self.path(x) + self.shortcut(x)


def _conv(before: int, width: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """Convolution, batch normalisation (Ioffe and Szegedy 2015), ReLU."""
    return [
        nn.Conv2d(before, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]


def _separable(before: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False),
        nn.Conv2d(before, width, 1, bias=False),
        nn.BatchNorm2d(width),
    ]


def _head(width: int, n_classes: int, dropout: float) -> list[nn.Module]:
    return [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(width, n_classes),
    ]
