"""Parts of a face that a share of a decision can belong to: cells, measures, patches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.faces.landmarks import LANDMARK_GROUPS
from classic_fer.features.geometry import Geometry, geometry_names

__all__ = ["FacePart", "Place", "feature_places", "geometry_places", "patches"]

_PATCH = 0.2  # side of an occluding patch, as a fraction of the face
_STEPS = 13  # patches across and down


@dataclass(frozen=True)
class FacePart:
    """What a share of a decision belongs to.

    Attributes
    ----------
    feature : str
        Its name in the expression; ``"image"`` for a patch that was occluded.
    name : str
        Of the column, for landmark geometry; else empty.
    box : tuple of int or None
        x, y, width, height in pixels of the aligned face; None for landmark geometry.
    """

    feature: str
    name: str = ""
    box: tuple[int, int, int, int] | None = None


Place = tuple[FacePart, NDArray[np.intp]]  # and the columns of its feature


def feature_places(leaves: Mapping[str, Any], height: int, width: int) -> list[Place] | None:
    """The parts of stateless features; None if one of them has no places in the face."""
    found: list[Place] = []
    for name, leaf in leaves.items():
        if isinstance(leaf, Geometry):
            found += geometry_places(name, leaf)
        elif hasattr(leaf, "column_boxes"):
            boxes, index = np.unique(leaf.column_boxes(height, width), axis=0, return_inverse=True)
            of_column = index.ravel()
            found += [
                (FacePart(name, box=tuple(box)), np.flatnonzero(of_column == i))
                for i, box in enumerate(boxes.tolist())
            ]
        else:
            return None
    return found


def geometry_places(name: str, leaf: Geometry) -> list[Place]:
    """Each named measure; coordinates by the group of points they belong to."""
    places: list[Place] = []
    names = geometry_names(parts=leaf.parts)
    group_of = {
        f"{axis}{point}": group
        for group, points in LANDMARK_GROUPS.items()
        for point in range(points.start, points.stop)
        for axis in "xy"
        if group != "mouth"  # the lips
    }
    shown = [f"points_of_{group_of[each]}" if each in group_of else each for each in names]
    for text in dict.fromkeys(shown):
        columns = np.flatnonzero(np.array(shown) == text)
        places.append((FacePart(name, name=text), columns))
    return places


def patches(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Boxes of overlapping patches that cover the face from border to border."""
    high, wide = max(1, round(_PATCH * height)), max(1, round(_PATCH * width))
    tops = np.unique(np.linspace(0, height - high, _STEPS).round().astype(int))
    lefts = np.unique(np.linspace(0, width - wide, _STEPS).round().astype(int))
    return [(int(left), int(top), wide, high) for top in tops for left in lefts]
