"""Dense local descriptors: what square windows on a grid over the face look like.

Each is a pure function from one image to the descriptors of its windows and their places;
`DESCRIPTORS` names them. They differ in what they add up over the cells of a window: gradients by
direction (`sift`, `hog`), local binary patterns (`lbp`) or grey values (`patch`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from classic_fer.errors import unknown_name

__all__ = ["DESCRIPTORS", "Descriptor", "local_descriptor"]


@dataclass(frozen=True)
class Descriptor:
    """A kind of local descriptor.

    Attributes
    ----------
    path : str
        ``module:function``.
    length : int
        Number of values.
    cells : int
        Cells along each side of a window.
    whitened : bool
        Whether its principal components are brought to one variance.
    """

    path: str
    length: int
    cells: int
    whitened: bool = False

    @property
    def function(self) -> Callable:
        """See `classic_fer.features.descriptors.sift.dense_sift`."""
        module, _, name = self.path.partition(":")
        return getattr(import_module(module), name)


DESCRIPTORS: dict[str, Descriptor] = {
    "hog": Descriptor("classic_fer.features.descriptors.hog:dense_hog", 36, cells=2),
    "lbp": Descriptor("classic_fer.features.descriptors.lbp:dense_lbp", 236, cells=2),
    "patch": Descriptor(
        "classic_fer.features.descriptors.patch:dense_patches", 64, cells=8, whitened=True
    ),
    "sift": Descriptor("classic_fer.features.descriptors.sift:dense_sift", 128, cells=4),
}


def local_descriptor(name: str) -> Descriptor:
    """The local descriptor registered as `name`.

    Raises
    ------
    ParameterError
        If there is none; lists the choices.
    """
    if name not in DESCRIPTORS:
        raise unknown_name("descriptor", name, DESCRIPTORS)
    return DESCRIPTORS[name]
