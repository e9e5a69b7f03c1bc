"""Gradients and layers of networks that were trained here."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classic_fer.errors import MissingFileError, ParameterError

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def run(stripes, tmp_path_factory):
    """What a training of a few epochs leaves in its folder."""
    from classic_fer.cnn.export import network_graph
    from classic_fer.cnn.settings import TrainingSettings
    from classic_fer.cnn.training import train_network
    from classic_fer.onnx.metadata import FORMAT_VERSION

    folder = tmp_path_factory.mktemp("run")
    settings = TrainingSettings(arch="baseline", epochs=6, batch_size=16)
    trained = train_network(stripes, settings, checkpoint=folder / "checkpoint.pt")
    metadata = {
        "format_version": FORMAT_VERSION,
        "classes": trained.parts.classes,
        "alignment": stripes.alignment.to_dict(),
        "image_shape": [24, 24],
        "features": "pixels",
        "clf": settings.arch,
        "label_policy": None,
        "dataset": {"name": stripes.name},
        "protocol": {"hash": trained.parts.protocol.hash},
    }
    kept = {"side": trained.side, "temperature": trained.temperature}
    graph = network_graph(trained.network, metadata, mirror=False, **kept)
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    facts = {
        "settings": settings.to_dict(),
        "input_size": trained.side,
        "temperature": trained.temperature,
    }
    (folder / "training.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="module")
def network(run):
    """The network of that folder."""
    from classic_fer.cnn.differentiable import load_differentiable

    return load_differentiable(run)


def test_gradients_are_those_of_finite_differences(network, stripes) -> None:
    from classic_fer.cnn.gradients import gradient_maps

    faces = stripes.faces[90:92]
    maps = gradient_maps(network, faces, [0, 1])
    module = network.torch_module().double()
    pixels = torch.from_numpy(faces["image"][:, None] / 255.0)
    for row, column in ((0, 0), (1, 1)):
        y, x = np.unravel_index(maps[row].argmax(), maps[row].shape)
        step = torch.zeros_like(pixels)
        step[row, 0, y, x] = 1e-6
        with torch.no_grad():
            slope = (module(pixels + step) - module(pixels - step))[row, column] / 2e-6
        assert abs(float(slope)) == pytest.approx(maps[row, y, x], rel=0.02)
    network.torch_module().float()


def test_guided_maps_leave_negative_evidence_out() -> None:
    from classic_fer.cnn.gradients import gradient_maps

    class Difference(torch.nn.Module):
        """Left pixel speaks for class 0, right pixel against it."""

        def forward(self, x):
            left, right = torch.relu(x[:, 0, 0, 0]), torch.nn.functional.relu(x[:, 0, 0, 1])
            return torch.stack([left - right, right], dim=1)

    class Net:
        def torch_module(self):
            return Difference()

    faces = np.full((1, 1, 2), 100, np.uint8)
    np.testing.assert_allclose(gradient_maps(Net(), faces, [0])[0, 0], [1, 1])
    np.testing.assert_allclose(gradient_maps(Net(), faces, [0], guided=True)[0, 0], [1, 0])


def test_layers_are_looked_at_by_name(network, stripes) -> None:
    faces = stripes.faces[:5]
    assert network.layer_output(faces).shape == (5, 128)
    first = network.layer_output(faces, network.layers[0])
    assert first.shape == (5, 32)
    np.testing.assert_allclose(
        network.layer_output(faces[2:3]), network.layer_output(faces)[2:3], rtol=1e-4, atol=1e-5
    )
    with pytest.raises(ParameterError, match="unknown layer 'conv99'"):
        network.layer_output(faces, "conv99")


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_attacks_by_gradients(network, stripes, attack) -> None:
    pytest.importorskip("art")
    from classic_fer.models.attacks import attack_faces, random_changes

    faces, y = stripes.faces[90:], stripes.y[90:]
    attacked = attack_faces(network, faces, y, attack=attack, strength=0.2)
    assert np.abs(attacked["image"].astype(int) - faces["image"]).max() <= 51
    plain = (network.predict(random_changes(faces, strength=0.2)) == y).mean()
    assert (network.predict(attacked) == y).mean() < plain


def test_the_run_folder_of_a_network_gives_the_same_answers(run, network, stripes) -> None:
    from classic_fer.cnn.differentiable import load_differentiable, load_with_gradients
    from classic_fer.models.persistence import load_model

    faces = stripes.faces[90:]
    graph = load_model(run)
    np.testing.assert_array_equal(network.classes_, graph.classes_)
    np.testing.assert_allclose(network.predict_proba(faces), graph.predict_proba(faces), atol=0.01)
    assert hasattr(load_with_gradients(run), "torch_module")
    (run / "checkpoint.pt").unlink()
    assert not hasattr(load_with_gradients(run), "torch_module")
    with pytest.raises(MissingFileError, match=r"checkpoint\.pt; gradients need the run folder"):
        load_differentiable(run)
