"""Where bytes come from: folders and zip archives, read in place and never left."""

from __future__ import annotations

import io
import os
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from classic_fer.errors import DataError, ImageError, MissingFileError

__all__ = ["FolderSource", "Source", "Unreadable", "ZipSource", "open_source", "unsafe"]

MAX_BYTES = 1 << 29
"""Larger files are no images: they are refused before they fill the memory."""


@dataclass(frozen=True)
class Unreadable:
    """A file or row that is no sample, and why.

    Attributes
    ----------
    path : str
        Path in the source, or file and line.
    reason : str
        What was found and what was expected.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        """The path, once, and the reason."""
        return f"{self.path}: {self.reason.removeprefix(f'{self.path}: ')}"


def unsafe(name: str) -> bool:
    """Whether a relative path is absolute or climbs out of its root by ``..``.

    Examples
    --------
    >>> unsafe("a/../../b.png"), unsafe("/etc/passwd"), unsafe("C:/x.png"), unsafe("a/b..png")
    (True, True, True, False)
    """
    windows = PureWindowsPath(name)
    return bool(windows.drive or windows.root) or ".." in windows.parts


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") or part in ("__MACOSX", "Thumbs.db") for part in parts)


class Source(ABC):
    """Files under one root, named by their path relative to it, with ``/`` between the parts.

    Attributes
    ----------
    location : Path
        The folder or archive.
    refused : list of Unreadable
        Names that are never read because they point outside the root.
    """

    def __init__(self, location: Path) -> None:
        self.location = location
        self.refused: list[Unreadable] = []

    @property
    def stem(self) -> str:
        """Name of the folder or archive without suffix."""
        return self.location.resolve().stem

    @abstractmethod
    def names(self) -> list[str]:
        """All files, sorted; hidden files and those the operating system adds are left out."""

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """The file as a binary stream.

        Raises
        ------
        DataError
            If `name` points outside the root.
        ImageError
            If it is missing or cannot be opened.
        """

    @abstractmethod
    def address(self, name: str) -> Path | str:
        """Where the file lies: a path, or ``archive.zip!/member``."""

    def read(self, name: str) -> bytes:
        """The bytes of the file; errors as `open`, and ImageError for damaged ones."""
        try:
            with self.open(name) as stream:
                data = stream.read(MAX_BYTES + 1)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            if isinstance(error, ImageError | MissingFileError):
                raise
            raise ImageError(f"{name}: cannot be read from {self.location}: {error}") from error
        if len(data) > MAX_BYTES:
            raise ImageError(f"{name}: more than {MAX_BYTES:,} bytes; expected an image")
        return data

    def read_text(self, name: str) -> str:
        """The file as text (UTF-8, else Latin-1), without a byte order mark."""
        data = self.read(name)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    def open_text(self, name: str) -> IO[str]:
        """The file as a text stream for large tables."""
        return io.TextIOWrapper(self.open(name), encoding="utf-8-sig", newline="", errors="replace")


class FolderSource(Source):
    """The files of a folder and its sub-folders.

    Parameters
    ----------
    location : Path
        The folder.
    only : iterable of str, optional
        Restricts `names` to these files.
    """

    def __init__(self, location: Path, *, only: Iterable[str] | None = None) -> None:
        super().__init__(location)
        self._only = None if only is None else sorted(only)

    def names(self) -> list[str]:
        if self._only is not None:
            return list(self._only)
        found: list[str] = []
        visited: set[str] = set()  # links may point back to a folder above
        self.refused = []
        walk = os.walk(self.location, followlinks=True, onerror=self._refuse)
        for folder, subfolders, files in walk:
            real = os.path.realpath(folder)
            if real in visited:
                subfolders.clear()
                continue
            visited.add(real)
            subfolders[:] = sorted(name for name in subfolders if not _hidden(name))
            relative = PurePosixPath(Path(folder).relative_to(self.location).as_posix())
            found += [str(relative / name) for name in files if not _hidden(name)]
        return sorted(found)

    def _refuse(self, error: OSError) -> None:
        self.refused.append(Unreadable(str(error.filename), f"cannot be listed: {error.strerror}"))

    def open(self, name: str) -> IO[bytes]:
        if unsafe(name):
            raise DataError(f"path {name!r} points outside {str(self.location)!r}; refused")
        try:
            return (self.location / name).open("rb")
        except OSError as error:
            raise ImageError(f"{name}: cannot be read from {self.location}: {error}") from error

    def address(self, name: str) -> Path | str:
        return self.location / name


class ZipSource(Source):
    """The members of a zip archive, read in place by any number of threads or processes.

    Members whose name is absolute or holds ``..`` are never read; `refused` lists them.

    Parameters
    ----------
    location : Path
        The archive.

    Raises
    ------
    DataError
        If it is not a zip archive.
    """

    def __init__(self, location: Path) -> None:
        super().__init__(location)
        self._lock = threading.Lock()
        self._archive: zipfile.ZipFile | None = None
        self._process = -1
        members = [m.filename for m in self._opened().infolist() if not m.is_dir()]
        self.refused += [Unreadable(name, _UNSAFE_MEMBER) for name in members if unsafe(name)]
        self._there = {name for name in members if not unsafe(name) and not _hidden(name)}
        self._names = sorted(self._there)

    def _opened(self) -> zipfile.ZipFile:
        # A handle must not be shared with a forked process: both would move one file offset.
        with self._lock:
            if self._archive is None or self._process != os.getpid():
                try:
                    self._archive = zipfile.ZipFile(self.location)
                except zipfile.BadZipFile as error:
                    raise DataError(
                        f"{str(self.location)!r} is not a readable zip archive ({error}); "
                        "download or pack it again"
                    ) from error
                self._process = os.getpid()
            return self._archive

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_lock": None, "_archive": None, "_process": -1}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        return list(self._names)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return name in self._there

    def open(self, name: str) -> IO[bytes]:
        if unsafe(name):
            raise DataError(f"{self.location.name}!/{name}: {_UNSAFE_MEMBER}")
        try:
            return self._opened().open(name)
        except KeyError as error:
            raise ImageError(f"{name}: no such member in {self.location}") from error
        except (RuntimeError, NotImplementedError) as error:  # encrypted; unknown compression
            raise ImageError(f"{name}: cannot be read from {self.location}: {error}") from error

    def address(self, name: str) -> Path | str:
        return f"{self.location}!/{name}"


_UNSAFE_MEMBER = (
    "the member's name is absolute or holds '..' and points outside the archive; refused. "
    "Pack the archive again with relative names"
)


def open_source(path: Path) -> Source:
    """The source for a folder, a zip archive, or a single file such as ``fer2013.csv``.

    Raises
    ------
    MissingFileError
        If there is no such file or folder.
    DataError
        If a ``.zip`` file is not one.
    """
    try:
        if path.is_dir():
            return FolderSource(path)
        if not path.exists():
            raise MissingFileError(f"no file or folder {str(path)!r}")
        if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            return ZipSource(path)
    except PermissionError as error:
        raise MissingFileError(f"{str(path)!r} may not be read: {error.strerror}") from error
    return FolderSource(path.parent, only=[path.name])
