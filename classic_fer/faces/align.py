"""Alignment of whole data sets: which way their faces come into which frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from classic_fer.disk_arrays import take
from classic_fer.errors import DataError, ImageError, ParameterError
from classic_fer.faces.batch import Plan, align_batch, measure_crops
from classic_fer.faces.crops import MAX_CROPS, frame_from_points, usual_size
from classic_fer.faces.detectors import check_detector
from classic_fer.faces.frame import MAX_SIZE, MIN_SIZE, Alignment, Frame
from classic_fer.faces.landmarks import eyes_and_mouth, predictor_path
from classic_fer.faces.photo import Photos, read_item
from classic_fer.faces.single import align_face, align_photo, find_faces
from classic_fer.progress import Progress

if TYPE_CHECKING:
    from classic_fer.datasets.dataset import Dataset

__all__ = ["align_face", "align_faces", "align_photo", "eyes_and_mouth", "find_faces"]

# The most unreadable files that one error message names.
_NAMED = 5


@overload
def align_faces(
    data: Dataset,
    *,
    alignment: Alignment | None = ...,
    size: int | None = ...,
    detector: str | None = ...,
    landmarks: str | None = ...,
    not_found: str | None = ...,
    n_jobs: int = ...,
    progress: Progress | None = ...,
    cache: bool = ...,
    max_bytes: int | None = ...,
) -> Dataset: ...
@overload
def align_faces(
    data: Sequence[str | Path | NDArray[np.uint8]] | NDArray[np.uint8],
    *,
    alignment: Alignment | None = ...,
    size: int | None = ...,
    detector: str | None = ...,
    landmarks: str | None = ...,
    not_found: str | None = ...,
    n_jobs: int = ...,
    progress: Progress | None = ...,
    cache: bool = ...,
    max_bytes: int | None = ...,
) -> NDArray: ...
def align_faces(
    data: Dataset | Sequence[str | Path | NDArray[np.uint8]] | NDArray[np.uint8],
    *,
    alignment: Alignment | None = None,
    size: int | None = None,
    detector: str | None = None,
    landmarks: str | None = None,
    not_found: str | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
    cache: bool = True,
    max_bytes: int | None = None,
) -> Dataset | NDArray:
    """Find and align one face a photo, the largest; rows are kept where none is found.

    Parameters
    ----------
    data : Dataset, or sequence of paths or of uint8 arrays of shape (H, W) or (H, W, 3)
        Photos, or crops of faces.
    alignment : Alignment, optional
        That of a model, so that these faces come to lie as its training faces did.
    size : int, optional
        Height and width of the aligned faces in pixels, at least 16; by default 64 for photos,
        and the size of the crops (at most 128) for crops. Not together with `alignment`.
    detector, landmarks, not_found : str, optional
        See `Alignment`. By default those of `alignment`, else those of the data card, else
        ``"dlib"``, ``"68"`` and ``"whole"``. The detector ``"none"`` says that the images are
        crops of faces.
    n_jobs : int
        Worker processes, as joblib counts them (-1: one a core). The result does not depend on it.
    progress : callable, optional
        Called with the number of photos done and of all.
    cache : bool
        Whether aligned faces are looked up and kept on disk (`classic_fer.cache`).
    max_bytes : int, optional
        Faces that take more are memory-mapped: a file in the cache folder without a name, which
        is gone with the array.

    Returns
    -------
    Dataset, or structured ndarray of shape (n,)
        A data set with `faces` and `alignment`, without the rows of unreadable files, which its
        `unreadable` lists; for a sequence the Faces alone.

    Raises
    ------
    ParameterError
        If a parameter cannot be used, or not with the others.
    DataError
        If boxes or landmarks are asked from data that have none, or no file is readable.
    ImageError
        If files of a sequence are not readable; names them. The others are in the cache.
    MissingFileError
        If a detector's or landmark model's file is missing.

    Notes
    -----
    Photos: each face is warped so that eye centres and mouth lie in ``alignment.frame``. Crops
    (data cards with the detector ``"none"``): the frame is estimated on training crops; crops of
    its size keep every bit. When such a model's alignment is given, crops of the data set it was
    trained on stay as they are, other crops are warped from their own estimated frame into the
    model's by one similarity for all, and photos are searched with dlib.

    With another detector, crops are searched like photos and aligned one by one. In a crop in
    which no face is found, landmarks are predicted from the place where faces of these crops
    usually lie (`crops.crop_landmarks`); it stays marked as not found.
    """
    photos = _photos(data)
    if size is not None and alignment is not None:
        raise ParameterError(
            f"size={size} cannot be chosen together with an alignment, whose faces have "
            f"{alignment.frame.size} pixels; leave one of them out"
        )
    if size is not None and not MIN_SIZE <= size <= MAX_SIZE:
        raise ParameterError(f"size must lie between {MIN_SIZE} and {MAX_SIZE} pixels, got {size}")
    chosen = _choose(photos, alignment, detector, landmarks, not_found)
    if chosen.detector == "none":
        plan = _crop_plan(photos, chosen, given=alignment is not None, size=size, cache=cache)
    else:
        plan = _photo_plan(photos, chosen, given=alignment is not None, size=size, cache=cache)
    _check_tools(plan.alignment)
    used = replace(
        photos,
        boxes=photos.boxes if chosen.detector == "data" else None,
        landmarks=photos.landmarks if chosen.landmarks == "data" else None,
    )
    faces, readable = align_batch(
        used, plan, n_jobs=n_jobs, progress=progress, cache=cache, max_bytes=max_bytes
    )
    faults = {photos.paths[i]: photos.fault(i) for i in np.flatnonzero(~readable).tolist()}
    if isinstance(data, Sequence | np.ndarray):
        if faults:
            raise ImageError(_summary(faults, len(photos)))
        return faces
    if not readable.any():
        raise DataError(f"no photo of {data.name!r} is readable: {_summary(faults, len(photos))}")
    return _with_faces(data, faces, readable, plan.alignment, faults)


def _photos(data: Dataset | Sequence | NDArray) -> Photos:
    """The photos of a data set or sequence, with boxes and landmarks that come with them."""
    if isinstance(data, str | Path | bytes):
        raise ParameterError(
            f"expected a data set or a sequence of photos, got {data!r}; "
            "for a folder or archive: align_faces(load_dataset(PATH))"
        )
    if isinstance(data, Sequence | np.ndarray):
        if isinstance(data, np.ndarray) and (data.ndim < 3 or data.dtype != np.uint8):
            raise ParameterError(
                "expected photos as uint8 array of shape (n, H, W) or (n, H, W, 3), "
                f"got {data.dtype} of shape {data.shape}"
            )
        names = [
            f"photo {i}" if isinstance(photo, np.ndarray) else str(photo)
            for i, photo in enumerate(data)
        ]
        return Photos("images", names, lambda i: read_item(data[i]))
    from classic_fer.datasets.dataset import BOX_COLUMNS

    boxes = None
    if set(BOX_COLUMNS) <= set(data.samples.columns):
        boxes = data.samples[list(BOX_COLUMNS)].to_numpy(dtype=np.float32)
    paths = [data.path(i) for i in range(len(data))]
    kept = data.photos
    read = data.read_bytes if kept is None else kept.__getitem__
    return Photos(data.name, paths, read, boxes, data.landmarks, data.card, data.split)


def _choose(
    photos: Photos,
    alignment: Alignment | None,
    detector: str | None,
    landmarks: str | None,
    not_found: str | None,
) -> Alignment:
    """The alignment with what is asked for, then what the model and the data card say.

    Its detector says what is done with these data: ``"none"`` if they are crops.
    """
    card, has_boxes = photos.card, photos.boxes is not None
    has_landmarks = photos.landmarks is not None
    if detector == "data" and not has_boxes:
        raise DataError("the detector 'data' needs data with the columns x, y, width, height")
    if landmarks == "data" and not has_landmarks:
        raise DataError("landmarks 'data' need data that come with 68 landmarks; choose 68")
    if detector == "none" and landmarks == "5":
        raise ParameterError(
            "crops of faces (detector 'none') are not aligned one by one, so that 5 landmarks "
            "have no use; choose 68 (for the feature geometry) or none"
        )
    if alignment is None:
        base = Alignment() if card is None else Alignment(card.detector, card.landmarks)
        if card is None and detector == "none":
            base = replace(base, landmarks="none")
    else:
        searched = alignment.detector == "none" and not _are_crops(photos)
        base = replace(alignment, detector="dlib") if searched else alignment
    if detector not in (None, "none") and landmarks is None and base.landmarks == "none":
        base = replace(base, landmarks="68")
    chosen = replace(
        base,
        detector=detector or base.detector,
        landmarks=landmarks or base.landmarks,
        not_found=not_found or base.not_found,
    )
    if chosen.detector == "data" and not has_boxes:
        chosen = replace(chosen, detector="dlib")
    if chosen.landmarks == "data" and not has_landmarks:
        chosen = replace(chosen, landmarks="68")
    if chosen.detector == "none" and chosen.landmarks == "5":
        chosen = replace(chosen, landmarks="none")
    return chosen


def _are_crops(photos: Photos) -> bool:
    """Whether the data card says that the images are faces already."""
    return photos.card is not None and (photos.card.cropped or photos.card.detector == "none")


def _photo_plan(
    photos: Photos, chosen: Alignment, *, given: bool, size: int | None, cache: bool
) -> Plan:
    """How faces that are searched for come into the frame.

    Crops in which none is found come there by their own frame, measured where one was found.
    """
    plan = Plan(replace(chosen, frame=Frame.standard(size)) if size else chosen)
    if not _are_crops(photos) or (given and chosen.crops_of == photos.name):
        return plan
    own = _own_frame(photos, size=None, cache=cache)
    trained_on = chosen.crops_of if given else photos.name
    return Plan(replace(plan.alignment, whole=own, crops_of=trained_on))


def _crop_plan(
    photos: Photos, chosen: Alignment, *, given: bool, size: int | None, cache: bool
) -> Plan:
    """How crops come into the frame: their own, unless the alignment of a model is given."""
    if given and chosen.crops_of == photos.name:
        return Plan(chosen, crops=True)
    own = _own_frame(photos, size=size, cache=cache)
    if given:
        return Plan(chosen, crops=True, own_frame=own)
    return Plan(replace(chosen, frame=own, crops_of=photos.name), crops=True)


def _own_frame(photos: Photos, *, size: int | None, cache: bool) -> Frame:
    """Where eyes and mouth lie in crops of these data, measured on a sample of training rows."""
    rows = np.arange(len(photos))
    if photos.split is not None:
        official = photos.card.official_split if photos.card else None
        parts = official["train"] if official else ["train"]
        training = np.flatnonzero(np.isin(photos.split, parts))
        rows = training if len(training) else rows
    spread = np.linspace(0, len(rows) - 1, min(MAX_CROPS, len(rows))).round().astype(np.intp)
    sides, points = measure_crops(photos, rows[spread], cache=cache)
    return frame_from_points(points, size or max(usual_size(sides), MIN_SIZE))


def _check_tools(alignment: Alignment) -> None:
    """Raise for a detector or predictor that cannot run, before any work."""
    if alignment.detector not in ("none", "data"):
        check_detector(alignment.detector)
    if alignment.landmarks != "none":
        predictor_path("5" if alignment.landmarks == "5" else "68")


def _with_faces(
    data: Dataset,
    faces: NDArray,
    readable: NDArray[np.bool_],
    alignment: Alignment,
    faults: dict[str, str],
) -> Dataset:
    from classic_fer.datasets.sources import Unreadable

    kept = data if readable.all() else data.subset(readable)
    listed = [Unreadable(path, reason) for path, reason in faults.items()]
    return replace(
        kept,
        faces=faces if readable.all() else take(faces, readable),
        alignment=alignment,
        unreadable=[*data.unreadable, *listed],
    )


def _summary(faults: dict[str, str], n: int) -> str:
    reasons = list(faults.values())
    more = f" and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return f"{len(reasons)} of {n} photos cannot be read: " + "; ".join(reasons[:_NAMED]) + more
