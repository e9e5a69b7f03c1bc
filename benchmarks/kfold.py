"""The README's main table: accuracy with people held out, and what random folds add to it.

    python benchmarks/kfold.py                      # all data; writes kfold.json and kfold.md here
    python benchmarks/kfold.py --out runs/kfold     # where the run folders go (this is the default)
    python benchmarks/kfold.py --toy --out DIR      # generated faces, tiny; writes into DIR

Every finished run is kept, so that an interrupted benchmark goes on when it is started again.
JAFFE, CK+48 and LFW expressions are scored under folds with people held out and under as many
random folds (the leak gap); FER2013, whose people are not known, on its official public part, with
identical images kept in one fold of the searches, and once more without the public images that
training has a copy of. `lp` is slow and runs on the small sets alone. Data: jaffe.zip, ck48.zip,
lfw-expressions.zip, fer2013.zip in $CLASSIC_FER_DATA or ../shared/datasets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from classic_fer.evaluation.benchmark import BenchmarkTable, Watcher, benchmark
from classic_fer.evaluation.result import Result
from classic_fer.reports.benchmark import benchmark_markdown
from classic_fer.reports.content import headline
from classic_fer.reports.wording import with_interval

MAX_SECONDS = 3600  # of all runs together, on two cores

SMALL = {
    "cv": 10,
    "detector": "dlib",
    "features": ["lbp", "hog", "lbp+hog", "lbp+hog+geometry"],
    "clf": ["svm", "linear-svm", "knn", "lda"],
}
SLOW = {"cv": 10, "detector": "dlib", "features": "lbp:pca", "clf": "lp"}
LARGE = {"clf": "linear-svm", "inner_cv": 3}
LFW = {"data": "lfw-expressions", "cv": 5, "labels": "3class"}
BEST = {"features": "lbp+hog", "clf": "svm", "inner_cv": 3}
DATA: list[dict[str, Any]] = [
    {"data": "jaffe", **SMALL},
    {"data": "jaffe", **SLOW},
    {"data": "ck48", **SMALL},
    {"data": "ck48", **SLOW},
    {**LFW, **LARGE, "features": ["lbp", "hog"]},
    {**LFW, **LARGE, "features": "lbp", "clf": "lda"},
    {
        "data": "fer2013",
        "cv": "official",
        "detector": "dlib",
        "dedup": True,
        "features": ["lbp", "hog"],
        "grid": {"clf__C": [0.1, 0.3]},
        **LARGE,
    },
    {
        "data": "fer2013",
        "name": "fer2013-svm",
        "cv": "official",
        "detector": "dlib",
        "dedup": True,
        "grid": {"clf__C": 3, "clf__gamma": [0.5, 1]},
        **BEST,
    },
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


def main_table(table: BenchmarkTable) -> str:
    """For each data set and classifier the features with the highest accuracy, as Markdown."""
    columns = (
        *("data", "recognizer", "faces", "protocol", "accuracy [95 %]", "random folds [95 %]"),
        *("leak gap [95 %]", "without copies [95 %]", "always the largest class", "seconds"),
    )
    lines = ["| " + " | ".join(columns) + " |", "| --- | --- |" + " --: |" * (len(columns) - 2)]
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in table.rows:  # by data, protocol and rank
        if not row["cv"].startswith("random"):
            best.setdefault((row["dataset"], row["clf"]), row)
    ordered = sorted(best.values(), key=lambda row: -row["scores"]["accuracy"]["value"])
    names = list(dict.fromkeys(row["dataset"] for row in table.rows))
    for row in sorted(ordered, key=lambda row: names.index(row["dataset"])):
        name = (row["data"], row["features"], row["clf"])
        gap = next((g for g in table.leak_gaps if _name(g) == name and g["gap"] is not None), None)
        random = next(
            (r for r in table.rows if _name(r) == name and r["cv"].startswith("random")), None
        )
        cells = (
            *(row["dataset"], f"{row['features']} + {row['clf']}", f"{row['n']:,}", row["cv"]),
            with_interval(row["scores"]["accuracy"]),
            "" if random is None else with_interval(random["scores"]["accuracy"]),
            "" if gap is None else with_interval({**gap, "value": gap["gap"]}, sign="+"),
            with_interval(row["dedup"]["copies"]["scores"]["accuracy"]) if row["dedup"] else "",
            f"{row['majority_baseline']:.3f}",
            f"{row['seconds'] + (0 if random is None else random['seconds']):,.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _name(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["data"], row["features"], row["clf"]


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
    written.with_suffix(".md").write_text(main_table(table), encoding="utf-8")
    took = time.perf_counter() - start
    print(f"{len(table.rows)} runs in {took:,.0f} s; {written}, its .md, {out / 'tables.md'}")
    return 1 if table.failures or table.seconds > MAX_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
