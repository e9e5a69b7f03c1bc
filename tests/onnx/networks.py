"""Tiny networks with the declared shapes of known ones, built operator by operator."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def weights(channels: int, n_outputs: int) -> np.ndarray:
    """What `network` multiplies the mean of each channel with, shape (channels, n_outputs)."""
    return np.linspace(-1, 2, channels * n_outputs).reshape(channels, n_outputs).astype(np.float32)


def network(
    shape: tuple,
    n_outputs: int,
    *,
    layout: str = "NCHW",
    softmax: bool = False,
    kind: int = TensorProto.FLOAT,
    declared_outputs: int | str | None = None,
    opset: int = 13,
    domain: str = "",
    operator: str = "",
    batch: int | str = "n",
):
    """A model: mean of each channel, times `weights`.

    `shape` is that of one face; `operator` of `domain` stands before the output if given.
    """
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    channels = shape[0] if layout == "NCHW" else shape[-1]
    channels = channels if isinstance(channels, int) else 1
    nodes = [
        helper.make_node("Cast", ["data"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["cast"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["raw"]),
    ]
    last = "raw"
    for name, where in [("Softmax", "")] * softmax + [(operator, domain)] * bool(operator):
        nodes.append(helper.make_node(name, [last], [name], domain=where))
        last = name
    n_declared = n_outputs if declared_outputs is None else declared_outputs
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("data", kind, [batch, *shape])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [batch, n_declared])],
        [numpy_helper.from_array(weights(channels, n_outputs), "w")],
    )
    sets = [helper.make_opsetid("", opset)]
    if domain:
        sets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=sets, ir_version=8)


def exported(shape: tuple[int, int], n_classes: int, *, landmarks: bool = False):
    """A graph of classic_fer's own form, without its metadata.

    The probabilities are a softmax of the mean grey (divided by 255) times `weights`, plus, with
    `landmarks`, the first x in hundreds of pixels where it is not NaN.
    """
    constants = {
        "w": weights(1, n_classes),
        "255": np.array(255, np.float32),
        "100": np.array(100, np.float32),
        "0": np.array(0, np.float32),
        "start": np.array([0, 0, 0], np.int64),
        "stop": np.array([2**31, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["faces"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["cast"], ["sum"], axes=[1, 2], keepdims=1),
        helper.make_node("Flatten", ["sum"], ["flat"], axis=1),
        helper.make_node("Div", ["flat", "255"], ["mean"]),
        helper.make_node("MatMul", ["mean", "w"], ["grey"]),
    ]
    inputs = [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", *shape])]
    last = "grey"
    if landmarks:
        inputs.append(helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["n", 68, 2]))
        nodes += [
            helper.make_node("Slice", ["landmarks", "start", "stop"], ["first"]),
            helper.make_node("Flatten", ["first"], ["x"], axis=1),
            helper.make_node("IsNaN", ["x"], ["lacks"]),
            helper.make_node("Where", ["lacks", "0", "x"], ["known"]),
            helper.make_node("Div", ["known", "100"], ["moved"]),
            helper.make_node("Mul", ["moved", "w"], ["shifts"]),
            helper.make_node("Add", ["grey", "shifts"], ["both"]),
        ]
        last = "both"
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        "exported",
        inputs,
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", n_classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
