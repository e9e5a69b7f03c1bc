"""Parameters by their full names, with errors that name the nearest one."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from classic_fer.errors import unknown_name

__all__ = ["set_known_params"]


def set_known_params(estimator: BaseEstimator, params: dict[str, Any]) -> None:
    """``BaseEstimator.set_params`` whose error names the nearest parameter and all others.

    Whole parts (names without ``__``) are set first, so that ``clf=..., clf__C=...`` works in
    one call.

    Raises
    ------
    ParameterError
        For a name that `estimator` does not have.
    """
    for nested in (False, True):
        now = {name: value for name, value in params.items() if ("__" in name) == nested}
        known = estimator.get_params(deep=True) if now else {}
        for name in now:
            if name not in known:
                settable = [k for k, v in known.items() if not hasattr(v, "get_params")]
                raise unknown_name("parameter", name, settable)
        BaseEstimator.set_params(estimator, **now)
