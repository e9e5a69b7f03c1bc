"""Every official layout, written small, as a folder and as an archive."""

from __future__ import annotations

import io

import numpy as np
import pytest

from classic_fer.datasets import load_dataset
from classic_fer.datasets.readers import READERS
from classic_fer.datasets.readers.ckplus import LAST_FRAMES
from classic_fer.datasets.readers.lfw_expressions import person
from classic_fer.errors import DataError


def npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(value))
    return stream.getvalue()


def by_id(data) -> dict:
    return data.samples.set_index("id").to_dict("index")


def test_fer2013_folders_tell_the_part_by_the_prefix(layout, picture) -> None:
    data = load_dataset(
        layout(
            {
                "train/angry/Training_1.jpg": picture(1, format="JPEG"),
                "test/happy/PublicTest_2.jpg": picture(2, format="JPEG"),
                "test/happy/PrivateTest_3.jpg": picture(3, format="JPEG"),
            }
        )
    )
    assert data.name == "fer2013"
    assert data.card.cropped
    rows = by_id(data)
    assert rows["train/angry/Training_1.jpg"]["label"] == "anger"
    assert rows["test/happy/PublicTest_2.jpg"]["split"] == "public"
    assert rows["test/happy/PrivateTest_3.jpg"]["split"] == "final"
    assert data.groups is None
    assert data.card.official_split == {"train": ["train"], "test": "public", "final": "final"}
    assert data.read_photo(0).shape == (16, 16)


FACE = np.arange(48 * 48).reshape(48, 48) % 256
PIXELS = " ".join(map(str, FACE.ravel()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fer2013.csv", f"emotion,pixels,Usage\n0,{PIXELS},Training\n6,{PIXELS},PrivateTest\n"),
        (
            "icml_face_data.csv",
            f"emotion, Usage, pixels\n0,Training,{PIXELS}\n6,PrivateTest,{PIXELS}\n",
        ),
    ],
)
def test_fer2013_tables_of_pixels(layout, name: str, text: str) -> None:
    data = load_dataset(layout({name: text.encode()}))
    assert data.name == "fer2013"
    assert data.y.tolist() == ["anger", "neutral"]
    assert data.split is not None
    assert data.split.tolist() == ["train", "final"]
    assert data.samples["id"].tolist() == ["Training_0", "PrivateTest_1"]
    np.testing.assert_array_equal(data.read_photo(1), FACE)


def test_fer2013_csv_as_a_single_file(tmp_path) -> None:
    path = tmp_path / "faces.csv"
    path.write_text(f"emotion,pixels,Usage\n3,{PIXELS},PublicTest\n3,{PIXELS},PublicTest\n")
    data = load_dataset(path)
    assert data.classes == ["happiness"]
    assert len(data) == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"7,{PIXELS},Training", "emotion is '7'; expected a number from 0 to 6"),
        ("0,1 2 3,Training", "pixels holds 3 values; expected 2304"),
        (f"0,{PIXELS.replace('255', '256')},Training", "value 256; expected 0 to 255"),
        (f"0,{PIXELS.replace('255', '-1')},Training", "not a whole number"),
        (f"0,{PIXELS} 1,Training", "pixels holds 2305 values"),
        (f"0,{PIXELS},Validation", "Usage is 'Validation'"),
        ("0", "pixels holds 0 values"),
    ],
)
def test_bad_rows_of_the_table_are_listed_and_the_others_read(
    layout, row: str, reason: str
) -> None:
    text = f"emotion,pixels,Usage\n{row}\n1,{PIXELS},Training\n"
    data = load_dataset(layout({"fer2013.csv": text.encode()}))
    assert data.y.tolist() == ["disgust"]
    assert [bad.path for bad in data.unreadable] == ["fer2013.csv, line 2"]
    assert reason in data.unreadable[0].reason


def test_ck48(layout, picture) -> None:
    files = {
        "CK+48/happy/S010_004_00000017.png": picture(1),
        "CK+48/contempt/S138_001_00000009.png": picture(2),
    }
    data = load_dataset(layout(files))
    assert data.name == "ck48"
    row = by_id(data)["CK+48/happy/S010_004_00000017.png"]
    assert row == {
        "label": "happiness",
        "subject": "S010",
        "split": None,
        "sequence": "S010_004",
        "frame": 17,
    }


def ckplus_files(picture) -> dict[str, bytes]:
    frames = {f"cohn-kanade-images/S005/001/S005_001_{i:08d}.png": picture(i) for i in range(1, 7)}
    unlabelled = {
        f"cohn-kanade-images/S005/002/S005_002_{i:08d}.png": picture(i) for i in range(1, 7)
    }
    label = {"Emotion/S005/001/S005_001_00000006_emotion.txt": b"   3.0000000e+00\n"}
    return frames | unlabelled | label


def test_ckplus_takes_last_frames_and_the_first_as_neutral(layout, picture) -> None:
    data = load_dataset(layout(ckplus_files(picture)))
    assert data.name == "ckplus"
    assert data.y.tolist() == ["neutral"] + ["disgust"] * LAST_FRAMES
    assert data.samples["frame"].tolist() == [1, 4, 5, 6]
    assert set(data.samples["subject"]) == {"S005"}
    assert set(data.samples["sequence"]) == {"S005_001"}
    assert data.landmarks is None


def test_ckplus_landmarks(layout, picture) -> None:
    points = np.arange(136, dtype=np.float32).reshape(68, 2)
    text = "\n".join(f"   {x:.7e}   {y:.7e}" for x, y in points).encode()
    files = ckplus_files(picture) | {
        "Landmarks/S005/001/S005_001_00000006_landmarks.txt": text,
        "Landmarks/S005/001/S005_001_00000005_landmarks.txt": b"1 2 3",
    }
    data = load_dataset(layout(files))
    assert data.landmarks is not None
    np.testing.assert_array_equal(data.landmarks[3], points)
    assert np.isnan(data.landmarks[:3]).all()
    assert "68 lines" in data.unreadable[0].reason


@pytest.mark.parametrize(("text", "reason"), [(b"9", "0 to 7"), (b"", "0 to 7"), (b"x", "x")])
def test_ckplus_bad_labels_are_listed(layout, picture, text: bytes, reason: str) -> None:
    files = ckplus_files(picture) | {"Emotion/S005/002/S005_002_00000006_emotion.txt": text}
    data = load_dataset(layout(files))
    assert len(data) == 1 + LAST_FRAMES
    assert reason in data.unreadable[0].reason


RATINGS = b"""\
# HAP SAD SUR ANG DIS FEA PIC
1 2.87 2.52 2.10 1.97 1.97 2.06 KA-NE1
2 4.84 1.42 1.35 1.23 1.23 1.23 YN-HA2
3 4.00 1.00 1.00 1.00 1.00 1.00 KM-HA5
"""


@pytest.mark.parametrize("table", ["ratings_60.txt", "DATASET_README.txt"])
def test_jaffe_with_the_misprint_in_its_ratings(layout, picture, table: str) -> None:
    files = {
        "jaffedbase/KA.NE1.26.tiff": picture(1, format="TIFF"),
        "jaffedbase/YM.HA2.53.tiff": picture(2, format="TIFF"),
        "jaffedbase/YM.AN1.61.tiff": picture(3, format="TIFF"),
        "ratings_30_no_fear.txt": b"1 2.67 2.80 1.53 1.80 2.00 KA-NE1\n",
        table: RATINGS,
    }
    data = load_dataset(layout(files))
    assert data.name == "jaffe"
    rows = by_id(data)
    assert rows["jaffedbase/KA.NE1.26.tiff"]["rating_fear"] == 2.06
    assert rows["jaffedbase/YM.HA2.53.tiff"]["rating_happiness"] == 4.84
    assert np.isnan(rows["jaffedbase/YM.AN1.61.tiff"]["rating_anger"])
    assert rows["jaffedbase/YM.HA2.53.tiff"]["subject"] == "YM"
    assert data.classes == ["neutral", "happiness", "anger"]


def test_jaffe_without_ratings_has_no_such_columns(layout, picture) -> None:
    data = load_dataset(layout({"KA.NE1.26.tiff": picture(1), "KA.HA1.29.tiff": picture(2)}))
    assert data.extra_columns == []


def test_lfw_legend_with_repeated_images_and_a_second_rater(layout, picture) -> None:
    legend = (
        "image,emotion\nAJ_Cook_0001.jpg,happiness\nAvinash_30.jpg,sadness\n"
        "Avinash_30.jpg,surprise\nLin_Yi-fu_0001.jpg,neutral\nLin_Yi-fu_0001.jpg,neutral\n"
        "Gone_0001.jpg,fear\n"
    )
    files = {
        "legend.csv": legend.encode(),
        "second_rater.csv": b"image,emotion\nAJ_Cook_0001.jpg,neutral\n",
        **{
            f"images/{name}": picture(i, format="JPEG")
            for i, name in enumerate(
                ["AJ_Cook_0001.jpg", "Avinash_30.jpg", "Lin_Yi-fu_0001.jpg", "Extra_0001.jpg"]
            )
        },
    }
    data = load_dataset(layout(files))
    assert data.name == "lfw-expressions"
    rows = by_id(data)
    assert rows["images/Avinash_30.jpg"]["label"] == "sadness"
    assert rows["images/Avinash_30.jpg"]["other_label"] == "surprise"
    assert rows["images/Lin_Yi-fu_0001.jpg"]["subject"] == "Lin_Yi-fu"
    assert rows["images/AJ_Cook_0001.jpg"]["second_label"] == "neutral"
    assert data.samples["second_label"].notna().sum() == 1
    assert {bad.path for bad in data.unreadable} == {"legend.csv, line 7", "images/Extra_0001.jpg"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Jean-Paul_O_Neil_0012.jpg", "Jean-Paul_O_Neil"), ("A_0001_mask.png", "A"), ("Bo", "Bo")],
)
def test_people_of_lfw(name: str, expected: str) -> None:
    assert person(name) == expected


def test_lfw_emotion_with_its_masked_twin(layout, picture) -> None:
    files = {
        "data/LFW-FER/train/positive/AJ_Cook_0001.jpg": picture(1),
        "data/LFW-FER/eval/negative/Al_Gore_0001.jpg": picture(2),
        "data/M-LFW-FER/train/positive/AJ_Cook_0001.jpg": picture(3),
        "data/M-LFW-FER/eval/neural/Al_Gore_0002.jpg": picture(4),
    }
    data = load_dataset(layout(files))
    assert data.name == "lfw-emotion"
    assert data.classes == ["neutral", "positive", "negative"]
    assert data.samples["masked"].tolist() == [False, False, True, True]
    assert data.split is not None
    assert sorted(data.split) == ["test", "test", "train", "train"]
    assert data.groups is not None
    assert set(data.groups) == {"AJ_Cook", "Al_Gore"}


POINTS = ";".join(f"{i}.5" for i in range(136))
AFFECTNET_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal\n"
)
AFFECTNET_ROWS = (
    f"1/a.jpg,2,3,10,11,{POINTS},6,-0.5,0.7\n"
    f"1/b.jpg,2,3,10,11,NULL,10,-2,-2\n"
    f"2/gone.jpg,2,3,10,11,{POINTS},1,0,0\n"
    f"1/a.jpg,2,3,10,11,{POINTS},6,-0.5,0.7\n"
    f"1/c.jpg,2,3,10,11,{POINTS},11,0,0\n"
)


@pytest.mark.parametrize("header", [AFFECTNET_HEADER, ""])
def test_affectnet_tables_with_and_without_header(layout, picture, header: str) -> None:
    files = {
        "lists/training.csv": (header + AFFECTNET_ROWS).encode(),
        "lists/validation.csv": (header + f"3/d.jpg,1,1,9,9,{POINTS},0,0,0\n").encode(),
        "Manually_Annotated_Images/1/a.jpg": picture(1),
        "Manually_Annotated_Images/1/b.jpg": picture(2),
        "Manually_Annotated_Images/1/c.jpg": picture(3),
        "Manually_Annotated_Images/3/d.jpg": picture(4),
    }
    data = load_dataset(layout(files))
    assert data.name == "affectnet"
    assert data.card.detector == data.card.landmarks == "data"
    first = data.samples.iloc[0]
    assert first["id"] == "Manually_Annotated_Images/1/a.jpg"
    assert (first["label"], first["split"], first["valence"]) == ("anger", "train", -0.5)
    assert first[["x", "y", "width", "height"]].tolist() == [2, 3, 10, 11]
    assert data.landmarks is not None
    np.testing.assert_array_equal(data.landmarks[0, :2], [[0.5, 1.5], [2.5, 3.5]])
    assert np.isnan(data.landmarks[1]).all()
    assert data.y.tolist() == ["anger", "no-face", "neutral"]
    assert np.isnan(data.samples["arousal"][1])
    reasons = [bad.reason for bad in data.unreadable]
    assert len(reasons) == 3
    assert "no photo '2/gone.jpg'" in reasons[0]
    assert "second time" in reasons[1]
    assert "0 to 10" in reasons[2]


def test_affectnet_crops_with_annotations(layout, picture) -> None:
    files = {
        "train_set/images/0.jpg": picture(1),
        "train_set/annotations/0_exp.npy": npy("7"),
        "train_set/annotations/0_val.npy": npy("-0.25"),
        "train_set/annotations/0_aro.npy": npy("-2"),
        "train_set/annotations/0_lnd.npy": npy(np.arange(136.0)),
        "val_set/images/5.jpg": picture(2),
        "val_set/annotations/5_exp.npy": npy(1),
        "val_set/images/6.jpg": picture(3),
        "val_set/images/7.jpg": picture(3),
        "val_set/annotations/7_exp.npy": b"damaged",
    }
    data = load_dataset(layout(files))
    assert data.name == "affectnet-crops"
    assert data.y.tolist() == ["contempt", "happiness"]
    assert data.samples["split"].tolist() == ["train", "val"]
    assert data.samples["valence"][0] == -0.25
    assert np.isnan(data.samples["arousal"][0])
    assert data.landmarks is not None
    assert data.landmarks[0, 67].tolist() == [134, 135]
    assert np.isnan(data.landmarks[1]).all()
    assert [bad.path for bad in data.unreadable] == ["val_set/images/6.jpg", "val_set/images/7.jpg"]


def test_expw_has_several_faces_in_a_photo(layout, picture) -> None:
    lines = (
        "angry_1.jpg 0 10 20 60 50 94.5 0\nangry_1.jpg 1 1 2 6 5 60.0 6\n"
        "angry_1.jpg 0 10 20 60 50 94.5 0\ngone.jpg 0 1 2 3 4 5.0 3\nshort 1 2\n"
    )
    files = {"label/label.lst": lines.encode(), "image/origin/angry_1.jpg": picture(1)}
    data = load_dataset(layout(files))
    assert data.name == "expw"
    assert data.y.tolist() == ["anger", "neutral"]
    assert data.samples["id"].tolist() == [f"image/origin/angry_1.jpg#{i}" for i in range(2)]
    box = data.samples.loc[0, ["x", "y", "width", "height"]]
    assert box.tolist() == [20, 10, 40, 40]
    np.testing.assert_array_equal(data.read_photo(0), data.read_photo(1))
    assert [bad.path[-6:] for bad in data.unreadable] == ["line 3", "line 4", "line 5"]


def test_kdef_names(layout, picture) -> None:
    files = {
        "KDEF/AF01/AF01ANS.JPG": picture(1),
        "KDEF/AF01/AF01AFFL.JPG": picture(2),
        "KDEF/BM35/BM35SUHR.JPG": picture(3),
    }
    data = load_dataset(layout(files))
    assert data.name == "kdef"
    assert by_id(data)["KDEF/BM35/BM35SUHR.JPG"] == {
        "label": "surprise",
        "subject": "M35",
        "split": None,
        "session": "B",
        "gender": "male",
        "angle": "half right",
    }
    assert data.y.tolist() == ["fear", "anger", "surprise"]


def test_names_of_another_form_are_listed(layout, picture) -> None:
    files = {f"KDEF/AF{i:02d}/AF{i:02d}ANS.JPG": picture(i) for i in range(1, 21)}
    data = load_dataset(layout(files | {"KDEF/AF31/AF31V.JPG": picture(31)}))
    assert len(data) == 20
    assert [bad.path for bad in data.unreadable] == ["KDEF/AF31/AF31V.JPG"]


def yale_files(picture) -> dict[str, bytes]:
    names = ["happy", "normal", "sad", "surprised", "wink", "glasses"]
    return {
        f"yalefaces/subject{s:02d}.{name}": picture(10 * s + i, format="GIF")
        for s in (1, 4)
        for i, name in enumerate(names)
    }


def test_yale_gifs_without_suffix(layout, picture) -> None:
    files = yale_files(picture) | {"yalefaces/Readme.txt": b"The Yale Face Database"}
    data = load_dataset(layout(files))
    assert data.name == "yale"
    assert len(data) == 12
    row = by_id(data)["yalefaces/subject01.normal"]
    assert (row["label"], row["subject"]) == ("neutral", "subject01")
    assert set(data.classes) == {"neutral", "happiness", "sadness", "surprise", "wink", "glasses"}
    assert data.read_photo(0).shape[:2] == (16, 16)
    assert data.with_labels("7class").classes == ["neutral", "happiness", "sadness", "surprise"]


def test_yale_substitute_and_repeated_files(layout, picture) -> None:
    files = yale_files(picture)
    files["yalefaces/subject04.sad"] = files["yalefaces/subject04.normal"]
    files["yalefaces/subject01.glasses.gif"] = files["yalefaces/subject01.glasses"]
    data = load_dataset(layout(files))
    assert len(data) == 11
    reasons = {bad.path: bad.reason for bad in data.unreadable}
    assert "same file as yalefaces/subject04.normal" in reasons["yalefaces/subject04.sad"]
    assert "first counts" in reasons["yalefaces/subject01.glasses.gif"]


@pytest.mark.parametrize("prefix", ["", "faces/", "a/b/"])
def test_folder_per_class(layout, picture, prefix: str) -> None:
    files = {f"{prefix}Angry/1.png": picture(1), f"{prefix}sleepy/deeper/2.png": picture(2)}
    data = load_dataset(layout(files))
    assert data.name == "data"
    assert data.classes == ["anger", "sleepy"]
    assert data.split is None
    assert data.card.official_split is None


def test_folder_per_class_below_parts(layout, picture) -> None:
    files = {
        f"set/{part}/{name}/1.png": picture(i)
        for part in ("train", "validation", "test")
        for i, name in enumerate(("happy", "sad"))
    }
    data = load_dataset(layout(files | {"set/train/loose.png": picture(9)}))
    assert data.split is not None
    assert sorted(set(data.split)) == ["test", "train", "val"]
    assert data.card.official_split == {"train": ["train"], "test": "val", "final": "test"}
    assert [bad.path for bad in data.unreadable] == ["set/train/loose.png"]


def test_one_class_named_after_an_emotion(layout, picture) -> None:
    data = load_dataset(layout({"train/happy/1.png": picture(1), "train/happy/2.png": picture(2)}))
    assert data.classes == ["happiness"]


@pytest.mark.parametrize("names", [["1.png", "2.png"], ["photos/1.png", "photos/2.png"]])
def test_images_without_labels(layout, picture, names: list[str]) -> None:
    with pytest.raises(DataError, match=r"no labels in .*2 images.*manifest"):
        load_dataset(layout({name: picture(i) for i, name in enumerate(names)}))


def test_the_format_can_be_given(layout, picture) -> None:
    files = {"fear/S010_004_00000017.png": picture(1), "anger/S010_005_00000017.png": picture(2)}
    path = layout(files)
    assert load_dataset(path).name == "ck48"
    forced = load_dataset(path, format="folder")
    assert forced.name == "data"
    assert forced.groups is None


@pytest.mark.parametrize("format", sorted(set(READERS) - {"folder"}))
def test_a_wrong_format_says_so(layout, picture, format: str) -> None:
    path = layout({"fear/1.png": picture(1), "anger/2.png": picture(2)})
    with pytest.raises(DataError):
        load_dataset(path, format=format)
