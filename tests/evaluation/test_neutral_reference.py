"""One neutral face of each person is known: references, differences, and what reports say."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from classic_fer.datasets import load_dataset
from classic_fer.errors import DataError, MemoryLimitError, MissingFileError, ParameterError
from classic_fer.evaluation.benchmark_plan import canonical_settings
from classic_fer.evaluation.cross_validation import cross_validate
from classic_fer.evaluation.experiment import Experiment
from classic_fer.evaluation.neutral_reference import (
    NEUTRAL_KNOWN,
    ReferencedStore,
    beside_reference,
    check_referenced_features,
    neutral_references,
)
from classic_fer.evaluation.protocols import dataset_protocol
from classic_fer.evaluation.search_settings import SearchSettings
from classic_fer.evaluation.split_files import write_split_file
from classic_fer.models.block_store import BlockStore
from classic_fer.models.expression import make_features
from classic_fer.models.memory import memory_limit
from classic_fer.models.persistence import load_model
from classic_fer.reports.content import marks, protocol_sentence
from classic_fer.reports.run_folder import RunFolder

TRIAL = {"features": "hog", "clf": "lda", "grid": {"clf__shrinkage": [0.5]}, "inner_cv": 2}


def relabelled(dataset, old: str, new: str, person: str | None = None):
    chosen = dataset.samples["label"] == old
    if person is not None:
        chosen &= dataset.samples["subject"] == person
    dataset.samples.loc[chosen, "label"] = new
    return dataset


def test_the_first_neutral_face_by_id_is_the_reference_of_its_person(toy_dataset):
    dataset = toy_dataset(n_people=3).subset(np.arange(18)[::-1])
    made = neutral_references(dataset)
    assert sorted(made.references.ids) == [f"p{i}/neutral0.png" for i in range(3)]
    assert (len(made.scored), made.without) == (15, 0)
    assert not set(made.references.ids) & set(made.scored.ids)
    assert (made.references.groups[made.row] == made.scored.groups).all()


def test_a_face_that_was_found_goes_before_one_that_was_not(toy_dataset):
    dataset = toy_dataset(n_people=2)
    dataset.faces["found"][dataset.ids == "p1/neutral0.png"] = False
    made = neutral_references(dataset)
    assert made.references.ids.tolist() == ["p0/neutral0.png", "p1/neutral1.png"]


def test_people_without_a_neutral_face_are_left_out_and_counted(toy_dataset):
    dataset = relabelled(toy_dataset(n_people=4), "neutral", "anger", person="p2")
    made = neutral_references(dataset)
    assert made.without == 6
    assert set(made.scored.groups) == {"p0", "p1", "p3"}
    warnings = made.protocol(dataset_protocol(made.scored, "3")).warnings
    assert "6 faces of people without a neutral face are left out" in warnings


def test_data_without_people_or_neutral_faces_are_refused(toy_dataset):
    with pytest.raises(DataError, match=r"no face .* is labelled 'neutral', the labels are happ"):
        neutral_references(relabelled(toy_dataset(), "neutral", "happiness"))
    alone = toy_dataset(n_people=2, each=1)
    with pytest.raises(DataError, match=r"the 2 people .* have no other face to compare"):
        neutral_references(alone.subset(alone.y == "neutral"))
    unknown = toy_dataset()
    unknown.samples["subject"] = None
    with pytest.raises(DataError, match=r"does not tell who is shown.*manifest with subjects"):
        neutral_references(unknown)


def test_differences_stand_beside_the_values():
    block = np.float32([[1, 2], [3, np.nan], [5, 6]])
    reference = np.float32([[1, 1], [1, 1], [np.nan, 4]])
    expected = [[1, 2, 0, 1], [3, np.nan, 2, np.nan], [5, 6, np.nan, 2]]
    np.testing.assert_array_equal(beside_reference(block, reference), expected)


def test_the_store_takes_the_reference_of_each_face(toy_dataset):
    made = neutral_references(toy_dataset(n_people=3))
    features = make_features("hog+lbp")
    blocks = made.store().blocks(features)
    plain = BlockStore(made.scored.faces).blocks(features)
    known = BlockStore(made.references.faces).blocks(features)
    for name, block in blocks.items():
        width = plain[name].shape[1]
        np.testing.assert_array_equal(block[:, :width], plain[name])
        for i, person in enumerate(made.scored.groups):
            own = known[name][made.references.groups.tolist().index(person)]
            np.testing.assert_array_equal(block[i, width:], plain[name][i] - own)
    assert made.store().width(features) == sum(block.shape[1] for block in blocks.values())


@pytest.mark.parametrize("features", ["pixels", "pixels:pca+hog", "hog+fisher"])
def test_images_and_encodings_are_refused(features):
    with pytest.raises(ParameterError, match="takes whole images; leave it out of"):
        check_referenced_features(make_features(features))


def test_features_larger_than_memory_are_refused(toy_dataset):
    faces = np.repeat(toy_dataset().faces, 400)
    store = ReferencedStore(faces, faces[:1], np.zeros(len(faces), dtype=np.intp))
    with memory_limit(1), pytest.raises(MemoryLimitError, match="do not fit into memory"):
        store.blocks(make_features("hog"))


def test_the_protocol_has_its_own_name_and_hash_and_split_file(toy_dataset, tmp_path):
    dataset = toy_dataset()
    made = neutral_references(dataset)
    plain = dataset_protocol(made.scored, "3")
    protocol = made.protocol(plain)
    assert protocol.name == "3+neutral"
    assert protocol.hash != plain.hash
    assert NEUTRAL_KNOWN in protocol.warnings
    path = write_split_file(protocol, made.scored.ids.tolist(), tmp_path / "split.csv")
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [r["id"] for r in rows if r["role"] == "reference"] == made.references.ids.tolist()
    for data in (dataset, made.scored):  # the same folds, with and without references in the data
        again = dataset_protocol(data, path)
        for (_, test), (_, expected) in zip(again.folds, protocol.folds):
            assert set(data.ids[test]) == set(made.scored.ids[expected])


def test_references_are_neither_trained_on_nor_scored(toy_dataset):
    made = neutral_references(toy_dataset())
    protocol = made.protocol(dataset_protocol(made.scored, "3"))
    result, _, _ = cross_validate(made.scored, cv=protocol, references=made, **TRIAL)
    assert sorted(result.predictions["id"]) == sorted(made.scored.ids)
    assert result.protocol["references"] == 6
    assert all(fold["n_train"] + fold["n_test"] == 30 for fold in result.folds)


def test_what_is_peculiar_to_a_person_is_taken_out_by_differences(toy_dataset):
    """People differ by far more than expressions do, and only the reference tells by how much."""
    made = neutral_references(toy_dataset(n_people=8, each=3))
    rng = np.random.default_rng(1)
    peculiar = {person: rng.normal(0, 100, 3) for person in np.unique(made.scored.groups)}
    shown = dict(zip(made.scored.classes, 3 * np.eye(3)))

    def measured(data) -> np.ndarray:
        pairs = zip(data.groups, data.y)
        return np.float32([peculiar[p] + shown[y] + rng.normal(0, 0.3, 3) for p, y in pairs])

    def accuracy(X: np.ndarray) -> float:
        y, people = made.scored.y, made.scored.groups
        lda = LinearDiscriminantAnalysis()
        return cross_val_score(lda, X, y, groups=people, cv=LeaveOneGroupOut()).mean()

    plain, known = measured(made.scored), measured(made.references)
    assert accuracy(plain) < 0.7
    assert accuracy(beside_reference(plain, known[made.row])) > 0.95


def test_a_run_says_so_keeps_no_model_and_can_be_repeated(toy_dataset, tmp_path):
    settings = SearchSettings(
        data="toy", features="hog", clf="lda", grid=("clf__shrinkage=0.5",), cv="3", inner_cv=2,
        detector="none", neutral_reference=True, dedup=True, by="subject",
    )  # fmt: skip
    experiment = Experiment.plan(settings)
    dataset = toy_dataset()
    copies = experiment.find_copies(dataset)
    with RunFolder.create(tmp_path / "run", "run") as folder:
        result = experiment.run(dataset, folder, copies=copies)
    assert "--neutral-reference" in result.command
    assert not (tmp_path / "run" / "model.skops").exists()
    assert marks(result) == [NEUTRAL_KNOWN]
    assert protocol_sentence(result).endswith(", neutral faces known")
    assert NEUTRAL_KNOWN in (tmp_path / "run" / "report.md").read_text()
    assert sum("no model is kept" in warning for warning in result.warnings) == 1
    plain = dataclasses.replace(
        settings, cv=str(tmp_path / "run" / "split.csv"), neutral_reference=False, by=None
    )
    with RunFolder.create(tmp_path / "plain", "plain") as folder:
        beside = Experiment.plan(plain).run(dataset, folder)
    assert beside.predictions["id"].tolist() == result.predictions["id"].tolist()
    assert marks(beside) == []


def test_a_benchmark_does_not_mix_it_with_other_protocols():
    with pytest.raises(ParameterError, match="neutral_reference"):
        canonical_settings({"neutral_reference": True})


def test_a_folder_without_a_model_says_why(tmp_path):
    with pytest.raises(MissingFileError, match="a search with --neutral-reference keeps none"):
        load_model(tmp_path)


def test_images_are_refused_before_any_work():
    settings = SearchSettings(features="pixels", clf="lda", neutral_reference=True)
    with pytest.raises(ParameterError, match="not of 'pixels'"):
        Experiment.plan(settings)


@pytest.mark.realdata
def test_jaffe_has_a_reference_for_each_of_ten_people(realdata):
    made = neutral_references(load_dataset(realdata("jaffe.zip")))
    assert (len(made.references), len(made.scored), made.without) == (10, 203, 0)
    assert (made.scored.y == "neutral").sum() == 20
