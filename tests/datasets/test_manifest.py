"""Manifests: what is written is read again."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classic_fer.datasets import load_dataset
from classic_fer.datasets.manifest import write_manifest
from classic_fer.errors import DataError, ImageError


def folder_of_faces(root: Path, picture) -> Path:
    for i, name in enumerate(["happy/1.png", "happy/2.png", "sad/1.png"]):
        path = root / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(i))
    return root / "faces"


def manifest_of(data, **options) -> tuple[str, object]:
    stream = io.StringIO(newline="")
    report = write_manifest(data, stream, **options)
    return stream.getvalue(), report


def test_a_folder_becomes_a_manifest(tmp_path, picture, monkeypatch) -> None:
    folder = folder_of_faces(tmp_path, picture)
    monkeypatch.chdir(tmp_path)
    text, report = manifest_of("faces")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["path", "label", "subject", "split", "sha256"]
    digest = hashlib.sha256((folder / "happy/1.png").read_bytes()).hexdigest()
    assert lines[1] == ["faces/happy/1.png", "happiness", "", "", digest]
    assert (report.rows, report.root, report.unreadable) == (3, tmp_path, [])


def test_and_is_read_again(tmp_path, picture, monkeypatch) -> None:
    folder_of_faces(tmp_path, picture)
    monkeypatch.chdir(tmp_path)
    text, _ = manifest_of("faces")
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    data = load_dataset("mine.csv")
    assert data.name == "mine"
    assert data.y.tolist() == ["happiness", "happiness", "sadness"]
    np.testing.assert_array_equal(data.read_photo(2), load_dataset("faces").read_photo(2))


def test_paths_are_relative_to_the_data_when_these_lie_elsewhere(tmp_path, picture) -> None:
    folder = folder_of_faces(tmp_path, picture)
    text, report = manifest_of(folder)
    assert "\nhappy/1.png," in text
    assert report.root == folder
    csv_path = tmp_path / "elsewhere" / "mine.csv"
    csv_path.parent.mkdir()
    csv_path.write_text(text)
    assert len(load_dataset(csv_path, root=folder)) == 3


def test_a_root_that_does_not_hold_the_data(tmp_path, picture) -> None:
    folder = folder_of_faces(tmp_path, picture)
    with pytest.raises(DataError, match="does not lie below the root"):
        manifest_of(folder, root=tmp_path / "other")


def test_members_of_archives_keep_their_card_and_columns(tmp_path, picture, monkeypatch) -> None:
    with zipfile.ZipFile(tmp_path / "ck.zip", "w") as archive:
        archive.writestr("CK+48/anger/S010_004_00000017.png", picture(1))
        archive.writestr("CK+48/happy/S011_006_00000013.png", picture(2))
    monkeypatch.chdir(tmp_path)
    text, _ = manifest_of("ck.zip")
    assert "ck.zip!/CK+48/anger/S010_004_00000017.png,anger,S010,," in text
    (tmp_path / "mine.csv").write_text(text)
    data = load_dataset("mine.csv")
    assert data.name == "mine"
    assert data.card.name == "ck48"
    assert data.card.detector == "none"
    assert data.samples["frame"].tolist() == [17, 13]
    assert data.groups is not None
    assert data.groups.tolist() == ["S010", "S011"]
    assert data.read_photo(1).shape == (16, 16)
    again, _ = manifest_of(data)
    assert again == text


def test_boxes_travel_and_one_photo_gives_several_faces(tmp_path, picture, monkeypatch) -> None:
    (tmp_path / "expw").mkdir()
    (tmp_path / "expw" / "a.jpg").write_bytes(picture(1))
    (tmp_path / "expw" / "label.lst").write_text("a.jpg 0 1 2 6 9 9.5 0\na.jpg 1 2 2 6 9 9.5 3\n")
    monkeypatch.chdir(tmp_path)
    text, _ = manifest_of("expw")
    (tmp_path / "mine.csv").write_text(text)
    data = load_dataset("mine.csv")
    assert data.samples["id"].tolist() == ["expw/a.jpg#0", "expw/a.jpg#1"]
    assert data.samples[["x", "y", "width", "height"]].to_numpy().tolist() == [
        [2, 1, 4, 8],
        [2, 2, 4, 7],
    ]
    assert data.card.detector == "data"
    assert data.read_photo(1).shape == (16, 16)


def test_a_card_that_needs_landmarks_falls_back_without_them(tmp_path, picture) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    (tmp_path / "m.csv").write_text("path,label,dataset\na.png,fear,affectnet\n")
    card = load_dataset(tmp_path / "m.csv").card
    assert (card.name, card.detector, card.landmarks) == ("affectnet", "dlib", "68")


def test_parts_of_a_manifest_are_its_official_split(tmp_path, picture) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(picture(1))
    (tmp_path / "m.csv").write_text("path,label,split\na.png,fear,train\nb.png,anger,test\n")
    data = load_dataset(tmp_path / "m.csv")
    assert data.card.official_split == {"train": ["train"], "test": "test", "final": None}


def test_labels_of_further_raters_get_their_canonical_names(tmp_path, picture) -> None:
    folder = folder_of_faces(tmp_path, picture)
    rows = ["happy/1.png,happy,Happy,1", "happy/2.png,happy,,2", "sad/1.png,sad,scared,3"]
    table = folder / "m.csv"
    table.write_text("\n".join(["path,label,label_2,label_3", *rows]), encoding="utf-8")
    data = load_dataset(table)
    assert data.rater_columns == ["label_2", "label_3"]
    assert data.samples["label_2"].fillna("").tolist() == ["happiness", "", "fear"]


def test_a_changed_file_is_reported(tmp_path, picture, monkeypatch) -> None:
    folder = folder_of_faces(tmp_path, picture)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text(manifest_of("faces")[0])
    (folder / "happy/2.png").write_bytes(picture(99))
    data = load_dataset("mine.csv")
    assert data.read_photo(0).shape == (16, 16)
    with pytest.raises(ImageError, match=r"faces/happy/2\.png: sha256 is .* the manifest expects"):
        data.read_photo(1)


def test_rows_that_are_no_samples_are_listed(tmp_path, picture) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("x.png", picture(2))
    rows = {
        "a.png,fear": None,
        "./a.png,fear": "second time",
        "gone.png,fear": "no such file",
        "../a.png,fear": "points outside",
        "/etc/passwd,fear": "points outside",
        "good.zip!/x.png,anger": None,
        "good.zip!/y.png,anger": "no such member in good.zip",
        "good.zip!/../y.png,anger": "points outside",
        "bad.zip!/y.png,anger": "not a readable zip",
        "good.zip!/x.png,": "no label",
        ",fear": "no path",
    }
    (tmp_path / "m.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    data = load_dataset(tmp_path / "m.csv")
    assert data.samples["id"].tolist() == ["a.png", "good.zip!/x.png"]
    reasons = [reason for reason in rows.values() if reason]
    assert len(data.unreadable) == len(reasons)
    for bad, reason in zip(data.unreadable, reasons):
        assert reason in bad.reason


def test_images_without_labels_get_empty_ones_to_fill_in(tmp_path, picture, monkeypatch) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").write_bytes(picture(1))
    monkeypatch.chdir(tmp_path)
    text, report = manifest_of("photos")
    assert text.splitlines()[1].startswith("photos/1.png,,,,")
    assert report.rows == 1


def test_files_that_cannot_be_read_are_reported(layout, picture, tmp_path) -> None:
    data = load_dataset(layout({"fear/1.png": picture(1), "anger/1.png": picture(2)}))
    data.samples.loc[0, "id"] = "gone.png"
    _, report = manifest_of(data)
    assert report.rows == 1
    assert [bad.path for bad in report.unreadable] == ["gone.png"]


def test_generated_faces_are_no_files(tmp_path) -> None:
    from classic_fer.datasets.cards import generic_card
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.datasets.reading import Reading

    samples = Reading(rows=[{"id": "1", "label": "fear"}]).frame()
    card = generic_card("x", splits=set(), people=False)
    data = Dataset("x", samples, None, card, photos=np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(DataError, match="not files of their own"):
        manifest_of(data)


def test_without_the_columns(tmp_path) -> None:
    (tmp_path / "m.csv").write_text("file,emotion\na.png,fear\n")
    with pytest.raises(DataError, match=r"columns \['file', 'emotion'\]; expected path,label"):
        load_dataset(tmp_path / "m.csv", format="manifest")


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=4))
def test_any_text_in_the_columns_is_kept(tmp_path, picture, rows) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["path", "label", "subject", "split", "remark"])
    for i, (subject, split, remark) in enumerate(rows):
        (tmp_path / f"{i}.png").write_bytes(b"")
        writer.writerow([f"{i}.png", "fear", subject, split, f"r{remark}"])
    (tmp_path / "m.csv").write_text(stream.getvalue(), encoding="utf-8", newline="")
    samples = load_dataset(tmp_path / "m.csv").samples
    for (subject, split, remark), row in zip(rows, samples.to_dict("records")):
        assert row["subject"] == (subject.strip() or None)
        assert row["split"] == (split.strip() or None)
        assert row["remark"] == f"r{remark}".strip()


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_write_other_delimiters(tmp_path, picture, delimiter: str) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    text = f"path{delimiter}label{delimiter}subject\r\na.png{delimiter}fear{delimiter}P1\r\n"
    (tmp_path / "m.csv").write_bytes(text.encode("utf-8-sig"))
    row = load_dataset(tmp_path / "m.csv").samples.iloc[0]
    assert (row["id"], row["label"], row["subject"]) == ("a.png", "fear", "P1")


def test_absolute_paths_below_the_root_become_relative(tmp_path, picture, monkeypatch) -> None:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "a.png").write_bytes(picture(1))
    lines = [f"{tmp_path}/faces/a.png,fear", f"{tmp_path}/faces/../../a.png,fear"]
    (tmp_path / "m.csv").write_text("path,label\n" + "\n".join(lines))
    monkeypatch.chdir(tmp_path)
    for root, name in ((None, "faces/a.png"), ("faces", "a.png")):
        data = load_dataset("m.csv", root=root)
        assert data.samples["id"].tolist() == [name]
        assert data.read_photo(0).shape == (16, 16)
        assert "points outside" in data.unreadable[0].reason


def test_a_quotation_mark_that_is_not_closed_is_named(tmp_path, picture) -> None:
    # It swallowed all rows up to the next one, which counted as a single unreadable path.
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(picture(1))
    (tmp_path / "m.csv").write_text('path,label\na.png,fear\n"b.png,fear\nc.png,fear\n')
    with pytest.raises(DataError, match=r"quotation mark is opened and not closed .* line 4"):
        load_dataset(tmp_path / "m.csv")


def test_a_header_alone_has_no_samples(tmp_path) -> None:
    (tmp_path / "m.csv").write_text("path,label\n")
    with pytest.raises(DataError, match=r"no samples in .*m\.csv' \(1 file\)$"):
        load_dataset(tmp_path / "m.csv")
