"""Frame and Alignment: where a face comes to lie, and how it was brought there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError

__all__ = ["LANDMARK_CHOICES", "NOT_FOUND_CHOICES", "Alignment", "Frame"]

LANDMARK_CHOICES = ("68", "5", "data", "none")
NOT_FOUND_CHOICES = ("whole", "abstain")

MIN_SIZE, MAX_SIZE = 16, 1024
"""Sides of aligned images in pixels."""

# Distance from the eye line to the mouth centre over the distance between the eye centres:
# the mean over the 150 HELEN annotations is close to 1.
_MOUTH_DROP = 1.0


@dataclass(frozen=True)
class Frame:
    """Canonical place of eyes and mouth in an aligned face.

    Attributes
    ----------
    size : int
        Height and width of the aligned image in pixels.
    left_eye, right_eye, mouth : tuple of float
        x, y of the eye centres (left as seen in the image) and of the mouth centre, as
        fractions of `size` (0 is the left or top border, 1 the right or bottom one).
    """

    size: int
    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]

    @classmethod
    def standard(cls, size: int = 64, margin: float = 0.27) -> Frame:
        """The frame for photos: level eyes, `margin` of the width left beside each eye centre.

        Eyes and mouth lie symmetrically about 0.55 of the height, the distance from eye line to
        mouth being that between the eyes.
        """
        if not 0.05 <= margin <= 0.45:
            raise ParameterError(f"margin must lie between 0.05 and 0.45, got {margin}")
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise ParameterError(
                f"size must lie between {MIN_SIZE} and {MAX_SIZE} pixels, got {size}"
            )
        eyes = 1 - 2 * margin
        top = 0.55 - eyes * _MOUTH_DROP / 2
        return cls(size, (margin, top), (1 - margin, top), (0.5, top + eyes * _MOUTH_DROP))

    @property
    def points(self) -> NDArray[np.float64]:
        """Left eye, right eye and mouth, shape (3, 2), x, y in pixels from the top left corner.

        Corners are whole numbers here; a pixel centre's index is 0.5 less.
        """
        return np.array([self.left_eye, self.right_eye, self.mouth]) * self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Frame:
        """Inverse of `to_dict`."""
        points = {k: tuple(data[k]) for k in ("left_eye", "right_eye", "mouth")}
        return cls(size=int(data["size"]), **points)


@dataclass(frozen=True)
class Alignment:
    """How faces are found and aligned; stored with every model, used alike when it predicts.

    Attributes
    ----------
    detector : str
        ``"dlib"``, ``"haar"``, ``"data"`` (the box that comes with the data), ``"none"`` (the
        image is the face) or the path of a YuNet ``.onnx`` file.
    landmarks : str
        ``"68"`` or ``"5"`` points from dlib, ``"data"`` (they come with the data) or ``"none"``.
    not_found : str
        ``"whole"`` (the whole image stands in for the face) or ``"abstain"``.
    frame : Frame
        Where eyes and mouth lie. For data of cropped faces (detector ``"none"``) this is where
        they lie in the crops, and photos are warped into it.
    crops_of : str or None
        Name of the data set of cropped faces that `frame` (detector ``"none"``) or `whole` was
        estimated on; None for a frame that was chosen.
    whole : Frame or None
        Where eyes and mouth lie on average in cropped faces, where a detector is used on them. A
        crop in which no face is found is aligned by 68 landmarks predicted from there, or, if
        these are implausible or not asked for, warped from there as a whole. None: an image
        without a face is only resized.
    """

    detector: str = "dlib"
    landmarks: str = "68"
    not_found: str = "whole"
    frame: Frame = field(default_factory=Frame.standard)
    crops_of: str | None = None
    whole: Frame | None = None

    def __post_init__(self) -> None:
        if self.landmarks not in LANDMARK_CHOICES:
            raise ParameterError(
                f"landmarks must be one of {', '.join(LANDMARK_CHOICES)}, got {self.landmarks!r}"
            )
        if self.not_found not in NOT_FOUND_CHOICES:
            raise ParameterError(
                f"not_found must be one of {', '.join(NOT_FOUND_CHOICES)}, got {self.not_found!r}"
            )
        if self.detector not in ("dlib", "haar", "data", "none") and not self.detector.endswith(
            ".onnx"
        ):
            raise ParameterError(
                "detector must be dlib, haar, data, none or a YuNet file ending in .onnx, "
                f"got {self.detector!r}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Alignment:
        """Inverse of `to_dict`."""
        return cls(
            detector=data["detector"],
            landmarks=data["landmarks"],
            not_found=data["not_found"],
            frame=Frame.from_dict(data["frame"]),
            crops_of=data["crops_of"],
            whole=Frame.from_dict(data["whole"]) if data["whole"] else None,
        )
