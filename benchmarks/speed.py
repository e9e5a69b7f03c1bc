"""Speed of the grid search of an SVM on LBP against the plain ways, side by side in one run.

Three ways search the same grid (3 C x 3 gamma) on the same five folds of the same faces and refit
the best candidate, taking turns:

- plain: a Pipeline of scikit-image's LBP (image by image), StandardScaler and SVC in GridSearchCV;
- features once: the same features extracted beforehand, StandardScaler and SVC in GridSearchCV;
- classic_fer: `grid_search`, without the cache on disk.

The ratio is formed in each round; the table shows median, least and greatest. Scores of each fold
and candidate are compared, too. Wall-clock time counts, so nothing else should run.

    python benchmarks/speed.py                   # 500, 1000 and 2000 faces, about 15 minutes
    python benchmarks/speed.py --faces 4000      # one size only
    python benchmarks/speed.py --alone 8000 28709  # growth of classic_fer alone
    python benchmarks/speed.py --toy             # half a minute; for CI
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
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

C_VALUES, GAMMAS = [1.0, 10.0, 100.0], [0.25, 0.5, 1.0]
N_FOLDS = 5
JOBS = 2
OURS = "classic_fer"


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


def _svc_grid(width: int) -> dict[str, list[float]]:
    # StandardScaler gives each column the variance 1, FeatureScaler all columns together.
    return {"svc__C": C_VALUES, "svc__gamma": [gamma / width for gamma in GAMMAS]}


def _varying(images: Images) -> int:
    """Number of feature columns that vary."""
    return int((LBP().transform(images).std(axis=0) > 0).sum())


def plain(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    pipeline = make_pipeline(ScikitImageLBP(), StandardScaler(), SVC(break_ties=True))
    search = GridSearchCV(pipeline, _svc_grid(_varying(images)), cv=folds, n_jobs=JOBS)
    return search.fit(images, y)


def features_once(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    pipeline = make_pipeline(StandardScaler(), SVC(break_ties=True))
    search = GridSearchCV(pipeline, _svc_grid(_varying(images)), cv=folds, n_jobs=JOBS)
    return search.fit(LBP().transform(images), y)


def ours(images: Images, y: Labels, folds: Any) -> GridSearch:
    recognizer = make_recognizer("lbp", "svm", calibration=None)
    grid = {"clf__C": C_VALUES, "clf__gamma": GAMMAS}
    search = GridSearch(recognizer, grid, cv=folds, n_jobs=JOBS)
    return search.fit_store(BlockStore(images, cache=False), y)


WAYS: dict[str, Callable[[Images, Labels, Any], GridSearchCV]] = {
    "plain": plain,
    "features once": features_once,
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


def fold_scores(search: GridSearchCV) -> NDArray[np.float64]:
    """Scores, shape (n_folds, n_candidates)."""
    return np.stack([search.cv_results_[f"split{k}_test_score"] for k in range(N_FOLDS)])


def compare(data: str | None, n: int, *, rounds: int, ways: list[str]) -> dict[str, Any]:
    """Seconds of each way in each round, ratios to classic_fer, and differences of scores."""
    name, images, y = faces(data, n)
    folds = list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(images, y))
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    scores: dict[str, NDArray[np.float64]] = {}
    for _ in range(rounds):
        for way in ways:
            start = perf_counter()
            search = WAYS[way](images, y, folds)
            seconds[way].append(perf_counter() - start)
            scores[way] = fold_scores(search)
    others = [way for way in ways if way != OURS]
    return {
        "data": name,
        "n": len(images),
        "fits": N_FOLDS * len(C_VALUES) * len(GAMMAS),
        "seconds": seconds,
        "ratios": {
            way: {"median": statistics.median(r), "min": min(r), "max": max(r)}
            for way in others
            for r in [[slow / fast for slow, fast in zip(seconds[way], seconds[OURS])]]
        },
        "largest_score_difference": {
            way: float(np.abs(scores[way] - scores[OURS]).max()) for way in others
        },
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = Table("faces", *WAYS, "plain / ours", "once / ours", "score difference")
    for case in result["cases"]:
        cells = [
            f"{statistics.median(case['seconds'][way]):.1f} s" if way in case["seconds"] else "-"
            for way in WAYS
        ]
        for way in list(WAYS)[:2]:
            ratio = case["ratios"].get(way)
            cells.append(
                f"{ratio['median']:.1f} ({ratio['min']:.1f} - {ratio['max']:.1f})" if ratio else "-"
            )
        differences = case["largest_score_difference"].values()
        cells.append(f"{max(differences):.4f}" if differences else "-")
        table.add_row(str(case["n"]), *cells)
    Console().print(table)


def draw(result: dict[str, Any], path: Path) -> None:
    """Seconds by the number of faces, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for way in WAYS:
        cases = sorted(
            (case for case in result["cases"] if way in case["seconds"]), key=lambda c: c["n"]
        )
        n = [case["n"] for case in cases]
        middle = [statistics.median(case["seconds"][way]) for case in cases]
        low = [m - min(case["seconds"][way]) for m, case in zip(middle, cases)]
        high = [max(case["seconds"][way]) - m for m, case in zip(middle, cases)]
        axes.errorbar(n, middle, yerr=[low, high], marker="o", capsize=3, label=way)
    axes.set(xscale="log", yscale="log", xlabel="faces", ylabel="seconds")
    axes.set_title(f"{result['cases'][0]['fits']} fits and a refit, {JOBS} jobs")
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


def main() -> None:
    """Run all sizes, print the table, write JSON and chart."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="default: FER2013 if it is there, else generated faces")
    parser.add_argument("--faces", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument(
        "--alone", type=int, nargs="*", default=[], help="sizes for classic_fer only"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument(
        "--out", type=Path, help="folder of the outputs; default: beside the script"
    )
    args = parser.parse_args()
    data = None if args.toy else args.data or usual_data()
    sizes, rounds = ([100], 2) if args.toy else (args.faces, args.rounds)
    compare(None, 60, rounds=1, ways=[OURS])  # loads and compiles what is needed
    cases = [compare(data, n, rounds=rounds, ways=list(WAYS)) for n in sizes]
    cases += [compare(data, n, rounds=1, ways=[OURS]) for n in args.alone]
    result = {
        "command": " ".join(["python", "benchmarks/speed.py", *sys.argv[1:]]),
        "grid": {"C": C_VALUES, "gamma": GAMMAS},
        "cases": cases,
        "environment": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
    show(result)
    out = args.out or (None if args.toy else Path(__file__).parent)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "speed.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        draw(result, out / "speed.png")


if __name__ == "__main__":
    main()
