"""Time and memory of kernel ridge classification (`krr`) on all of FER2013's training part.

For each number of faces, in a process of its own and with two threads: the RBF kernel of the LBP
features, then the systems of seven one-against-rest problems, for one alpha and for a path of
four, which conjugate gradients solve together. The decisions of the training rows under the
middle alpha are compared with those of a solution to a residual that is a hundred times smaller.

    python benchmarks/kernel_ridge.py                  # 2,000 to 28,709 faces; kernel_ridge.json
    python benchmarks/kernel_ridge.py --faces 4000
    python benchmarks/kernel_ridge.py --toy --out DIR  # tiny; for CI

Sizes that kernel_ridge.json in --out has are not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from grid_searches.ways import peak_gigabytes
from joblib import parallel_config
from speed import faces, usual_data
from threadpoolctl import threadpool_limits

from classic_fer import LBP
from classic_fer.models.kernel_ridge import training_kernel
from classic_fer.models.kernels import kernel_terms
from classic_fer.models.ridge_systems import class_targets, ridge_solutions
from classic_fer.models.scaler import FeatureScaler

SIZES, TOY_SIZES = (2000, 8000, 28709), (40, 80)
ALPHAS = (0.03, 0.1, 0.3, 1.0)
TOL = 1e-4  # the default of `KernelRidgeClassifier`
JOBS = 2


def measure(data: str | None, n: int) -> dict[str, Any]:
    """Seconds of the kernel and of its systems; called in a process of its own."""
    name, images, y = faces(data, n)
    rows = FeatureScaler().fit_transform(LBP().transform(images))
    targets, weights = class_targets(y)[1], np.ones(len(y))
    made: dict[str, Any] = {"n": len(y), "data": name, "values": rows.shape[1]}
    with threadpool_limits(1, user_api="blas"), parallel_config("threading", n_jobs=JOBS):
        start = perf_counter()
        gram = training_kernel(kernel_terms("rbf", "scale", rows), rows)
        made["kernel_seconds"] = perf_counter() - start

        def solve(alphas: tuple[float, ...], tol: float) -> tuple[np.ndarray, int, float]:
            start = perf_counter()
            solved = ridge_solutions(
                gram, targets, weights, np.array(alphas), tol=tol, max_iter=1000
            )
            return solved[0], solved[2], perf_counter() - start

        duals, made["iterations"], made["one_alpha_seconds"] = solve(ALPHAS[2:3], TOL)
        _, made["path_iterations"], made["path_seconds"] = solve(ALPHAS, TOL)
        exact, _, _ = solve(ALPHAS[2:3], TOL / 100)
        difference = gram @ (duals[0] - exact[0]).astype(rows.dtype)
        difference -= difference.mean(axis=0)  # what an intercept takes
        made["largest_decision_difference"] = float(np.abs(difference).max())
    return made | {"peak_gigabytes": peak_gigabytes()}


def measured_apart(data: str | None, n: int) -> dict[str, Any]:
    """What `measure` returns in a process of its own."""
    command = [sys.executable, __file__, "--one", str(n), *(["--data", data] if data else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure all sizes, write JSON after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="default: FER2013 if it is there, else generated faces")
    parser.add_argument("--faces", type=int, nargs="+", help="numbers of faces")
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument("--out", type=Path, help="folder; default: beside the script")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.data, args.one)))
        return
    data = None if args.toy else args.data or usual_data()
    out = args.out or (None if args.toy else Path(__file__).parent)
    file = None if out is None else out / "kernel_ridge.json"
    rows: dict[int, dict[str, Any]] = {}
    if file is not None and file.exists():
        earlier = json.loads(file.read_text(encoding="utf-8"))["rows"]
        rows = {row["n"]: row for row in earlier}
    print("   faces  kernel s  one alpha s  path of 4 s  peak GB")
    for n in args.faces or (TOY_SIZES if args.toy else SIZES):
        if n not in rows:
            row = measured_apart(data, n) | {"load": round(os.getloadavg()[0], 1)}
            rows[n] = row | {"command": " ".join(["python", *sys.argv])}
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            kept = {"rows": [rows[n] for n in sorted(rows)], "alphas": ALPHAS, "jobs": JOBS}
            file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        row = rows[n]
        times = row["kernel_seconds"], row["one_alpha_seconds"], row["path_seconds"]
        print(f"{row['n']:8,} {times[0]:9.2f} {times[1]:12.2f} {times[2]:12.2f}", end="")
        print(f" {row['peak_gigabytes'] or 0:8.2f}", flush=True)


if __name__ == "__main__":
    main()
