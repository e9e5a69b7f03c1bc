"""Faces with what surrounds them, so that a damage of the alignment can warp them again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.faces.similarity import apply_similarity, compose, warp_face

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset
    from classic_fer.faces.frame import Frame

__all__ = ["Surroundings", "faces_with_surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """Images of twice the size of aligned faces, with the faces in their middle.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, 2 * size, 2 * size)
    faces : structured ndarray, shape (n,)
        The aligned faces.
    from_photos : bool
        Whether surroundings are those of the photos; otherwise the border of the face is repeated.
    """

    images: NDArray[np.uint8]
    faces: NDArray
    from_photos: bool

    def warped(self, rows: NDArray[np.intp], matrices: NDArray[np.float64]) -> NDArray:
        """Faces of these rows after a similarity each.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)
        matrices : ndarray of float64, shape (m, 2, 3)
            Of points of the aligned face to where they come to lie.

        Returns
        -------
        structured ndarray, shape (m,)
            Faces; their landmarks go along.
        """
        size = self.faces["image"].shape[1]
        inwards = np.array([[1.0, 0.0, -(size // 2)], [0.0, 1.0, -(size // 2)]])
        made = self.faces[rows].copy()
        for face, row, matrix in zip(made, rows, matrices):
            face["image"] = warp_face(self.images[row], compose(matrix, inwards), size)
            face["landmarks"] = apply_similarity(matrix, face["landmarks"])
        return made


def faces_with_surroundings(dataset: Dataset, *, n_jobs: int = 1) -> Surroundings:
    """The aligned faces of a data set and what surrounds them.

    Parameters
    ----------
    dataset : Dataset
        Aligned. Faces that were found in photos are aligned once more into a frame of twice the
        size; crops, which have no surroundings, have their border repeated.
    n_jobs : int
        Worker processes.
    """
    from classic_fer.faces.align import align_faces

    faces, alignment = aligned_faces(dataset), dataset.alignment
    size = faces["image"].shape[1]
    if alignment is None or alignment.detector == "none":
        before, after = size // 2, size - size // 2
        images = np.pad(faces["image"], ((0, 0), (before, after), (before, after)), mode="edge")
        return Surroundings(images, faces, from_photos=False)
    wide = replace(alignment, frame=_twice(alignment.frame))
    again = align_faces(replace(dataset, faces=None), alignment=wide, n_jobs=n_jobs)
    return Surroundings(aligned_faces(again)["image"], faces, from_photos=True)


def _twice(frame: Frame) -> Frame:
    """A frame of twice the size whose middle, from pixel ``size // 2`` on, is the frame."""
    size = frame.size

    def inside(point: tuple[float, float]) -> tuple[float, float]:
        x, y = ((value * size + size // 2) / (2 * size) for value in point)
        return x, y

    return replace(
        frame,
        size=2 * size,
        left_eye=inside(frame.left_eye),
        right_eye=inside(frame.right_eye),
        mouth=inside(frame.mouth),
    )
