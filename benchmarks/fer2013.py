"""FER2013: what each ingredient of the preset ``best`` adds, and what its product form costs.

    python benchmarks/fer2013.py --data fer2013.zip            # ablation, on training faces alone
    python benchmarks/fer2013.py --data fer2013.zip --build best.skops  # archive to saved model
    python benchmarks/fer2013.py --toy                         # both on generated faces; for CI

The ablation holds out an eighth of the training part, identical images together; the part `public`
is scored once, by the model that ``--build`` saves. The vocabulary and the principal components
know no labels: the vocabulary is learned from all training faces, the components from those that
are not held out. Writes ``fer2013_ablation.json`` and ``fer2013_build.json`` beside this script, or
into DIR with ``--out DIR``.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import clone

from classic_fer.datasets import load_dataset
from classic_fer.datasets.dataset import Dataset
from classic_fer.evaluation.cost import measure_cost
from classic_fer.evaluation.holdout import evaluate
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.resampling import drawn_sums, quantile_interval
from classic_fer.evaluation.result import environment
from classic_fer.faces.align import align_faces
from classic_fer.models.calibration import calibration_folds
from classic_fer.models.compact_kernel_ridge import CompactKernelRidge
from classic_fer.models.decisions import class_scores
from classic_fer.models.kernel_ridge import KernelRidgeClassifier
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.models.scaler import FeatureScaler

DETECTOR = "dlib"
SEED = 0
TOY_PARAMS: dict[str, Any] = {
    "features__fisher__n_components": 8,
    "features__fisher__n_samples": 20_000,
    "features__mpca__n_components": 64,
}


def parts(dataset: Dataset, *, toy: bool) -> tuple[Dataset, Dataset]:
    """Training part and `public`; of generated faces people in turn."""
    if toy:
        assert dataset.groups is not None
        held_out = np.unique(dataset.groups, return_inverse=True)[1] % 2 == 1
        return dataset.subset(~held_out), dataset.subset(held_out)
    return dataset.subset(dataset.split == "train"), dataset.subset(dataset.split == "public")


def held_out_rows(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """An eighth of the faces, drawn; identical images are all in or all out."""
    numbers: dict[bytes, int] = {}
    group = np.array([numbers.setdefault(image.tobytes(), len(numbers)) for image in images])
    return (np.random.default_rng(7).permutation(len(numbers)) % 8 == 0)[group]


def projected(training: Dataset, held: NDArray[np.bool_], params: dict[str, Any]) -> NDArray:
    """Rows of the features of the preset, fitted without labels, scaled as it scales them."""
    recipe = make_recognizer("best", "best", random_state=SEED, **params)
    steps = dict(recipe.features.steps)
    images = aligned_faces(training)["image"]
    rows = steps["fisher"].fit(images).transform(images)
    rows = steps["mpca"].fit(rows[~held]).transform(rows)
    return FeatureScaler("none").fit(rows[~held]).transform(rows)


def some_components(rows: NDArray, n: int) -> NDArray:
    """The first n / 2 columns of each half, at the scale of their own."""
    half = rows.shape[1] // 2
    chosen = np.hstack([rows[:, : n // 2], rows[:, half : half + n // 2]])
    return chosen / np.sqrt(chosen.var(axis=0, dtype=np.float64).sum(), dtype=np.float32)


def ingredients(rows: NDArray) -> Iterator[tuple[str, NDArray, Any]]:
    """Name, rows and classifier of each line of the table."""
    half, n = rows.shape[1] // 2, rows.shape[1]
    best = {"alpha": 0.1, "gamma": 1.0}
    yield "linear", rows, KernelRidgeClassifier(0.1, kernel="linear")
    yield "linear, mirrored", rows[:, :half], KernelRidgeClassifier(0.1, kernel="linear")
    yield "RBF kernel", rows, KernelRidgeClassifier(kernel="rbf", **best)
    yield "RBF kernel, mirrored", rows, KernelRidgeClassifier(kernel="mirror-rbf", **best)
    yield "the same in a byte a value", rows, CompactKernelRidge(kernel="mirror-rbf", **best)
    weighted = CompactKernelRidge(kernel="mirror-rbf", class_weight="balanced", **best)
    yield "with class weights", rows, weighted
    for fewer in (n // 2, n // 4):
        some = some_components(rows, fewer)
        yield f"with {fewer} components", some, CompactKernelRidge(kernel="mirror-rbf", **best)


def ablation(training: Dataset, rows: NDArray, held: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    """The lines of the table: accuracy, and its gain over the line before, with intervals."""
    before: NDArray | None = None
    for name, columns, clf in ingredients(rows):
        start = time.perf_counter()
        predicted = clf.fit(columns[~held], training.y[~held]).predict(columns[held])
        right = (predicted == training.y[held]).astype(float)
        recalls = [right[training.y[held] == label].mean() for label in np.unique(training.y[held])]
        line = {
            "name": name,
            "accuracy": interval(right),
            "balanced_accuracy": float(np.mean(recalls)),
            "gain": None if before is None else interval(right - before),
            "seconds": round(time.perf_counter() - start, 1),
        }
        before = right
        yield line


def interval(values: NDArray) -> dict[str, Any]:
    """Mean and its 95 % bootstrap interval over faces."""
    sums = drawn_sums(values[:, None], random_state=SEED)
    assert sums is not None
    return {"value": float(values.mean()), "ci95": quantile_interval(sums[:, 0] / len(values))}


def fit_calibrated(recognizer: Recognizer, training: Dataset, *, jobs: int) -> Recognizer:
    """Train on all faces, and calibrate on one half of them by training on the other.

    For that the features of the recognizer serve, which know no labels: to learn them anew, as
    `Recognizer` does by itself, would double the time.
    """
    recognizer.set_params(calibration=None)
    faces = aligned_faces(training)
    with parallel_config("threading", n_jobs=jobs):
        recognizer.fit(faces, training.y, training.groups)
        blocks = recognizer.features_.extract(faces)
        rows = recognizer.scaler_.transform(recognizer.features_.transform_blocks(blocks))
        train, test = calibration_folds(training.y, training.groups, 2, SEED)[0]
        half = clone(recognizer.clf).fit(rows[train], training.y[train])
        scores = class_scores(half, rows[test], recognizer.classes_)
    return recognizer.set_params(calibration="temperature").calibrate(scores, training.y[test])


def trained(training: Dataset, params: dict[str, Any], *, jobs: int) -> Recognizer:
    """The preset on all training faces."""
    recognizer = make_recognizer("best", "best", random_state=SEED, **params)
    return fit_calibrated(recognizer, training, jobs=jobs).set_bundle(
        alignment=training.alignment,
        card={"name": training.name, "terms": training.card.terms},
        dataset={"name": training.name, "n": len(training), "classes": training.classes},
        best_params=recognizer.clf.get_params(),
    )


def build(data: str | None, file: Path, params: dict[str, Any], *, jobs: int) -> dict[str, Any]:
    """From the archive to the saved model, then its scores, size and speed."""
    start = time.perf_counter()
    faces = align_faces(load_dataset(data), detector=DETECTOR, n_jobs=jobs)
    training, test = parts(faces, toy=data is None)
    aligned = time.perf_counter()
    recognizer = trained(training, params, jobs=jobs)
    save_model(recognizer, file)
    saved = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    recognizer = load_model(file)
    seen = {image.tobytes() for image in aligned_faces(training)["image"]}
    new = np.array([image.tobytes() not in seen for image in aligned_faces(test)["image"]])
    return {
        "command": " ".join(["python", "benchmarks/fer2013.py", *sys.argv[1:]]),
        "params": params,
        "n": len(training),
        "seconds": {"aligning": aligned - start, "training": saved - aligned},
        "peak_bytes": peak,
        "cost": measure_cost(file, aligned_faces(test)).to_dict(),
        "public": evaluate(recognizer, test, random_state=SEED).to_dict()["scores"],
        "public_unseen": evaluate(recognizer, test.subset(new), random_state=SEED).to_dict()[
            "scores"
        ],
        "n_public": [len(test), int(new.sum())],
        "environment": environment(),
    }


def main() -> int:
    """Run the ablation, or the build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default="fer2013", help="FER2013: archive, CSV, or its name")
    parser.add_argument("--toy", action="store_true", help="generated faces; for CI")
    parser.add_argument("--build", type=Path, metavar="FILE", help="save the model there")
    parser.add_argument("--rows", type=Path, metavar="FILE.npy", help="keep features for next time")
    parser.add_argument("--jobs", type=int, default=-1, help="processes that align, threads")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR")
    options = parser.parse_args()
    data, params = (None, TOY_PARAMS) if options.toy else (options.data, {})
    options.out.mkdir(parents=True, exist_ok=True)
    if options.build or options.toy:
        file = options.build or options.out / "best.skops"
        built = build(data, file, params, jobs=options.jobs)
        (options.out / "fer2013_build.json").write_text(json.dumps(built, indent=1) + "\n")
        Console(highlight=False).print(
            f"accuracy {built['public']['accuracy']['value']:.4f}", built["seconds"], built["cost"]
        )
    if options.toy or not options.build:
        faces = align_faces(load_dataset(data), detector=DETECTOR, n_jobs=options.jobs)
        training, _ = parts(faces, toy=options.toy)
        held = held_out_rows(aligned_faces(training)["image"])
        with parallel_config("threading", n_jobs=options.jobs):
            if options.rows and options.rows.exists():
                rows = np.load(options.rows)
            else:
                rows = projected(training, held, params)
                if options.rows:
                    np.save(options.rows, rows)
            table: dict[str, Any] = {
                "command": " ".join(["python", "benchmarks/fer2013.py", *sys.argv[1:]]),
                "n": {"training": int((~held).sum()), "held out": int(held.sum())},
                "environment": environment(),
                "lines": [],
            }
            for line in ablation(training, rows, held):
                Console(highlight=False).print(line)
                table["lines"].append(line)
                text = json.dumps(table, indent=1) + "\n"
                (options.out / "fer2013_ablation.json").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
