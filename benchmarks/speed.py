"""Speed of the grid search of an SVM on LBP against the plain ways, side by side in one run.

Four ways search the same grid (3 C x 3 gamma) on the same five folds of the same faces, and refit
the best candidate, with two jobs:

- plain: a Pipeline of scikit-image's LBP (image by image), StandardScaler and SVC in GridSearchCV;
- features once: the same features extracted beforehand, StandardScaler and SVC in GridSearchCV;
- scikit-learn-intelex: as before, with the SVC of that package
  (``pip install scikit-learn-intelex``; the column stays empty where it is not installed);
- classic_fer: `GridSearch`, without the cache on disk.

Each run has a process of its own, whose peak memory is noted. classic_fer runs right before and
after every run of another way, and ratios are formed within these three, so that a busy machine
disturbs both sides alike; the table shows the median of all ratios, the least and the greatest.
The best parameters and the scores of each fold and candidate are compared, too.

    python benchmarks/speed.py                         # all sizes, three rounds up to 2,000 faces
    python benchmarks/speed.py --faces 4000 --ways plain --rounds 1   # the target: 40 times
    python benchmarks/speed.py --faces --alone 28709   # FER2013's training part, ours alone
    python benchmarks/speed.py --toy                   # seconds; for CI

After each way at each size speed.json is written. Rounds that are in it are kept and count, so
that an interrupted run goes on where it was; remove it, or give another --out, to start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from grid_searches.report import draw, ratio, show
from grid_searches.ways import C_VALUES, GAMMAS, OURS, WAYS, ScikitImageLBP, run_alone
from numpy.typing import NDArray

from classic_fer import LBP, align_faces, load_dataset

TARGETS = {"plain_at_4000_faces": 40, "seconds_at_28709_faces": 600, "peak_gigabytes": 12}
FACES, ALONE = [1000, 2000, 4000], [8000, 28709]
MANY = 2000  # more faces than these are searched once if --rounds does not say
TOY = 60


def faces(data: str | None, n: int) -> tuple[str, NDArray[np.uint8], NDArray[np.str_]]:
    """`n` aligned faces of the training part, drawn with a fixed seed; fewer if there are fewer."""
    dataset = load_dataset(data)
    if dataset.split is not None and (dataset.split == "train").any():
        dataset = dataset.subset(dataset.split == "train")
    if n < len(dataset):
        drawn = np.random.default_rng(0).permutation(len(dataset))[:n]
        dataset = dataset.subset(np.sort(drawn))
    aligned = align_faces(dataset, size=48)
    return dataset.name, np.ascontiguousarray(aligned.faces["image"]), np.asarray(aligned.y, str)


def add_pair(case: dict[str, Any], way: str, file: Path) -> None:
    """One run of a way, with ours before and after it."""
    runs = [run_alone(each, file) for each in (OURS, way, OURS)]
    before, other, after = runs
    case["best"] = before["best"]
    case["peak_gigabytes"] = max([case["peak_gigabytes"], *_peaks(before, after)])
    differences = np.abs(np.array(other["scores"]) - np.array(before["scores"]))
    pair = {
        "seconds": other["seconds"],
        "ours": [before["seconds"], after["seconds"]],
        "same_best": other["best"] == before["best"],
        "largest_score_difference": float(differences.max()),
        "load": round(os.getloadavg()[0], 1),
        "command": _command(),
    }
    case["pairs"].setdefault(way, []).append(pair)
    case["ratios"] = {way: ratio(pairs) for way, pairs in case["pairs"].items()}


def add_alone(case: dict[str, Any], file: Path) -> None:
    """One run of ours."""
    run = run_alone(OURS, file)
    case["alone"].append(run["seconds"])
    case["best"] = run["best"]
    case["peak_gigabytes"] = max([case["peak_gigabytes"], *_peaks(run)])
    case["command"] = _command()


def _peaks(*runs: dict[str, Any]) -> list[float]:
    return [run["peak_gigabytes"] or 0.0 for run in runs]


def _command() -> str:
    return " ".join(["python", "benchmarks/speed.py", *sys.argv[1:]])


def compare_features(data: str | None, n: int, *, rounds: int) -> dict[str, Any]:
    """Faces a second of both LBPs, in one thread."""
    _, images, _ = faces(data, n)
    extractors = {"scikit-image": ScikitImageLBP().transform, OURS: LBP().transform}
    rates: dict[str, list[float]] = {name: [] for name in extractors}
    LBP().transform(images[:1])
    for _ in range(rounds):
        for name, extract in extractors.items():
            start = process_time()
            extract(images)
            rates[name].append(len(images) / (process_time() - start))
    ratios = [fast / slow for fast, slow in zip(rates[OURS], rates["scikit-image"])]
    middle = statistics.median(ratios)
    return {
        "n": len(images),
        "faces_per_second": {name: statistics.median(rate) for name, rate in rates.items()},
        "ratio": {"median": middle, "min": min(ratios), "max": max(ratios)},
    }


def usual_data() -> str | None:
    """FER2013 if it is there, else None: generated faces."""
    folder = os.environ.get("CLASSIC_FER_DATA")
    root = Path(folder) if folder else Path(__file__).parents[2] / "shared" / "datasets"
    path = root / "fer2013.zip"
    return str(path) if path.exists() else None


def environment() -> dict[str, Any]:
    """Machine and versions."""
    packages = ("numpy", "scikit-learn", "scikit-image", "numba")
    intelex = version("scikit-learn-intelex") if find_spec("sklearnex") else None
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "scikit-learn-intelex": intelex,
    }


class Results:
    """All that was measured, in a file that is written after each piece."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.measured: dict[str, Any] = {"targets": TARGETS, "cases": []}
        if file is not None and file.exists():
            self.measured = json.loads(file.read_text(encoding="utf-8"))
        self.measured["grid"] = {"C": C_VALUES, "gamma": GAMMAS}
        self.measured["environment"] = environment()

    def case(self, n: int) -> dict[str, Any]:
        """What is known of one size."""
        cases = self.measured["cases"]
        if n not in {case["n"] for case in cases}:
            blank = {"n": n, "data": None, "alone": [], "pairs": {}, "peak_gigabytes": 0.0}
            cases.append(blank)
            cases.sort(key=lambda case: case["n"])
        return next(case for case in cases if case["n"] == n)

    def write(self) -> None:
        """JSON and chart."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self.measured, indent=1) + "\n", encoding="utf-8")
            draw(self.measured["cases"], self._file.with_suffix(".png"))


def run(data: str | None, n: int, ways: list[str], rounds: int, results: Results) -> None:
    """What is still to be done at one size; ours alone without other `ways`."""
    case = results.case(n)
    todo = [way for k in range(rounds) for way in ways if len(case["pairs"].get(way, [])) <= k]
    alone = 0 if ways else max(0, rounds - len(case["alone"]))
    if not todo and not alone:
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{n}.npz"
        case["data"], images, y = faces(data, n)
        np.savez(file, images=images, y=y)
        for way in todo:
            add_pair(case, way, file)
            results.write()
        for _ in range(alone):
            add_alone(case, file)
            results.write()


def main() -> None:
    """Run all sizes, writing JSON and chart after each piece; print the tables."""
    others = [way for way in WAYS if way != OURS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="default: FER2013 if it is there, else generated faces")
    parser.add_argument("--faces", type=int, nargs="*", default=FACES)
    parser.add_argument("--alone", type=int, nargs="*", default=ALONE, help="for classic_fer only")
    parser.add_argument("--ways", nargs="+", choices=others, default=others, metavar="WAY")
    parser.add_argument("--rounds", type=int, help="default: 3 up to 2,000 faces, else 1")
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument(
        "--out", type=Path, help="folder of the outputs; default: beside the script"
    )
    args = parser.parse_args()
    data = None if args.toy else args.data or usual_data()
    ways = [way for way in args.ways if way != "scikit-learn-intelex" or find_spec("sklearnex")]
    sizes = [(n, ways) for n in args.faces] + [(n, []) for n in args.alone]
    if args.toy:
        sizes = [(TOY, ["plain"])]
    out = args.out or (None if args.toy else Path(__file__).parent)
    results = Results(None if out is None else out / "speed.json")
    results.measured["features"] = compare_features(data, TOY if args.toy else 500, rounds=5)
    for n, chosen in sizes:
        rounds = args.rounds or (3 if n <= MANY and not args.toy else 1)
        run(data, n, chosen, rounds, results)
    show(results.measured)


if __name__ == "__main__":
    main()
