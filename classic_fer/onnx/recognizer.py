"""OnnxRecognizer: any ONNX classifier of faces behind the contract of a Recognizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, ModelFileError, ParameterError
from classic_fer.faces.types import as_faces
from classic_fer.models.abstention import UNSURE
from classic_fer.models.blocks import image_shape
from classic_fer.models.photo_predictions import PhotoPredictionsMixin
from classic_fer.onnx.graph_file import GraphFile, open_session, read_graph_file
from classic_fer.onnx.metadata import (
    FACES,
    LANDMARKS,
    METADATA_KEY,
    PROBABILITIES,
    read_metadata,
)
from classic_fer.onnx.network import (
    Network,
    are_probabilities,
    declared,
    declared_difference,
    difference,
    pattern,
)
from classic_fer.onnx.spec import NetworkSpec, load_spec, spec_names

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxRecognizer", "load_onnx", "needs_spec"]

_BATCH = 64
_GREY = (
    "the network was made for colours, but aligned faces are grey: its three channels get the same "
    "values, and it may do worse than on colours"
)


class OnnxRecognizer(PhotoPredictionsMixin):
    """A trained network, or an exported recognizer: faces in, expressions out.

    Made by `load_onnx`. There is nothing to fit.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
        In the one order of emotions; columns of probabilities have this order.
    image_shape_ : tuple of int
        Height and width of the faces that it takes.
    threshold_ : float
        On the highest probability: below it the answer is ``unsure``.
    wished_error : float or None
        What the threshold was chosen for.
    n_parameters_ : int
        Values stored in the file (`GraphFile`).
    bundle_ : dict
        Plain data: alignment, features, clf, data set, and what else is known.
    """

    def __init__(self, graph: _Graph, bundle: dict[str, Any], n_parameters: int) -> None:
        self.bundle_ = bundle
        self.classes_ = np.asarray(order_classes(bundle["classes"]))
        height, width = bundle["image_shape"]
        self.image_shape_ = (int(height), int(width))
        self.threshold_ = float(bundle.get("threshold") or 0.0)
        self.wished_error = bundle.get("wished_error")
        self.n_parameters_ = n_parameters
        self._graph = graph
        self._columns = [bundle["classes"].index(name) for name in self.classes_.tolist()]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities, shape (n, n_classes).

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)

        Raises
        ------
        DataError
            If the faces have another size than the network takes.
        """
        faces = np.asarray(X)
        if image_shape(faces) != self.image_shape_:
            found, expected = (
                "x".join(map(str, s)) for s in (image_shape(faces), self.image_shape_)
            )
            raise DataError(
                f"faces of {found} pixels, but this network takes {expected}; align them with its "
                "alignment_"
            )
        chances = np.empty((len(faces), len(self.classes_)))
        for start in range(0, len(faces), _BATCH):
            rows = slice(start, start + _BATCH)
            chances[rows] = self._graph.probabilities(as_faces(faces[rows]))[:, self._columns]
        return chances

    def predict(self, X: ArrayLike) -> NDArray:
        """The class of the highest probability of each face, shape (n,).

        ``unsure`` where that is below `threshold_`, or no face was found and the alignment says
        so.
        """
        chances = self.predict_proba(X)
        labels = self.classes_[chances.argmax(axis=1)]
        silent = self._abstains(X, chances)
        return np.where(silent, UNSURE, labels) if silent.any() else labels


class _Graph(Protocol):
    """What gives faces probabilities."""

    def probabilities(self, faces: NDArray) -> NDArray[np.float64]:
        """Of each face, shape (n, n_classes)."""


@dataclass(frozen=True)
class _ExportedGraph:
    """A graph of the form in `classic_fer.onnx.metadata`."""

    session: onnxruntime.InferenceSession
    takes_landmarks: bool

    def probabilities(self, faces: NDArray) -> NDArray[np.float64]:
        feeds = {FACES: np.ascontiguousarray(faces["image"])}
        if self.takes_landmarks:
            feeds[LANDMARKS] = np.ascontiguousarray(faces["landmarks"])
        return np.asarray(self.session.run([PROBABILITIES], feeds)[0], dtype=np.float64)


def load_onnx(
    path: str | Path, *, spec: str | Path | None = None, n_jobs: int = -1
) -> OnnxRecognizer:
    """Load an ONNX classifier.

    Parameters
    ----------
    path : str or Path
        An ``.onnx`` file.
    spec : str or Path, optional
        What the network takes and gives (`classic_fer.onnx.spec.load_spec`): a name or a YAML
        file. Files that classic_fer wrote carry it in them.
    n_jobs : int
        Threads of each prediction; -1 takes all cores.

    Raises
    ------
    MissingFileError
        If there is no such file or spec.
    ModelFileError
        If it is damaged or cannot be run (`read_graph_file`, `open_session`), or differs from what
        the spec says.
    ParameterError
        If a spec is needed, given for a file that carries its own, or is faulty.
    """
    file = read_graph_file(path)
    session = open_session(file, n_jobs=n_jobs)
    metadata = read_metadata(file.properties, str(file.path))
    if metadata is not None:
        if spec is not None:
            raise ParameterError(
                f"{file.path} was written by classic_fer and knows what it takes; leave out the "
                f"spec {str(spec)!r}"
            )
        return _exported(file, session, metadata)
    if spec is None:
        raise ParameterError(_which_spec(file, session))
    reasons = []
    for each in load_spec(spec):
        network = Network(session, each)
        reason = difference(file, network)
        if not reason:
            return OnnxRecognizer(network, _bundle(file, each), file.n_parameters)
        reasons.append(reason)
    told = "; or: ".join(dict.fromkeys(reasons))
    raise ModelFileError(f"{file.path} is not what the spec {str(spec)!r} says: {told}")


def needs_spec(path: str | Path) -> bool:
    """Whether a model file is an ONNX file that does not say what it takes.

    Raises
    ------
    MissingFileError, ModelFileError
        See `read_graph_file`.
    """
    return (
        Path(path).suffix.lower() == ".onnx"
        and METADATA_KEY not in read_graph_file(path).properties
    )


def _exported(
    file: GraphFile, session: onnxruntime.InferenceSession, metadata: dict[str, Any]
) -> OnnxRecognizer:
    """A recognizer from a graph with metadata, after a try on one blank face."""
    inputs = [each.name for each in session.get_inputs()]
    graph = _ExportedGraph(session, LANDMARKS in inputs)
    recognizer = OnnxRecognizer(graph, metadata, file.n_parameters)
    expected = (1, len(recognizer.classes_))
    try:
        found = graph.probabilities(as_faces(pattern(recognizer.image_shape_)))
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise ModelFileError(
            f"{file.path} cannot be run on faces of the size in its metadata "
            f"({recognizer.image_shape_}): it takes {declared(session.get_inputs())}, and "
            f"{' '.join(str(error).split())}; export it again"
        ) from error
    if found.shape != expected or not are_probabilities(found):
        raise ModelFileError(
            f"{file.path} gives {found.shape} values for a face, expected probabilities of shape "
            f"{expected} for the classes in its metadata; export it again"
        )
    return recognizer


def _which_spec(file: GraphFile, session: onnxruntime.InferenceSession) -> str:
    fitting = [
        name
        for name in spec_names()
        if any(not declared_difference(each, session) for each in load_spec(name))
    ]
    said = f"; it looks like {' or '.join(fitting)}" if fitting else ""
    return (
        f"{file.path} does not say what its input ({declared(session.get_inputs())}) and its "
        f"output ({declared(session.get_outputs())}) mean; name a spec: "
        f"{', '.join(spec_names())}, or a .yaml file{said}"
    )


def _bundle(file: GraphFile, spec: NetworkSpec) -> dict[str, Any]:
    """What is known about a foreign network, in the form of a recognizer's bundle."""
    return {
        "features": "pixels",
        "clf": spec.name,
        "classes": list(spec.classes),
        "image_shape": [spec.size, spec.size],
        "alignment": spec.alignment.to_dict(),
        "dataset": None if spec.trained_on is None else {"name": spec.trained_on},
        "sha256": file.sha256,
        "notes": [_GREY] if spec.channels > 1 else [],
    }
