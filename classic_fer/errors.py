"""The exceptions of classic_fer: one family, each also the built-in a caller would expect.

Every message says what was found, what was expected, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ClassicFerError",
    "ClusterError",
    "DataError",
    "ImageError",
    "MemoryLimitError",
    "MissingFileError",
    "MissingPackageError",
    "ModelFileError",
    "ParameterError",
    "unknown_name",
]


class ClassicFerError(Exception):
    """Base of all errors that classic_fer raises on purpose."""


class ParameterError(ClassicFerError, ValueError):
    """A parameter, name or flag has a value that cannot be used."""


class ClusterError(ClassicFerError, ConnectionError):
    """A cluster cannot be reached, or has no workers that work."""


class DataError(ClassicFerError, ValueError):
    """A data set is empty, unlabelled, of an unknown layout, or unfit for the protocol."""


class ImageError(ClassicFerError, ValueError):
    """One image cannot be read; callers list its path and go on with the others."""


class MissingFileError(ClassicFerError, FileNotFoundError):
    """A file, folder or named data set is not there."""


class MemoryLimitError(ClassicFerError, MemoryError):
    """A computation needs more memory than it may take, and cannot be done in parts."""


class MissingPackageError(ClassicFerError, ImportError):
    """A package is needed that only an extra installs; the message names the extra."""


class ModelFileError(ClassicFerError, ValueError):
    """A model file is damaged, foreign, or asks for types that are not trusted."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> ParameterError:
    """Error for a name that is not in a registry: lists the choices and the nearest one.

    Parameters
    ----------
    kind : str
        What was named, such as ``"feature"``.
    name : str
        The unknown name.
    choices : iterable of str
        The known names.

    Returns
    -------
    ParameterError
        To be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("feature", "hogg", ["lbp", "hog"]))
    unknown feature 'hogg'; expected one of: hog, lbp (did you mean 'hog'?)
    """
    known = sorted(choices)
    near = get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return ParameterError(f"unknown {kind} {name!r}; expected one of: {', '.join(known)}{hint}")
