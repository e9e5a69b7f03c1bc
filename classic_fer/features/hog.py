"""Histograms of oriented gradients over dense, overlapping blocks."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classic_fer.errors import ParameterError
from classic_fer.features._base import (
    ImageFeature,
    check_choice,
    check_count,
    check_image,
    pair,
)

__all__ = ["HOG", "HOG_NORMS", "hog"]

HOG_NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")


def hog(
    image: ArrayLike,
    *,
    orientations: int = 9,
    pixels_per_cell: int | tuple[int, int] = 8,
    cells_per_block: int | tuple[int, int] = 2,
    step: int | tuple[int, int] | None = None,
    block_norm: str = "L2-Hys",
    transform_sqrt: bool = False,
) -> NDArray[np.float32]:
    """Histogram of oriented gradients of one image.

    Parameters
    ----------
    image : array_like of uint8, shape (H, W)
        Grey image.
    orientations : int
        Bins over 180 degrees, 1 to 180; bin 0 starts at a horizontal gradient (vertical edge).
    pixels_per_cell : int or tuple of int
        Height and width of a cell in pixels.
    cells_per_block : int or tuple of int
        Rows and columns of cells that are normalised together.
    step : int or tuple of int, optional
        Pixels from one block to the next, down and across; by default the size of a cell, as in
        scikit-image. Smaller steps sample the face more densely: cells of 8, blocks of 2 x 2 and
        a step of 4 pixels are common for 48 pixel faces.
    block_norm : {"L2-Hys", "L2", "L1-sqrt", "L1"}
        Normalisation of a block; L2-Hys clips at 0.2 and normalises again.
    transform_sqrt : bool
        Whether to take the square root of the grey values first (gamma compression).

    Returns
    -------
    features : ndarray of float32, shape (d,)
        By block row, block column, cell row, cell column, orientation. Values 0 to 1.

    Raises
    ------
    ParameterError
        If `image` is not a grey uint8 image, is smaller than a block, or a parameter is out of
        range.

    Notes
    -----
    Agrees with `skimage.feature.hog` to 1e-6. Hence it differs from the paper in that votes are
    not interpolated between bins and cells, and not weighted by a Gaussian within a block; the
    default block of 2 x 2 cells is the paper's. Rows and columns that do not fill a step are
    left out at the bottom and the right.

    References
    ----------
    N. Dalal, B. Triggs: Histograms of oriented gradients for human detection. CVPR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> hog(np.zeros((48, 48), dtype=np.uint8)).shape  # 5 x 5 blocks of 2 x 2 cells
    (900,)
    """
    feature = HOG(
        orientations=orientations,
        pixels_per_cell=pixels_per_cell,
        cells_per_block=cells_per_block,
        step=step,
        block_norm=block_norm,
        transform_sqrt=transform_sqrt,
    )
    return feature.transform(check_image(image))[0]


class HOG(ImageFeature):
    """Histograms of oriented gradients of a batch of faces: `hog` as a transformer.

    Parameters
    ----------
    orientations, pixels_per_cell, cells_per_block, step, block_norm, transform_sqrt
        See `hog`.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width of the images seen by `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> faces = np.zeros((3, 48, 48), dtype=np.uint8)
    >>> HOG(step=4).fit_transform(faces).shape
    (3, 2916)
    """

    def __init__(
        self,
        *,
        orientations: int = 9,
        pixels_per_cell: int | tuple[int, int] = 8,
        cells_per_block: int | tuple[int, int] = 2,
        step: int | tuple[int, int] | None = None,
        block_norm: str = "L2-Hys",
        transform_sqrt: bool = False,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.step = step
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt

    def _layout(self, height: int, width: int) -> NDArray[np.int64]:
        """Per axis: patch (pixels), cell and step (patches), block (cells), number of blocks."""
        cells = pair("pixels_per_cell", self.pixels_per_cell)
        blocks = pair("cells_per_block", self.cells_per_block)
        steps = cells if self.step is None else pair("step", self.step)
        return _block_layout((height, width), cells, blocks, steps)

    def _width(self, height: int, width: int) -> int:
        orientations = check_count("orientations", self.orientations, low=1, high=180)
        check_choice("block_norm", self.block_norm, HOG_NORMS)
        if not isinstance(self.transform_sqrt, bool | np.bool_):
            raise ParameterError(
                f"transform_sqrt must be True or False, got {self.transform_sqrt!r}"
            )
        _, _, _, block, n_blocks = self._layout(height, width)
        return int(n_blocks.prod() * block.prod()) * orientations

    def _names(self, height: int, width: int) -> list[str]:
        _, _, _, block, n_blocks = self._layout(height, width).tolist()
        sizes = (*n_blocks, *block, self.orientations)
        return [
            f"hog_block{r}-{c}_cell{i}-{j}_orientation{o}"
            for r, c, i, j, o in product(*map(range, sizes))
        ]

    def column_boxes(self, height: int, width: int) -> NDArray[np.int64]:
        """x, y, width, height of the cell of each column, shape (d, 4), in pixels."""
        patch, cell, step, block, n_blocks = self._layout(height, width)
        first = np.indices((*n_blocks, *block)).reshape(4, -1).T  # block row, column, cell ...
        corners = (first[:, :2] * step + first[:, 2:] * cell) * patch
        sizes = np.broadcast_to(cell * patch, corners.shape)
        boxes = np.column_stack([corners[:, ::-1], sizes[:, ::-1]])
        return np.repeat(boxes, int(self.orientations), axis=0)

    def _extract(self, images: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        from classic_fer.features._hog_kernels import (
            block_histograms,
            gradients,
            root_gradients,
        )

        orientations = int(self.orientations)
        bins = np.empty(images.shape, dtype=np.uint8)
        magnitudes = np.empty(images.shape, dtype=np.float32)
        if self.transform_sqrt:
            root_gradients(images, _borders(orientations), bins, magnitudes)
        else:
            gradients(images, _bin_table(orientations), bins, magnitudes)
        layout = self._layout(*images.shape[1:])
        norm = HOG_NORMS.index(self.block_norm)
        block_histograms(bins, magnitudes, layout, orientations, norm, out)


@lru_cache(maxsize=32)
def _block_layout(
    shape: tuple[int, int], cells: tuple[int, int], blocks: tuple[int, int], steps: tuple[int, int]
) -> NDArray[np.int64]:
    columns = []
    for length, cell, block, step in zip(shape, cells, blocks, steps):
        patch = gcd(cell, step)
        n_blocks = (length - cell * block) // step + 1
        columns.append((patch, cell // patch, step // patch, block, n_blocks))
    if min(columns[0][-1], columns[1][-1]) < 1:
        needed = tuple(c * b for c, b in zip(cells, blocks))
        raise ParameterError(
            f"blocks of {blocks[0]} x {blocks[1]} cells of {cells[0]} x {cells[1]} pixels "
            f"need images of at least {needed[0]} x {needed[1]} pixels, "
            f"got {shape[0]} x {shape[1]}; lower pixels_per_cell or cells_per_block"
        )
    return np.array(columns, dtype=np.int64).T.copy()


def _borders(orientations: int) -> NDArray[np.float64]:
    """Borders of the bins in degrees, rounded to single precision as in scikit-image.

    Thus a gradient that lies on a border comes into the same bin.
    """
    borders = np.float32(180 / orientations) * np.arange(orientations + 1, dtype=np.float32)
    return borders.astype(np.float64)


@lru_cache(maxsize=8)
def _bin_table(orientations: int) -> NDArray[np.uint8]:
    """Bin of each pair of integer differences: entry [255 + down, 255 + right]."""
    down, right = np.mgrid[-255.0:256.0, -255.0:256.0]
    degrees = np.rad2deg(np.arctan2(down, right)) % 180
    inner_borders = _borders(orientations)[1:-1]
    return np.searchsorted(inner_borders, degrees, side="right").astype(np.uint8)
