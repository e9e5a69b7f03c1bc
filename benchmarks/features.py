"""Speed of LBP and HOG on one core against scikit-image, and the time to compile them.

Both ways take turns in one process, each on the same aligned faces, ten times a round, so that
both meet the same disturbances; a ratio is formed in each round, and the table shows their median,
least and greatest. Times are CPU time. Before that the outputs are compared.

    python benchmarks/features.py                     # generated faces, writes features.json
    python benchmarks/features.py --data fer2013.zip
    python benchmarks/features.py --toy               # seconds; for CI
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numba
import numpy as np
import skimage
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from skimage.feature import hog as skimage_hog
from skimage.feature import local_binary_pattern

from classic_fer import HOG, LBP, align_faces, load_dataset
from classic_fer.features.lbp import lbp_codes

Images = NDArray[np.uint8]
TARGETS = {"LBP codes": 25, "LBP histograms": 25, "HOG": 15}
TURNS = 10  # in a round


def skimage_lbp_codes(images: Images) -> NDArray[np.float64]:
    """The label of each pixel, image by image."""
    return np.stack([local_binary_pattern(image, 8, 1, "nri_uniform") for image in images])


def skimage_lbp_histograms(images: Images) -> NDArray[np.float64]:
    """Square roots of the label frequencies in 6 x 6 cells, image by image."""
    side = images.shape[1] // 6
    rows = []
    for image in images:
        codes = local_binary_pattern(image, 8, 1, "nri_uniform").astype(np.intp)
        cells = [
            np.bincount(codes[r : r + side, c : c + side].ravel(), minlength=59)
            for r in range(0, 6 * side, side)
            for c in range(0, 6 * side, side)
        ]
        rows.append(np.sqrt(np.concatenate(cells) / side**2))
    return np.stack(rows)


def skimage_hogs(images: Images) -> NDArray[np.float64]:
    """9 orientations, cells of 8 x 8 pixels, blocks of 2 x 2 cells, image by image."""
    return np.stack([skimage_hog(image, cells_per_block=(2, 2)) for image in images])


CASES: dict[str, tuple[Callable[[Images], Any], Callable[[Images], Any]]] = {
    "LBP codes": (lbp_codes, skimage_lbp_codes),
    "LBP histograms": (LBP().transform, skimage_lbp_histograms),
    "HOG": (HOG().transform, skimage_hogs),
}


def aligned_images(data: str | None, *, size: int, n: int) -> Images:
    """`n` images of `size` pixels, repeated where the data has fewer."""
    dataset = load_dataset(data)
    dataset = dataset.subset(np.linspace(0, len(dataset) - 1, min(n, len(dataset))).astype(int))
    images = align_faces(dataset, size=size).faces["image"]
    return np.ascontiguousarray(np.resize(images, (n, *images.shape[1:])))


def seconds(function: Callable[[Images], Any], images: Images) -> float:
    start = process_time()
    function(images)
    return process_time() - start


def compare(name: str, images: Images, *, rounds: int, n_theirs: int) -> dict[str, Any]:
    """Microseconds per image of both ways, and their ratio in each of the rounds."""
    ours, theirs = CASES[name]
    difference = float(np.abs(ours(images[:n_theirs]) - theirs(images[:n_theirs])).max())
    if difference > 1e-6:
        raise SystemExit(f"{name}: differs from scikit-image by {difference}")
    times = []
    for _ in range(rounds):
        fast = slow = 0.0
        parts = (np.array_split(stack, TURNS) for stack in (images, images[:n_theirs]))
        for many, few in zip(*parts):
            fast += seconds(ours, many)
            slow += seconds(theirs, few)
        times.append((1e6 * fast / len(images), 1e6 * slow / n_theirs))
    ratios = [slow / fast for fast, slow in times]
    return {
        "feature": name,
        "size": images.shape[1],
        "n": len(images),
        "rounds": rounds,
        "largest_difference": difference,
        "microseconds": statistics.median(fast for fast, _ in times),
        "microseconds_skimage": statistics.median(slow for _, slow in times),
        "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
        "target": TARGETS[name],
    }


def compile_seconds() -> dict[str, dict[str, float]]:
    """CPU seconds to import numba and the kernels of a feature: compiled, then from the cache."""
    code = (
        "from time import process_time; start = process_time()\n"
        "import classic_fer.features._{}_kernels\n"
        "print(process_time() - start)"
    )
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for feature in ("lbp", "hog"):
            for run in ("compiled", "cached"):
                done = subprocess.run(
                    [sys.executable, "-c", code.format(feature)],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "NUMBA_CACHE_DIR": folder},
                )
                results.setdefault(feature, {})[run] = float(done.stdout)
    return results


def show(result: dict[str, Any]) -> None:
    """Print the table of ratios."""
    columns = ("feature", "pixels", "µs", "µs scikit-image", "ratio", "least - greatest", "target")
    table = Table(*columns, title="One core, per image")
    for row in result["cases"]:
        ratio = row["ratio"]
        table.add_row(
            row["feature"],
            f"{row['size']} x {row['size']}",
            f"{row['microseconds']:.1f}",
            f"{row['microseconds_skimage']:.0f}",
            f"{ratio['median']:.1f}",
            f"{ratio['min']:.1f} - {ratio['max']:.1f}",
            str(row["target"]),
        )
    console = Console()
    console.print(table)
    for feature, seconds in result["compile_seconds"].items():
        console.print(
            f"{feature}: kernels and numba ready after {seconds['compiled']:.1f} s of CPU time "
            f"the first time, {seconds['cached']:.1f} s later"
        )


def main() -> None:
    """Run all cases, print the table and write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="faces to use; default: generated faces")
    parser.add_argument("--toy", action="store_true", help="few faces and rounds; for CI")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of features.json; default: beside this script, with --toy none",
    )
    args = parser.parse_args()
    n, n_theirs, rounds = (40, 10, 2) if args.toy else (1000, 60, 15)
    cases = []
    for size in (48, 96):
        images = aligned_images(args.data, size=size, n=n)
        cases += [compare(name, images, rounds=rounds, n_theirs=n_theirs) for name in CASES]
    result = {
        "command": " ".join(["python", "benchmarks/features.py", *sys.argv[1:]]),
        "data": args.data or "generated",
        "cases": cases,
        "compile_seconds": compile_seconds(),
        "environment": {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
            "scikit-image": skimage.__version__,
        },
    }
    show(result)
    out = args.out or (None if args.toy else Path(__file__).parent)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "features.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
