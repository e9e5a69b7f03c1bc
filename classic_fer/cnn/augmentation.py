"""Changed copies of training faces, drawn anew in every epoch."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from classic_fer.cnn.preprocessing import standardise
from classic_fer.cnn.settings import TrainingSettings

__all__ = ["augmented", "erased", "mixed", "moved"]

_ERASED_SIDES = (0.12, 0.45)  # of a blanked rectangle, as shares of the image's side


def augmented(images: torch.Tensor, side: int, settings: TrainingSettings) -> torch.Tensor:
    """Training input: moved, standardised, with another contrast, and partly blanked.

    Parameters
    ----------
    images : Tensor of uint8, shape (n, H, W)
    side : int
        Of what the network sees, in pixels.
    settings : TrainingSettings
        Random numbers come from torch's global generator.

    Returns
    -------
    Tensor of float32, shape (n, 1, side, side)
    """
    x = standardise(moved(images.float(), side, settings))
    if settings.contrast:
        x = x * _uniform(len(x), 1 - settings.contrast, 1 + settings.contrast)[:, None, None, None]
        x = x + _uniform(len(x), -settings.contrast, settings.contrast)[:, None, None, None]
    return erased(x, settings.erasing) if settings.erasing else x


def moved(images: torch.Tensor, side: int, settings: TrainingSettings) -> torch.Tensor:
    """Mirrored, rotated, scaled and shifted about the centre, each image by numbers of its own.

    Parameters
    ----------
    images : Tensor of float32, shape (n, H, W)

    Returns
    -------
    Tensor of float32, shape (n, side, side)
        Sampled bilinearly; what lies outside repeats the border.
    """
    n = len(images)
    angle = _uniform(n, -settings.rotation, settings.rotation) * (math.pi / 180)
    scale = _uniform(n, 1 - settings.scale, 1 + settings.scale)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0) if settings.flip else torch.ones(n)
    shift_x, shift_y = (_uniform(n, -settings.shift, settings.shift) * 2 for _ in range(2))
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    # In these units an image spans -1 to 1.
    matrices = torch.stack(
        [
            torch.stack([cosine * mirror, -sine, shift_x], dim=1),
            torch.stack([sine * mirror, cosine, shift_y], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(matrices, [n, 1, side, side], align_corners=False)
    sampled = functional.grid_sample(
        images.unsqueeze(1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.squeeze(1)


def erased(x: torch.Tensor, probability: float) -> torch.Tensor:
    """Random erasing: a rectangle at the mean grey, in this share of the images (n, 1, H, W)."""
    n, _, height, width = x.shape
    chosen = torch.rand(n) < probability
    rows, columns = (_inside(n, length) for length in (height, width))
    blank = rows[:, :, None] & columns[:, None, :] & chosen[:, None, None]
    return x.masked_fill(blank.unsqueeze(1), 0.0)


def mixed(x: torch.Tensor, parameter: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Mixup: a batch blended with itself in another order.

    Returns
    -------
    blended, order, share
        ``share * x + (1 - share) * x[order]``; targets are blended likewise.
    """
    concentration = torch.tensor(parameter)
    share = torch.distributions.Beta(concentration, concentration).sample().item()
    order = torch.randperm(len(x))
    return x * share + x[order] * (1 - share), order, share


def _inside(n: int, length: int) -> torch.Tensor:
    """For each of n images which of `length` positions lie inside an interval, (n, length)."""
    extent = (_uniform(n, *_ERASED_SIDES) * length).round()
    start = (torch.rand(n) * (length - extent)).floor()
    position = torch.arange(length)
    return (position >= start[:, None]) & (position < (start + extent)[:, None])


def _uniform(n: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(n) * (high - low) + low
