"""A recognizer as one ONNX graph, from the pixels of aligned faces to label and probabilities."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from classic_fer.errors import MissingPackageError, ModelFileError, ParameterError
from classic_fer.models.abstention import UNSURE
from classic_fer.models.persistence import golden_faces
from classic_fer.models.recognizer import Recognizer
from classic_fer.onnx.check import check_graph
from classic_fer.onnx.metadata import (
    FACES,
    LABEL,
    LANDMARKS,
    PROBABILITIES,
    graph_metadata,
    write_metadata,
)

if TYPE_CHECKING:
    from onnx import ModelProto

    from classic_fer.onnx.graph import Graph, Value

__all__ = ["ExportedGraph", "export_recognizer", "recognizer_graph"]

_MOST_DIFFERENCE = 1e-4
_MOST_BYTES = 2**31 - 1  # of a protocol buffer


@dataclass(frozen=True)
class ExportedGraph:
    """What was written.

    Attributes
    ----------
    file : Path
    bytes : int
    opset, ir_version : int
        Of the standard operators, and of the file's form.
    inputs, outputs : tuple of str
    nodes : int
        Number of operations.
    """

    file: Path
    bytes: int
    opset: int
    ir_version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: int


def export_recognizer(recognizer: Recognizer, file: str | Path) -> ExportedGraph:
    """Write a recognizer as one ONNX graph.

    Parameters
    ----------
    recognizer : Recognizer
        Fitted.
    file : str or Path
        Usually ``*.onnx``. It appears whole or not at all.

    Raises
    ------
    MissingPackageError
        Without the package onnx (extra ``export``).
    ParameterError
        For a part that no graph can be made of; names it and what is supported.
    ModelFileError
        If the graph is larger than an ONNX file can be, or does not give the recognizer's answers
        to drawn patterns.
    """
    file = Path(file)
    model = recognizer_graph(recognizer)
    size = model.ByteSize()
    if size > _MOST_BYTES:
        raise ModelFileError(
            f"the graph takes {size / 2**30:.1f} GB, but an ONNX file holds at most 2 GB; export a "
            "smaller recognizer: a linear classifier, or projected features"
        )
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(model.SerializeToString())
        _check(recognizer, draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return ExportedGraph(
        file=file,
        bytes=size,
        opset=model.opset_import[0].version,
        ir_version=model.ir_version,
        inputs=tuple(each.name for each in model.graph.input),
        outputs=tuple(each.name for each in model.graph.output),
        nodes=len(model.graph.node),
    )


def recognizer_graph(recognizer: Recognizer) -> ModelProto:
    """The ONNX model of a fitted recognizer, checked; see `export_recognizer`.

    Inputs and outputs are those of `classic_fer.onnx.metadata`. The label is ``unsure`` where
    the highest probability is below the recognizer's threshold.
    """
    graph = _new_graph()
    import onnx

    from classic_fer.features.geometry import Geometry
    from classic_fer.onnx.converters.classifiers import class_decisions
    from classic_fer.onnx.converters.expression import (
        FaceInputs,
        expression_features,
        scaled_features,
    )

    check_is_fitted(recognizer, "classes_")
    if type(recognizer) is not Recognizer:
        raise ParameterError(f"expected a Recognizer to export, got {type(recognizer).__name__}")
    if recognizer.averaging is not None:
        raise ParameterError(
            f"averaging={recognizer.averaging!r} cannot be exported: a graph sees a face as it "
            "is; use recognizer.set_params(averaging=None) to export without it"
        )
    height, width = recognizer.image_shape_
    features = recognizer.features_
    rows = expression_features(graph, features, FaceInputs(FACES, LANDMARKS, (height, width)))
    rows = scaled_features(graph, recognizer.scaler_, rows)
    decisions = class_decisions(graph, recognizer.clf_, rows, recognizer.classes_)
    label, probabilities = _answers(graph, recognizer, decisions)
    inputs: dict[str, Any] = {FACES: ("uint8", ("n", height, width))}
    if any(isinstance(leaf, Geometry) for leaf in features.leaves.values()):
        inputs[LANDMARKS] = ("float32", ("n", 68, 2))
    n_classes = len(recognizer.classes_)
    outputs = {label: ("str", ("n",)), probabilities: ("float32", ("n", n_classes))}
    model = graph.model(inputs, outputs)
    write_metadata(model, graph_metadata(recognizer))
    onnx.checker.check_model(model)
    return model


def _check(recognizer: Recognizer, file: Path) -> None:
    verdict = check_graph(recognizer, file, golden_faces(recognizer.image_shape_))
    if verdict.same < verdict.n or verdict.difference > _MOST_DIFFERENCE:
        raise ModelFileError(
            f"the graph was not written: it answers otherwise than the recognizer "
            f"({verdict.same} of {verdict.n} drawn patterns get the same label, probabilities "
            f"differ by up to {verdict.difference:.2g}); please report this as a fault"
        )


def _new_graph() -> Graph:
    try:
        from classic_fer.onnx.graph import Graph
    except ImportError as error:
        raise MissingPackageError(
            f"export needs the package onnx ({error}): pip install 'classic_fer[export]'"
        ) from error
    return Graph()


def _answers(graph: Graph, recognizer: Recognizer, decisions: Value) -> tuple[Value, Value]:
    """Outputs from decision values (n, n_classes): labels, and calibrated probabilities."""
    cooled = graph.op("Div", decisions, np.float64(recognizer.temperature_))
    chances = graph.op("Softmax", cooled, axis=1)
    best = graph.op("ArgMax", decisions, axis=1, keepdims=0)
    names = recognizer.classes_.tolist()
    if recognizer.threshold_ > 0:
        highest = graph.op("ReduceMax", chances, axes=[1], keepdims=0)
        doubtful = graph.op("Less", highest, np.float64(recognizer.threshold_))
        best = graph.op("Where", doubtful, np.int64(len(names)), best)
        names = [*names, UNSURE]
    label = graph.named(LABEL, "Gather", np.array(names), best, axis=0)
    return label, graph.named(PROBABILITIES, "Cast", chances, to=1)
