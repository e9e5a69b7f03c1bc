"""Predictions for the faces of a photo, as plain data or as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.emotions import LabelPolicy
from classic_fer.errors import DataError
from classic_fer.faces.frame import Alignment
from classic_fer.predictions import FacePrediction, predictions_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PhotoPredictionsMixin"]


class PhotoPredictionsMixin:
    """Lets a recognizer of aligned faces take photos, and abstain."""

    classes_: NDArray
    threshold_: float
    bundle_: dict[str, Any]

    if TYPE_CHECKING:

        def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]: ...

    @property
    def alignment_(self) -> Alignment | None:
        """How the training faces were found and aligned; None for plain images."""
        stored = self.bundle_.get("alignment")
        return None if stored is None else Alignment.from_dict(stored)

    @property
    def label_policy_(self) -> LabelPolicy | None:
        """How the labels of the training data were mapped; None if they were not."""
        stored = self.bundle_.get("label_policy")
        return None if stored is None else LabelPolicy.from_dict(stored)

    def predict_faces(
        self,
        faces: NDArray,
        *,
        landmarks: Sequence[NDArray[np.float32] | None] | None = None,
        photo: str = "",
    ) -> list[FacePrediction]:
        """Predictions of the faces of one photo, as plain data.

        Parameters
        ----------
        faces : structured ndarray, shape (k,)
            Faces; boxes are in pixels of the photo.
        landmarks : sequence of ndarray or None, length k, optional
            Passed on: points of each face in pixels of the photo, as `FoundFaces` has them.
        photo : str
            Passed on: path of the photo.
        """
        points = [None] * len(faces) if landmarks is None else landmarks
        predictions: list[FacePrediction] = []
        if not len(faces):
            return predictions
        probabilities = self.predict_proba(faces)
        unsure = self._abstains(faces, probabilities)
        for face, marks, chances, silent in zip(faces, points, probabilities, unsure):
            box = None if np.isnan(face["box"]).any() else tuple(face["box"].tolist())
            predictions.append(
                FacePrediction(
                    label=None if silent else str(self.classes_[chances.argmax()]),
                    confidence=np.nan if silent and not face["found"] else float(chances.max()),
                    probabilities=dict(zip(map(str, self.classes_), chances.tolist())),
                    box=box,
                    landmarks=marks,
                    found=bool(face["found"]),
                    photo=photo,
                )
            )
        return predictions

    def predict_photo(self, photo: str | Path | NDArray) -> list[FacePrediction]:
        """Find all faces of a photo, align them as in training, and label them.

        Parameters
        ----------
        photo : path, or array of uint8, shape (H, W) or (H, W, 3) RGB

        Returns
        -------
        predictions : list of FacePrediction
            The largest face first; without a label where the recognizer is unsure. Without a
            face: one prediction of the whole image, or one without a label if the model abstains.

        Raises
        ------
        DataError
            If the recognizer was trained on plain images, so that their alignment is not known.
        ImageError, MissingFileError
            If the photo cannot be read.
        """
        from classic_fer.faces.align import find_faces

        alignment = self.alignment_
        if alignment is None:
            raise DataError(
                "this recognizer was trained on plain images and does not know how to find and "
                "align faces in a photo; give set_bundle(alignment=...) or use predict on "
                "aligned faces"
            )
        found = find_faces(photo, alignment, largest=False)
        path = "" if isinstance(photo, np.ndarray) else str(photo)
        return self.predict_faces(found.faces, landmarks=found.landmarks, photo=path)

    def predict_frame(self, photos: Iterable[str | Path | NDArray]) -> pd.DataFrame:
        """`predict_photo` of each photo as one table, one row a face."""
        return predictions_frame(face for photo in photos for face in self.predict_photo(photo))

    def _abstains(self, faces: ArrayLike, chances: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the answer to each face is ``unsure``."""
        doubtful = chances.max(axis=1) < self.threshold_
        rows = np.asarray(faces)
        if rows.dtype.names and not rows["found"].all():
            alignment = self.alignment_
            if alignment is not None and alignment.not_found == "abstain":
                doubtful |= ~rows["found"]
        return doubtful
