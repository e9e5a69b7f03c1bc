"""Warping: a face brought to other landmarks, triangle by triangle, and blending of two faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import DataError, ParameterError
from classic_fer.faces.frame import Frame
from classic_fer.faces.similarity import apply_similarity, estimate_similarity, warp_face
from classic_fer.faces.types import MIRRORED_LANDMARKS, make_faces

__all__ = ["blend_inside", "flip_faces", "to_frame", "warp_to_landmarks"]

_BORDER_STEPS = 4  # fixed points along each side of the image


def warp_to_landmarks(
    image: NDArray[np.uint8], source: ArrayLike, target: ArrayLike
) -> NDArray[np.uint8]:
    """Piecewise affine warp that moves the landmarks of a face; the border stays where it is.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W)
        Grey face.
    source, target : array_like, shape (k, 2)
        Where the k landmarks lie and where they are to lie, x, y in pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W)

    Raises
    ------
    DataError
        If a landmark is not finite: there is nothing to move.
    ParameterError
        If the points differ in shape.

    Notes
    -----
    The plane is divided by a Delaunay triangulation of the targets and of fixed points along the
    border; each pixel is taken (bilinearly) from the place with the same barycentric coordinates
    in the triangle of the sources, as in active appearance models (Cootes, Edwards and Taylor
    2001). Landmarks outside the image do not move.
    """
    import cv2
    from scipy.spatial import Delaunay

    old, new = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if old.shape != new.shape or old.ndim != 2 or old.shape[1] != 2:
        raise ParameterError(
            f"expected two sets of landmarks of one shape (k, 2), got {old.shape} and {new.shape}"
        )
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        raise DataError("this face has no landmarks (NaN), so that it cannot be warped")
    height, width = image.shape
    size = np.array([width - 1, height - 1], dtype=np.float64)
    inside = ((old > 0) & (old < size) & (new > 0) & (new < size)).all(axis=1)
    border = _border_points(height, width)
    old, new = np.vstack([old[inside], border]), np.vstack([new[inside], border])
    triangles = Delaunay(new)
    rows, columns = np.mgrid[:height, :width]
    pixels = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float64)
    # Pixels on the border may fall out of all triangles by rounding.
    found = triangles.find_simplex(pixels, tol=1e-6)
    transform = triangles.transform[found]
    two = np.einsum("nij,nj->ni", transform[:, :2], pixels - transform[:, 2])
    weights = np.column_stack([two, 1 - two.sum(axis=1)])
    places = np.einsum("ni,nij->nj", weights, old[triangles.simplices[found]])
    outside = (found < 0) | ~np.isfinite(places).all(axis=1)
    places[outside] = pixels[outside]
    maps = places.astype(np.float32).reshape(height, width, 2)
    x, y = cv2.split(maps)
    warped = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def blend_inside(
    image: NDArray[np.uint8], other: NDArray[np.uint8], outline: ArrayLike, *, strength: float = 1.0
) -> NDArray[np.uint8]:
    """Take what lies inside an outline from another image, with a soft edge.

    Parameters
    ----------
    image, other : ndarray of uint8, shape (H, W)
        `other` lies over `image`.
    outline : array_like, shape (k, 2)
        Corners of a polygon in order, x, y in pixels.
    strength : float
        How much of `other` shows in the middle, 0 to 1.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        `image` itself, as a copy, where the outline encloses nothing.
    """
    import cv2

    if image.shape != other.shape:
        raise ParameterError(f"images differ in shape: {image.shape} and {other.shape}")
    if not 0 <= strength <= 1:
        raise ParameterError(f"strength of blending must lie between 0 and 1, got {strength}")
    mask = np.zeros(image.shape, dtype=np.float32)
    corners = np.round(np.asarray(outline, dtype=np.float64) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1.0, lineType=cv2.LINE_AA, shift=4)
    share = strength * cv2.GaussianBlur(mask, (0, 0), max(0.5, len(image) / 96))
    mixed = image + share * (other.astype(np.float32) - image)
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def flip_faces(faces: NDArray) -> NDArray:
    """Mirror images of faces; the landmarks keep their meaning.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Faces; not changed.
    """
    flipped = faces.copy()
    flipped["image"] = faces["image"][:, :, ::-1]
    landmarks = faces["landmarks"][:, MIRRORED_LANDMARKS].copy()
    landmarks[..., 0] = faces["image"].shape[2] - 1 - landmarks[..., 0]
    flipped["landmarks"] = landmarks
    return flipped


def to_frame(faces: NDArray, own: Frame, frame: Frame) -> NDArray:
    """Faces brought from the frame they lie in into another one, by one similarity for all.

    Parameters
    ----------
    faces : structured ndarray, shape (n,)
        Faces of ``own.size`` pixels.
    own, frame : Frame

    Returns
    -------
    structured ndarray, shape (n,)
        `faces` itself where the frames are the same.
    """
    if own == frame:
        return faces
    matrix = estimate_similarity(own.points - 0.5, frame.points - 0.5)
    return make_faces(
        np.stack([warp_face(image, matrix, frame.size) for image in faces["image"]]),
        landmarks=apply_similarity(matrix, faces["landmarks"]),
        boxes=faces["box"],
        found=faces["found"],
    )


def _border_points(height: int, width: int) -> NDArray[np.float64]:
    """Corners and points along the sides, shape (4 * _BORDER_STEPS, 2)."""
    steps = np.linspace(0, 1, _BORDER_STEPS + 1)[:-1]
    zero, one = np.zeros_like(steps), np.ones_like(steps)
    around = [(steps, zero), (one, steps), (1 - steps, one), (zero, 1 - steps)]
    unit = np.vstack([np.column_stack(side) for side in around])
    return unit * [width - 1, height - 1]
