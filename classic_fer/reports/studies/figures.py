"""Which figures belong to which study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from classic_fer.studies.result import StudyResult

__all__ = ["DRAWINGS", "StudyFigure", "study_figures"]

_HERE = "classic_fer.reports.studies"
_DRAWN = (
    *("affect", "attack", "augment", "embedding", "masks", "noise", "saliency", "samples"),
    *("sizes", "subgroups", "transfer"),
)

DRAWINGS: Mapping[str, str] = {name: f"{_HERE}.{name}:{name}_figures" for name in _DRAWN}
"""Study to the function that draws it, as ``"module:function"``: a StudyResult to a dict of
`StudyFigure` by the name of their files."""


@dataclass(frozen=True)
class StudyFigure:
    """A figure and what it shows, in a sentence or two."""

    figure: Figure
    caption: str


def study_figures(result: StudyResult) -> dict[str, StudyFigure]:
    """The figures of a study by the name of their files, in the order of the report."""
    place = DRAWINGS.get(result.name)
    if place is None:
        return {}
    module, function = place.split(":")
    return getattr(import_module(module), function)(result)
