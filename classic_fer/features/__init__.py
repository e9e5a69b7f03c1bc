"""Stateless features: from the pixels or landmarks of each face to a row of numbers.

`FEATURES` names them; the modules are imported when a feature is first made. To add one, write a
module with a pure function and its transformer, one line here and one test file.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from classic_fer.errors import unknown_name

__all__ = ["FEATURES", "feature_class", "make_feature"]

FEATURES: dict[str, str] = {
    "geometry": "classic_fer.features.geometry:Geometry",
    "hog": "classic_fer.features.hog:HOG",
    "lbp": "classic_fer.features.lbp:LBP",
    "pixels": "classic_fer.features.pixels:Pixels",
    "transfer": "classic_fer.models.transfer:Transfer",
}


def feature_class(name: str) -> type:
    """The transformer class registered as `name`.

    Raises
    ------
    ParameterError
        If there is none; lists the choices.
    """
    if name not in FEATURES:
        raise unknown_name("feature", name, FEATURES)
    module, _, attribute = FEATURES[name].partition(":")
    return getattr(import_module(module), attribute)


def make_feature(name: str, **params: Any) -> Any:
    """Make the transformer registered as `name`.

    Parameters
    ----------
    name : str
        A key of `FEATURES`.
    **params
        Parameters of the transformer, such as ``radius=2``.

    Returns
    -------
    transformer
        Not fitted; see `classic_fer.features.lbp.LBP` and its siblings.

    Raises
    ------
    ParameterError
        If the name or a parameter is unknown; lists the choices.

    Examples
    --------
    >>> make_feature("lbp", radius=2)
    LBP(radius=2)
    """
    cls = feature_class(name)
    known = inspect.signature(cls).parameters
    for param in params:
        if param not in known:
            raise unknown_name(f"parameter of feature {name!r}", param, known)
    return cls(**params)
