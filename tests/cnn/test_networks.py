"""Architectures and augmentation, against hand-made input."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from classic_fer.cnn.architectures import (
    ARCHITECTURES,
    check_architecture,
    check_side,
    make_network,
)
from classic_fer.cnn.settings import TrainingSettings
from classic_fer.errors import MissingFileError, ModelFileError, ParameterError

torch = pytest.importorskip("torch")

STILL = TrainingSettings(flip=False, shift=0, rotation=0, scale=0, contrast=0, erasing=0)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("side", [33, 40])
def test_every_architecture_gives_logits_and_gradients(arch, side):
    network = make_network(arch, n_classes=5, side=side, dropout=0.1)
    logits = network(torch.randn(3, 1, side, side))
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_mini_xception_has_about_the_published_number_of_parameters():
    network = make_network("mini-xception", n_classes=7, side=64, dropout=0.0)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(58_000, rel=0.05)


def test_an_unknown_architecture_lists_the_choices(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ParameterError, match=r"'vgg-tinny'.*baseline.*did you mean 'vgg-tiny'"):
        check_architecture("vgg-tinny")


def test_weights_and_small_faces_are_refused():
    with pytest.raises(ParameterError, match="'baseline' is trained from scratch"):
        check_architecture("baseline", "weights.pt")
    with pytest.raises(ParameterError, match="at least 32 pixels, got 24"):
        check_side("mini-xception", 24)


@pytest.fixture
def torchvision(monkeypatch):
    """A stand-in: torchvision cannot be installed beside every build of torch."""

    def tiny(weights=None):
        layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1))
        network = torch.nn.Module()
        network.features = layers
        network.fc = torch.nn.Linear(4, 1000)
        network.forward = lambda x: network.fc(network.features(x).flatten(1))
        return network

    models = ModuleType("torchvision.models")
    models.list_models = lambda: ["tinynet"]
    models.get_model = lambda name, weights: tiny(weights)
    package = ModuleType("torchvision")
    package.models = models
    package.__spec__ = SimpleNamespace(name="torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return tiny


def test_a_network_of_torchvision_gets_a_new_head_and_weights_from_a_file(torchvision, tmp_path):
    donor = torchvision()
    file = tmp_path / "tinynet.pth"
    torch.save(donor.state_dict(), file)
    check_architecture("tinynet", str(file))
    network = make_network("tinynet", n_classes=7, side=32, dropout=0, weights=str(file))
    assert network(torch.zeros(2, 1, 32, 32)).shape == (2, 7)
    state = network.state_dict()
    first = next(name for name in state if name.endswith("features.0.weight"))
    assert torch.equal(state[first], donor.state_dict()["features.0.weight"])


def test_weights_of_another_network_are_refused(torchvision, tmp_path):
    file = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(3)}, file)
    with pytest.raises(ModelFileError, match=r"other\.pth.*tinynet"):
        make_network("tinynet", n_classes=7, side=32, dropout=0, weights=str(file))
    with pytest.raises(MissingFileError, match=r"no file with weights none\.pth"):
        check_architecture("tinynet", "none.pth")
    with pytest.raises(ParameterError, match="unknown architecture 'tinynets'"):
        check_architecture("tinynets")


def test_standardised_faces_have_no_mean_and_about_unit_deviation():
    from classic_fer.cnn.preprocessing import standardise

    images = torch.tensor([[[0.0, 200.0], [200.0, 0.0]], [[7.0, 7.0], [7.0, 7.0]]])
    out = standardise(images)
    assert out.shape == (2, 1, 2, 2)
    assert out[0, 0].tolist() == [
        [pytest.approx(-100 / 108), pytest.approx(100 / 108)],
        [pytest.approx(100 / 108), pytest.approx(-100 / 108)],
    ]
    assert out[1].abs().max() == 0


def test_without_augmentation_faces_stay_as_they_are():
    from classic_fer.cnn.augmentation import augmented, moved
    from classic_fer.cnn.preprocessing import standardise

    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 20, 20), np.uint8))
    assert torch.allclose(moved(images.float(), 20, STILL), images.float(), atol=1e-3)
    still = augmented(images, 20, STILL)
    assert torch.allclose(still, standardise(images.float()), atol=1e-4)


def test_flip_mirrors_about_half_of_the_faces():
    from classic_fer.cnn.augmentation import moved

    settings = TrainingSettings(shift=0, rotation=0, scale=0)
    image = torch.arange(16.0).reshape(1, 4, 4).repeat(200, 1, 1)
    torch.manual_seed(0)
    out = moved(image, 4, settings)
    mirrored = (out - image.flip(2)).abs().amax(dim=(1, 2)) < 1e-3
    kept = (out - image).abs().amax(dim=(1, 2)) < 1e-3
    assert (mirrored ^ kept).all()
    assert 70 < mirrored.sum() < 130


def test_a_shift_moves_by_at_most_its_share_of_the_side():
    from classic_fer.cnn.augmentation import moved

    settings = TrainingSettings(flip=False, rotation=0, scale=0, shift=0.1)
    dot = torch.zeros(100, 21, 21)
    dot[:, 10, 10] = 1
    torch.manual_seed(0)
    out = moved(dot, 21, settings)
    weights = out / out.sum(dim=(1, 2), keepdim=True)
    column = (weights.sum(dim=1) * torch.arange(21)).sum(dim=1) - 10
    assert column.abs().max() <= 2.1 + 1e-3
    assert column.abs().max() > 1.5


def test_erasing_blanks_one_rectangle_in_the_chosen_share():
    from classic_fer.cnn.augmentation import erased

    torch.manual_seed(0)
    x = torch.ones(400, 1, 40, 40)
    blank = erased(x, 0.25)[:, 0] == 0
    touched = blank.any(dim=2).any(dim=1)
    assert 70 < touched.sum() < 130
    for image in blank[touched][:20]:
        rows, columns = image.any(dim=1), image.any(dim=0)
        assert torch.equal(image, rows[:, None] & columns[None])  # a rectangle
        assert 0.12 * 40 - 1 <= rows.sum() <= 0.45 * 40 + 1


def test_mixup_blends_faces_and_says_how():
    from classic_fer.cnn.augmentation import mixed

    torch.manual_seed(0)
    x = torch.randn(5, 1, 3, 3)
    blended, order, share = mixed(x, 0.4)
    assert torch.allclose(blended, share * x + (1 - share) * x[order])
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4]


def test_the_layer_table_counts_every_parameter():
    from classic_fer.cnn.layer_table import layer_table

    network = make_network("resnet-tiny", n_classes=7, side=40, dropout=0)
    rows = layer_table(network, 40)
    assert sum(r["parameters"] for r in rows) == sum(p.numel() for p in network.parameters())
    assert rows[0] == {"layer": "0", "kind": "Conv2d", "output": [32, 20, 20], "parameters": 800}
    assert rows[-1]["output"] == [7]
