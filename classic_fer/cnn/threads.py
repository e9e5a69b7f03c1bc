"""How many threads train."""

from __future__ import annotations

__all__ = ["set_threads"]


def set_threads(n_threads: int) -> None:
    """Limit torch to so many threads; -1 and 0 leave its choice, all cores."""
    import torch

    if n_threads > 0:
        torch.set_num_threads(n_threads)
