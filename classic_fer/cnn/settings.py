"""What a training run is told: plain data, checked before any work."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from classic_fer.errors import ParameterError

__all__ = ["SCHEDULES", "TrainingSettings", "setting_fits"]

SCHEDULES = ("constant", "cosine", "plateau")


@dataclass(frozen=True)
class TrainingSettings:
    """The knobs of a training run.

    Attributes
    ----------
    arch : str
        See `classic_fer.cnn.architectures.ARCHITECTURES`, or a name of torchvision.
    weights : str or None
        File with pretrained weights, for a network of torchvision.
    input_size : int or None
        Side in pixels that aligned faces are resized to for the network; None: the size they have.
    epochs, batch_size : int
    lr : float
        The highest learning rate.
    schedule : str
        ``"constant"``, ``"cosine"`` (down to zero at the last epoch) or ``"plateau"`` (times
        `plateau_factor` after `plateau_patience` epochs without a lower validation loss). Each
        begins with a linear rise over `warmup` epochs.
    warmup : float
    plateau_factor : float
    plateau_patience : int
    momentum : float
        Of stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013).
    weight_decay : float
        On convolution and linear weights; not on biases and batch normalisation.
    dropout : float
        Before the last layer.
    averaging : float
        Decay per step of the exponential moving average of weights (Polyak and Juditsky 1992)
        that is validated and exported; 0: the weights themselves.
    patience : int or None
        Stop after so many epochs without a lower validation loss; None: never.
    restore_best : bool
        Keep the weights of the epoch with the lowest validation loss, not the last ones.
    validation : float
        Share of the training part that is cut off, to choose epochs and to calibrate.
    flip : bool
        Mirror every other face.
    shift : float
        Largest shift, as a share of the side.
    rotation : float
        Largest rotation in degrees.
    scale : float
        Largest change of size: 0.1 means 0.9 to 1.1.
    contrast : float
        Largest change of contrast and, in standard deviations, of brightness.
    erasing : float
        Probability of blanking a rectangle (Zhong et al. 2020).
    mixup : float
        Parameter of the beta distribution of mixup (Zhang et al. 2018); 0: none.
    class_weights : bool
        Weigh each class by the inverse of its frequency.
    label_smoothing : float
        Szegedy et al. 2016.
    mirror : bool
        The exported graph averages the probabilities of a face and of its mirror image.
    half_precision : bool
        Calculate in bfloat16 where that is safe: faster on processors with AVX512-BF16 or AMX.
    seed : int
    """

    arch: str = "vgg-tiny"
    weights: str | None = None
    input_size: int | None = None
    epochs: int = 40
    batch_size: int = 128
    lr: float = 0.05
    schedule: str = "cosine"
    warmup: float = 0.5
    plateau_factor: float = 0.5
    plateau_patience: int = 3
    momentum: float = 0.9
    weight_decay: float = 5e-4
    dropout: float = 0.4
    averaging: float = 0.998
    patience: int | None = None
    restore_best: bool = True
    validation: float = 0.1
    flip: bool = True
    shift: float = 0.06
    rotation: float = 10.0
    scale: float = 0.1
    contrast: float = 0.2
    erasing: float = 0.3
    mixup: float = 0.0
    class_weights: bool = False
    label_smoothing: float = 0.1
    mirror: bool = False
    half_precision: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high, closed) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in _MAY_BE_NONE:
                continue
            inside = low <= value <= high if closed else low < value < high
            if not (math.isfinite(value) and inside):
                raise ParameterError(
                    f"{name.replace('_', '-')} must be {_range(low, high, closed)}, got {value}"
                )
        if self.schedule not in SCHEDULES:
            raise ParameterError(
                f"schedule must be one of {', '.join(SCHEDULES)}, got {self.schedule!r}"
            )
        if self.warmup >= self.epochs:
            raise ParameterError(
                f"warmup ({self.warmup:g} epochs) must be shorter than the training "
                f"({self.epochs} epochs)"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrainingSettings:
        """Inverse of `to_dict`; what is not given keeps its default.

        Raises
        ------
        ParameterError
            For unknown names, and values that cannot be used.
        """
        kinds = {each.name: each.type for each in fields(cls)}
        for name, value in data.items():
            if name not in kinds:
                raise ParameterError(
                    f"unknown training setting {name!r}; expected some of: {', '.join(kinds)}"
                )
            if not setting_fits(value, str(kinds[name])):
                raise ParameterError(
                    f"training setting {name!r} must be {kinds[name]}, got {value!r}"
                )
        return cls(**data)


_MAY_BE_NONE = ("patience", "input_size")

# Least and greatest value, and whether these two are allowed themselves.
_RANGES: dict[str, tuple[float, float, bool]] = {
    "input_size": (16, 512, True),
    "epochs": (1, math.inf, True),
    "batch_size": (2, math.inf, True),
    "lr": (0, math.inf, False),
    "warmup": (0, math.inf, True),
    "plateau_factor": (0, 1, False),
    "plateau_patience": (1, math.inf, True),
    "momentum": (0, 0.9999, True),
    "weight_decay": (0, math.inf, True),
    "dropout": (0, 0.95, True),
    "averaging": (0, 0.99999, True),
    "patience": (1, math.inf, True),
    "validation": (0, 1, False),
    "shift": (0, 0.5, True),
    "rotation": (0, 180, True),
    "scale": (0, 0.9, True),
    "contrast": (0, 0.9, True),
    "erasing": (0, 1, True),
    "mixup": (0, math.inf, True),
    "label_smoothing": (0, 0.9, True),
    "seed": (0, 2**32 - 1, True),
}


def _range(low: float, high: float, closed: bool) -> str:
    if high == math.inf:
        return f"at least {low}" if closed else f"greater than {low}"
    return f"{low} to {high}" if closed else f"between {low} and {high}"


def setting_fits(value: Any, kind: str) -> bool:
    """Whether a value from a file has the type that an annotation, such as "int | None", says."""
    if value is None:
        return "None" in kind
    if kind.startswith("bool"):
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind.startswith("int"):
        return isinstance(value, int)
    return isinstance(value, (int, float) if kind.startswith("float") else str)
