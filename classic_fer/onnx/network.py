"""Network: a foreign ONNX classifier run as its spec says, and where the two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.onnx.graph_file import GraphFile
from classic_fer.onnx.spec import NetworkSpec

if TYPE_CHECKING:
    import onnxruntime

__all__ = [
    "Network",
    "are_probabilities",
    "declared",
    "declared_difference",
    "difference",
    "pattern",
]

_ROUNDING = 1e-3  # how far the sum of probabilities in single or half precision may be from 1


@dataclass(frozen=True)
class Network:
    """A foreign network with its spec."""

    session: onnxruntime.InferenceSession
    spec: NetworkSpec

    def probabilities(self, faces: NDArray) -> NDArray[np.float64]:
        return self.spec.probabilities(self.output(faces["image"]))

    def output(self, images: NDArray[np.uint8]) -> NDArray:
        """Values of the output for each image, shape (n, n_values)."""
        declared = self.session.get_inputs()[0]
        values = self.spec.prepare(images)
        step = declared.shape[0] if isinstance(declared.shape[0], int) else len(values)
        parts = []
        for start in range(0, len(values), step):
            some = values[start : start + step]
            full = np.resize(some, (step, *some.shape[1:]))  # where the batch has a fixed size
            told = self.session.run([self.spec.output or self._first_output], {declared.name: full})
            parts.append(np.asarray(told[0]).reshape(step, -1)[: len(some)])
        return np.concatenate(parts)

    @property
    def _first_output(self) -> str:
        return str(self.session.get_outputs()[0].name)


def difference(file: GraphFile, network: Network) -> str:
    """Where a file differs from a spec: found and expected; empty if it does not."""
    spec, session = network.spec, network.session
    if spec.sha256 is not None and spec.sha256.lower() != file.sha256:
        return f"the SHA-256 is {file.sha256}, expected {spec.sha256.lower()}"
    if reason := declared_difference(spec, session):
        return reason
    try:
        values = network.output(pattern((spec.size, spec.size)))
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        return f"it cannot be run on an input of shape {(1, *spec.input_shape)} ({error})"
    if values.shape != (1, spec.n_outputs):
        return f"the output has {values.shape[1]} values a face, expected {_expected_outputs(spec)}"
    if not np.isfinite(values).all():
        return "the output of a test pattern is not finite, expected numbers"
    first = values[:, : len(spec.classes)]
    if (spec.scores == "probabilities") != are_probabilities(first):
        low, high, total = (float(each) for each in (first.min(), first.max(), first.sum()))
        return (
            f"the scores of a test pattern lie between {low:.3g} and {high:.3g} and sum to "
            f"{total:.3g}, expected {spec.scores}"
        )
    return ""


def declared_difference(spec: NetworkSpec, session: onnxruntime.InferenceSession) -> str:
    """Where inputs and outputs that a file declares differ from a spec."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if not outputs:
        return "it gives no output, expected one"
    if len(inputs) != 1:
        return f"it takes {len(inputs)} inputs ({declared(inputs)}), expected one"
    if inputs[0].type != "tensor(float)":
        return f"the input is {declared(inputs)}, expected float32"
    expected = (None, *spec.input_shape)
    if not _fits(inputs[0].shape, expected):
        return (
            f"the input is {declared(inputs)}, expected (n, "
            f"{', '.join(map(str, spec.input_shape))}), {spec.layout} {spec.colour}"
        )
    names = [each.name for each in outputs]
    if spec.output is not None and spec.output not in names:
        return f"the outputs are {', '.join(names)}, expected one called {spec.output!r}"
    shape = outputs[names.index(spec.output) if spec.output else 0].shape
    if len(shape) == 2 and isinstance(shape[1], int) and shape[1] != spec.n_outputs:
        return f"the output has {shape[1]} values a face, expected {_expected_outputs(spec)}"
    return ""


def _expected_outputs(spec: NetworkSpec) -> str:
    others = f" and {spec.n_others} others" if spec.n_others else ""
    return f"{spec.n_outputs}: {len(spec.classes)} classes ({', '.join(spec.classes)}){others}"


def _fits(found: list[Any], expected: tuple[int | None, ...]) -> bool:
    """Whether a declared shape can be the expected one; what is no number may be anything."""
    return len(found) == len(expected) and all(
        not isinstance(a, int) or b is None or a == b for a, b in zip(found, expected)
    )


def declared(values: list[Any]) -> str:
    """Inputs as the file declares them: ``faces float (n, 1, 64, 64)``."""
    return ", ".join(
        f"{each.name} {each.type.removeprefix('tensor(').removesuffix(')')} "
        f"({', '.join('n' if d is None else str(d) for d in each.shape)})"
        for each in values
    )


def are_probabilities(values: NDArray) -> bool:
    """Whether each row of values, shape (n, n_classes), is non-negative and adds up to 1."""
    return bool((values >= 0).all() and np.abs(values.sum(axis=1) - 1).max() <= _ROUNDING)


def pattern(shape: tuple[int, int]) -> NDArray[np.uint8]:
    """One drawn image of a given height and width, on which a network is tried."""
    return np.random.default_rng(0).integers(0, 256, (1, *shape)).astype(np.uint8)
