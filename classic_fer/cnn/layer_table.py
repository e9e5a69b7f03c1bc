"""The layers of a network with their outputs and parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["layer_table"]


def layer_table(network: nn.Module, side: int) -> list[dict[str, Any]]:
    """One row for each layer that has no layers in it, in the order in which they are run.

    Parameters
    ----------
    network : torch.nn.Module
        Left in evaluation mode.
    side : int
        Of its input, in pixels.

    Returns
    -------
    rows : list of dict
        ``layer`` (its name in the network), ``kind``, ``output`` (shape for one face),
        ``parameters``.
    """
    rows: list[dict[str, Any]] = []

    def note(name: str, layer: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: torch.Tensor) -> None:
            rows.append(
                {
                    "layer": name,
                    "kind": type(layer).__name__,
                    "output": list(output.shape[1:]),
                    "parameters": sum(p.numel() for p in layer.parameters()),
                }
            )

        return layer.register_forward_hook(hook)

    leaves = [(name, each) for name, each in network.named_modules() if not list(each.children())]
    handles = [note(name, layer) for name, layer in leaves]
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 1, side, side))
    finally:
        for handle in handles:
            handle.remove()
    return rows
