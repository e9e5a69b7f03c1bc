"""Presets: recipes under one name, which stand for an expression, parameters and a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CLASSIFIER_PRESETS",
    "FEATURE_PRESETS",
    "PAIRED_PARAMS",
    "Preset",
    "Recipe",
    "expand_presets",
]


@dataclass(frozen=True)
class Preset:
    """What a name stands for, whatever the data.

    Attributes
    ----------
    name : str
        A feature expression, or the name of a classifier.
    params : mapping
        Fixed parameters by their full names, such as ``features__fisher__n_components``.
    grid : mapping of str to sequence
        Values to try.
    doc : str
        One line that says where it comes from.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    doc: str = ""


FEATURE_PRESETS: dict[str, Preset] = {
    "best": Preset(
        "fisher:mpca",
        params={
            "features__fisher__n_components": 128,
            "features__fisher__symmetric": True,
            "features__mpca__n_components": 2048,
            "scaler__method": "none",
        },
        doc="symmetric Fisher vectors of dense SIFT: the strongest on FER2013 (docs/fer2013.md)",
    ),
}
CLASSIFIER_PRESETS: dict[str, Preset] = {
    "best": Preset(
        "compact-krr",
        grid={"clf__alpha": (0.1,), "clf__gamma": (1.0,)},
        doc="kernel ridge that keeps all training faces: the strongest on FER2013",
    ),
}
PAIRED_PARAMS: dict[tuple[str, str], Mapping[str, Any]] = {
    # The halves of these features are what the kernel needs.
    ("best", "best"): {"clf__kernel": "mirror-rbf"},
}
"""What presets of features and of a classifier add to each other."""


@dataclass(frozen=True)
class Recipe:
    """Features, classifier, fixed parameters and grid, without presets."""

    features: Any
    clf: Any
    params: dict[str, Any]
    grid: dict[str, Sequence[Any]]


def expand_presets(
    features: Any,
    clf: Any,
    params: Mapping[str, Any] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
) -> Recipe:
    """What features and classifier stand for, if they are names of presets.

    Parameters
    ----------
    features, clf
        As `classic_fer.models.recognizer.make_recognizer` takes them; whatever is not the name of
        a preset stays.
    params, grid : mapping, optional
        The caller's own, which take the place of a preset's, parameter by parameter.

    Examples
    --------
    >>> expand_presets("lbp", "knn", {"features__lbp__radius": 2})
    Recipe(features='lbp', clf='knn', params={'features__lbp__radius': 2}, grid={})
    """
    own, searched = dict(params or {}), dict(grid or {})
    fixed: dict[str, Any] = {}
    tried: dict[str, Sequence[Any]] = {}
    chosen = []
    for given, presets in ((features, FEATURE_PRESETS), (clf, CLASSIFIER_PRESETS)):
        preset = presets.get(given) if isinstance(given, str) else None
        chosen.append(given if preset is None else preset.name)
        if preset is not None:
            fixed |= preset.params
            tried |= preset.grid
    if isinstance(features, str) and isinstance(clf, str):
        fixed |= PAIRED_PARAMS.get((features, clf), {})
    taken = own.keys() | searched.keys()
    return Recipe(
        chosen[0],
        chosen[1],
        {name: value for name, value in fixed.items() if name not in taken} | own,
        {name: values for name, values in tried.items() if name not in taken} | searched,
    )
