"""How far the estimate of the time left is off, once a tenth of a search is done.

Searches of several kinds on FER2013's training faces; after each piece of work the estimate of the
whole, the time gone by over the share done, is compared with what the search took in the end. The
table shows the largest factor between the two, from the first tenth on, by the clock, which is what
people see, and by CPU time, which other programs on the machine disturb less.

    python benchmarks/estimates.py                     # writes estimates.json
    python benchmarks/estimates.py --toy --out DIR     # seconds; for CI
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from speed import faces, usual_data

from classic_fer.models.block_store import BlockStore
from classic_fer.models.folds import inner_folds
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch, complete_grid

SEARCHES: tuple[tuple[str, str, dict[str, list[Any]]], ...] = (
    ("lbp", "svm", {"clf__C": [1, 10, 100], "clf__gamma": [0.25, 0.5, 1.0]}),
    ("lbp+hog", "linear-svm", {"clf__C": [0.01, 0.1, 1.0]}),
    ("hog", "krr", {"clf__alpha": [0.03, 0.3, 3.0], "clf__gamma": [0.5, 1.0, 2.0]}),
    ("hog:pca", "lda", {"clf__shrinkage": [0.1, 0.5], "features__pca__n_components": [50, 150]}),
    ("hog", "logistic", {"clf__C": [0.1, 1.0]}),
    ("lbp", "knn", {"clf__n_neighbors": [1, 5, 15], "features__lbp__radius": [1, 2]}),
)
SHARE, FACTOR = 0.1, 2.0


def measure(
    images: NDArray, y: NDArray, features: str, clf: str, grid: dict[str, list[Any]], jobs: int
) -> dict[str, Any]:
    """One search: seconds, and the largest factor between estimate and truth."""
    seen: list[tuple[float, float, float]] = []
    recognizer = make_recognizer(features, clf)
    start, start_cpu = perf_counter(), process_time()
    GridSearch(
        recognizer,
        complete_grid(recognizer, clf, grid),
        cv=inner_folds(y, n_splits=5),
        n_jobs=jobs,
        progress=lambda done, total: seen.append(
            (done / total, perf_counter() - start, process_time() - start_cpu)
        ),
    ).fit_store(BlockStore(images, cache=False), y)
    share, clock, cpu = np.array([each for each in seen if each[0] >= SHARE]).T
    row = {"features": features, "clf": clf, "n": len(y), "seconds": clock[-1]}
    for name, times in (("factor", clock), ("factor_cpu", cpu)):
        off = np.log(times / share / times[-1])
        row[name] = float(np.exp(np.abs(off).max()))
    return row | {"met": row["factor"] <= FACTOR}


def main() -> None:
    """Measure all searches, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="default: FER2013 if it is there, else generated faces")
    parser.add_argument("--faces", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument("--out", type=Path, help="folder; default: beside the script")
    args = parser.parse_args()
    data = None if args.toy else args.data or usual_data()
    _, images, y = faces(data, 60 if args.toy else args.faces)
    searches = SEARCHES[:2] if args.toy else SEARCHES
    for features, clf, grid in searches:  # loads and compiles what is needed
        few = np.concatenate([np.flatnonzero(y == label)[:6] for label in np.unique(y)])
        if not args.toy and clf != "lda":
            measure(images[few], y[few], features, clf, {k: v[:1] for k, v in grid.items()}, 1)
    rows = []
    print("features   clf          seconds  factor  by CPU time")
    for features, clf, grid in searches:
        row = measure(images, y, features, clf, grid, args.jobs)
        rows.append(row)
        print(f"{features:10} {clf:12} {row['seconds']:7.1f} {row['factor']:7.2f}", end="")
        print(f" {row['factor_cpu']:12.2f}", flush=True)
    out = args.out or (None if args.toy else Path(__file__).parent)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        command = " ".join(["python", "benchmarks/estimates.py", *sys.argv[1:]])
        made = {"command": command, "load": round(os.getloadavg()[0], 1), "rows": rows}
        (out / "estimates.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
