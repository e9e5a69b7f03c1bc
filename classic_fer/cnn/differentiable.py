"""DifferentiableNetwork: a network that was trained here, with its gradients and layers."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import order_classes
from classic_fer.errors import DataError, MissingFileError, unknown_name
from classic_fer.faces.types import as_faces
from classic_fer.models.photo_predictions import PhotoPredictionsMixin

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DifferentiableNetwork", "load_differentiable", "load_with_gradients"]

_BATCH = 64
_TRAINING, _CHECKPOINT, _GRAPH = "training.json", "checkpoint.pt", "model.onnx"


class DifferentiableNetwork(PhotoPredictionsMixin):
    """A trained network behind the contract of a recognizer, as a torch module.

    Made by `load_differentiable`.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
    image_shape_ : tuple of int
        Height and width of the faces that it takes.
    bundle_ : dict
        Plain data; see `classic_fer.onnx.recognizer.OnnxRecognizer`.
    """

    def __init__(
        self,
        network: nn.Module,
        bundle: dict[str, Any],
        *,
        side: int,
        temperature: float,
        mirror: bool,
    ) -> None:
        height, width = bundle["image_shape"]
        self.bundle_ = bundle
        self.classes_ = np.asarray(order_classes(bundle["classes"]))
        self.image_shape_ = (int(height), int(width))
        self.network = network.eval()
        self._side, self._temperature, self._mirror = side, temperature, mirror
        self._columns = [bundle["classes"].index(name) for name in self.classes_.tolist()]

    def torch_module(self) -> nn.Module:
        """From pixels between 0 and 1, float32 (n, 1, H, W), to logits in the order of `classes_`.

        Divided by the temperature, so that their softmax is the calibrated probability.
        """
        from classic_fer.cnn.layers import MirroredLogits, PixelsToLogits

        network = MirroredLogits(self.network) if self._mirror else self.network
        return PixelsToLogits(
            network, side=self._side, temperature=self._temperature, columns=self._columns
        ).eval()

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probabilities, shape (n, n_classes), of Faces (n,) or uint8 images (n, H, W)."""
        import torch

        module, images = self.torch_module(), self._pixels(X)
        chances = np.empty((len(images), len(self.classes_)))
        with torch.no_grad():
            for start in range(0, len(images), _BATCH):
                rows = slice(start, start + _BATCH)
                chances[rows] = torch.softmax(module(images[rows]), dim=1).numpy()
        return chances

    def predict(self, X: ArrayLike) -> NDArray[np.str_]:
        """The class of the highest probability of each face, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @property
    def layers(self) -> list[str]:
        """Names of the layers whose output can be looked at, from the first to the last."""
        return [name for name, _ in self.network.named_modules() if name]

    def layer_output(self, X: ArrayLike, layer: str | None = None) -> NDArray[np.float32]:
        """What a layer says about faces, shape (n, d).

        Parameters
        ----------
        X : Faces of shape (n,), or array of uint8, shape (n, H, W)
        layer : str, optional
            One of `layers`; by default what the last one gets. Maps are averaged over the face.

        Raises
        ------
        ParameterError
            For an unknown layer.
        """
        import torch

        from classic_fer.cnn.preprocessing import resized, standardise

        modules = dict(self.network.named_modules())
        if layer is not None and layer not in self.layers:
            raise unknown_name("layer", layer, self.layers)
        taken: list[torch.Tensor] = []

        def keep(module: nn.Module, given: tuple[torch.Tensor, ...], got: torch.Tensor) -> None:
            values = given[0] if layer is None else got
            taken.append(values.mean(dim=(2, 3)) if values.ndim == 4 else values.flatten(1))

        last = [each for each in modules.values() if list(each.parameters(recurse=False))][-1]
        hook = (last if layer is None else modules[layer]).register_forward_hook(keep)
        images = self._pixels(X)
        try:
            with torch.no_grad():
                for start in range(0, len(images), _BATCH):
                    grey = images[start : start + _BATCH, 0] * 255
                    self.network(standardise(resized(grey, self._side)))
        finally:
            hook.remove()
        return torch.cat(taken).numpy()

    def _pixels(self, X: ArrayLike) -> Any:
        import torch

        images = as_faces(np.asarray(X))["image"]
        if images.shape[1:] != self.image_shape_:
            raise DataError(
                f"faces of {images.shape[1]}x{images.shape[2]} pixels, but this network takes "
                f"{self.image_shape_[0]}x{self.image_shape_[1]}; align them with its alignment_"
            )
        return torch.from_numpy(images[:, np.newaxis].astype(np.float32) / 255)


def load_differentiable(folder: str | Path) -> DifferentiableNetwork:
    """The network of a run folder of ``classic-fer cnn train``.

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    MissingFileError
        If the folder lacks the checkpoint, which holds the weights with full precision.
    ModelFileError
        If a file is damaged.
    """
    from classic_fer.cnn.torch_extra import require_torch

    folder = Path(folder)
    require_torch()
    for name in (_TRAINING, _CHECKPOINT, _GRAPH):
        if not (folder / name).is_file():
            raise MissingFileError(
                f"no {folder / name}; gradients need the run folder of 'classic-fer cnn train'"
            )
    from classic_fer.cnn.architectures import make_network
    from classic_fer.cnn.checkpoints import load_checkpoint
    from classic_fer.cnn.settings import TrainingSettings
    from classic_fer.onnx.recognizer import load_onnx

    facts = json.loads((folder / _TRAINING).read_text(encoding="utf-8"))
    settings = TrainingSettings(**facts["settings"])
    bundle = load_onnx(folder / _GRAPH, n_jobs=1).bundle_
    told = {
        **settings.to_dict(),
        "data": bundle["dataset"]["name"],
        "split": bundle["protocol"]["hash"],
    }
    state = load_checkpoint(folder / _CHECKPOINT, told)
    best = settings.restore_best and state["best"] is not None
    network = make_network(
        settings.arch,
        n_classes=len(bundle["classes"]),
        side=facts["input_size"],
        dropout=settings.dropout,
    )
    network.load_state_dict(state["best"][1] if best else state["kept"])
    return DifferentiableNetwork(
        network,
        bundle,
        side=facts["input_size"],
        temperature=facts["temperature"],
        mirror=settings.mirror,
    )


def load_with_gradients(
    model: str | Path, *, spec: str | Path | None = None, n_jobs: int = -1
) -> Any:
    """A model with gradients if it is the run folder of a network and torch is here, else without.

    `spec` and `n_jobs` are those of `classic_fer.models.persistence.load_model`.
    """
    from classic_fer.models.persistence import load_model

    trained_here = (Path(model) / _CHECKPOINT).is_file() and (Path(model) / _TRAINING).is_file()
    if trained_here and find_spec("torch") is not None:
        return load_differentiable(model)
    return load_model(model, spec=spec, n_jobs=n_jobs)
