"""audit: counts on hand-made folders, and on FER2013."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from classic_fer.datasets import load_dataset
from classic_fer.errors import ParameterError
from classic_fer.evaluation.audit import audit
from classic_fer.reports.audit import audit_view, verdict
from classic_fer.reports.contact_sheet import contact_sheet, worst_groups


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (48, 48), dtype=np.uint8)


@pytest.fixture
def leaky(tmp_path):
    """Eight files in two parts: one image in both with another label, one twice in training,
    one that is black, one that is no image.
    """
    files = {
        "train/happy/a.png": noise(0),
        "train/happy/b.png": noise(1),
        "train/happy/b2.png": noise(1),
        "train/sad/c.png": noise(2),
        "train/sad/black.png": np.zeros((48, 48), np.uint8),
        "test/sad/a.png": noise(0),
        "test/happy/d.png": noise(3),
    }
    for name, image in files.items():
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (tmp_path / "faces" / "test" / "sad" / "broken.png").write_bytes(b"nothing")
    return load_dataset(tmp_path / "faces")


def test_counts_of_a_leaky_folder(leaky):
    found = audit(leaky)
    counts = found.to_dict()
    expected = {
        "files": 8,
        "unique": 5,
        "duplicate_groups": 2,
        "duplicate_images": 4,
        "groups_across_splits": 1,
        "conflicting_groups": 1,
        "near_duplicate_groups": 0,
        "unreadable": 1,
        "constant": 1,
        "constant_files": ["train/sad/black.png"],
        "leaks": [{"part": "test", "of": 3, "identical": 1, "copies": 1}],
        "people": None,
        "classes": {"happiness": 4, "sadness": 4},
        "label_imbalance": 1.0,
    }
    assert {key: counts[key] for key in expected} == expected
    assert counts["groups"] == [
        {
            "files": ["test/sad/a.png", "train/happy/a.png"],
            "labels": ["sadness", "happiness"],
            "splits": ["test", "train"],
        },
        {
            "files": ["train/happy/b.png", "train/happy/b2.png"],
            "labels": ["happiness", "happiness"],
            "splits": ["train", "train"],
        },
    ]
    assert counts["unreadable_files"][0]["path"] == "test/sad/broken.png"
    assert json.loads(json.dumps(counts)) == counts


def test_small_classes_are_named(leaky):
    assert audit(leaky, folds=4).small_classes == {}
    small = audit(leaky, folds=5).small_classes
    assert small == {
        "happiness": {"images": 4, "people": None},
        "sadness": {"images": 4, "people": None},
    }


def test_people_across_parts(leaky):
    leaky.samples["subject"] = ["P1", "P1", "P2", "P2", "P1", "P3", "P3", None]
    leaky.samples["split"] = ["test"] * 3 + ["train"] * 5
    found = audit(leaky, near=False)
    assert found.people_across_splits == ["P1", "P2"]
    assert found.people == 3
    assert found.largest_person == {"person": "P1", "images": 3}
    assert found.near_groups is None
    assert "near_duplicate_groups" not in found.to_dict()


def test_too_few_folds_are_refused(leaky):
    with pytest.raises(ParameterError, match="at least 2 folds, got 1"):
        audit(leaky, folds=1)


def test_progress_names_the_stages(leaky):
    told = []
    audit(leaky, near=False, progress=lambda *args: told.append(args))
    assert told == [("reading images", 8, 8)]


def test_verdict_says_what_it_means_and_what_to_do(leaky):
    text = " ".join(verdict(audit(leaky)))
    assert "1 of the 3 images of 'test' (33.3%) have a copy in training" in text
    assert "1 image occurs with different labels" in text
    assert "Keep the copies of an image in one fold" in text
    assert "2 files show nothing" in text


def test_verdict_of_clean_data():
    clean = load_dataset().subset(np.arange(60))
    clean.samples["label"] = np.where(np.arange(60) % 2, "happiness", "sadness")
    clean.samples["subject"] = [f"P{i // 4}" for i in range(60)]
    assert verdict(audit(clean, near=False)) == [
        "Nothing was found that would spoil an evaluation."
    ]


def test_table_shows_the_counts(leaky):
    from rich.console import Console

    console = Console(width=120, record=True, file=io.StringIO())
    console.print(audit_view(audit(leaky)))
    rows = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert "faces: 8 images, 5 unique" in rows
    assert "groups with different labels 1 0" in rows
    assert "of 3 in test: also in training 1 0" in rows


def test_contact_sheet_begins_with_the_worst(leaky):
    found = audit(leaky)
    groups = worst_groups(found)
    assert [kind for kind, _ in groups] == ["identical", "identical"]
    assert groups[0][1].conflicting
    assert not groups[1][1].conflicting
    assert len(worst_groups(found, limit=1)) == 1
    sheet, first_row = (contact_sheet(found, leaky, limit=limit) for limit in (40, 1))
    assert sheet is not None
    assert first_row is not None
    assert sheet.dtype == np.uint8
    assert len(sheet) > len(first_row)


def test_no_contact_sheet_without_copies(leaky):
    alone = leaky.subset([0, 1])
    assert contact_sheet(audit(alone), alone) is None


@pytest.mark.realdata
def test_fer2013_holds_the_known_duplicates(realdata):
    found = audit(load_dataset(realdata("fer2013.zip")), near=False, n_jobs=2).to_dict()
    expected = {
        "files": 32298,
        "unique": 30766,
        "duplicate_groups": 1273,
        "duplicate_images": 2805,
        "groups_across_splits": 270,
        "conflicting_groups": 47,
        "unreadable": 0,
    }
    assert {key: found[key] for key in expected} == expected


@pytest.mark.realdata
def test_takes_of_ck_sequences_are_near_copies_of_one_label(realdata):
    dataset = load_dataset(realdata("ck48.zip"))
    groups = audit(dataset).near_groups or []
    assert len(groups) > 300
    sequences = [{file.rsplit("_", 1)[0] for file in group.files} for group in groups]
    assert sum(len(names) == 1 for names in sequences) >= 0.99 * len(groups)
    assert not any(group.conflicting for group in groups)
