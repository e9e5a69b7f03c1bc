"""Saliency by gradients: vanilla and guided backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.overrides import TorchFunctionMode

from classic_fer.faces.types import as_faces

if TYPE_CHECKING:
    from classic_fer.cnn.differentiable import DifferentiableNetwork

__all__ = ["gradient_maps"]

_BATCH = 32
_RELUS: frozenset[Callable[..., Any]] = frozenset(
    {torch.relu, torch.relu_, torch.nn.functional.relu, torch.Tensor.relu, torch.Tensor.relu_}
)


def gradient_maps(
    recognizer: DifferentiableNetwork,
    faces: ArrayLike,
    column: ArrayLike,
    *,
    guided: bool = False,
) -> NDArray[np.float64]:
    """How strongly each pixel moves the logit of a class.

    Parameters
    ----------
    recognizer : DifferentiableNetwork
        Or anything else with `torch_module`.
    faces : Faces of shape (n,), or array of uint8, shape (n, H, W)
    column : array_like of int, shape (n,)
        Which class of each face.
    guided : bool
        Let only positive gradients pass back through each ReLU.

    Returns
    -------
    ndarray of float64, shape (n, H, W)
        Absolute gradients, by grey values between 0 and 1.

    References
    ----------
    K. Simonyan, A. Vedaldi, A. Zisserman: Deep inside convolutional networks. ICLR workshop 2014.
    J. T. Springenberg et al.: Striving for simplicity: the all convolutional net. ICLR workshop
    2015 (guided).
    """
    images = as_faces(np.asarray(faces))["image"]
    columns = torch.from_numpy(np.asarray(column, dtype=np.int64))
    module = recognizer.torch_module()
    maps = np.empty(images.shape)
    for start in range(0, len(images), _BATCH):
        rows = slice(start, start + _BATCH)
        pixels = torch.from_numpy(images[rows, np.newaxis].astype(np.float32) / 255)
        pixels.requires_grad_(True)
        if guided:
            with _GuidedReLUs():
                logits = module(pixels)
        else:
            logits = module(pixels)
        logits.gather(1, columns[rows, None]).sum().backward()
        assert pixels.grad is not None  # just computed
        maps[rows] = pixels.grad[:, 0].abs().numpy()
    return maps


class _GuidedReLU(torch.autograd.Function):
    """ReLU through which only positive gradients of positive values pass back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        out = x.clamp(min=0)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (out,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * (out > 0)


class _GuidedReLUs(TorchFunctionMode):
    """Within it every ReLU, as a layer or as a function, is a guided one."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _RELUS:
            return _GuidedReLU.apply(args[0])
        return func(*args, **(kwargs or {}))
