"""ONNX files, read and checked before anything in them is run.

Only what has to be known beforehand is looked at: whether the file is a whole model, which
operators it asks for, and whether weights lie in other files. The package onnx is not needed: the
messages of the format (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) are read by number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classic_fer.errors import MissingFileError, ModelFileError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["GraphFile", "open_session", "read_graph_file"]

OPERATORS = ("ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Domains of operators that onnxruntime has: those of ONNX, and its own."""

_STANDARD = OPERATORS[0]
_COUNTED = (1, 2, 3, 10, 11, 16)  # float, uint8 and int8 (quantised), float16, double, bfloat16


@dataclass(frozen=True)
class GraphFile:
    """An ONNX file that may be run.

    Attributes
    ----------
    path : Path
    content : bytes
    sha256 : str
        Of the content, in hexadecimal.
    opsets : dict of str to int
        Version of each set of operators that it asks for, by domain.
    n_parameters : int
        Floating values, and bytes that stand for such, that are stored in it: weights, tables,
        support vectors.
    properties : dict of str to str
        Metadata.
    """

    path: Path
    content: bytes
    sha256: str
    opsets: dict[str, int]
    n_parameters: int
    properties: dict[str, str]


def read_graph_file(path: str | Path) -> GraphFile:
    """Read an ONNX file and check that it is whole and asks for nothing else.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ModelFileError
        If it is empty, truncated or no ONNX model, keeps weights in other files, or asks for
        operators that onnxruntime does not have.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"no model file {path}; expected an .onnx file")
    content = path.read_bytes()
    if not content:
        raise ModelFileError(f"{path} is empty; expected an ONNX model")
    try:
        model = _fields(content)
        graphs = [data for number, data in model if number == 7 and isinstance(data, bytes)]
        opsets = dict(_opset(data) for number, data in model if number == 8)
        properties = dict(_property(data) for number, data in model if number == 14)
        functions = [_fields(data) for number, data in model if number == 25]
        parts = [part for data in graphs for part in _parts(data)]
        for function in functions:
            parts += [part for number, node in function if number == 7 for part in _node(node)]
        local = {data.decode() for each in functions for number, data in each if number == 10}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _foreign(path, content) from error
    if not graphs or not opsets:
        raise _foreign(path, content)
    outside = [part.outside for part in parts if part.outside]
    if outside:
        raise ModelFileError(
            f"{path} keeps {len(outside)} tensors in other files ({outside[0]!r}); expected a "
            "model in one file. Save it with onnx.save(model, path, save_as_external_data=False)"
        )
    asked = {(part.domain or _STANDARD) for part in parts if part.operator}
    custom = sorted(asked - {*OPERATORS, *local})
    if custom:
        names = sorted({part.operator for part in parts if part.domain in custom})
        raise ModelFileError(
            f"{path} asks for the operators {', '.join(names)} of {', '.join(custom)}; expected "
            f"only operators of {', '.join(OPERATORS)}. Custom operators are code, and are not run"
        )
    digest = hashlib.sha256(content).hexdigest()
    n_values = sum(part.n_values for part in parts)
    return GraphFile(path, content, digest, opsets, n_values, properties)


def open_session(file: GraphFile, *, n_jobs: int = -1) -> onnxruntime.InferenceSession:
    """A session that runs the graph on the processor.

    Parameters
    ----------
    file : GraphFile
    n_jobs : int
        Threads; -1 takes all cores.

    Raises
    ------
    ModelFileError
        If this onnxruntime cannot run it.
    """
    import onnxruntime
    from joblib import effective_n_jobs

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = effective_n_jobs(n_jobs)
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            file.content, settings, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        for each in (*session.get_inputs(), *session.get_outputs()):
            _ = each.name, each.shape  # raises where a damaged name is no text
        return session
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        asked = ", ".join(f"{domain} {version}" for domain, version in file.opsets.items())
        raise ModelFileError(
            f"{file.path} cannot be run by onnxruntime {onnxruntime.__version__}: it asks for the "
            f"operator sets {asked}, and {_reason(error)}; export it for an older operator set, "
            "or install a newer onnxruntime"
        ) from error


@dataclass(frozen=True)
class _Part:
    """An operator or a tensor of a graph."""

    operator: str = ""
    domain: str = ""
    outside: str = ""
    n_values: int = 0


def _fields(message: bytes) -> list[tuple[int, Any]]:
    """Numbers and values of the fields of a protobuf message; nested messages stay bytes."""
    from google.protobuf.empty_pb2 import Empty
    from google.protobuf.message import DecodeError
    from google.protobuf.unknown_fields import UnknownFieldSet

    try:
        parsed = Empty.FromString(message)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return [(field.field_number, field.data) for field in UnknownFieldSet(parsed)]


def _opset(message: bytes) -> tuple[str, int]:
    fields = dict(_fields(message))
    return fields.get(1, b"").decode() or _STANDARD, int(fields.get(2, 0))


def _property(message: bytes) -> tuple[str, str]:
    fields = dict(_fields(message))
    return fields.get(1, b"").decode(), fields.get(2, b"").decode()


def _parts(graph: bytes) -> Iterator[_Part]:
    """Operators and tensors of a GraphProto, also of the graphs inside its operators."""
    for number, data in _fields(graph):
        if number == 1:
            yield from _node(data)
        elif number == 5:
            yield _tensor(data)
        elif number == 15:  # a sparse tensor: values and their places
            yield from (_tensor(tensor) for kind, tensor in _fields(data) if kind == 1)


def _node(node: bytes) -> Iterator[_Part]:
    fields = _fields(node)
    named = dict(fields)
    yield _Part(named.get(4, b"").decode() or "?", named.get(7, b"").decode())
    for number, data in fields:
        if number == 5:
            yield from _attribute(data)


def _attribute(attribute: bytes) -> Iterator[_Part]:
    for number, data in _fields(attribute):
        if number in (5, 10):
            yield _tensor(data)
        elif number in (6, 11):
            yield from _parts(data)
        elif number == 7:  # floats, packed or one by one
            yield _Part(n_values=len(data) // 4 if isinstance(data, bytes) else 1)


def _tensor(tensor: bytes) -> _Part:
    """A TensorProto: where it lies, and how many values that count."""
    fields = _fields(tensor)
    kind = next((data for number, data in fields if number == 2), 0)
    sizes = [data for number, data in fields if number == 1]
    dims = [
        size for data in sizes for size in (_numbers(data) if isinstance(data, bytes) else [data])
    ]
    outside = ""
    if any(number == 14 and data == 1 for number, data in fields):
        entries = [dict(_fields(data)) for number, data in fields if number == 13]
        places = {e.get(1, b"").decode(): e.get(2, b"").decode() for e in entries}
        outside = places.get("location", "?") or "?"
    return _Part(outside=outside, n_values=prod(dims) if kind in _COUNTED else 0)


def _numbers(packed: bytes) -> list[int]:
    """Whole numbers of variable length, one after the other."""
    numbers, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(value)
            value, shift = 0, 0
    return numbers


def _foreign(path: Path, content: bytes) -> ModelFileError:
    return ModelFileError(
        f"{path} is no whole ONNX model: its {len(content):,} bytes, starting with "
        f"{content[:4]!r}, cannot be read as one; it is truncated, damaged or of another kind. "
        "Copy it again"
    )


def _reason(error: BaseException) -> str:
    """The first line of what onnxruntime says, without its code and source lines."""
    text = str(error).strip().splitlines()[0]
    return text.rpartition(" : ")[2].strip() or type(error).__name__
