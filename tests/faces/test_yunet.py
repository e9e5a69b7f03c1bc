"""The YuNet adaptor, with a network written here that has YuNet's outputs.

The real network is the user's own file. This one reports a face wherever a cell of 32 x 32 pixels
is white, with eyes and mouth at chosen places of the cell, so that boxes can be computed by hand.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import pytest

from classic_fer.errors import MissingFileError, ModelFileError
from classic_fer.faces.detectors import check_detector, detect
from classic_fer.faces.landmarks import box_around

# x, y in cells, relative to the corner of the white cell: right eye, left eye, nose, mouth corners.
POINTS = [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5), (0.2, 1.0), (0.8, 1.0)]


def _field(number: int, value: int | bytes | str | float) -> bytes:
    """One field in the wire format of protocol buffers."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _ints(name: str, values: list[int]) -> bytes:
    fields = b"".join(_field(8, v) for v in values)
    return _field(5, _field(1, name) + fields + _field(20, 7))


def _node(kind: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    names = b"".join(_field(1, name) for name in inputs)
    return _field(1, names + _field(2, output) + _field(3, output) + _field(4, kind) + attributes)


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = 7 if values.dtype == np.int64 else 1
    dims = b"".join(_field(1, n) for n in values.shape)
    return _field(5, dims + _field(2, kind) + _field(8, name) + _field(9, values.tobytes()))


def _value(number: int, name: str, shape: list[int | str]) -> bytes:
    dims = b"".join(_field(1, _field(1, n) if isinstance(n, int) else _field(2, n)) for n in shape)
    tensor = _field(1, 1) + _field(2, dims)
    return _field(number, _field(1, name) + _field(2, _field(1, tensor)))


def _network(*, outputs: bool = True) -> bytes:
    graph = b""
    for stride in (8, 16, 32):
        cells = f"cells_{stride}"
        window = _ints("kernel_shape", [stride] * 2) + _ints("strides", [stride] * 2)
        graph += _node("AveragePool", ["input"], cells, window)
        brightness = 1 / 765 if stride == 32 else 0.0
        biases = {
            "cls": (brightness, [0.0]),
            "obj": (brightness, [0.0]),
            "bbox": (0.0, [0.5, 0.5, math.log(2), math.log(2)]),
            "kps": (0.0, [v for point in POINTS for v in point]),
        }
        for name, (weight, bias) in biases.items():
            out, n = f"{name}_{stride}", len(bias)
            weights = np.full((n, 3, 1, 1), weight, dtype=np.float32)
            graph += _tensor(f"w_{out}", weights)
            graph += _tensor(f"b_{out}", np.array(bias, dtype=np.float32))
            graph += _tensor(f"s_{out}", np.array([1, -1, n], dtype=np.int64))
            graph += _node("Conv", [cells, f"w_{out}", f"b_{out}"], f"c_{out}")
            perm = _ints("perm", [0, 2, 3, 1])
            graph += _node("Transpose", [f"c_{out}"], f"t_{out}", perm)
            graph += _node("Reshape", [f"t_{out}", f"s_{out}"], out)
            if outputs:
                graph += _value(12, out, [1, "n", n])
    if not outputs:
        graph += _value(12, "kps_8", [1, "n", 10])
    graph += _field(2, "yunet_like") + _value(11, "input", [1, 3, 64, 64])
    return _field(1, 8) + _field(8, _field(1, "") + _field(2, 13)) + _field(7, graph)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("yunet") / "cells.onnx"
    path.write_bytes(_network())
    return path


def _expected(x: int, y: int, cell: float = 32) -> np.ndarray:
    right, left, _, *mouth = np.array(POINTS) * cell + (x, y)
    return box_around([right, left, np.mean(mouth, axis=0)])


def test_box_is_drawn_around_the_points_that_the_network_reports(network: Path) -> None:
    photo = np.zeros((160, 224), dtype=np.uint8)
    photo[64:96, 128:160] = 255
    boxes = detect(photo, detector=str(network))
    np.testing.assert_allclose(boxes, [_expected(128, 64)], atol=1e-3)


def test_photos_of_different_sizes_and_colours_use_one_network(network: Path) -> None:
    first = np.zeros((96, 96, 3), dtype=np.uint8)
    first[32:64, 32:64] = 255
    second = np.zeros((100, 200), dtype=np.uint8)  # padded by OpenCV to multiples of 32
    second[0:32, 160:192] = 255
    np.testing.assert_allclose(detect(first, detector=str(network)), [_expected(32, 32)], atol=1e-3)
    np.testing.assert_allclose(
        detect(second, detector=str(network)), [_expected(160, 0)], atol=1e-3
    )


def test_large_photos_are_shown_smaller_and_boxes_scaled_back(network: Path) -> None:
    photo = np.zeros((1280, 960), dtype=np.uint8)
    photo[128:192, 64:128] = 255  # one cell at half the size
    np.testing.assert_allclose(
        detect(photo, detector=str(network)), [_expected(64, 128, 64)], atol=1e-3
    )


def test_nothing_white_is_no_face(network: Path) -> None:
    assert detect(np.zeros((96, 96), np.uint8), detector=str(network)).shape == (0, 4)


def test_missing_file_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no such YuNet file.*model zoo"):
        check_detector(str(tmp_path / "yunet.onnx"))


@pytest.mark.parametrize(
    "content",
    [b"", b"this is a text file", _network(outputs=False)],
    ids=["empty", "text", "other network"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a YuNet face detection network"):
        check_detector(str(path))
