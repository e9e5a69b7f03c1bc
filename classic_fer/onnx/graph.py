"""Graph: an ONNX graph that is written down one operation at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

__all__ = ["IR_VERSION", "OPSET", "Graph", "Value"]

OPSET = 17
"""Of the standard operators: what onnxruntime 1.12 and later run."""
IR_VERSION = 8

Value = str
"""The name of a result within a graph."""

Constant = NDArray | np.generic

_TYPES = {
    "bool": TensorProto.BOOL,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "str": TensorProto.STRING,
    "uint8": TensorProto.UINT8,
}


class Graph:
    """Operations and constants on the way to a model.

    An operation on the same values is written once, however often it is asked for.

    Examples
    --------
    >>> graph = Graph()
    >>> graph.op("Add", "x", np.float32([1])) == graph.op("Add", "x", np.float32([1]))
    True
    """

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._known: dict[Any, Value] = {}

    def op(self, kind: str, *inputs: Value | Constant, **attributes: Any) -> Value:
        """The result of an operator.

        Parameters
        ----------
        kind : str
            Its name in ONNX.
        *inputs : str or ndarray
            Results of other operators, names of inputs, or constants.
        **attributes
            As ONNX names them.
        """
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(
        self, kind: str, n_outputs: int, *inputs: Value | Constant, **attributes: Any
    ) -> list[Value]:
        """The results of an operator with several outputs."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        key = (kind, tuple(names), repr(sorted(attributes.items())))
        if key not in self._known:
            self._known[key] = f"{kind}_{len(self._nodes)}"
            outputs = _outputs(self._known[key], n_outputs)
            self._nodes.append(
                helper.make_node(kind, names, outputs, name=outputs[0], **attributes)
            )
        return _outputs(self._known[key], n_outputs)

    def named(self, name: str, kind: str, *inputs: Value | Constant, **attributes: Any) -> Value:
        """As `op`, with a name of one's own for the result: an output of the model."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self._nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return name

    def constant(self, values: Constant) -> Value:
        """A tensor that is stored in the model; text is stored as strings."""
        array = np.asarray(values)
        if array.dtype.kind == "U":
            key: Any = ("U", array.shape, tuple(array.ravel().tolist()))
        else:
            key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = self._known[key] = f"constant_{len(self._constants)}"
            stored = (
                array.astype(object) if array.dtype.kind == "U" else np.ascontiguousarray(array)
            )
            self._constants.append(numpy_helper.from_array(stored.reshape(array.shape), name))
        return self._known[key]

    def cast(self, value: Value | Constant, dtype: str) -> Value:
        """`value` as ``float32``, ``float64``, ``int32``, ``int64`` or ``bool``."""
        return self.op("Cast", value, to=_TYPES[dtype])

    def part(self, value: Value, axis: int, start: int, stop: int | None, step: int = 1) -> Value:
        """``value[start:stop:step]`` along one axis."""
        end = np.iinfo(np.int64).max if stop is None else stop
        ends = [np.array([each], dtype=np.int64) for each in (start, end, axis, step)]
        return self.op("Slice", value, *ends)

    def reshaped(self, value: Value, *shape: int) -> Value:
        """`value` in another shape, in which 0 keeps the length of the axis."""
        return self.op("Reshape", value, np.array(shape, dtype=np.int64))

    def length(self, value: Value) -> Value:
        """Number of rows, int64 of shape (1,)."""
        return self.part(self.op("Shape", value), 0, 0, 1)

    def summed(self, value: Value, axis: int, *, keepdims: bool = True) -> Value:
        """Sums along one axis."""
        return self.op("ReduceSum", value, np.array([axis], dtype=np.int64), keepdims=int(keepdims))

    def body(self, name: str, inputs: dict[str, tuple], outputs: dict[str, tuple]) -> Any:
        """The graph alone, for operators that run it (such as ``Scan``), as `model` takes it."""
        return helper.make_graph(
            self._nodes, name, _infos(inputs), _infos(outputs), initializer=self._constants
        )

    def model(self, inputs: dict[str, tuple], outputs: dict[str, tuple], **properties: str) -> Any:
        """The ONNX model.

        Parameters
        ----------
        inputs, outputs : dict of str to (str, shape)
            Element type and shape of each; a text in a shape names a length that may vary, and
            None stands for any shape.
        **properties
            Metadata.
        """
        import classic_fer

        model = helper.make_model(
            self.body("recognizer", inputs, outputs),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="classic_fer",
            producer_version=classic_fer.__version__,
        )
        helper.set_model_props(model, properties)
        return model


def _outputs(name: Value, n: int) -> list[Value]:
    return [name, *(f"{name}_output{i}" for i in range(1, n))]


def _infos(values: dict[str, tuple]) -> list:
    return [
        helper.make_tensor_value_info(name, _TYPES[dtype], shape)
        for name, (dtype, shape) in values.items()
    ]
