"""Graphs that classic_fer writes: their form, and the metadata that makes a spec needless.

Such a graph takes aligned faces as they are, and gives labels and probabilities:

=================  =======  ==============  ====================================================
name               type     shape           content
=================  =======  ==============  ====================================================
``faces``          uint8    (n, H, W)       grey images, as `classic_fer.faces.types` has them
``landmarks``      float32  (n, 68, 2)      only where geometry is used: x, y in pixels of these
                                            images, NaN where there are none
``label``          string   (n,)            the class of the highest probability
``probabilities``  float32  (n, n_classes)  calibrated, in the order of ``classes``
=================  =======  ==============  ====================================================

The ONNX metadata property ``classic_fer`` holds as JSON what a model file holds as plain data
(`Recognizer.bundle_` of a loaded model): classes, alignment, image_shape, features, clf, data set,
protocol, label policy and versions. Reading it needs onnxruntime alone, writing it the package
onnx.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from classic_fer.emotions import LabelPolicy
from classic_fer.errors import ModelFileError, ParameterError
from classic_fer.faces.frame import Alignment

if TYPE_CHECKING:
    import onnx

    from classic_fer.models.recognizer import Recognizer

__all__ = [
    "FACES",
    "FORMAT_VERSION",
    "LABEL",
    "LANDMARKS",
    "METADATA_KEY",
    "PROBABILITIES",
    "check_metadata",
    "graph_metadata",
    "read_metadata",
    "write_metadata",
]

METADATA_KEY = "classic_fer"
FORMAT_VERSION = 1
FACES, LANDMARKS = "faces", "landmarks"
LABEL, PROBABILITIES = "label", "probabilities"

_NEVER = 2.0  # JSON knows no infinity; no probability reaches this threshold either


def graph_metadata(recognizer: Recognizer) -> dict[str, Any]:
    """The metadata of a fitted recognizer's graph, as plain data.

    That of its model file, with ``format_version``, and the ``threshold`` below which its highest
    probability means ``unsure``.
    """
    from classic_fer.models.persistence import model_metadata

    threshold = min(float(recognizer.threshold_), _NEVER)
    return {
        "format_version": FORMAT_VERSION,
        **model_metadata(recognizer),
        "threshold": threshold,
        "wished_error": recognizer.wished_error,
    }


def write_metadata(model: onnx.ModelProto, metadata: Mapping[str, Any]) -> None:
    """Put metadata into a graph, in place of those that it has.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed.
    metadata : mapping
        Plain data with at least ``format_version``, ``classes``, ``image_shape``, ``alignment``
        (`Alignment.to_dict`, or None for plain images), ``features`` and ``clf``.

    Raises
    ------
    ParameterError
        If something is missing, or is not plain data.
    """
    from onnx import helper

    try:
        check_metadata(metadata)
        text = json.dumps(dict(metadata), allow_nan=False)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"metadata of a graph: {error}") from error
    others = {p.key: p.value for p in model.metadata_props if p.key != METADATA_KEY}
    helper.set_model_props(model, {**others, METADATA_KEY: text})


def read_metadata(properties: Mapping[str, str], source: str) -> dict[str, Any] | None:
    """The metadata of a graph that classic_fer wrote; None for any other graph.

    Parameters
    ----------
    properties : mapping of str to str
        Of the model: ``session.get_modelmeta().custom_metadata_map``.
    source : str
        The file, for errors.

    Raises
    ------
    ModelFileError
        If the metadata are damaged, or of another version.
    """
    text = properties.get(METADATA_KEY)
    if text is None:
        return None
    try:
        metadata = json.loads(text)
        check_metadata(metadata)
    except ValueError as error:
        raise ModelFileError(
            f"{source}: the property {METADATA_KEY!r}, which classic_fer writes, is damaged or of "
            f"another version: {error}; export the model again"
        ) from error
    return metadata


def check_metadata(metadata: Any) -> None:
    """Raise a ValueError that says what is wrong with metadata of a graph.

    Examples
    --------
    >>> check_metadata({"format_version": 1, "classes": ["anger"]})
    Traceback (most recent call last):
    ...
    ValueError: expected two or more different class names, found ['anger']
    """
    if not isinstance(metadata, Mapping):
        raise ValueError(f"expected an object with named fields, found {metadata!r}")
    version = metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(f"expected format_version {FORMAT_VERSION}, found {version!r}")
    classes = metadata.get("classes")
    if (
        not isinstance(classes, list)
        or not all(isinstance(name, str) for name in classes)
        or not 2 <= len(set(classes)) == len(classes)
    ):
        raise ValueError(f"expected two or more different class names, found {classes!r}")
    shape = metadata.get("image_shape")
    if (
        not isinstance(shape, list)
        or len(shape) != 2
        or not all(isinstance(side, int) and side > 0 for side in shape)
    ):
        raise ValueError(f"expected image_shape [height, width] in pixels, found {shape!r}")
    for name in ("features", "clf"):
        if not isinstance(metadata.get(name), str):
            raise ValueError(f"expected a name as {name!r}, found {metadata.get(name)!r}")
    threshold = metadata.get("threshold")
    if threshold is not None and not isinstance(threshold, int | float):
        raise ValueError(f"expected a number as 'threshold', found {threshold!r}")
    readers: dict[str, Callable[[Any], Any]] = {
        "alignment": Alignment.from_dict,
        "label_policy": LabelPolicy.from_dict,
        "dataset": dict,
    }
    for name, read in readers.items():
        try:
            if metadata.get(name) is not None:
                read(metadata[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"the {name} cannot be read ({error!r})") from error
