"""The contact sheet of an audit: the worst groups of copies with their labels, as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from classic_fer.datasets.dataset import Dataset
    from classic_fer.evaluation.audit import Audit, CopyGroup

__all__ = ["contact_sheet", "save_contact_sheet", "worst_groups"]

_SIDE = 96
_GAP = 8
_CELL = _SIDE + 2 * _GAP + 14
_CAPTION = 40
_COLUMNS = 8
_TITLE = 22
_MARGIN = 14
_HEAD = 64
_LONGEST = 24  # characters of a file name
# Vermilion and blue of Okabe and Ito differ for every kind of colour vision.
_CONFLICT, _ACROSS, _PLAIN, _INK = "#D55E00", "#0072B2", "#999999", "#222222"


def worst_groups(audit: Audit, *, limit: int = 40) -> list[tuple[str, CopyGroup]]:
    """The groups that spoil an evaluation most, with their kind (identical, near copies).

    Groups with different labels and across parts come first, then those across parts, then those
    with different labels, then others; at each step identical images before near copies. Near
    copies take at least half of the places where there are enough of them.

    Parameters
    ----------
    audit : Audit
    limit : int
        Groups at most.
    """

    def ranked(groups: list[CopyGroup]) -> list[CopyGroup]:
        return sorted(groups, key=_harm, reverse=True)

    identical, near = ranked(audit.groups), ranked(audit.near_groups or [])
    n_identical = min(len(identical), max(limit - len(near), limit - limit // 2))
    chosen = [("identical", group) for group in identical[:n_identical]]
    chosen += [("near copies", group) for group in near[: limit - n_identical]]
    return sorted(chosen, key=lambda pair: _harm(pair[1]), reverse=True)


def _harm(group: CopyGroup) -> int:
    return 2 * group.across_splits + group.conflicting


def contact_sheet(audit: Audit, dataset: Dataset, *, limit: int = 40) -> NDArray[np.uint8] | None:
    """The worst groups as a picture: one row a group, label, part and file below each image.

    Parameters
    ----------
    audit : Audit
    dataset : Dataset
        The data set that was audited.
    limit : int
        Groups at most.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), or None
        RGB; None where there are no copies.
    """
    from PIL import Image, ImageDraw, ImageFont

    groups = worst_groups(audit, limit=limit)
    if not groups:
        return None
    row_height = _TITLE + _SIDE + _CAPTION + _GAP
    columns = min(_COLUMNS, max(4, *(len(group.rows) for _, group in groups)))
    width = 2 * _MARGIN + columns * _CELL
    canvas = Image.new("RGB", (width, _HEAD + row_height * len(groups) + _MARGIN), "white")
    pen = ImageDraw.Draw(canvas)
    total = len(audit.groups) + len(audit.near_groups or [])
    head = f"{audit.name}: the {len(groups)} worst of {total:,} groups of copies"
    pen.text((_MARGIN, 8), head, fill=_INK, font=ImageFont.load_default(18))
    pen.text((_MARGIN, 36), "different labels", fill=_CONFLICT, font=ImageFont.load_default(13))
    pen.text((_MARGIN + 130, 36), "across parts", fill=_ACROSS, font=ImageFont.load_default(13))
    for k, (kind, group) in enumerate(groups):
        _draw_group(canvas, pen, dataset, kind, group, _HEAD + k * row_height, columns)
    return np.asarray(canvas)


def _draw_group(
    canvas: Image.Image,
    pen: ImageDraw.ImageDraw,
    dataset: Dataset,
    kind: str,
    group: CopyGroup,
    top: int,
    columns: int,
) -> None:
    from PIL import ImageFont

    from classic_fer.evaluation.fingerprints import read_image

    font, small = ImageFont.load_default(13), ImageFont.load_default(10)
    colour = _CONFLICT if group.conflicting else _ACROSS if group.across_splits else _PLAIN
    notes = [f"{len(group.rows)} images, {kind}"]
    if group.conflicting:
        notes.append(f"{len(set(group.labels))} labels")
    if group.across_splits:
        notes.append("across " + ", ".join(sorted({s for s in group.splits if s})))
    shown = _most_telling(group, columns)
    if len(shown) < len(group.rows):
        notes.append(f"{len(shown)} shown")
    pen.text((_MARGIN, top), "; ".join(notes), fill=colour, font=font)
    for position, member in enumerate(shown):
        left, upper = _MARGIN + position * _CELL, top + _TITLE
        picture = _picture(read_image(dataset, group.rows[member]))
        canvas.paste(picture, (left + (_SIDE - picture.width) // 2, upper))
        split = group.splits[member]
        across = group.across_splits
        pen.rectangle(
            [left - 2, upper - 2, left + _SIDE + 1, upper + _SIDE + 1], outline=colour, width=2
        )
        name = Path(group.files[member]).name
        if len(name) > _LONGEST:
            name = f"{name[:10]}...{name[-11:]}"
        for text, line, ink, face in (
            (group.labels[member], 2, _CONFLICT if group.conflicting else _INK, font),
            (split or "", 16, _ACROSS if across else _INK, small),
            (name, 27, _INK, small),
        ):
            pen.text((left, upper + _SIDE + line), text, fill=ink, font=face)


def _most_telling(group: CopyGroup, n: int) -> list[int]:
    """At most n members: one of each label and part first."""
    seen: set[tuple[str, str | None]] = set()
    first: list[int] = []
    others: list[int] = []
    for member, key in enumerate(zip(group.labels, group.splits)):
        (others if key in seen else first).append(member)
        seen.add(key)
    return sorted([*first, *others][:n])


def _picture(image: NDArray[np.uint8]) -> Image.Image:
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    scale = _SIDE / max(picture.size)
    size = tuple(max(1, round(scale * side)) for side in picture.size)
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)


def save_contact_sheet(
    audit: Audit, dataset: Dataset, folder: Path, *, limit: int = 40
) -> Path | None:
    """Write ``contact-sheet.png`` into a folder, which is made.

    Returns
    -------
    Path or None
        The file; None where there are no copies to show.
    """
    from PIL import Image

    sheet = contact_sheet(audit, dataset, limit=limit)
    if sheet is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "contact-sheet.png"
    Image.fromarray(sheet).save(path)
    return path
