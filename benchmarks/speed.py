"""Speed of the grid search of an SVM on LBP against the plain ways, side by side in one run.

Four ways search the same grid (3 C x 3 gamma) on the same five folds of the same faces, and refit
the best candidate, with two jobs:

- plain: a Pipeline of scikit-image's LBP (image by image), StandardScaler and SVC in GridSearchCV;
- features once: the same features extracted beforehand, StandardScaler and SVC in GridSearchCV;
- scikit-learn-intelex: as before, with the SVC of that package
  (``pip install scikit-learn-intelex``; the column stays empty where it is not installed);
- classic_fer: `GridSearch`, without the cache on disk.

They take turns, each in a process of its own, whose peak memory is noted; classic_fer runs before
and after every other way. Ratios are those of a way to both runs of classic_fer around it; the
table shows the median, least and greatest. The best parameters and the scores of
each fold and candidate are compared, too. Wall-clock time counts, so nothing else should run.

    python benchmarks/speed.py --rounds 2                  # 500, 1000 and 2000 faces
    python benchmarks/speed.py --faces 4000 --rounds 1     # the target: 40 times the plain way
    python benchmarks/speed.py --faces --alone 8000 28709  # FER2013's training part, ours alone
    python benchmarks/speed.py --toy                       # seconds; for CI

Sizes that are in speed.json already are kept and not measured again, so that an interrupted run
goes on where it was; remove the file, or give another --out, to start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from skimage.feature import local_binary_pattern
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from classic_fer import LBP, align_faces, load_dataset
from classic_fer.models.block_store import BlockStore
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch

Labels = NDArray[np.str_]
Images = NDArray[np.uint8]

N_VALUES = 2124  # 6 x 6 cells of 8 x 8 pixels, 59 labels
C_VALUES = [1.0, 10.0, 100.0]
GAMMAS = [gamma / N_VALUES for gamma in (0.25, 0.5, 1.0)]
N_FOLDS = 5
JOBS = 2
OURS = "classic_fer"
TARGETS = {"plain_at_4000_faces": 40, "seconds_at_28709_faces": 600, "peak_gigabytes": 12}


class ScikitImageLBP(TransformerMixin, BaseEstimator):
    """Square roots of the label frequencies in 6 x 6 cells, image by image."""

    def fit(self, X: Images, y: object = None) -> ScikitImageLBP:
        return self

    def transform(self, X: Images) -> NDArray[np.float64]:
        side = X.shape[1] // 6
        rows = []
        for image in X:
            codes = local_binary_pattern(image, 8, 1, "nri_uniform").astype(np.intp)
            cells = [
                np.bincount(codes[r : r + side, c : c + side].ravel(), minlength=59)
                for r in range(0, 6 * side, side)
                for c in range(0, 6 * side, side)
            ]
            rows.append(np.sqrt(np.concatenate(cells) / side**2))
        return np.stack(rows)


def _grid_search(steps: list[Any], X: NDArray, y: Labels, folds: Any) -> GridSearchCV:
    """GridSearchCV of a pipeline that ends with an SVC."""
    grid = {"svc__C": C_VALUES, "svc__gamma": GAMMAS}
    return GridSearchCV(make_pipeline(*steps), grid, cv=folds, n_jobs=JOBS).fit(X, y)


def plain(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    steps = [ScikitImageLBP(), StandardScaler(), SVC(break_ties=True)]
    return _grid_search(steps, images, y, folds)


def features_once(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    steps = [StandardScaler(), SVC(break_ties=True)]
    return _grid_search(steps, ScikitImageLBP().transform(images), y, folds)


def intelex(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    from sklearnex.svm import SVC as IntelexSVC

    steps = [StandardScaler(), IntelexSVC(break_ties=True)]
    return _grid_search(steps, ScikitImageLBP().transform(images), y, folds)


def ours(images: Images, y: Labels, folds: Any) -> GridSearch:
    recognizer = make_recognizer("lbp", "svm", scaler=StandardScaler(), calibration=None)
    grid = {"clf__C": C_VALUES, "clf__gamma": GAMMAS}
    search = GridSearch(recognizer, grid, cv=folds, n_jobs=JOBS)
    return search.fit_store(BlockStore(images, cache=False), y)


WAYS: dict[str, Callable[[Images, Labels, Any], GridSearchCV]] = {
    "plain": plain,
    "features once": features_once,
    "scikit-learn-intelex": intelex,
    OURS: ours,
}


def faces(data: str | None, n: int) -> tuple[str, Images, Labels]:
    """`n` aligned faces of the training part, drawn with a fixed seed; fewer if there are fewer."""
    dataset = load_dataset(data)
    if dataset.split is not None and (dataset.split == "train").any():
        dataset = dataset.subset(dataset.split == "train")
    if n < len(dataset):
        drawn = np.random.default_rng(0).permutation(len(dataset))[:n]
        dataset = dataset.subset(np.sort(drawn))
    aligned = align_faces(dataset, size=48)
    return dataset.name, np.ascontiguousarray(aligned.faces["image"]), np.asarray(aligned.y, str)


def measure(way: str, images: Images, y: Labels) -> dict[str, Any]:
    """One search in this process: seconds, peak memory, best parameters and all scores."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    few = np.concatenate([np.flatnonzero(y == label)[:6] for label in np.unique(y)])
    WAYS[way](images[few], y[few], StratifiedKFold(2))  # loads and compiles what is needed
    start = perf_counter()
    search = WAYS[way](images, y, list(folds.split(images, y)))
    seconds = perf_counter() - start
    best = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    return {
        "seconds": seconds,
        "peak_gigabytes": peak_gigabytes(),
        "best": best,
        "scores": [search.cv_results_[f"split{k}_test_score"].tolist() for k in range(N_FOLDS)],
    }


def peak_gigabytes() -> float | None:
    """Peak resident memory of this process, without its workers; None where it is not told."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9


def measure_alone(way: str, file: Path) -> dict[str, Any]:
    """`measure` of the faces in an .npz file, in a new process."""
    print(f"{file.stem} faces: {way}", file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--measure", way, str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def compare(data: str | None, n: int, *, rounds: int, others: list[str]) -> dict[str, Any]:
    """All runs at one size, ratios to classic_fer, and differences of results."""
    name, images, y = faces(data, n)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in (*others, OURS)}
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{len(images)}.npz"
        np.savez(file, images=images, y=y)
        runs[OURS].append(measure_alone(OURS, file))
        for way in others * rounds:
            runs[way].append(measure_alone(way, file))
            runs[OURS].append(measure_alone(OURS, file))
    seconds = {way: [run["seconds"] for run in done] for way, done in runs.items()}
    around = list(zip(seconds[OURS], seconds[OURS][1:]))
    scores = np.array(runs[OURS][0]["scores"])
    case: dict[str, Any] = {
        "data": name,
        "n": len(images),
        "fits": N_FOLDS * len(C_VALUES) * len(GAMMAS),
        "seconds": seconds,
        "peak_gigabytes": max((run["peak_gigabytes"] or 0.0) for run in runs[OURS]),
        "best": runs[OURS][0]["best"],
        "ratios": {},
        "same_best": {},
        "largest_score_difference": {},
    }
    for k, way in enumerate(others):
        pairs = zip(seconds[way], around[k :: len(others)])
        ratios = [slow / fast for slow, both in pairs for fast in both]
        middle = statistics.median(ratios)
        case["ratios"][way] = {"median": middle, "min": min(ratios), "max": max(ratios)}
        case["same_best"][way] = all(run["best"] == case["best"] for run in runs[way])
        differences = [np.abs(np.array(run["scores"]) - scores).max() for run in runs[way]]
        case["largest_score_difference"][way] = float(max(differences))
    return case


def compare_features(data: str | None, n: int, *, rounds: int) -> dict[str, Any]:
    """Faces a second of both LBPs, in one thread."""
    _, images, _ = faces(data, n)
    extractors = {"scikit-image": ScikitImageLBP().transform, OURS: LBP().transform}
    rates: dict[str, list[float]] = {name: [] for name in extractors}
    LBP().transform(images[:1])
    for _ in range(rounds):
        for name, extract in extractors.items():
            start = perf_counter()
            extract(images)
            rates[name].append(len(images) / (perf_counter() - start))
    ratios = [fast / slow for fast, slow in zip(rates[OURS], rates["scikit-image"])]
    middle = statistics.median(ratios)
    return {
        "n": len(images),
        "faces_per_second": {name: statistics.median(rate) for name, rate in rates.items()},
        "ratio": {"median": middle, "min": min(ratios), "max": max(ratios)},
    }


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console()
    table = Table("faces", *WAYS, "peak GB", title=f"Seconds, {JOBS} jobs (peak of classic_fer)")
    for case in result["cases"]:
        cells = [f"{_median(case, way):.2f}" if way in case["seconds"] else "-" for way in WAYS]
        table.add_row(str(case["n"]), *cells, f"{case['peak_gigabytes']:.2f}")
    console.print(table)
    columns = ("faces", "way", "times classic_fer", "best parameters", "score difference")
    table = Table(*columns, title="Ratio: median, least - greatest")
    for case in result["cases"]:
        for way, ratio in case["ratios"].items():
            same = "same" if case["same_best"][way] else "OTHER"
            difference = f"{case['largest_score_difference'][way]:.2g}"
            table.add_row(str(case["n"]), way, _spread(ratio), same, difference)
    console.print(table)
    lbp = result["features"]
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in lbp["faces_per_second"].items())
    console.print(f"LBP, faces a second in one thread: {rates}; ratio {_spread(lbp['ratio'])}")


def _median(case: dict[str, Any], way: str) -> float:
    return statistics.median(case["seconds"][way])


def _spread(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.1f}, {ratio['min']:.1f} - {ratio['max']:.1f}"


def draw(cases: list[dict[str, Any]], path: Path) -> None:
    """Seconds by the number of faces, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for way in WAYS:
        measured = [case for case in cases if way in case["seconds"]]
        if not measured:
            continue
        middle = np.array([_median(case, way) for case in measured])
        low = middle - [min(case["seconds"][way]) for case in measured]
        high = np.array([max(case["seconds"][way]) for case in measured]) - middle
        n = [case["n"] for case in measured]
        axes.errorbar(n, middle, yerr=[low, high], marker="o", capsize=3, label=way)
    sizes = sorted({case["n"] for case in cases})
    axes.set(xscale="log", yscale="log", xlabel="faces", ylabel="seconds")
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(f"{cases[0]['fits']} fits of an SVM on LBP, and a refit, {JOBS} jobs")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def usual_data() -> str | None:
    """FER2013 if it is there, else None: generated faces."""
    folder = os.environ.get("CLASSIC_FER_DATA")
    root = Path(folder) if folder else Path(__file__).parents[2] / "shared" / "datasets"
    path = root / "fer2013.zip"
    return str(path) if path.exists() else None


def environment() -> dict[str, Any]:
    """Machine and versions."""
    packages = ("numpy", "scikit-learn", "scikit-image", "numba")
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "scikit-learn-intelex": bool(find_spec("sklearnex")),
    }


def main() -> None:
    """Run all sizes, writing JSON and chart after each; print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="default: FER2013 if it is there, else generated faces")
    parser.add_argument("--faces", type=int, nargs="*", default=[500, 1000, 2000])
    parser.add_argument(
        "--alone", type=int, nargs="*", default=[], help="sizes for classic_fer only"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", nargs="*", choices=list(WAYS)[:-1], default=[], metavar="WAY")
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument(
        "--out", type=Path, help="folder of the outputs; default: beside the script"
    )
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        way, file = args.measure
        print(json.dumps(measure(way, **np.load(file))))
        return
    data = None if args.toy else args.data or usual_data()
    sizes, rounds = ([60], 1) if args.toy else (args.faces, args.rounds)
    others = ["plain"] if args.toy else [way for way in WAYS if way not in (OURS, *args.skip)]
    if not find_spec("sklearnex"):
        others = [way for way in others if way != "scikit-learn-intelex"]
    out = args.out or (None if args.toy else Path(__file__).parent)
    kept = None if out is None else out / "speed.json"
    result: dict[str, Any] = {"cases": []}
    if kept is not None and kept.exists():
        result = json.loads(kept.read_text(encoding="utf-8"))
    result["targets"] = TARGETS
    result["grid"] = {"C": C_VALUES, "gamma": GAMMAS}
    result["environment"] = environment()
    result["features"] = compare_features(data, 60 if args.toy else 500, rounds=rounds)
    todo = [(n, others) for n in sizes] + [(n, []) for n in args.alone]
    finished = {case["n"] for case in result["cases"]}
    for n, ways in todo:
        if n in finished:
            continue
        case = compare(data, n, rounds=rounds, others=ways)
        case["command"] = " ".join(["python", "benchmarks/speed.py", *sys.argv[1:]])
        result["cases"] = sorted([*result["cases"], case], key=lambda case: case["n"])
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
            draw(result["cases"], kept.with_suffix(".png"))
    show(result)


if __name__ == "__main__":
    main()
