"""Folders and archives: the same names, read in place, never left."""

from __future__ import annotations

import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_fer.datasets.sources import FolderSource, ZipSource, open_source, unsafe
from classic_fer.errors import DataError, ImageError, MissingFileError


def test_folder_and_archive_list_and_read_alike(layout) -> None:
    source = open_source(layout({"b/2.png": b"two", "a.txt": b"one", ".DS_Store": b""}))
    assert source.names() == ["a.txt", "b/2.png"]
    assert source.read("b/2.png") == b"two"
    assert source.read_text("a.txt") == "one"
    assert source.stem == "data"


def test_what_systems_add_is_left_out(layout) -> None:
    source = open_source(layout({"__MACOSX/a.png": b"", "x/._a.png": b"", "x/a.png": b"1"}))
    assert source.names() == ["x/a.png"]


def test_missing_files_are_image_errors(layout) -> None:
    source = open_source(layout({"a.png": b"1"}))
    with pytest.raises(ImageError, match=r"none\.png"):
        source.read("none.png")


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:\\x.png", "..\\x"])
def test_names_that_leave_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("happy/1.png", b"good")
        archive.writestr(name, b"evil")
    source = ZipSource(path)
    assert source.names() == ["happy/1.png"]
    assert [bad.path for bad in source.refused] == [zipfile.ZipFile(path).namelist()[1]]
    assert "points outside the archive" in source.refused[0].reason
    with pytest.raises(DataError, match="points outside"):
        source.read(name)


def test_names_that_leave_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="points outside"):
        FolderSource(tmp_path).read("../x.png")


@given(st.lists(st.sampled_from(["a", "b.png", ".", "..c", "d..", "e f"]), min_size=1))
def test_ordinary_names_are_safe(parts: list[str]) -> None:
    assert not unsafe("/".join(parts))
    assert unsafe("/".join([*parts, "..", "x"]))


def test_damaged_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(DataError, match="not a readable zip archive"):
        open_source(path)


def test_damaged_members_do_not_harm_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("1.png", b"first" * 100)
        archive.writestr("2.png", b"second" * 100)
    data = path.read_bytes().replace(b"firstfirst", b"FIRSTfirst", 1)
    path.write_bytes(data)
    source = ZipSource(path)
    with pytest.raises(ImageError, match=r"1\.png: cannot be read.*CRC"):
        source.read("1.png")
    assert source.read("2.png") == b"second" * 100


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file or folder"):
        open_source(tmp_path / "nothing")


def test_archives_are_read_by_threads_and_after_pickling(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(50):
            archive.writestr(f"{i}.bin", str(i) * 1000)
    source = pickle.loads(pickle.dumps(ZipSource(path)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(source.read, [f"{i}.bin" for i in range(50)] * 4))
    assert found == [(str(i) * 1000).encode() for i in range(50)] * 4


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"1")
    os.symlink(tmp_path, tmp_path / "a" / "again")
    assert FolderSource(tmp_path).names() == ["a/1.png"]
