"""Files that a command will write, looked at before it begins its work."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile

from classic_fer.errors import ParameterError

__all__ = ["check_writable"]


def check_writable(file: Path) -> None:
    """Make the folder of a file, and raise if the file could not be written there.

    Raises
    ------
    ParameterError
        If the path is a folder.
    OSError
        If the folder cannot be made, or nothing can be written.
    """
    if file.is_dir():
        raise ParameterError(f"{file} is a folder; expected the name of a file to write")
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=file.parent):
        pass
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(13, "Permission denied", str(file))
