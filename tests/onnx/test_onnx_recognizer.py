"""OnnxRecognizer: the contract of a recognizer, and files that cannot be one."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import onnx
import pytest
from networks import exported, network, weights
from onnx import TensorProto, helper, numpy_helper
from scipy.special import softmax

from classic_fer import load_model
from classic_fer.errors import DataError, MissingFileError, ModelFileError, ParameterError
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.faces.types import make_faces
from classic_fer.onnx.graph_file import read_graph_file
from classic_fer.onnx.metadata import write_metadata

CLASSES = ["neutral", "happiness", "anger"]


def metadata(side=24, **changes):
    return {
        "format_version": 1,
        "classes": CLASSES,
        "image_shape": [side, side],
        "alignment": Alignment(frame=Frame.standard(side)).to_dict(),
        "features": "pixels",
        "clf": "tiny",
        **changes,
    }


def save(model, path, told=None):
    if told is not None:
        write_metadata(model, told)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def own(tmp_path):
    """A graph as classic_fer exports it, with landmarks."""
    return save(exported((24, 24), 3, landmarks=True), tmp_path / "own.onnx", metadata())


@pytest.fixture
def faces():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (150, 24, 24)).astype(np.uint8)
    images[::2] //= 3
    landmarks = rng.uniform(0, 24, (150, 68, 2))
    landmarks[7] = np.nan
    return make_faces(images, landmarks=landmarks)


def test_an_exported_graph_needs_no_spec(own, faces):
    recognizer = load_model(own)
    x = np.nan_to_num(faces["landmarks"][:, 0, 0]) / 100
    grey = faces["image"].mean(axis=(1, 2)) / 255
    expected = softmax((grey + x)[:, None] * weights(1, 3), axis=1)
    found = recognizer.predict_proba(faces)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert recognizer.predict(faces).tolist() == [CLASSES[i] for i in expected.argmax(axis=1)]
    assert recognizer.alignment_ == Alignment(frame=Frame.standard(24))
    assert recognizer.bundle_["clf"] == "tiny"
    assert recognizer.label_policy_ is None
    # plain images have no landmarks
    plain = softmax(grey[:, None] * weights(1, 3), axis=1)
    np.testing.assert_allclose(recognizer.predict_proba(faces["image"]), plain, atol=1e-5)


def test_one_row_is_that_row_of_a_batch_and_nothing_is_changed(own, faces):
    recognizer = load_model(own, n_jobs=1)
    before = faces.copy()
    whole = recognizer.predict_proba(faces)
    assert faces.tobytes() == before.tobytes()
    for row in (0, 7, 64, 149):
        one = recognizer.predict_proba(faces[row : row + 1])
        np.testing.assert_allclose(one[0], whole[row], atol=1e-6)
    assert recognizer.predict_proba(faces[:0]).shape == (0, 3)


def test_it_says_unsure_as_its_metadata_say(tmp_path, faces):
    path = save(exported((24, 24), 3), tmp_path / "x.onnx", metadata(threshold=0.5))
    recognizer = load_model(path)
    doubtful = recognizer.predict_proba(faces).max(axis=1) < 0.5
    assert ((recognizer.predict(faces) == "unsure") == doubtful).all()
    assert doubtful.any()
    assert not doubtful.all()
    never = save(exported((24, 24), 3), tmp_path / "y.onnx", metadata(threshold=2.0))
    assert set(load_model(never).predict(faces)) == {"unsure"}


def test_a_face_that_was_not_found_is_abstained_on(tmp_path, faces):
    alignment = Alignment(frame=Frame.standard(24), not_found="abstain").to_dict()
    path = save(exported((24, 24), 3), tmp_path / "x.onnx", metadata(alignment=alignment))
    faces["found"][3] = False
    answers = load_model(path).predict(faces)
    assert (answers == "unsure").nonzero()[0].tolist() == [3]


def test_photos_are_aligned_as_the_metadata_say(tmp_path):
    from classic_fer.datasets.synthetic import synthetic_faces

    path = save(exported((24, 24), 3), tmp_path / "x.onnx", metadata())
    photo = synthetic_faces(1, 1, random_state=0).images[0]
    predictions = load_model(path).predict_photo(photo)
    assert len(predictions) >= 1
    assert predictions[0].label in CLASSES
    assert list(predictions[0].probabilities) == CLASSES


def test_a_run_folder_may_hold_a_graph(own):
    own.rename(own.parent / "model.onnx")
    assert load_model(own.parent).classes_.tolist() == CLASSES


def test_faces_of_another_size_are_refused(own):
    with pytest.raises(DataError, match=r"faces of 20x20 pixels, but this network takes 24x24"):
        load_model(own).predict_proba(np.zeros((2, 20, 20), np.uint8))


def test_a_spec_for_a_file_that_carries_its_own(own):
    with pytest.raises(ParameterError, match="leave out the spec 'ferplus'"):
        load_model(own, spec="ferplus")


def test_a_spec_for_a_model_that_is_no_network():
    with pytest.raises(ParameterError, match="leave out the spec 'ferplus'"):
        load_model("default", spec="ferplus")


def test_metadata_that_do_not_fit_the_graph(tmp_path):
    path = save(exported((24, 24), 4), tmp_path / "x.onnx", metadata())
    with pytest.raises(ModelFileError, match=r"\(1, 4\) values for a face.*shape \(1, 3\)"):
        load_model(path)
    path = save(exported((24, 24), 3), tmp_path / "y.onnx", metadata(side=32))
    with pytest.raises(ModelFileError, match=r"faces uint8 \(n, 24, 24\)"):
        load_model(path)


def test_a_foreign_file_without_a_spec_gets_a_hint(tmp_path):
    path = save(network((1, 64, 64), 8), tmp_path / "emotion-ferplus-8.onnx")
    with pytest.raises(ParameterError) as told:
        load_model(path)
    assert "data float (n, 1, 64, 64)" in str(told.value)
    assert str(told.value).endswith("it looks like ferplus")


FERPLUS_MISFITS = [
    (network((1, 64, 64), 7), r"the output has 7 values a face, expected 8: 8 classes \(neutral"),
    (network((1, 64, 64), 7, declared_outputs="k"), "has 7 values a face, expected 8"),
    (network((3, 64, 64), 8), r"\(n, 3, 64, 64\), expected \(n, 1, 64, 64\), NCHW grey"),
    (network((1, 48, 48), 8), r"\(n, 1, 48, 48\), expected \(n, 1, 64, 64\)"),
    (network((64, 64, 1), 8, layout="NHWC"), r"\(n, 64, 64, 1\), expected \(n, 1, 64, 64\)"),
    (network((1, 64, 64), 8, kind=TensorProto.UINT8), "uint8.*expected float32"),
    (network((1, 64, 64), 8, softmax=True), "sum to 1, expected logits"),
]


@pytest.mark.parametrize(("model", "message"), FERPLUS_MISFITS)
def test_what_a_file_declares_or_does_is_checked_against_the_spec(tmp_path, model, message):
    path = save(model, tmp_path / "x.onnx")
    with pytest.raises(ModelFileError, match=message) as told:
        load_model(path, spec="ferplus")
    assert "x.onnx is not what the spec 'ferplus' says" in str(told.value)


def test_a_network_without_an_output(tmp_path):
    model = network((1, 64, 64), 8)
    del model.graph.output[:]
    refuse(save(model, tmp_path / "x.onnx"), "no output, expected one")


def test_a_damaged_file_says_nothing_on_standard_output(tmp_path, capfd):
    """Guards against onnxruntime's own words between those of --json."""
    model = network((1, 64, 64), 8, operator="Bogus")
    refuse(save(model, tmp_path / "x.onnx"), "Bogus")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_an_error_of_ours_or_none(own, seed):
    """Bytes of a file changed at random: it loads, or is refused."""
    rng = np.random.default_rng(seed)
    content = bytearray(own.read_bytes())
    for place in rng.integers(len(content), size=1 + seed % 3):
        content[place] = rng.integers(256)
    own.write_bytes(content)
    with suppress(ModelFileError, ParameterError):
        load_model(own, n_jobs=1)


def test_logits_where_probabilities_are_promised(tmp_path):
    path = save(network((64, 64, 1), 7, layout="NHWC"), tmp_path / "x.onnx")
    with pytest.raises(ModelFileError, match=r"lie between .* expected probabilities"):
        load_model(path, spec="mini-xception")


def test_a_network_that_breaks_when_it_runs(tmp_path):
    """Its declared input may be anything, but its weights fit three channels only."""
    model = network((3, 64, 64), 8)
    for dim in model.graph.input[0].type.tensor_type.shape.dim[1:2]:
        dim.Clear()
        dim.dim_param = "channels"
    path = save(model, tmp_path / "x.onnx")
    with pytest.raises(
        ModelFileError, match=r"cannot be run on an input of shape \(1, 1, 64, 64\)"
    ):
        load_model(path, spec="ferplus")


def test_which_output_is_named(tmp_path):
    model = network((1, 64, 64), 8, softmax=True)
    model.graph.output.append(helper.make_tensor_value_info("raw", TensorProto.FLOAT, ["n", 8]))
    path = save(model, tmp_path / "x.onnx")
    text = (
        "size: 64\nclasses: [neutral, happiness, surprise, sadness, anger, disgust, fear, none]\n"
    )
    spec = tmp_path / "s.yaml"
    spec.write_text(text + "output: raw\n")
    assert len(load_model(path, spec=spec).classes_) == 8
    spec.write_text(text + "output: logits\n")
    with pytest.raises(
        ModelFileError, match="outputs are Softmax, raw, expected one called 'logits'"
    ):
        load_model(path, spec=spec)


def test_parameters_are_counted():
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = save(network((3, 8, 8), 5), Path(folder) / "x.onnx")
        assert read_graph_file(path).n_parameters == 15
        trees = helper.make_node(
            "LinearClassifier", ["data"], ["y", "z"], domain="ai.onnx.ml", coefficients=[1.0] * 7
        )
        model = network((3, 8, 8), 5)
        model.graph.node.append(trees)
        assert read_graph_file(save(model, path)).n_parameters == 22
        for kind in (np.int8, np.int64):  # quantised weights count, places and shapes do not
            model.graph.initializer.append(
                numpy_helper.from_array(np.zeros(9, kind), kind.__name__)
            )
        assert read_graph_file(save(model, path)).n_parameters == 31


# What no model may be.


def refuse(path, *words):
    with pytest.raises(ModelFileError) as told:
        load_model(path, spec="ferplus")
    for word in (path.name, *words):
        assert word in str(told.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + b"\0" * 60, "no whole ONNX model"),
        (b"\x80\x04\x95pickle", "no whole ONNX model"),
        (b"<!DOCTYPE html><html>not found</html>", "no whole ONNX model"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4f61\n", "no whole ONNX model"),
    ],
)
def test_files_of_another_kind(tmp_path, content, word):
    path = tmp_path / "foreign.onnx"
    path.write_bytes(content)
    refuse(path, word)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file(tmp_path, share):
    whole = network((1, 64, 64), 8).SerializeToString()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: int(share * len(whole))])
    refuse(path, "no whole ONNX model")


def test_no_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.onnx"):
        load_model(tmp_path / "gone.onnx")


def test_weights_in_other_files(tmp_path):
    model = network((1, 64, 64), 8)
    onnx.save(
        model, tmp_path / "x.onnx", save_as_external_data=True, size_threshold=0, location="w.bin"
    )
    refuse(tmp_path / "x.onnx", "1 tensors in other files ('w.bin')", "one file")


def test_weights_in_other_files_inside_a_branch(tmp_path):
    """Guards against a look at the top of the graph alone."""
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "inside")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=tensor)],
        "branch",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [3])],
    )
    model = network((1, 64, 64), 8)
    node = helper.make_node("If", ["raw"], ["z"], then_branch=branch, else_branch=branch)
    model.graph.node.append(node)
    refuse(save(model, tmp_path / "x.onnx"), "../../etc/passwd")


def test_custom_operators(tmp_path):
    model = network((1, 64, 64), 8, operator="Steal", domain="my.company")
    refuse(save(model, tmp_path / "x.onnx"), "Steal of my.company", "Custom operators are code")


def test_operators_that_the_file_itself_defines_are_no_custom_ones(tmp_path):
    """PyTorch's exporter writes such functions."""
    model = network((1, 64, 64), 8, operator="Twice", domain="my.company")
    body = helper.make_node("Add", ["x", "x"], ["y"])
    sets = [helper.make_opsetid("", 13)]
    model.functions.append(helper.make_function("my.company", "Twice", ["x"], ["y"], [body], sets))
    assert len(load_model(save(model, tmp_path / "x.onnx"), spec="ferplus").classes_) == 8


def test_an_unknown_operator_of_the_standard(tmp_path):
    model = network((1, 64, 64), 8, operator="Bogus")
    refuse(save(model, tmp_path / "x.onnx"), "cannot be run by onnxruntime", "ai.onnx 13", "Bogus")


def test_an_operator_set_of_the_future(tmp_path):
    model = network((1, 64, 64), 8, opset=99)
    refuse(save(model, tmp_path / "x.onnx"), "cannot be run by onnxruntime", "ai.onnx 99")
