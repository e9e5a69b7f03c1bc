"""What every network does with pixels first, in training as in the exported graph."""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = ["resized", "standardise"]

_FLAT = 8.0  # grey levels; keeps the noise of faces without contrast from being blown up


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """Images (n, H, W) of float32 at another size, bilinearly: shape (n, side, side)."""
    if tuple(images.shape[1:]) == (side, side):
        return images
    target = [side, side]
    return functional.interpolate(
        images.unsqueeze(1), target, mode="bilinear", align_corners=False
    ).squeeze(1)


def standardise(images: torch.Tensor) -> torch.Tensor:
    """Grey levels less their mean, over their standard deviation plus 8, image by image.

    Parameters
    ----------
    images : Tensor of float32, shape (n, H, W)
        0 to 255.

    Returns
    -------
    Tensor of float32, shape (n, 1, H, W)
    """
    mean = images.mean(dim=(1, 2), keepdim=True)
    centred = images - mean
    deviation = centred.square().mean(dim=(1, 2), keepdim=True).sqrt()
    return (centred / (deviation + _FLAT)).unsqueeze(1)
