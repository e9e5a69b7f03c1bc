"""Names, folders of data, and input that is no data set."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from classic_fer.datasets import dataset_names, load_dataset
from classic_fer.errors import DataError, ImageError, MissingFileError, ParameterError


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_generated_faces_are_the_default() -> None:
    data = load_dataset(labels="6class")
    assert data.name == "generated"
    assert "neutral" not in data.classes
    assert data.policy_changes == [("neutral", None, 48)]


@pytest.mark.parametrize("name", ["jaffe", "jaffe.zip"])
def test_names_are_looked_up(tmp_path, picture, monkeypatch, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "jaffe.zip", "w") as archive:
        archive.writestr("KA.NE1.26.tiff", picture(1))
        archive.writestr("KA.HA1.29.tiff", picture(2))
    monkeypatch.setenv("CLASSIC_FER_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    assert load_dataset(name).name == "jaffe"


def test_folders_that_a_card_lists_are_found(tmp_path, picture, monkeypatch) -> None:
    for i, name in enumerate(["normal", "happy"]):
        write(tmp_path / "yalefaces" / f"subject01.{name}", picture(i, format="GIF"))
    monkeypatch.setenv("CLASSIC_FER_DATA", str(tmp_path))
    assert load_dataset("yale").name == "yale"


def test_shared_folder_beside_the_working_directory(tmp_path, picture, monkeypatch) -> None:
    write(tmp_path / "shared/datasets/mine/fear/1.png", picture(1))
    write(tmp_path / "shared/datasets/mine/anger/1.png", picture(2))
    (tmp_path / "work").mkdir()
    monkeypatch.delenv("CLASSIC_FER_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "work")
    assert load_dataset("mine").classes == ["fear", "anger"]


def test_a_known_name_that_is_not_there_says_where_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLASSIC_FER_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=r"kdef.*https://kdef\.se.*Terms: Researchers only"):
        load_dataset("kdef")


def test_an_unknown_name_lists_the_known_ones(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CLASSIC_FER_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=r"'fer2031'.*not set.*affectnet.*mean 'fer2013'"):
        load_dataset("fer2031")


def test_all_names_have_cards() -> None:
    assert {"fer2013", "ck48", "jaffe", "lfw-expressions", "yale"} <= set(dataset_names())


def test_unknown_format_and_policy(tmp_path) -> None:
    with pytest.raises(ParameterError, match="unknown format 'jafe'"):
        load_dataset(tmp_path, format="jafe")
    with pytest.raises(ParameterError, match="unknown label policy"):
        load_dataset(tmp_path, labels="9class")


def test_empty_folder_and_empty_archive(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    for name in ("empty", "empty.zip"):
        with pytest.raises(DataError, match="is empty"):
            load_dataset(tmp_path / name)


def test_files_that_are_no_faces(layout) -> None:
    with pytest.raises(DataError, match=r"1 files \(\.txt\).*looks like faces"):
        load_dataset(layout({"notes/a.txt": b"text"}))


def test_a_table_of_something_else(tmp_path) -> None:
    write(tmp_path / "a.csv", b"a,b\n1,2\n")
    with pytest.raises(DataError, match="expected a manifest with path,label"):
        load_dataset(tmp_path / "a.csv")


def test_a_single_image(tmp_path, picture) -> None:
    write(tmp_path / "photo.jpg", picture(1))
    with pytest.raises(DataError, match="is a single image"):
        load_dataset(tmp_path / "photo.jpg")


def test_members_that_leave_the_archive_are_listed_and_the_others_read(tmp_path, picture) -> None:
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fear/1.png", picture(1))
        archive.writestr("anger/1.png", picture(2))
        archive.writestr("../../evil.png", picture(3))
    data = load_dataset(path)
    assert len(data) == 2
    assert [bad.path for bad in data.unreadable] == ["../../evil.png"]


def test_an_archive_of_nothing_else_is_refused(tmp_path, picture) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../happy/1.png", picture(1))
    with pytest.raises(DataError, match=r"1 refused.*points outside the archive"):
        load_dataset(path)


def test_bad_images_are_found_when_they_are_read(layout, picture) -> None:
    files = {
        "fear/empty.jpg": b"",
        "fear/text.jpg": b"no picture at all",
        "anger/cut.png": picture(1, size=64)[:300],
        "anger/good.png": picture(2),
    }
    data = load_dataset(layout(files))
    assert len(data) == 4
    for i, name in enumerate(data.samples["id"]):
        if name == "anger/good.png":
            assert data.read_photo(i).shape == (16, 16)
        else:
            with pytest.raises(ImageError, match=name):
                data.read_photo(i)


def test_an_empty_name_is_not_the_working_directory(tmp_path, picture, monkeypatch) -> None:
    write(tmp_path / "fear/1.png", picture(1))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match="name of the data is empty"):
        load_dataset("")


def test_options_without_effect_are_refused(layout, picture, tmp_path) -> None:
    data = layout({"fear/1.png": picture(1), "anger/1.png": picture(2)})
    with pytest.raises(ParameterError, match=r"root .* is for the paths of a manifest"):
        load_dataset(data, root=tmp_path)
    with pytest.raises(ParameterError, match="format 'jaffe' has no effect on generated faces"):
        load_dataset(format="jaffe")


def test_a_table_without_the_columns_is_named_with_those_it_has(tmp_path) -> None:
    write(tmp_path / "a.csv", b"file;emotion\nx.png;fear\n")
    with pytest.raises(DataError, match=r"'a\.csv' has the columns \['file;emotion'\]; expected"):
        load_dataset(tmp_path / "a.csv")


def test_a_binary_file_named_csv(tmp_path) -> None:
    write(tmp_path / "a.csv", bytes(range(128, 256)) * 3_000)
    with pytest.raises(DataError, match=r"'a\.csv' has the columns"):
        load_dataset(tmp_path / "a.csv")


@pytest.mark.parametrize("format", ["manifest", "lfw-expressions"])
def test_a_table_with_an_endless_field(tmp_path, format: str) -> None:
    header = {"manifest": b"path,label\n", "lfw-expressions": b"image,emotion\n"}[format]
    name = {"manifest": "m.csv", "lfw-expressions": "lfw/legend.csv"}[format]
    write(tmp_path / name, header + b'"' + b"x" * 200_000)
    with pytest.raises(DataError, match=r"damaged .*field larger"):
        load_dataset(tmp_path / name.split("/")[0], format=format)


def test_a_policy_that_names_no_label_of_the_data(layout, picture, tmp_path) -> None:
    data = layout({"fear/1.png": picture(1), "anger/1.png": picture(2)})
    policy = tmp_path / "policy.csv"
    policy.write_text("from,to\nwinking,happiness\n")
    with pytest.warns(UserWarning, match="names none of the labels .* fear, anger"):
        assert load_dataset(data, labels=policy).classes == ["fear", "anger"]
