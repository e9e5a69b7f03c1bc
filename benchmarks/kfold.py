"""The README's main table: accuracy with people held out, and what random folds add to it.

    python benchmarks/kfold.py                      # all data; writes kfold.json beside this file
    python benchmarks/kfold.py --out runs/kfold     # where the run folders go (this is the default)
    python benchmarks/kfold.py --toy --out DIR      # generated faces, tiny; writes DIR/kfold.json

Every finished run is kept, so that an interrupted benchmark goes on when it is started again.
JAFFE, CK+48 and LFW expressions are scored under 10 folds with people held out and under 10 random
folds (the leak gap); FER2013, whose people are not known, on its official public part. Data:
jaffe.zip, ck48.zip, lfw-expressions.zip, fer2013.zip in $CLASSIC_FER_DATA or ../shared/datasets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from classic_fer.evaluation.benchmark import Watcher, benchmark
from classic_fer.evaluation.result import Result
from classic_fer.reports.benchmark import benchmark_markdown
from classic_fer.reports.content import headline

MAX_SECONDS = 3600  # of all runs together, on two cores

SMALL = {"features": ["lbp", "hog", "lbp+hog+geometry"], "clf": ["svm", "linear-svm", "knn", "lda"]}
LARGE = {"features": ["lbp", "hog", "lbp+hog"], "clf": "linear-svm"}
DATA: list[dict[str, Any]] = [
    {"data": "jaffe", "cv": 10, **SMALL},
    {"data": "jaffe", "cv": 10, "features": "lbp:pca", "clf": "lp"},  # slow, so on few numbers
    {"data": "ck48", "cv": 10, "detector": "dlib", **SMALL},
    {"data": "lfw-expressions", "cv": 10, "labels": "3class", **LARGE},
    {"data": "fer2013", "cv": "official", **LARGE},
]
TOY: list[dict[str, Any]] = [
    {
        "data": "generated",
        "cv": 2,
        "inner_cv": 2,
        "features": ["lbp", "hog"],
        "clf": "linear-svm",
        "grid": {"clf__C": [1, 10]},
        "size": 48,
    }
]


class Printer(Watcher):
    """Says on standard error what is finished."""

    def finished(self, run: str, result: Result, *, kept: bool) -> None:
        print(f"{run}: {headline(result)}{' (kept)' if kept else ''}", file=sys.stderr, flush=True)

    def failed(self, run: str, error: str) -> None:
        print(f"FAILED {run}: {error}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run, write the table, and return 1 if a run failed or all took too long."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="generated faces, tiny")
    parser.add_argument("--out", type=Path, help="folder of the runs (default: runs/kfold)")
    parser.add_argument("--jobs", type=int, default=-1, help="threads (default: all cores)")
    options = parser.parse_args()
    here = Path(__file__)
    if "CLASSIC_FER_DATA" not in os.environ:
        os.environ["CLASSIC_FER_DATA"] = str(here.parents[1].parent / "shared" / "datasets")
    out = options.out or Path("runs") / ("kfold-toy" if options.toy else "kfold")
    start = time.perf_counter()
    table = benchmark(
        TOY if options.toy else DATA,
        out=out,
        leak_gap=True,
        n_jobs=options.jobs,
        command=" ".join(["python", "benchmarks/kfold.py", *sys.argv[1:]]),
        watcher=Printer(),
    )
    (out / "tables.md").write_text(benchmark_markdown(table), encoding="utf-8")
    written = out / "kfold.json" if options.toy else here.with_suffix(".json")
    measured = {"toy": options.toy, "max_seconds": MAX_SECONDS, **table.to_dict()}
    written.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    took = time.perf_counter() - start
    print(f"{len(table.rows)} runs in {took:,.0f} s; {written}, {out / 'tables.md'}")
    return 1 if table.failures or table.seconds > MAX_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
