"""A trained network as one ONNX graph: aligned grey faces in, calibrated probabilities out."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from classic_fer.onnx.metadata import FACES, PROBABILITIES, write_metadata

if TYPE_CHECKING:
    import onnx
    from torch import nn

__all__ = ["OPSET", "network_graph", "with_half_weights"]

OPSET = 17

_SMALL = 256  # elements; smaller constants stay as they are


def network_graph(
    network: nn.Module,
    metadata: dict[str, Any],
    *,
    side: int,
    temperature: float,
    mirror: bool,
    half_weights: bool = True,
) -> onnx.ModelProto:
    """The graph of a network, in the form of `classic_fer.onnx.metadata`.

    Parameters
    ----------
    network : torch.nn.Module
        As `classic_fer.cnn.architectures.make_network` makes them.
    metadata : dict
        Its ``image_shape`` is that of the input.
    side : int
        Height and width in pixels of what the network sees.
    temperature : float
        By which logits are divided.
    mirror : bool
        Average the logits of a face and of its mirror image.
    half_weights : bool
        Store weights as float16; see `with_half_weights`.

    Returns
    -------
    onnx.ModelProto
        From ``faces`` (uint8, (n, H, W)) to ``probabilities`` (float32, (n, n_classes)).
    """
    import onnx
    import torch

    from classic_fer.cnn.layers import PixelsToProbabilities

    whole = PixelsToProbabilities(network, side=side, temperature=temperature, mirror=mirror)
    faces = torch.zeros((2, *metadata["image_shape"]), dtype=torch.uint8)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # The older exporter is the one that needs no further package.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # sizes are constants on purpose
        torch.onnx.export(
            whole.eval(),
            (faces,),
            content,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=[FACES],
            output_names=[PROBABILITIES],
            dynamic_axes={FACES: {0: "n"}, PROBABILITIES: {0: "n"}},
        )
    model = onnx.load_from_string(content.getvalue())
    if half_weights:
        with_half_weights(model)
    write_metadata(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model


def with_half_weights(model: onnx.ModelProto) -> None:
    """Store float32 weights as float16, cast back when the file is loaded.

    The file takes half the place; runtimes fold the casts, so that prediction takes as long as
    before. Probabilities change in the fourth digit.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weights in model.graph.initializer:
        values = numpy_helper.to_array(weights)
        if weights.data_type != TensorProto.FLOAT or values.size < _SMALL:
            continue
        name, half = weights.name, f"{weights.name}_half"
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
