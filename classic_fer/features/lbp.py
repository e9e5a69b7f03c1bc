"""Local binary patterns: histograms of local binary patterns over a grid of cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.features._base import (
    ImageFeature,
    check_choice,
    check_count,
    check_image,
    check_number,
    image_stack,
    pair,
)

__all__ = ["LBP", "LBP_METHODS", "LBP_NORMS", "label_table", "lbp_codes", "lbp_histogram"]

LBP_METHODS = ("nri_uniform", "uniform", "default")
LBP_NORMS = ("none", "l1", "l1-sqrt", "l2")

_MAX_POINTS = 24
_MAX_POINTS_DEFAULT = 16  # 65,536 histogram bins


def lbp_codes(
    image: ArrayLike, *, radius: float = 1, points: int = 8, method: str = "nri_uniform"
) -> NDArray[np.uint16]:
    """Label each pixel with its local binary pattern.

    `points` neighbours on a circle are compared with the pixel: bit i is set where neighbour i,
    counted anticlockwise from the right, is at least as bright. Pixels outside the image are 0.

    Parameters
    ----------
    image : array_like of uint8, shape (H, W) or (n, H, W)
        Grey image, or a batch of them.
    radius : float
        Radius of the circle in pixels.
    points : int
        Number of neighbours, 4 to 24 (to 16 for method ``"default"``).
    method : {"nri_uniform", "uniform", "default"}
        ``"default"``: the code itself, 0 to 2**points - 1. ``"uniform"``: patterns with at most
        two changes between 0 and 1 around the circle are labelled with their number of ones, all
        others with points + 1 (rotation invariant). ``"nri_uniform"``: each uniform pattern has
        its own label, all others share one: the u2 labels of the FER literature, 59 for 8 points.

    Returns
    -------
    labels : ndarray of uint16, shape of `image`
        Equal to `skimage.feature.local_binary_pattern`.

    Raises
    ------
    ParameterError
        If `image` is not a grey uint8 image or batch, or a parameter is out of range.

    Notes
    -----
    Neighbours between pixels are interpolated bilinearly in double precision, at positions
    rounded to five decimals, as in scikit-image. Where an image is flat, neighbour and pixel
    differ by the rounding of that sum alone; it is reproduced in the arithmetic of x86-64 wheels.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää: Multiresolution gray-scale and rotation invariant
    texture classification with local binary patterns. IEEE TPAMI 24(7), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[9, 1, 1], [9, 5, 1], [9, 9, 1]], dtype=np.uint8)
    >>> int(lbp_codes(image, points=4, method="default")[1, 1])  # left (4) and below (8)
    12
    """
    image = np.asarray(image)
    images = image_stack(image) if image.ndim == 3 else check_image(image)
    operators = _operators(radius, points, method)
    if len(operators) > 1:
        raise ParameterError(f"lbp_codes takes one radius, got {radius!r}")
    _check_radii(operators, *images.shape[1:])
    return _labels(np.ascontiguousarray(images), operators[0]).reshape(image.shape)


def lbp_histogram(
    image: ArrayLike,
    *,
    radius: float | tuple[float, ...] = 1,
    points: int | tuple[int, ...] = 8,
    method: str = "nri_uniform",
    grid: int | tuple[int, int] = (6, 6),
    overlap: float = 0.0,
    norm: str = "l1-sqrt",
) -> NDArray[np.float32]:
    """Histograms of local binary patterns in each cell of a grid, one after the other.

    Parameters
    ----------
    image : array_like of uint8, shape (H, W)
        Grey image.
    radius : float or tuple of float
        Radius in pixels; the histograms of several radii are concatenated.
    points : int or tuple of int
        Neighbours on the circle; a tuple goes with a tuple of radii of the same length.
    method : {"nri_uniform", "uniform", "default"}
        See `lbp_codes`.
    grid : int or tuple of int
        Rows and columns of cells. They cover the image whatever its size: cell borders are
        rounded to whole pixels.
    overlap : float
        Fraction of its height and width, 0 to 0.9, that a cell shares with the next one. With
        0.5 cells are almost twice as large, still `grid` in number.
    norm : {"l1-sqrt", "l1", "l2", "none"}
        Per cell: frequencies (``"l1"``), their square roots, whose Euclidean distance is the
        Hellinger distance (``"l1-sqrt"``), length 1 (``"l2"``) or plain counts.

    Returns
    -------
    histogram : ndarray of float32, shape (d,)
        By radius, cell row, cell column, label. 6 x 6 x 59 = 2,124 values by default.

    Raises
    ------
    ParameterError
        If `image` is not a grey uint8 image or a parameter is out of range.

    References
    ----------
    T. Ahonen, A. Hadid, M. Pietikäinen: Face description with local binary patterns. IEEE TPAMI
    28(12), 2006. For expressions: C. Shan, S. Gong, P. W. McOwan: Facial expression recognition
    based on local binary patterns. Image and Vision Computing 27(6), 2009. Square roots:
    R. Arandjelović, A. Zisserman: Three things everyone should know to improve object retrieval.
    CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> lbp_histogram(np.zeros((48, 48), dtype=np.uint8)).shape
    (2124,)
    """
    feature = LBP(
        radius=radius, points=points, method=method, grid=grid, overlap=overlap, norm=norm
    )
    return feature.transform(check_image(image))[0]


class LBP(ImageFeature):
    """Local binary pattern histograms of a batch of faces: `lbp_histogram` as a transformer.

    Parameters
    ----------
    radius, points, method, grid, overlap, norm
        See `lbp_histogram`.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width of the images seen by `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> faces = np.zeros((3, 48, 48), dtype=np.uint8)
    >>> LBP(radius=(1, 2), grid=(4, 4)).fit_transform(faces).shape
    (3, 1888)
    """

    def __init__(
        self,
        *,
        radius: float | tuple[float, ...] = 1,
        points: int | tuple[int, ...] = 8,
        method: str = "nri_uniform",
        grid: int | tuple[int, int] = (6, 6),
        overlap: float = 0.0,
        norm: str = "l1-sqrt",
    ) -> None:
        self.radius = radius
        self.points = points
        self.method = method
        self.grid = grid
        self.overlap = overlap
        self.norm = norm

    def _operators(self) -> tuple[_Operator, ...]:
        return _operators(self.radius, self.points, self.method)

    def _width(self, height: int, width: int) -> int:
        operators = self._operators()
        _check_radii(operators, height, width)
        check_choice("norm", self.norm, LBP_NORMS)
        return sum(op.bins for op in operators) * len(self._cells(height, width))

    def _names(self, height: int, width: int) -> list[str]:
        rows, cols = pair("grid", self.grid)
        return [
            f"lbp_radius{op.radius:g}_row{row}_col{col}_label{label}"
            for op in self._operators()
            for row, col, label in product(range(rows), range(cols), range(op.bins))
        ]

    def column_boxes(self, height: int, width: int) -> NDArray[np.int64]:
        """x, y, width, height of the cell that each column counts in, shape (d, 4), in pixels."""
        top, bottom, left, right = self._cells(height, width).T
        boxes = np.column_stack([left, top, right - left, bottom - top])
        return np.concatenate([np.repeat(boxes, op.bins, axis=0) for op in self._operators()])

    def _cells(self, height: int, width: int) -> NDArray[np.int64]:
        """Top, bottom, left, right of each cell, row by row."""
        rows, cols = pair("grid", self.grid)
        overlap = check_number("overlap", self.overlap, low=0, high=0.9)
        if rows > height or cols > width:
            raise ParameterError(
                f"a grid of {rows} x {cols} cells needs at least {rows} x {cols} pixels, "
                f"got images of {height} x {width}"
            )
        return _cell_borders(height, width, rows, cols, overlap)

    def _extract(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        from classic_fer.features._lbp_kernels import cell_histograms

        cells = self._cells(*images.shape[1:])
        norm = LBP_NORMS.index(self.norm)
        first = 0
        for operator in self._operators():
            labels = _labels(images, operator)
            cell_histograms(labels, cells, operator.bins, norm, first, out)
            first += operator.bins * len(cells)


@dataclass(frozen=True)
class _Operator:
    """One circle of neighbours and how its codes are labelled."""

    radius: float
    points: int
    method: str

    @property
    def bins(self) -> int:
        """Number of labels."""
        if self.method == "default":
            return 1 << self.points
        if self.method == "uniform":
            return self.points + 2
        return self.points * (self.points - 1) + 3


def _operators(radius: Any, points: Any, method: Any) -> tuple[_Operator, ...]:
    """The checked operators that `radius`, `points` and `method` ask for."""
    check_choice("method", method, LBP_METHODS)
    radii = radius if isinstance(radius, tuple | list) else (radius,)
    counts = points if isinstance(points, tuple | list) else (points,) * len(radii)
    if not radii or len(radii) != len(counts):
        raise ParameterError(
            f"radius and points must be of the same length, got {radius!r} and {points!r}"
        )
    high = _MAX_POINTS_DEFAULT if method == "default" else _MAX_POINTS
    operators = []
    for r, p in zip(radii, counts):
        if not isinstance(r, float | int | np.number) or isinstance(r, bool) or not 0 < r < np.inf:
            raise ParameterError(f"radius must be a positive number of pixels, got {r!r}")
        p = check_count(f"points (method {method!r})", p, low=4, high=high)
        operators.append(_Operator(float(r), p, method))
    return tuple(operators)


def _check_radii(operators: tuple[_Operator, ...], height: int, width: int) -> None:
    largest = max(op.radius for op in operators)
    if largest >= min(height, width):
        raise ParameterError(
            f"radius {largest:g} does not fit into images of {height} x {width} pixels"
        )


@lru_cache(maxsize=32)
def _cell_borders(
    height: int, width: int, rows: int, cols: int, overlap: float
) -> NDArray[np.int64]:
    vertical, horizontal = _intervals(height, rows, overlap), _intervals(width, cols, overlap)
    return np.array([v + h for v, h in product(vertical, horizontal)], dtype=np.int64)


def _intervals(length: int, n: int, overlap: float) -> list[tuple[int, int]]:
    """Start and stop of `n` equal intervals over `length` pixels, each overlapping the next."""
    size = length / (1 + (n - 1) * (1 - overlap))
    starts = [i * (1 - overlap) for i in range(n)]
    return [(round(start * size), round((start + 1) * size)) for start in starts]


def _labels(images: NDArray[np.uint8], operator: _Operator) -> NDArray[np.uint16]:
    from classic_fer.features._lbp_kernels import pattern_labels

    samples = _samples(operator.radius, operator.points, *images.shape[1:])
    labels = np.empty(images.shape, dtype=np.uint16)
    pattern_labels(images, *samples, label_table(operator.points, operator.method), labels)
    return labels


@lru_cache(maxsize=32)
def _samples(
    radius: float, points: int, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels around each sample of the circle, and its place between them.

    Returns samples (points, 5): index, then top, bottom, left and right pixel relative to the
    centre; and the fractions (points, height) and (points, width) from top to bottom and left to
    right, which depend on the centre by rounding only. Samples in the same columns follow each
    other.
    """
    angles = 2 * np.pi * np.arange(points, dtype=np.float64) / points
    r = float(np.float32(radius))  # scikit-image keeps the radius in single precision
    rows, cols = np.round(-r * np.sin(angles), 5), np.round(r * np.cos(angles), 5)
    order = np.argsort(cols, kind="stable")
    rows, cols = rows[order], cols[order]
    corners = [np.floor(rows), np.ceil(rows), np.floor(cols), np.ceil(cols)]
    samples = np.stack([order, *corners], axis=1).astype(np.int64)
    down = np.arange(height) + rows[:, np.newaxis]
    right = np.arange(width) + cols[:, np.newaxis]
    return samples, down - np.floor(down), right - np.floor(right)


@lru_cache(maxsize=8)
def label_table(points: int, method: str) -> NDArray[np.uint16]:
    """Label of each of the 2**points codes, numbered as in scikit-image."""
    if method == "default":
        return np.arange(1 << points, dtype=np.uint32).astype(np.uint16)
    rotation_invariant = method == "uniform"
    n_labels = _Operator(1, points, method).bins
    table = np.full(1 << points, n_labels - 1, dtype=np.uint16)
    table[0] = 0
    table[-1] = n_labels - 2
    mask = (1 << points) - 1
    for ones in range(1, points):
        run = (1 << ones) - 1
        for shift in range(points):
            code = ((run << shift) | (run >> (points - shift))) & mask
            # skimage numbers the rotations of a run from the one that ends at the highest bit
            rotation = (points - shift) % points
            table[code] = ones if rotation_invariant else 1 + (ones - 1) * points + rotation
    return table
