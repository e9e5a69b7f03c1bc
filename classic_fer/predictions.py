"""What a recognizer says about the faces of a photo: plain data, also as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classic_fer.errors import ImageError, MissingFileError
from classic_fer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PHOTO_SUFFIXES",
    "FacePrediction",
    "PhotoRecognizer",
    "UnreadablePhoto",
    "find_photos",
    "predict_photos",
    "predictions_frame",
]

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


@dataclass(frozen=True)
class FacePrediction:
    """The expression of one face.

    Attributes
    ----------
    label : str or None
        Class of the highest calibrated probability; None where the recognizer is unsure.
    confidence : float
        That probability, in 0..1; NaN where the recognizer abstained because it found no face.
    probabilities : dict of str to float
        Calibrated probability of each class, in the order of the recognizer's ``classes_``.
    box : tuple of float or None
        x, y, width, height of the face in pixels of the photo; None where no face was found.
    landmarks : ndarray of float32, shape (n_points, 2), or None
        The 68 (or 5) points by which the face was aligned, x, y in pixels of the photo; None
        where no face was found, or it was aligned by its box alone.
    found : bool
        Whether a face was found; if not, the prediction is for the whole image.
    photo : str
        Path of the photo, empty for an array.
    """

    label: str | None
    confidence: float
    probabilities: dict[str, float]
    box: tuple[float, float, float, float] | None = None
    landmarks: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    found: bool = True
    photo: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: no arrays, and None where a number is not defined.

        Landmarks are rounded to hundredths of a pixel.
        """
        points = None
        if self.landmarks is not None:
            points = np.asarray(self.landmarks, dtype=np.float64).round(2).tolist()
        return {
            "photo": self.photo,
            "label": self.label,
            "confidence": None if np.isnan(self.confidence) else float(self.confidence),
            "probabilities": {name: float(p) for name, p in self.probabilities.items()},
            "box": None if self.box is None else [float(v) for v in self.box],
            "landmarks": points,
            "found": bool(self.found),
        }


@dataclass(frozen=True)
class UnreadablePhoto:
    """A photo that could not be read, and why."""

    path: str
    reason: str


class PhotoRecognizer(Protocol):
    """Whatever labels the faces of a photo."""

    def predict_photo(self, photo: Any) -> list[FacePrediction]:
        """One prediction a face, the largest face first."""


def predictions_frame(predictions: Iterable[FacePrediction]) -> pd.DataFrame:
    """One row a face.

    Parameters
    ----------
    predictions : iterable of FacePrediction

    Returns
    -------
    pandas.DataFrame
        Columns photo, face (1 is the largest of its photo), label, confidence, x, y, width,
        height (pixels of the photo, NaN without a box), found, then ``score_<class>``.

    Examples
    --------
    >>> one = FacePrediction("happiness", 0.8, {"happiness": 0.8, "anger": 0.2}, photo="a.jpg")
    >>> predictions_frame([one])[["photo", "face", "label", "score_anger"]].values.tolist()
    [['a.jpg', 1, 'happiness', 0.2]]
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    faces_of: dict[str, int] = {}
    for each in predictions:
        faces_of[each.photo] = faces_of.get(each.photo, 0) + 1
        box = each.box or (np.nan,) * 4
        rows.append(
            {
                "photo": each.photo,
                "face": faces_of[each.photo],
                "label": each.label,
                "confidence": each.confidence,
                **dict(zip(("x", "y", "width", "height"), map(float, box))),
                "found": each.found,
                **{f"score_{name}": p for name, p in each.probabilities.items()},
            }
        )
    columns = ["photo", "face", "label", "confidence", "x", "y", "width", "height", "found"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def find_photos(paths: Sequence[str | Path]) -> list[Path]:
    """The photos that `paths` name: files as they are, folders by what lies in them.

    Parameters
    ----------
    paths : sequence of str or Path
        A file is taken whatever its extension; of a folder all files (also in its sub-folders)
        with the extension of an image, in the order of their names.

    Raises
    ------
    MissingFileError
        If a path does not exist, or a folder holds no image.
    """
    photos: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in PHOTO_SUFFIXES]
            if not inside:
                raise MissingFileError(
                    f"no image in folder {path}: expected files ending in "
                    f"{', '.join(PHOTO_SUFFIXES)}"
                )
            photos += inside
        elif path.exists():
            photos.append(path)
        else:
            raise MissingFileError(f"no such photo: {path}")
    return list(dict.fromkeys(photos))


def predict_photos(
    recognizer: PhotoRecognizer,
    photos: Sequence[str | Path],
    *,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[list[FacePrediction], list[UnreadablePhoto]]:
    """Label all faces of many photos; a photo that cannot be read does not stop the others.

    Parameters
    ----------
    recognizer : PhotoRecognizer
        Its ``predict_photo`` is called for each photo.
    photos : sequence of str or Path
    n_jobs : int
        Threads; -1 takes all cores. The order of the result does not depend on it.
    progress : callable, optional
        Called with (photos done, photos in all).

    Returns
    -------
    predictions : list of FacePrediction
        In the order of `photos`, several faces of a photo from the largest to the smallest.
    unreadable : list of UnreadablePhoto
    """
    from joblib import Parallel, delayed

    def one(photo: str | Path) -> list[FacePrediction] | UnreadablePhoto:
        try:
            return recognizer.predict_photo(str(photo))
        except (ImageError, PermissionError) as error:
            return UnreadablePhoto(str(photo), str(error))

    predictions: list[FacePrediction] = []
    unreadable: list[UnreadablePhoto] = []
    outcomes = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")(
        delayed(one)(photo) for photo in photos
    )
    for done, outcome in enumerate(outcomes, start=1):
        if isinstance(outcome, UnreadablePhoto):
            unreadable.append(outcome)
        else:
            predictions += outcome
        if progress is not None:
            progress(done, len(photos))
    return predictions, unreadable
