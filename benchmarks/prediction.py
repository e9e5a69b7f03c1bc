"""Speed of prediction on one core: a photo, a batch of aligned faces, and the start of the program.

    python benchmarks/prediction.py                    # writes prediction.json beside this file
    python benchmarks/prediction.py --toy              # seconds; prints only; for CI
    python benchmarks/prediction.py --toy --out DIR    # writes DIR/prediction.json

Photos have 640 x 480 pixels, RGB, and show one generated face of 110 to 300 pixels on noise.
Recognizers are trained on other generated people. Detection and landmarks are timed inside
`Recognizer.predict_photo`, so that the rest is what remains of the same call. All times are CPU
time of one thread, which other processes on the machine disturb less than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.faces import single
from classic_fer.faces.align import align_faces
from classic_fer.faces.frame import Alignment, Frame
from classic_fer.models.recognizer import Recognizer, make_recognizer

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 640, 480
TARGETS = {
    "photo_milliseconds": 60,
    "after_detection_milliseconds": 3,
    "faces_per_second": 2000,
    "import_milliseconds": 50,
    "help_milliseconds": 300,
}
PHOTO_CASES = (
    ("hog", "linear-svm"),
    ("lbp", "linear-svm"),
    ("lbp", "svm"),
    ("lbp+hog+geometry", "svm"),
)
BATCH_CASES = (("hog", "linear-svm"), ("hog", "logistic"), ("hog", "ridge"), ("hog", "lda"))
IMPORT = (
    "from time import process_time; start = process_time(); import classic_fer; "
    "print(process_time() - start)"
)
HELP = (
    "import sys; sys.argv = ['classic-fer', '--help']\n"
    "import atexit; from time import process_time\n"
    "atexit.register(lambda: print(process_time(), file=sys.stderr))\n"
    "from classic_fer.cli import main; main()"
)


def make_photos(n: int) -> list[NDArray[np.uint8]]:
    """RGB photos of one face each, which differs in person, size and place."""
    rng = np.random.default_rng(0)
    portraits = synthetic_faces(n, 1, emotions=["happiness"], random_state=1).images
    photos = []
    for portrait in portraits:
        side = int(rng.integers(200, 440))  # the face fills about 0.6 of a portrait
        scene = rng.integers(100, 140, (HEIGHT, WIDTH)).astype(np.uint8)
        x, y = int(rng.integers(0, WIDTH - side)), int(rng.integers(0, HEIGHT - side))
        scene[y : y + side, x : x + side] = cv2.resize(portrait, (side, side))
        photos.append(np.stack([scene] * 3, axis=-1))
    return photos


@contextmanager
def timed(name: str) -> Iterator[list[float]]:
    """CPU seconds of each call of ``single.<name>`` while the context lasts."""
    function, spent = getattr(single, name), []

    def timing(*args: Any, **kwargs: Any) -> Any:
        start = process_time()
        result = function(*args, **kwargs)
        spent.append(process_time() - start)
        return result

    with patch.object(single, name, timing):
        yield spent


def measure_photos(
    model: Recognizer, photos: list[NDArray[np.uint8]], *, rounds: int
) -> dict[str, Any]:
    """Medians over all photos and rounds in milliseconds, with the least and most of a photo.

    ``quiet`` is the median over the photos of the fastest round of each: what the median comes
    down to where nothing else runs.
    """
    whole, detection, landmarks = (np.empty((rounds, len(photos))) for _ in range(3))
    model.predict_photo(photos[0])
    for turn in range(rounds):
        for i, photo in enumerate(photos):
            with timed("detect") as detecting, timed("predict_landmarks") as predicting:
                start = process_time()
                predictions = model.predict_photo(photo)
                whole[turn, i] = 1e3 * (process_time() - start)
            if len(predictions) != 1 or not predictions[0].found:
                raise SystemExit(f"photo {i}: expected one face, got {predictions}")
            detection[turn, i] = 1e3 * sum(detecting)
            landmarks[turn, i] = 1e3 * sum(predicting)
    rest = whole - detection
    return {
        "photo_milliseconds": _summary(whole),
        "detection_milliseconds": _summary(detection),
        "after_detection_milliseconds": _summary(rest),
        "landmarks_milliseconds": _summary(landmarks),
        "after_landmarks_milliseconds": _summary(rest - landmarks),
        "met": bool(
            np.median(whole) <= TARGETS["photo_milliseconds"]
            and np.median(rest) <= TARGETS["after_detection_milliseconds"]
        ),
    }


def _summary(times: NDArray[np.float64]) -> dict[str, float]:
    of_photos = np.median(times, axis=0)
    values = {
        "median": np.median(times),
        "least": of_photos.min(),
        "most": of_photos.max(),
        "quiet": np.median(times.min(axis=0)),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def measure_batch(model: Recognizer, faces: NDArray, *, rounds: int) -> dict[str, Any]:
    """Aligned faces a second: features, scaler and classifier on one batch."""
    model.predict(faces)
    rates = []
    for _ in range(rounds):
        start = process_time()
        model.predict(faces)
        rates.append(len(faces) / (process_time() - start))
    median = statistics.median(rates)
    return {
        "n": len(faces),
        "faces_per_second": {
            "median": round(median),
            "least": round(min(rates)),
            "most": round(max(rates)),
        },
        "met": median >= TARGETS["faces_per_second"],
    }


def measure_start(*, rounds: int) -> dict[str, Any]:
    """CPU milliseconds to import the package, and of the whole process that shows the help."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(code: str, stream: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        return 1e3 * float(getattr(done, stream).splitlines()[-1])

    imports = statistics.median(run(IMPORT, "stdout") for _ in range(rounds))
    helps = statistics.median(run(HELP, "stderr") for _ in range(rounds))
    return {
        "import_milliseconds": round(imports, 1),
        "help_milliseconds": round(helps, 1),
        "met": imports <= TARGETS["import_milliseconds"] and helps <= TARGETS["help_milliseconds"],
    }


def run(*, toy: bool, show: Callable[[str], object]) -> dict[str, Any]:
    """All measurements, with one thread."""
    n_people, n_photos, rounds, n_batch = (3, 2, 2, 50) if toy else (24, 12, 12, 2000)
    drawn = synthetic_faces(n_people, 1)
    photos = make_photos(n_photos)
    photo_rows, batch_rows = [], []
    for size in (48, 64, 96):
        alignment = Alignment(frame=Frame.standard(size))
        faces = align_faces(drawn.images, alignment=alignment, cache=False)
        batch = np.resize(faces, n_batch)
        cases = dict.fromkeys([*(PHOTO_CASES if size == 64 else ()), *BATCH_CASES])
        for features, clf in cases:
            show(f"{features} {clf}, {size} pixels")
            model = make_recognizer(features, clf, calibration=None).fit(faces, drawn.labels)
            model.set_bundle(alignment=alignment)
            row = {"features": features, "clf": clf, "size": size}
            if size == 64 and (features, clf) in PHOTO_CASES:
                photo_rows.append(row | measure_photos(model, photos, rounds=rounds))
            if (features, clf) in BATCH_CASES:
                batch_rows.append(row | measure_batch(model, batch, rounds=rounds))
    show("start of the program")
    return {
        "photos": {"n": n_photos, "rounds": rounds, "cases": photo_rows},
        "batches": {"rounds": rounds, "cases": batch_rows},
        "start": measure_start(rounds=2 if toy else 9),
    }


def print_tables(result: dict[str, Any], console: Console) -> None:
    """Print what was measured, beside the targets."""
    columns = ("recognizer", "all (60)", "detection", "rest (3)", "= landmarks", "+ others")
    table = Table(*columns, title=f"A photo of {WIDTH} x {HEIGHT}, one core: CPU ms (target)")
    for row in result["photos"]["cases"]:
        parts = ("photo", "detection", "after_detection", "landmarks", "after_landmarks")
        medians = [f"{row[f'{part}_milliseconds']['median']:.2f}" for part in parts]
        table.add_row(f"{row['features']} {row['clf']}", *medians)
    console.print(table)
    table = Table("recognizer", "pixels", "faces a second", "least - greatest", title="Batches")
    for row in result["batches"]["cases"]:
        rate = row["faces_per_second"]
        spread = f"{rate['least']:,} - {rate['most']:,}"
        name, size = f"{row['features']} {row['clf']}", str(row["size"])
        table.add_row(name, size, f"{rate['median']:,}", spread)
    console.print(table)
    start = result["start"]
    console.print(
        f"import classic_fer: {start['import_milliseconds']} ms; "
        f"classic-fer --help: {start['help_milliseconds']} ms"
    )


def main() -> int:
    """Measure, print and write; return 1 if a full run misses a target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="few faces and rounds; for CI")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of prediction.json; default: beside this script, with --toy none",
    )
    options = parser.parse_args()
    console = Console()
    cv2.setNumThreads(1)
    with threadpool_limits(1), console.status("measuring") as status:
        measured = run(toy=options.toy, show=status.update)
    result = {
        "command": " ".join(["python", "benchmarks/prediction.py", *sys.argv[1:]]),
        "data": "generated",
        "toy": options.toy,
        "targets": TARGETS,
        **measured,
        "environment": {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "dlib-bin": version("dlib-bin"),
            "scikit-learn": version("scikit-learn"),
        },
    }
    print_tables(result, console)
    folder = options.out or (None if options.toy else Path(__file__).parent)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2) + "\n"
        (folder / "prediction.json").write_text(text, encoding="utf-8")
    cases = [*measured["photos"]["cases"], *measured["batches"]["cases"], measured["start"]]
    return 0 if options.toy or all(case["met"] for case in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
