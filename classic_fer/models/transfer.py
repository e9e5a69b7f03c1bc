"""Transfer: the features that another recognizer learned, as a feature of one's own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.features._base import ImageFeature
from classic_fer.models.bundled import FISHER

if TYPE_CHECKING:
    from classic_fer.models.expression import FeatureExpression

__all__ = ["Transfer"]


class Transfer(ImageFeature):
    """What a fitted recognizer makes of a face before its scaler and classifier.

    The bundled recognizer ``fer2013-fisher`` learned the projection of its local descriptors and
    its Gaussians on the training part of FER2013. Small data sets are better described by them
    than by what a few hundred faces of a few people can teach. Nothing is learned from the faces
    at hand, so that the values are computed once for all folds.

    Parameters
    ----------
    model : str
        Name of a bundled recognizer, a model file or a run folder. Its features must be computed
        from images alone (no landmark geometry), and the people of a test set must not be in its
        training data.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width of the images seen by `fit`. Images of another size than the
        recognizer's training faces are resized to that.

    Notes
    -----
    Faces should be aligned as that recognizer's; the default alignment is that of the bundled one.
    A saved model holds the features it was trained with, and does not change when another
    recognizer takes that name.

    References
    ----------
    S. J. Pan, Q. Yang: A survey on transfer learning. IEEE Transactions on Knowledge and Data
    Engineering 22 (2010). (Transfer of feature representations.)
    """

    def __init__(self, model: str = FISHER) -> None:
        self.model = model

    def _learned(self) -> FeatureExpression:
        stored: dict[str, FeatureExpression] = self.__dict__.get("stored_", {})
        return stored[self.model] if self.model in stored else _features_of(self.model)

    def _names(self, height: int, width: int) -> list[str]:
        return [f"transfer_{name}" for name in self._learned().get_feature_names_out()]

    def _width(self, height: int, width: int) -> int:
        blank = np.full((1, *_shape(self._learned())), 128, dtype=np.uint8)
        return self._learned().transform(blank).shape[1]

    def _extract(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        import cv2

        learned = self._learned()
        height, width = _shape(learned)
        if images.shape[1:] != (height, width):
            images = np.stack([cv2.resize(image, (width, height)) for image in images])
        out[:] = learned.transform(images)

    def __getstate__(self) -> dict[str, Any]:
        """With the learned features, so that a saved recognizer keeps them."""
        return {**super().__getstate__(), "stored_": {self.model: self._learned()}}


def _shape(learned: FeatureExpression) -> tuple[int, int]:
    """Height and width of the faces that features were learned from."""
    assert learned.image_shape_ is not None  # a recognizer always notes it
    return learned.image_shape_


@lru_cache(maxsize=4)
def _features_of(model: str) -> FeatureExpression:
    """The fitted features of a saved recognizer."""
    from classic_fer.features.geometry import Geometry
    from classic_fer.models.persistence import load_model
    from classic_fer.models.recognizer import Recognizer

    recognizer = load_model(model)
    if not isinstance(recognizer, Recognizer):
        raise ParameterError(
            f"transfer takes features of a classical recognizer, but {Path(model)} is a network; "
            "name a bundled recognizer, a .skops file or a run folder"
        )
    features = recognizer.features_
    if any(isinstance(leaf, Geometry) for leaf in features.leaves.values()):
        raise ParameterError(
            f"transfer takes features of images alone, but {Path(model)} has "
            f"{features.expression!r}; choose a recognizer without geometry, and join it: "
            "'transfer+geometry'"
        )
    return features
