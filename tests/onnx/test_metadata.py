"""Metadata of graphs: they travel whole, and damaged ones are named."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from classic_fer.errors import ModelFileError, ParameterError
from classic_fer.faces.frame import Alignment
from classic_fer.models.recognizer import make_recognizer
from classic_fer.onnx.metadata import METADATA_KEY, graph_metadata, read_metadata, write_metadata


@pytest.fixture
def model():
    """A graph that gives its input back."""
    node = helper.make_node("Identity", ["faces"], ["same"])
    shape = ["n", 8, 8]
    graph = helper.make_graph(
        [node],
        "identity",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("same", TensorProto.UINT8, shape)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def metadata(**changes):
    return {
        "format_version": 1,
        "classes": ["neutral", "anger"],
        "image_shape": [48, 48],
        "alignment": Alignment().to_dict(),
        "features": "pixels",
        "clf": "cnn",
        **changes,
    }


def test_what_was_written_is_read_through_onnxruntime(model):
    helper.set_model_props(model, {"author": "somebody", METADATA_KEY: "old"})
    write_metadata(model, metadata(protocol={"name": "official"}))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    properties = session.get_modelmeta().custom_metadata_map
    found = read_metadata(properties, "x.onnx")
    assert found == json.loads(json.dumps(metadata(protocol={"name": "official"})))
    assert Alignment.from_dict(found["alignment"]) == Alignment.from_dict(Alignment().to_dict())
    assert properties["author"] == "somebody"
    onnx.checker.check_model(model)


def test_a_foreign_graph_has_none():
    assert read_metadata({"author": "somebody"}, "x.onnx") is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "expected format_version 1, found 2"),
        ({"classes": ["anger", "anger"]}, "different class names"),
        ({"classes": None}, "class names, found None"),
        ({"image_shape": [48]}, r"image_shape \[height, width\]"),
        ({"clf": 3}, "a name as 'clf', found 3"),
        ({"alignment": {"detector": "dlib"}}, "alignment cannot be read"),
        ({"alignment": {**Alignment().to_dict(), "detector": None}}, "alignment cannot be read"),
        ({"label_policy": "3class"}, "label_policy cannot be read"),
        ({"dataset": "fer2013"}, "dataset cannot be read"),
        ({"threshold": "high"}, "a number as 'threshold', found 'high'"),
        ({"temperature": float("nan")}, "JSON"),
    ],
)
def test_faulty_metadata_are_not_written(model, changes, message):
    with pytest.raises(ParameterError, match=message):
        write_metadata(model, metadata(**changes))
    assert not model.metadata_props


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"format_version": 9})])
def test_damaged_metadata_are_named_with_their_file(text):
    with pytest.raises(ModelFileError, match=r"worn\.onnx.*export the model again"):
        read_metadata({METADATA_KEY: text}, "worn.onnx")


def test_metadata_of_a_recognizer_are_those_of_its_model_file(model, tmp_path):
    from classic_fer.models.persistence import load_model, save_model

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 32, 32)).astype(np.uint8)
    y = np.array(["anger", "neutral"] * 12)
    recognizer = make_recognizer("lbp", "lda").fit(images, y)
    recognizer.set_bundle(alignment=Alignment(), dataset={"name": "drawn"})
    recognizer.threshold_ = np.inf
    found = graph_metadata(recognizer)
    write_metadata(model, found)
    saved = load_model(save_model(recognizer, tmp_path / "model.skops")).bundle_
    assert {name: found[name] for name in saved} == saved
    assert found["threshold"] > 1
