"""Peak memory of extracting features and training a linear model, by the number of faces.

    python benchmarks/memory.py                              # 10,000 to 160,000 faces
    python benchmarks/memory.py --sizes 10000 20000          # fewer
    python benchmarks/memory.py --toy --out DIR              # tiny; writes DIR/memory.json

Each size runs in a process of its own, whose peak of resident memory (ru_maxrss) is recorded:
faces of 64x64 pixels with landmarks in a memory-mapped file, as aligned data sets have them, HOG
with 5 orientations (980 values: 627 MB for 160,000 faces, above the limit of 512 MB), and
`grid_search` of a linear SVM (two values of C, two folds, refit) under that limit, which bounds
the resident memory of the whole process, libraries included. The script fails if a peak is above
it. Sizes that memory.json in --out has for the same limit are not measured again. Drawing faces
is slow: 1,050 are drawn, and varied by shifts, mirroring, brightness and noise of a seed. The
scores therefore mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classic_fer.datasets.synthetic import synthetic_faces
from classic_fer.disk_arrays import disk_array, release
from classic_fer.faces.types import faces_dtype
from classic_fer.models.memory import resident_bytes

SIZES = (10_000, 20_000, 40_000, 80_000, 160_000)
TOY_SIZES = (300, 600)
LIMIT = 2**29  # bytes that the process keeps below
PEOPLE = 150  # who are drawn, with each of seven expressions
_PART = 250


def drawn_faces(folder: Path, n_people: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Generated faces, one a person and expression, and their labels; drawn once for all sizes."""
    file = folder / "drawn.npz"
    if not file.exists():
        faces = synthetic_faces(n_people, 1, size=64)
        np.savez(file, images=faces.images, labels=faces.labels)
    stored = np.load(file)
    return stored["images"], stored["labels"]


def varied_faces(
    drawn: NDArray[np.uint8], y: NDArray[np.str_], n: int
) -> tuple[NDArray, NDArray[np.str_]]:
    """Memory-mapped Faces, shape (n,): drawn ones under random changes, and their labels."""
    rng = np.random.default_rng(0)
    faces = disk_array((n,), faces_dtype(*drawn.shape[1:]))
    chosen = rng.integers(0, len(drawn), n)
    for start in range(0, n, _PART):
        rows = slice(start, min(start + _PART, n))
        faces["image"][rows] = _varied(drawn[chosen[rows]], rng)
        faces["landmarks"][rows] = np.nan
        faces["box"][rows] = np.nan
        faces["found"][rows] = True
        release(faces)
    return faces, y[chosen]


def _varied(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    made = np.empty_like(images)
    for i, image in enumerate(images):
        shifted = np.roll(image, rng.integers(-2, 3, 2), axis=(0, 1))
        made[i] = shifted[:, ::-1] if rng.random() < 0.5 else shifted
    noisy = made + rng.normal(0, 8, made.shape) + rng.normal(0, 10, (len(made), 1, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def measure(n: int, folder: Path, n_people: int, limit: int) -> dict[str, Any]:
    """What one size takes; called in a process of its own."""
    import resource

    from classic_fer.models.search import grid_search

    drawn, labels = drawn_faces(folder, n_people)
    faces, y = varied_faces(drawn, labels, n)
    before, start = resident_bytes(), time.perf_counter()
    search = grid_search(
        faces,
        y,
        features="hog",
        clf="linear-svm",
        grid={"clf__C": [0.1, 1.0]},
        params={"features__hog__orientations": 5, "clf__tol": 1e-2},
        cv=2,
        memory=limit,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    width = search.best_estimator_.clf_.coef_.shape[1]
    return {
        "n": n,
        "seconds": time.perf_counter() - start,
        "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024),
        "bytes_before": before,
        "faces_bytes": faces.nbytes,
        "features_bytes": 4 * n * width,
        "selection_score": float(search.best_score_),
    }


def chart(rows: list[dict[str, Any]], limit: int, path: Path) -> None:
    """Peak memory and the size of faces and features by the number of faces."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot()
    n = [row["n"] for row in rows]
    axes.plot(n, [(r["faces_bytes"] + r["features_bytes"]) / 2**20 for r in rows], "o--", c="0.5")
    axes.plot(n, [row["peak_bytes"] / 2**20 for row in rows], "o-", c="C0")
    axes.axhline(limit / 2**20, c="C3", lw=1)
    labels = ["faces and features (on disk)", "peak of resident memory", "limit"]
    axes.legend(axes.lines, labels, frameon=False)
    axes.set(xlabel="faces", ylabel="MB", ylim=(0, None), xscale="log", xticks=n)
    axes.set_xticks(n, [f"{each:,}" for each in n], minor=False)
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def measured_apart(n: int, folder: Path, n_people: int, limit: int) -> dict[str, Any]:
    """What `measure` returns in a process of its own, with an empty cache."""
    drawn_faces(folder, n_people)
    command = [sys.executable, __file__, "--one", str(n), str(folder), "--memory", str(limit)]
    environment = {**os.environ, "CLASSIC_FER_CACHE": str(folder / f"cache{n}")}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def finished_rows(out: Path, limit: int) -> dict[int, dict[str, Any]]:
    """Rows of an earlier run with the same limit, by the number of faces."""
    file = out / "memory.json"
    if not file.exists():
        return {}
    earlier = json.loads(file.read_text(encoding="utf-8"))
    return {row["n"]: row for row in earlier["rows"]} if earlier["limit_bytes"] == limit else {}


def write(out: Path, limit: int, rows: list[dict[str, Any]]) -> None:
    """memory.json with all rows so far."""
    command = " ".join(["python", "benchmarks/memory.py", *sys.argv[1:]])
    measured = {"command": command, "limit_bytes": limit, "rows": rows}
    (out / "memory.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def table_line(row: dict[str, Any], limit: int) -> str:
    """One size: faces, bytes on disk, peak, limit, seconds."""
    sizes = row["faces_bytes"] + row["features_bytes"], row["peak_bytes"], limit
    in_mb = " ".join(f"{each / 2**20:6,.0f} MB" for each in sizes)
    return f"{row['n']:8,} {in_mb} {row['seconds']:8.1f}"


def main() -> int:
    """Measure all sizes; 1 if one was above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="tiny sizes")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of faces")
    parser.add_argument("--out", type=Path, help="folder (default: beside this file)")
    parser.add_argument("--memory", type=int, default=LIMIT, help="limit in bytes")
    parser.add_argument("--one", nargs=2, metavar=("N", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    n_people = 5 if options.toy else PEOPLE
    if options.one:
        n, folder = int(options.one[0]), Path(options.one[1])
        print(json.dumps(measure(n, folder, n_people, options.memory)))
        return 0
    out = options.out or Path(__file__).parent
    out.mkdir(parents=True, exist_ok=True)
    sizes = options.sizes or (TOY_SIZES if options.toy else SIZES)
    rows = finished_rows(out, options.memory)
    print(f"{'faces':>8} {'on disk':>9} {'peak':>9} {'limit':>9} {'seconds':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            if n not in rows:
                rows[n] = measured_apart(n, Path(folder), n_people, options.memory)
                write(out, options.memory, [rows[each] for each in sorted(rows)])
            print(table_line(rows[n], options.memory), flush=True)
    chart([rows[n] for n in sorted(rows)], options.memory, out / "memory.png")
    print(f"wrote {out / 'memory.json'} and {out / 'memory.png'}")
    return int(any(rows[n]["peak_bytes"] > options.memory for n in sizes))


if __name__ == "__main__":
    sys.exit(main())
