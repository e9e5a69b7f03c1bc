"""Predictions drawn on the photo: a box, landmarks and a label for each face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ParameterError
from classic_fer.models.abstention import UNSURE
from classic_fer.predictions import PHOTO_SUFFIXES, FacePrediction

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

__all__ = ["draw_predictions", "drawing_paths", "save_drawings"]

# Black on yellow stands out from skin and background for every kind of colour vision.
_PAPER, _INK = (255, 212, 0), (0, 0, 0)


def draw_predictions(
    photo: NDArray[np.uint8], predictions: Sequence[FacePrediction], *, note: str = ""
) -> NDArray[np.uint8]:
    """The photo with a box, landmarks, the label and its probability for each face.

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W) or (H, W, 3)
        Grey or RGB.
    predictions : sequence of FacePrediction
        Boxes and landmarks in pixels of `photo`. The label of a prediction without a box (no
        face was found) goes to the top of the photo and says so.
    note : str
        Written below the photo, which becomes that much higher.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), higher with a note
        RGB; `photo` itself is not changed.

    Raises
    ------
    ParameterError
        If `photo` is not such an array.
    """
    from PIL import Image, ImageDraw, ImageFont

    photo = np.asarray(photo)
    is_image = photo.ndim == 2 or photo.shape[2:] == (3,)
    if photo.dtype != np.uint8 or not is_image:
        raise ParameterError(
            f"expected a photo as uint8 array of shape (H, W) or (H, W, 3), "
            f"got {photo.dtype} of shape {photo.shape}"
        )
    canvas = Image.fromarray(photo).convert("RGB")
    pen = ImageDraw.Draw(canvas)
    width, height = canvas.size
    line = max(1, round(min(width, height) / 250))
    for each in predictions:
        if each.box is None:
            left, top, wide = 0.0, 0.0, float(width)
        else:
            left, top, wide, high = each.box
            pen.rectangle([left, top, left + wide, top + high], outline=_PAPER, width=line)
        if each.landmarks is not None:
            _draw_points(pen, each.landmarks)
        caption = _caption(each)
        size = float(np.clip(wide / 9, 10, 40))
        while size > 8 and pen.textlength(caption, ImageFont.load_default(size)) > width - 6:
            size -= 1
        font = ImageFont.load_default(size)
        _, _, right, bottom = pen.textbbox((0, 0), caption, font=font)
        tag_width, tag_height = right + 6, bottom + 4
        x = float(np.clip(left, 0, max(0, width - tag_width)))
        above = top - tag_height
        y = above if above >= 0 else min(top, max(0, height - tag_height))
        pen.rectangle([x, y, x + tag_width, y + tag_height], fill=_PAPER)
        pen.text((x + 3, y + 1), caption, font=font, fill=_INK)
    return np.asarray(canvas if not note else _with_note(canvas, note))


def _draw_points(pen: ImageDraw.ImageDraw, points: NDArray[np.float32]) -> None:
    """Dots whose rim tells them from bright skin."""
    radius = max(1.0, float(np.ptp(points[:, 0])) / 120)
    for x, y in points.tolist():
        outer, inner = radius + 0.5, radius - 0.5
        pen.ellipse([x - outer, y - outer, x + outer, y + outer], fill=_INK)
        pen.ellipse([x - inner, y - inner, x + inner, y + inner], fill=_PAPER)


def _with_note(canvas: Image.Image, note: str) -> Image.Image:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(12.0)
    width, height = canvas.size
    lines = [""]
    for word in note.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width - 8:
            lines[-1] = longer
        else:
            lines.append(word)
    noted = Image.new("RGB", (width, height + 15 * len(lines) + 6), _PAPER)
    noted.paste(canvas, (0, 0))
    ImageDraw.Draw(noted).text((4, height + 2), "\n".join(lines), font=font, fill=_INK)
    return noted


def drawing_paths(photos: Sequence[Path], target: Path) -> dict[str, Path]:
    """Where the drawing of each photo goes.

    Parameters
    ----------
    photos : sequence of Path
    target : Path
        For one photo a file with the extension of an image, or a folder; for several photos a
        folder, in which each drawing is named after its photo.

    Returns
    -------
    dict of str to Path
        No two photos share a drawing.

    Raises
    ------
    ParameterError
        If `target` names a file and there are several photos, if it names neither an image nor a
        folder, or if a drawing would take the place of a photo.
    """
    drawings = _paths_in(target, photos)
    originals = {photo.resolve() for photo in photos}
    for path in drawings.values():
        if path.resolve() in originals:
            raise ParameterError(
                f"the drawing {path} would overwrite a photo; name another file or folder"
            )
    return drawings


def _paths_in(target: Path, photos: Sequence[Path]) -> dict[str, Path]:
    suffix = "" if target.is_dir() else target.suffix.lower()
    if suffix in PHOTO_SUFFIXES and len(photos) > 1:
        raise ParameterError(
            f"{len(photos)} photos do not fit into one drawing {target}; name a folder"
        )
    if suffix in PHOTO_SUFFIXES:
        return {str(photos[0]): target}
    if suffix and len(photos) == 1:
        raise ParameterError(
            f"{target}: no drawing can be written as {suffix}; expected a file ending in "
            f"{', '.join(PHOTO_SUFFIXES)}, or a folder"
        )
    drawings: dict[str, Path] = {}
    taken: set[Path] = set()
    for photo in photos:
        path, number = target / f"{photo.stem}.png", 1
        while path in taken:
            number += 1
            path = target / f"{photo.stem}-{number}.png"
        taken.add(path)
        drawings[str(photo)] = path
    return drawings


def save_drawings(
    predictions: Sequence[FacePrediction], drawings: Mapping[str, Path], *, note: str = ""
) -> list[Path]:
    """Write the photos that have predictions with their boxes and labels.

    Parameters
    ----------
    predictions : sequence of FacePrediction
        With the path of their photo.
    drawings : mapping of str to Path
        From the path of a photo to that of its drawing; see `drawing_paths`.
    note : str
        Written below each photo.

    Returns
    -------
    list of Path
        The files written.
    """
    from PIL import Image

    from classic_fer.datasets.images import decode

    written = []
    for photo, path in drawings.items():
        faces = [each for each in predictions if each.photo == photo]
        if not faces:
            continue
        pixels = decode(Path(photo).read_bytes(), path=photo)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_predictions(pixels, faces, note=note)).save(path)
        written.append(path)
    return written


def _caption(prediction: FacePrediction) -> str:
    if prediction.label is None:
        return UNSURE if prediction.found else "no face found"
    caption = f"{prediction.label} {prediction.confidence:.0%}"
    return caption if prediction.found else f"{caption} (no face found)"
