"""Training, checkpoints, export and the run folder, on faces that are learned in a second."""

import json
import re

import numpy as np
import pytest
from striped_faces import dataset_of

from classic_fer.cnn.settings import TrainingSettings
from classic_fer.cnn.training import train_network, training_parts
from classic_fer.errors import DataError, MissingFileError, ModelFileError, ParameterError
from classic_fer.evaluation.result import Result
from classic_fer.models.persistence import load_model
from classic_fer.reports.run_folder import RunFolder

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

# Stripes that are mirrored, shifted or turned a little stay stripes; turned a lot they do not.
QUICK = TrainingSettings(
    arch="resnet-tiny", epochs=4, batch_size=16, lr=0.05, rotation=3, averaging=0.9, erasing=0
)


def weights_of(trained):
    return {name: value.clone() for name, value in trained.network.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture(scope="module")
def trained(stripes):
    return train_network(stripes, QUICK)


def test_parts_are_disjoint_and_keep_identical_images_together():
    labels = ["happiness", "sadness", "neutral"] * 20
    dataset = dataset_of(labels, ["train"] * 48 + ["test"] * 12)
    for copy in range(0, 30, 3):  # pairs of the same face
        dataset.faces["image"][copy + 6] = dataset.faces["image"][copy]
    parts = training_parts(dataset, TrainingSettings(validation=0.25))
    assert sorted([*parts.fit, *parts.validation]) == list(range(48))
    assert parts.test.tolist() == list(range(48, 60))
    seen = {dataset.faces["image"][i].tobytes() for i in parts.fit}
    assert not any(dataset.faces["image"][i].tobytes() in seen for i in parts.validation)
    assert parts.classes == ["neutral", "happiness", "sadness"]


def test_without_official_parts_a_fifth_is_scored(stripes):
    dataset = stripes.subset(np.arange(60))
    dataset.samples["split"] = None
    parts = training_parts(dataset, TrainingSettings())
    assert len(parts.test) == 12
    assert parts.protocol.name == "5"


def test_a_network_learns(trained, stripes):
    from classic_fer.cnn.loop import logits_of

    images = torch.from_numpy(np.ascontiguousarray(stripes.faces["image"][trained.parts.test]))
    answers = logits_of(trained.network, images, trained.side).argmax(dim=1)
    true = [trained.parts.classes.index(name) for name in stripes.y[trained.parts.test]]
    assert (answers.numpy() == true).mean() >= 0.9
    assert [epoch.number for epoch in trained.history] == [1, 2, 3, 4]
    assert trained.history[-1].lr < 1e-9  # cosine
    assert trained.n_parameters == sum(row["parameters"] for row in trained.layers)


def test_the_same_seed_gives_the_same_network_and_leaves_the_generator_alone(trained, stripes):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = train_network(stripes, QUICK)
    assert torch.equal(torch.rand(3), expected)
    assert same(weights_of(again), weights_of(trained))


class Stop(Exception):
    pass


def test_a_stopped_training_goes_on_as_if_it_had_not_been(trained, stripes, tmp_path):
    file = tmp_path / "checkpoint.pt"

    def stop(done, total, epoch):
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        train_network(stripes, QUICK, checkpoint=file, progress=stop)
    seen = []
    resumed = train_network(
        stripes, QUICK, checkpoint=file, resume=True, progress=lambda *a: seen.append(a[0])
    )
    assert seen == [3, 4]
    assert same(weights_of(resumed), weights_of(trained))
    assert len(resumed.history) == 4


def test_checkpoints_of_another_run_and_damaged_ones_are_refused(stripes, tmp_path):
    file = tmp_path / "checkpoint.pt"
    settings = TrainingSettings(**{**QUICK.to_dict(), "epochs": 1})
    train_network(stripes, settings, checkpoint=file)
    other = TrainingSettings(**{**settings.to_dict(), "lr": 0.01})
    with pytest.raises(ParameterError, match=r"was made with lr 0.05, now it is 0.01"):
        train_network(stripes, other, checkpoint=file, resume=True)
    fewer = stripes.subset(np.arange(30, 120))
    with pytest.raises(ParameterError, match="was made with split"):
        train_network(fewer, settings, checkpoint=file, resume=True)
    content = file.read_bytes()
    for damaged in (content[:-200], b"not a checkpoint", b""):
        file.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"checkpoint\.pt is damaged or no checkpoint"):
            train_network(stripes, settings, checkpoint=file, resume=True)
    torch.save([1], file)
    with pytest.raises(ModelFileError, match="is no checkpoint of this classic_fer"):
        train_network(stripes, settings, checkpoint=file, resume=True)
    file.unlink()
    with pytest.raises(MissingFileError, match="has not finished an epoch"):
        train_network(stripes, settings, checkpoint=file, resume=True)


def test_a_checkpoint_is_never_unpickled_as_code(stripes, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    file = tmp_path / "checkpoint.pt"
    torch.save({"format": 1, "told": {}, "state": Evil()}, file)
    with pytest.raises(ModelFileError, match="is damaged or no checkpoint"):
        train_network(stripes, QUICK, checkpoint=file, resume=True)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["happiness"] * 40, "expected at least two classes"),
        (["happiness"] * 37 + ["sadness"] * 2 + ["happiness"], "has 2 faces of class 'sadness'"),
    ],
)
def test_one_class_and_too_few_faces_are_refused(labels, said):
    dataset = dataset_of(labels, (["train"] * 39) + ["test"])
    with pytest.raises(DataError, match=said):
        train_network(dataset, QUICK)


def test_a_training_that_diverges_says_so(stripes):
    settings = TrainingSettings(**{**QUICK.to_dict(), "lr": 1e30, "warmup": 0.0})
    with pytest.raises(DataError, match=r"diverges; choose a lower learning rate than 1e\+30"):
        train_network(stripes, settings)


def epochs_with(losses):
    from classic_fer.cnn.loop import Epoch

    return [Epoch(i + 1, 0.1, 1.0, 0.5, loss, 0.5, 1.0) for i, loss in enumerate(losses)]


@pytest.fixture
def trainer(stripes):
    """Makes a Trainer that has not begun, with other settings."""
    from classic_fer.cnn.architectures import make_network
    from classic_fer.cnn.loop import Trainer

    def make(**changes):
        settings = TrainingSettings(**{**QUICK.to_dict(), **changes})
        network = make_network("resnet-tiny", n_classes=3, side=24, dropout=0.0)
        images = torch.from_numpy(np.ascontiguousarray(stripes.faces["image"][:8]))
        targets = torch.zeros(8, dtype=torch.int64)
        return Trainer(network, settings, images, targets, images, targets, side=24)

    return make


def test_patience_ends_a_training_without_better_epochs(trainer):
    waiting = trainer(epochs=50, patience=2)
    for epoch, done in zip(epochs_with([1.0, 0.8, 0.9, 0.8, 0.7]), [0, 0, 0, 1, 0]):
        waiting._note(epoch)
        assert waiting.finished == bool(done)
    assert waiting.best_epoch == 5


def test_a_plateau_lowers_the_learning_rate(trainer):
    falling = trainer(
        epochs=50, schedule="plateau", plateau_factor=0.1, plateau_patience=2, lr=1.0, warmup=0.0
    )
    rates = []
    for epoch in epochs_with([1.0, 0.8, 0.9, 0.8, 0.85, 0.81, 0.7, 0.9]):
        falling._note(epoch)
        rates.append(falling._learning_rate(10.0))
    assert rates == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01])


def test_cosine_and_warmup(trainer):
    cosine = trainer(epochs=11, warmup=1.0, lr=0.4)
    rates = [cosine._learning_rate(epochs) for epochs in (0.25, 1.0, 6.0, 11.0)]
    assert rates == pytest.approx([0.1, 0.4, 0.2, 0.0])


def test_without_restoring_the_last_epoch_is_kept(stripes):
    settings = {**QUICK.to_dict(), "epochs": 3}
    best = train_network(stripes, TrainingSettings(**{**settings, "restore_best": True}))
    last = train_network(stripes, TrainingSettings(**{**settings, "restore_best": False}))
    assert last.kept_epoch == 3
    assert best.history[0].loss == last.history[0].loss
    assert best.kept_epoch == best.best_epoch == last.best_epoch
    assert same(weights_of(best), weights_of(last)) == (best.best_epoch == 3)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("input_size", [None, 16])
def test_the_graph_gives_what_the_network_gives(trained, mirror, input_size):
    import onnxruntime

    from classic_fer.cnn.export import network_graph
    from classic_fer.cnn.layers import PixelsToProbabilities

    side = input_size or 24
    metadata = {
        "format_version": 1,
        "classes": trained.parts.classes,
        "image_shape": [24, 24],
        "alignment": None,
        "features": "pixels",
        "clf": "resnet-tiny",
    }
    options = {"side": side, "temperature": 1.7, "mirror": mirror}
    faces = np.random.default_rng(1).integers(0, 256, (9, 24, 24), np.uint8)
    with torch.no_grad():
        expected = PixelsToProbabilities(trained.network, **options)(torch.from_numpy(faces))
    sizes = []
    for half, tolerance in ((False, 1e-5), (True, 2e-3)):
        graph = network_graph(trained.network, metadata, half_weights=half, **options)
        sizes.append(len(graph.SerializeToString()))
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        for n in (1, 9):
            got = session.run(["probabilities"], {"faces": faces[:n]})[0]
            assert got.shape == (n, 3)
            assert np.abs(got - expected[:n].numpy()).max() < tolerance
    assert sizes[1] < 0.6 * sizes[0]


def test_mirrored_faces_get_the_same_probabilities(trained):
    from classic_fer.cnn.layers import PixelsToProbabilities

    both = PixelsToProbabilities(trained.network, side=24, temperature=1.0, mirror=True)
    faces = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (4, 24, 24), np.uint8))
    with torch.no_grad():
        assert torch.allclose(both(faces), both(faces.flip(2)), atol=1e-5)


def test_a_run_folder_holds_all_that_a_reader_needs(stripes, tmp_path):
    from classic_fer.cnn.job import TrainingJob
    from classic_fer.cnn.run import run_job

    job = TrainingJob(data="stripes.zip", training=QUICK)
    result = run_job(job, stripes, RunFolder.create(tmp_path / "run", "x", job.to_dict()))
    files = {file.name for file in (tmp_path / "run").iterdir()}
    expected = "model.onnx training.json training.md history.csv curves.png curves.svg"
    assert {*expected.split(), "result.json", "report.md", "checkpoint.pt"} <= files
    assert Result.load(tmp_path / "run").to_dict() == result.to_dict()
    assert result.protocol["name"] == "official"
    assert result.majority_baseline == pytest.approx(1 / 3)
    assert result.accuracy is not None
    assert result.accuracy >= 0.9
    page = (tmp_path / "run" / "training.md").read_text()
    assert "Always saying the most frequent class: 33.3%" in page
    assert "| lr | 0.05 |" in page
    assert re.search(r"Conv2d.*\| 800 \|", page)

    recognizer = load_model(tmp_path / "run")
    assert recognizer.classes_.tolist() == ["neutral", "happiness", "sadness"]
    assert recognizer.bundle_["clf"] == "resnet-tiny"
    assert recognizer.bundle_["dataset"] == {
        "name": "stripes",
        "n": 90,
        "classes": ["neutral", "happiness", "sadness"],
    }
    assert recognizer.alignment_ == stripes.alignment
    predicted = recognizer.predict(stripes.faces[90:])
    assert (predicted == result.predictions["predicted"]).all()
    facts = json.loads((tmp_path / "run" / "training.json").read_text())
    assert facts["faces"] == {"fit": 81, "validation": 9, "test": 30}
