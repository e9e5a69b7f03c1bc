"""How well faces and landmarks are found: HELEN annotations, and coverage of the data sets.

    python benchmarks/landmarks.py                    # writes landmarks.json beside this file
    python benchmarks/landmarks.py --toy              # 20 photos of each; prints only; for CI
    python benchmarks/landmarks.py --toy --out DIR    # writes DIR/landmarks.json

The error of a photo is the mean distance between the predicted and the annotated 68 points,
relative to the distance between the annotated eye centres, of the detected face that contains the
annotated centre. dlib's model was trained on 300-W, of which HELEN is a part: the figure is
optimistic. Data: helen-landmarks.zip, jaffe.zip, lfw-expressions.zip, fer2013.zip in
$CLASSIC_FER_DATA or ../shared/datasets; without them the toy size measures nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets import load_dataset
from classic_fer.datasets.images import decode
from classic_fer.datasets.sources import ZipSource
from classic_fer.faces.detectors import detect
from classic_fer.faces.landmarks import eyes_and_mouth, predict_landmarks, read_pts

MIN_PHOTOS, MAX_ERROR = 140, 0.04
MIN_JAFFE = 210
HELEN = "helen-landmarks.zip"
ARCHIVES = ("jaffe.zip", "lfw-expressions.zip", "fer2013.zip")
SAMPLE, TOY = 1000, 20


def data_folder() -> Path:
    """Folder of the archives."""
    beside = Path(__file__).parents[1].parent / "shared" / "datasets"
    return Path(os.environ.get("CLASSIC_FER_DATA", beside))


def box_with(boxes: NDArray[np.float32], centre: NDArray[np.float64]) -> NDArray | None:
    """The largest box that contains a point, or None."""
    for box in boxes:
        if (box[:2] <= centre).all() and (centre <= box[:2] + box[2:]).all():
            return box
    return None


def helen(archive: Path, *, detector: str, limit: int | None) -> dict[str, Any]:
    """Detection and mean landmark error on the HELEN photos."""
    source = ZipSource(archive)
    annotations = [name for name in source.names() if name.endswith(".pts")][:limit]
    errors: list[float] = []
    several = 0
    start = time.perf_counter()
    for name in annotations:
        truth = read_pts(source.read(name).decode("latin-1"))
        photo_name = name.removesuffix(".pts") + ".jpg"
        photo = decode(source.read(photo_name), path=photo_name)
        boxes = detect(photo, detector=detector)
        several += len(boxes) > 1
        box = box_with(boxes, truth.mean(axis=0))
        if box is None:
            continue
        left, right, _ = eyes_and_mouth(truth)
        distance = np.linalg.norm(predict_landmarks(photo, box) - truth, axis=1)
        errors.append(float(distance.mean() / np.linalg.norm(right - left)))
    return {
        "photos": len(annotations),
        "found": len(errors),
        "several_faces": several,
        "mean_error": round(float(np.mean(errors)), 5) if errors else None,
        "median_error": round(float(np.median(errors)), 5) if errors else None,
        "seconds": round(time.perf_counter() - start, 2),
    }


def coverage(archive: Path, *, limit: int) -> dict[str, Any]:
    """In how many photos of a data set dlib finds a face, on evenly spread samples."""
    data = load_dataset(archive)
    n = min(limit, len(data))
    rows = np.linspace(0, len(data) - 1, n).round().astype(int)
    start = time.perf_counter()
    found = sum(len(detect(data.read_photo(i))) > 0 for i in rows)
    milliseconds = 1000 * (time.perf_counter() - start) / n
    return {
        "photos": n,
        "of": len(data),
        "found": found,
        "share": round(found / n, 4),
        "milliseconds_each": round(milliseconds, 2),
    }


def main() -> int:
    """Measure, print and write; return 1 if a full run misses a target, 2 without the data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="few photos of each data set; for CI")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of landmarks.json; default: beside this script, with --toy none",
    )
    options = parser.parse_args()
    limit = TOY if options.toy else None
    folder = data_folder()
    missing = [name for name in (HELEN, *ARCHIVES) if not (folder / name).is_file()]
    if missing:
        print(
            f"nothing measured: {', '.join(missing)} not in {folder}; set CLASSIC_FER_DATA to "
            "the folder of the archives",
            file=sys.stderr,
        )
        return 0 if options.toy else 2
    measured = {
        "helen": {
            detector: helen(folder / HELEN, detector=detector, limit=limit)
            for detector in ("dlib", "haar")
        },
        "coverage": {name: coverage(folder / name, limit=limit or SAMPLE) for name in ARCHIVES},
    }
    dlib, jaffe = measured["helen"]["dlib"], measured["coverage"]["jaffe.zip"]
    table = {
        "command": " ".join(["python", "benchmarks/landmarks.py", *sys.argv[1:]]),
        "limit": limit,
        "targets": {
            "helen_found": MIN_PHOTOS,
            "helen_mean_error": MAX_ERROR,
            "jaffe_found": MIN_JAFFE,
        },
        **measured,
        "environment": {
            "python": platform.python_version(),
            "dlib-bin": version("dlib-bin"),
            "opencv": version("opencv-python-headless"),
        },
    }
    text = json.dumps(table, indent=2) + "\n"
    print(text, end="")
    out = options.out or (None if options.toy else Path(__file__).parent)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "landmarks.json").write_text(text, encoding="utf-8")
    met = (
        dlib["found"] >= MIN_PHOTOS
        and dlib["mean_error"] <= MAX_ERROR
        and jaffe["found"] >= MIN_JAFFE
    )
    return 0 if met or options.toy else 1


if __name__ == "__main__":
    sys.exit(main())
