"""Specs of networks: what a foreign ONNX classifier takes, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.emotions import canonical
from classic_fer.errors import MissingFileError, ParameterError, unknown_name
from classic_fer.faces.frame import Alignment, Frame

__all__ = ["NetworkSpec", "load_spec", "spec_names"]

LAYOUTS = ("NCHW", "NHWC")
COLOURS = {"grey": 1, "RGB": 3, "BGR": 3}
SCORES = ("logits", "probabilities")

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class NetworkSpec:
    """How aligned faces become the input of a network, and its output becomes probabilities.

    Attributes
    ----------
    name : str
        Shown in reports.
    size : int
        Height and width of the input in pixels.
    classes : tuple of str
        In the order of the output's columns, in classic_fer's words.
    layout : str
        ``"NCHW"`` or ``"NHWC"``: where the channels stand.
    colour : str
        ``"grey"``, ``"RGB"`` or ``"BGR"``. Faces are grey: colour networks get the grey values in
        all three channels, so that the order only says which mean and deviation belong to which.
    divisor, mean, std : float, tuple of float, tuple of float
        A pixel (0 to 255) becomes ``(pixel / divisor - mean) / std``; one mean and deviation, or
        one a channel.
    scores : str
        ``"logits"``, which go through a softmax, or ``"probabilities"``.
    output : str or None
        Name of the output; None for the first one.
    n_others : int
        Values that follow the classes and are not used, such as valence and arousal.
    alignment : Alignment
        How faces are found, and where eyes and mouth lie in the input.
    trained_on : str or None
        Name of the data set that it was trained on, whose training part it knows.
    sha256 : str or None
        Of the only file that is meant; None: any file.
    """

    name: str
    size: int
    classes: tuple[str, ...]
    layout: str = "NCHW"
    colour: str = "grey"
    divisor: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    scores: str = "logits"
    output: str | None = None
    n_others: int = 0
    alignment: Alignment = field(default_factory=Alignment)
    trained_on: str | None = None
    sha256: str | None = None

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return COLOURS[self.colour]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one face in the network's layout."""
        sides = (self.size, self.size)
        return (self.channels, *sides) if self.layout == "NCHW" else (*sides, self.channels)

    @property
    def n_outputs(self) -> int:
        """Values that the output has for each face."""
        return len(self.classes) + self.n_others

    def prepare(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The input of the network.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, size, size)

        Returns
        -------
        ndarray of float32, shape (n, \\*input_shape)

        Examples
        --------
        >>> spec = NetworkSpec("x", 1, ("anger", "fear"), colour="RGB", mean=(0, 0.2, 0.4))
        >>> spec.prepare(np.array([[[51]]], dtype=np.uint8)).round(3).ravel().tolist()
        [0.20000000298023224, 0.0, -0.20000000298023224]
        """
        values = images[:, np.newaxis].astype(np.float32) / np.float32(self.divisor)
        shape = (1, -1, 1, 1)
        mean = np.array(self.mean, dtype=np.float32).reshape(shape)
        std = np.array(self.std, dtype=np.float32).reshape(shape)
        values = np.broadcast_to(
            (values - mean) / std, (len(images), self.channels, self.size, self.size)
        )
        return np.ascontiguousarray(values if self.layout == "NCHW" else np.moveaxis(values, 1, 3))

    def probabilities(self, output: NDArray) -> NDArray[np.float64]:
        """Probabilities of the classes, shape (n, n_classes), in the order of `classes`.

        Parameters
        ----------
        output : ndarray, shape (n, n_outputs)
        """
        from scipy.special import softmax

        values = np.asarray(output, dtype=np.float64)[:, : len(self.classes)]
        return softmax(values, axis=1) if self.scores == "logits" else values


def spec_names() -> list[str]:
    """Names of the specs that come with the package."""
    names = (entry.name for entry in _folder().iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_spec(spec: str | Path) -> list[NetworkSpec]:
    """Read a spec.

    Parameters
    ----------
    spec : str or Path
        The name of one that comes with the package (`spec_names`), or a YAML file: a mapping with
        the attributes of `NetworkSpec` except the name, where the place of the alignment is taken
        by ``detector``, ``landmarks``, ``not_found``, ``crops_of`` and either ``margin``
        (`Frame.standard`) or ``left_eye``, ``right_eye`` and ``mouth`` (`Frame`); and texts:
        ``title``, ``sources``, ``notes``. Several networks that one name stands for are listed
        under ``variants``, each with what it has of its own.

    Returns
    -------
    variants : list of NetworkSpec
        At least one; the one that a file agrees with is meant.

    Raises
    ------
    ParameterError
        If the name is unknown, or the file is no spec; says what is wrong.
    MissingFileError
        If there is no such file.
    """
    name, text = _text(spec)
    try:
        return _parsed(name, text)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"spec {str(spec)!r}: {error}") from error


def _folder() -> Any:
    return resources.files("classic_fer.onnx") / "specs"


def _text(spec: str | Path) -> tuple[str, str]:
    """Name and content of a spec."""
    path = Path(spec)
    if str(spec) in spec_names():
        return str(spec), (_folder() / f"{spec}.yaml").read_text(encoding="utf-8")
    if path.suffix.lower() not in _SUFFIXES:
        raise unknown_name("spec", str(spec), [*spec_names(), "a .yaml file"])
    try:
        return path.stem, path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(
            f"no spec file {path}; expected a YAML file, or one of: {', '.join(spec_names())}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"spec {str(path)!r} cannot be read as text: {error}") from error


def _parsed(name: str, text: str) -> list[NetworkSpec]:
    import yaml

    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(told, dict):
        raise ValueError(f"expected a mapping such as 'size: 64', found {type(told).__name__}")
    variants = told.pop("variants", [{}])
    if (
        not isinstance(variants, list)
        or not variants
        or not all(isinstance(each, dict) for each in variants)
    ):
        raise ValueError(f"expected variants to be a list of mappings, found {variants!r}")
    return [_spec(name, {**told, **each}) for each in variants]


_TEXTS = {"title", "sources", "notes"}
_ALIGNMENT = {"detector", "landmarks", "not_found", "crops_of"}
_POINTS = ("left_eye", "right_eye", "mouth")
_OWN = {f.name for f in fields(NetworkSpec)} - {"name", "alignment"}


def _spec(name: str, told: Mapping[str, Any]) -> NetworkSpec:
    for key in told:
        if key not in _TEXTS | _ALIGNMENT | _OWN | {*_POINTS, "margin"}:
            raise unknown_name("key", str(key), _TEXTS | _ALIGNMENT | _OWN | {*_POINTS, "margin"})
    if missing := [key for key in ("size", "classes") if key not in told]:
        raise ValueError(f"{' and '.join(missing)} must be given")
    size = _whole(told, "size", least=1)
    colour = _one_of(told, "colour", COLOURS)
    own: dict[str, Any] = {
        "layout": _one_of(told, "layout", LAYOUTS),
        "scores": _one_of(told, "scores", SCORES),
        "divisor": _number("divisor", told.get("divisor", 255.0), positive=True),
        "mean": _channel_numbers(told, "mean", 0.0, COLOURS[colour]),
        "std": _channel_numbers(told, "std", 1.0, COLOURS[colour]),
        "n_others": _whole(told, "n_others", least=0) if "n_others" in told else 0,
        "output": _text_or_none(told, "output"),
        "trained_on": _text_or_none(told, "trained_on"),
        "sha256": _text_or_none(told, "sha256"),
    }
    alignment = _alignment(told, size)
    return NetworkSpec(
        name, size, _classes(told["classes"]), colour=colour, alignment=alignment, **own
    )


def _classes(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise ValueError(f"expected classes to be a list of names, found {told!r}")
    names = tuple(canonical(each) for each in told)
    if len(set(names)) < max(2, len(names)):
        raise ValueError(f"expected two or more different classes, found {list(names)}")
    return names


def _alignment(told: Mapping[str, Any], size: int) -> Alignment:
    points = [key for key in _POINTS if key in told]
    if ("margin" in told and points) or len(points) not in (0, 3):
        raise ValueError(
            "expected either margin, or left_eye, right_eye and mouth; "
            f"found {', '.join([*(['margin'] if 'margin' in told else []), *points])}"
        )
    if points:
        frame = Frame(size, *(_point(key, told[key]) for key in _POINTS))
    else:
        margin = [_number("margin", told["margin"])] if "margin" in told else []
        frame = Frame.standard(size, *margin)
    # YAML reads the landmarks 68 and 5 as numbers.
    chosen: dict[str, Any] = {
        key: str(told[key]) for key in _ALIGNMENT if told.get(key) is not None
    }
    return Alignment(frame=frame, **chosen)


def _point(key: str, told: Any) -> tuple[float, float]:
    if not isinstance(told, list) or len(told) != 2:
        raise ValueError(f"expected {key} as [x, y], fractions of the side, found {told!r}")
    x, y = (_number(key, value) for value in told)
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"expected {key} as fractions of the side, 0 to 1, found {told!r}")
    return x, y


def _one_of(told: Mapping[str, Any], key: str, choices: Any) -> str:
    value = told.get(key, next(iter(choices)))
    if value not in choices:
        raise unknown_name(key, str(value), choices)
    return str(value)


def _whole(told: Mapping[str, Any], key: str, *, least: int) -> int:
    value = told[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"expected {key} to be a whole number from {least} on, found {value!r}")
    return value


def _number(key: str, value: Any, *, positive: bool = False) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise ValueError(f"expected {key} to be a number, found {value!r}")
    if positive and value <= 0:
        raise ValueError(f"expected {key} to be greater than 0, found {value!r}")
    return float(value)


def _channel_numbers(
    told: Mapping[str, Any], key: str, default: float, channels: int
) -> tuple[float, ...]:
    value = told.get(key, default)
    values = value if isinstance(value, list) else [value]
    if len(values) not in (1, channels):
        raise ValueError(
            f"expected {key} to be one number, or {channels} for the channels, found {value!r}"
        )
    return tuple(_number(key, each, positive=key == "std") for each in values)


def _text_or_none(told: Mapping[str, Any], key: str) -> str | None:
    value = told.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"expected {key} to be a text, found {value!r}")
    return value
