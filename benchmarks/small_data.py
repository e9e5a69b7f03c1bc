"""Small data: what features learned on FER2013 add to one's own.

    python benchmarks/small_data.py                      # writes small_data.json and .md here
    python benchmarks/small_data.py --out runs/small     # where the run folders go
    python benchmarks/small_data.py --data jaffe         # only these
    python benchmarks/small_data.py --toy --out DIR      # generated faces, tiny; writes into DIR

Finished runs are kept, so that an interrupted benchmark goes on when it is started again; the
tables show the runs that are there. Each recipe is scored with people held out and under random
folds of the same number. Data: jaffe.zip, ck48.zip and lfw-expressions.zip in $CLASSIC_FER_DATA or
../shared/datasets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from classic_fer.evaluation.benchmark import BenchmarkTable, Watcher, benchmark
from classic_fer.evaluation.leak_gap import leak_gap, paired_accuracy_difference
from classic_fer.evaluation.result import RESULT_FILE, Result
from classic_fer.models.bundled import FISHER, bundled_file
from classic_fer.reports.content import headline
from classic_fer.reports.run_folder import search_name
from classic_fer.reports.wording import with_interval

PLAIN, TRANSFER = "lbp+hog+geometry", "lbp+hog+geometry+transfer"

DATA: list[dict[str, Any]] = [
    {"data": "jaffe", "features": [TRANSFER, PLAIN], "clf": "lda", "cv": ["loso", "random10"]}
    | {"inner_cv": 3},
    {"data": "ck48", "features": [TRANSFER, PLAIN], "clf": "lda", "cv": ["10", "random10"]}
    | {"detector": "dlib", "inner_cv": 2, "grid": {"clf__shrinkage": [0.1, 0.3]}},
    {"data": "lfw-expressions", "labels": "3class", "features": ["lbp+transfer", "lbp"]}
    | {"clf": "linear-svm", "cv": "5", "inner_cv": 2, "grid": {"clf__C": [0.1, 1]}},
]
TOY: list[dict[str, Any]] = [
    {"data": "generated", "features": ["transfer", "hog"], "clf": "lda", "cv": ["2", "random2"]}
    | {"inner_cv": 2, "grid": {"clf__shrinkage": 0.3}},
]


class Printer(Watcher):
    """Says on standard error what is finished."""

    def finished(self, run: str, result: Result, *, kept: bool) -> None:
        print(f"{run}: {headline(result)}{' (kept)' if kept else ''}", file=sys.stderr, flush=True)

    def failed(self, run: str, error: str) -> None:
        print(f"FAILED {run}: {error}", file=sys.stderr, flush=True)


def rows_of(plan: dict[str, Any], out: Path) -> list[dict[str, Any]]:
    """One row for each recipe and protocol with people held out whose run is there."""
    cvs = [plan["cv"]] if isinstance(plan["cv"], str) else plan["cv"]
    held_out = next(cv for cv in cvs if not cv.startswith("random"))
    random_cv = next((cv for cv in cvs if cv.startswith("random")), None)

    def result(features: str, cv: str | None) -> Result | None:
        if cv is None:
            return None
        file = out / plan["data"] / search_name(features, plan["clf"], cv) / RESULT_FILE
        return Result.load(file) if file.is_file() else None

    plain = result(plan["features"][-1], held_out)
    rows = []
    for features in plan["features"]:
        grouped, random = result(features, held_out), result(features, random_cv)
        if grouped is None:
            continue
        row = {"data": plan["data"], "features": features, "clf": plan["clf"], "cv": held_out}
        row |= {"n": grouped.dataset["n"], "accuracy": grouped.scores["accuracy"]}
        row |= {"command": grouped.command, "seconds": grouped.seconds, "random": None}
        row |= {"leak_gap": None, "over_plain": None}
        if random is not None:
            row |= {"random": random.scores["accuracy"] | {"command": random.command}}
            row |= {"leak_gap": leak_gap(grouped, random).to_dict()}
        if plain is not None and features != plan["features"][-1]:
            gain, ci95, _ = paired_accuracy_difference(grouped, plain)
            row |= {"over_plain": {"value": gain, "ci95": ci95}}
        rows.append(row)
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    columns = ("data", "recognizer", "protocol", "faces", "accuracy [95 %]", "gain [95 %]")
    columns += ("random folds [95 %]", "leak gap [95 %]", "seconds")
    lines = ["| " + " | ".join(columns) + " |", "| --- | --- | --- |" + " --: |" * 6]
    for row in rows:
        gap, gain, random = row["leak_gap"], row["over_plain"], row["random"]
        cells = (
            *(row["data"], f"{row['features']} + {row['clf']}", row["cv"], f"{row['n']:,}"),
            with_interval(row["accuracy"]),
            "" if gain is None else with_interval(gain, sign="+"),
            "" if random is None else with_interval(random),
            "" if gap is None else with_interval({**gap, "value": gap["gap"]}, sign="+"),
            f"{row['seconds']:,.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, write the tables, and return 1 if a run failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="generated faces, tiny")
    parser.add_argument("--out", type=Path, help="folder of the runs (default: runs/small_data)")
    parser.add_argument("--jobs", type=int, default=-1, help="threads (default: all cores)")
    parser.add_argument("--data", nargs="*", help="only these data sets")
    options = parser.parse_args()
    here = Path(__file__)
    if "CLASSIC_FER_DATA" not in os.environ:
        os.environ["CLASSIC_FER_DATA"] = str(here.parents[1].parent / "shared" / "datasets")
    out = options.out or Path("runs") / ("small_data-toy" if options.toy else "small_data")
    plans = TOY if options.toy else DATA
    chosen = [plan for plan in plans if options.data is None or plan["data"] in options.data]
    start = time.perf_counter()
    table: BenchmarkTable = benchmark(chosen, out=out, n_jobs=options.jobs, watcher=Printer())
    rows = [row for plan in plans for row in rows_of(plan, out)]
    model = bundled_file(FISHER)
    assert model is not None
    measured = {"toy": options.toy, "rows": rows, "failures": table.failures}
    measured |= {"bundled_sha256": hashlib.sha256(model.read_bytes()).hexdigest()}
    written = out / "small_data.json" if options.toy else here.with_suffix(".json")
    written.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    written.with_suffix(".md").write_text(markdown(rows), encoding="utf-8")
    print(f"{len(rows)} rows in {time.perf_counter() - start:,.0f} s; {written} and its .md")
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
