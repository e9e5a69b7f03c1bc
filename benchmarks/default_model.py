"""The bundled default recognizer: trained on FER2013's Training part alone, with its model card.

    python benchmarks/default_model.py --data fer2013.zip   # writes the three files below
    python benchmarks/default_model.py --toy                # generated faces; prints only; for CI
    python benchmarks/default_model.py --toy --out DIR      # writes the three files into DIR

Writes ``classic_fer/models/bundled_models/default.skops``, ``default_model.json`` beside this
script, and ``docs/model_cards/default.md`` from the template beside this script. PublicTest and
the other data sets are scored once the recognizer is trained; nothing is chosen by them here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fer2013 import fit_calibrated
from jinja2 import Environment, StrictUndefined
from rich.console import Console

from classic_fer.datasets import load_dataset
from classic_fer.datasets.dataset import Dataset
from classic_fer.errors import MissingFileError
from classic_fer.evaluation.cost import measure_cost
from classic_fer.evaluation.holdout import evaluate
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.result import Result, environment
from classic_fer.faces.align import align_faces
from classic_fer.models.bundled import DEFAULT_MODEL, bundled_file
from classic_fer.models.persistence import load_model, save_model
from classic_fer.models.recognizer import Recognizer, make_recognizer

ROOT = Path(__file__).parents[1]
TEMPLATE = Path(__file__).with_name("default_model_card.md")
MOST_MEGABYTES = 5.0
SEED = 0

FEATURES = "fisher:mpca"
CLF = "compact-krr"
PARAMS: dict[str, Any] = {
    "features__fisher__n_components": 128,
    "features__fisher__symmetric": True,
    "features__mpca__n_components": 256,
    "scaler__method": "none",
    "clf__kernel": "mirror-rbf",
    "clf__n_landmarks": 8000,
    "clf__alpha": 0.1,
    "clf__gamma": 1.0,
}
TOY_PARAMS: dict[str, Any] = {
    **PARAMS,
    "features__fisher__n_components": 8,
    "features__fisher__n_samples": 20_000,
    "features__mpca__n_components": 32,
    "clf__n_landmarks": 50,
}
DETECTOR = "dlib"

OTHER_DATA = ("ck48", "jaffe", "lfw-expressions")


@dataclass(frozen=True)
class Files:
    """Where the three files go."""

    model: Path
    figures: Path
    card: Path

    @classmethod
    def of_the_package(cls) -> Files:
        """Those that are committed."""
        model = bundled_file(DEFAULT_MODEL)
        assert model is not None
        card = ROOT / "docs" / "model_cards" / "default.md"
        return cls(model, Path(__file__).with_suffix(".json"), card)

    @classmethod
    def inside(cls, folder: Path) -> Files:
        """Other ones, in one folder."""
        folder.mkdir(parents=True, exist_ok=True)
        names = ("default.skops", "default_model.json", "default.md")
        return cls(*(folder / name for name in names))


def train(training: Dataset, params: dict[str, Any], *, jobs: int) -> Recognizer:
    """The recipe above, on aligned faces."""
    recognizer = make_recognizer(FEATURES, CLF, random_state=SEED, **params)
    return fit_calibrated(recognizer, training, jobs=jobs).set_bundle(
        alignment=training.alignment,
        card={"name": training.name, "terms": training.card.terms},
        dataset={"name": training.name, "n": len(training), "classes": training.classes},
        best_params=params,
        model_card="docs/model_cards/default.md",
    )


def parts(dataset: Dataset, *, toy: bool) -> tuple[Dataset, Dataset]:
    """Training and test rows: FER2013's official parts; of generated faces people in turn."""
    if toy:
        assert dataset.groups is not None
        held_out = np.unique(dataset.groups, return_inverse=True)[1] % 2 == 1
        return dataset.subset(~held_out), dataset.subset(held_out)
    return dataset.subset(dataset.split == "train"), dataset.subset(dataset.split == "public")


def figures_of(result: Result) -> dict[str, Any]:
    """What the card says of one evaluation."""
    plain = result.to_dict()
    keys = (
        "dataset",
        "scores",
        "per_class",
        "confusion",
        "coverage",
        "left_out",
        "found",
        "interval",
    )
    return {key: plain[key] for key in keys} | {"majority_baseline": result.majority_baseline}


def other_figures(recognizer: Recognizer, names: tuple[str, ...]) -> dict[str, Any]:
    """The recognizer on data that have nothing to do with its training, where they are at hand."""
    found: dict[str, Any] = {}
    for name in names:
        try:
            dataset = load_dataset(name)
        except MissingFileError:
            continue
        aligned = align_faces(dataset, alignment=recognizer.alignment_)
        found[name] = figures_of(evaluate(recognizer, aligned, random_state=SEED))
    return found


def unseen(test: Dataset, training: Dataset) -> Dataset:
    """Test rows whose aligned face no training row has, byte for byte."""
    seen = {image.tobytes() for image in aligned_faces(training)["image"]}
    new = [image.tobytes() not in seen for image in aligned_faces(test)["image"]]
    return test.subset(np.array(new))


def confusions(confusion: dict[str, Any], most: int = 5) -> list[dict[str, Any]]:
    """The most frequent mistakes as shares of their true class, the largest share first."""
    counts = np.asarray(confusion["counts"])
    rows = [
        {"true": true, "predicted": predicted, "share": counts[i, j] / counts[i].sum()}
        for i, true in enumerate(confusion["true"])
        for j, predicted in enumerate(confusion["predicted"])
        if true != predicted and counts[i].sum()
    ]
    return sorted(rows, key=lambda row: -row["share"])[:most]


def write_card(figures: dict[str, Any], path: Path) -> None:
    """The model card, its figures filled into the template."""
    engine = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    engine.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    text = engine.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        figures, worst=confusions(figures["test"]["confusion"])
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def build(data: str | None, files: Files | None, *, toy: bool, jobs: int) -> dict[str, Any]:
    """Train, save, score what was saved, and write; returns the figures."""
    aligned = align_faces(load_dataset(data), detector=DETECTOR, n_jobs=jobs)
    training, test = parts(aligned, toy=toy)
    start = time.perf_counter()
    params = TOY_PARAMS if toy else PARAMS
    recognizer = train(training, params, jobs=jobs)
    seconds = time.perf_counter() - start
    cost = None
    if files is not None:
        save_model(recognizer, files.model, half=True)
        recognizer = load_model(files.model)
        cost = measure_cost(files.model, aligned_faces(test)).to_dict()
    figures = {
        "command": " ".join(["python", "benchmarks/default_model.py", *sys.argv[1:]]),
        "recipe": {"features": FEATURES, "clf": CLF, "params": params, "seed": SEED},
        "detector": DETECTOR,
        "training": {
            "dataset": training.name,
            "n": len(training),
            "classes": {name: int((training.y == name).sum()) for name in training.classes},
            "found": int(aligned_faces(training)["found"].sum()),
            "seconds": round(seconds, 1),
        },
        "cost": cost,
        "test": figures_of(evaluate(recognizer, test, random_state=SEED)),
        "unseen": figures_of(evaluate(recognizer, unseen(test, training), random_state=SEED)),
        "others": {} if toy else other_figures(recognizer, OTHER_DATA),
        "environment": environment(),
    }
    if files is not None:
        files.figures.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        write_card(figures, files.card)
    return figures


def main() -> int:
    """Build, print and check the size; returns 1 if the file is too large for the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default="fer2013", help="FER2013: archive, CSV, or its name")
    parser.add_argument("--toy", action="store_true", help="generated faces; for CI")
    parser.add_argument(
        "--jobs", type=int, default=-1, help="processes that align, threads that train"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="one folder for all three files")
    options = parser.parse_args()
    data = None if options.toy else options.data
    if options.out is not None:
        files: Files | None = Files.inside(options.out)
    else:
        files = None if options.toy else Files.of_the_package()
    figures = build(data, files, toy=options.toy, jobs=options.jobs)
    console = Console(highlight=False)
    console.print(f"accuracy {figures['test']['scores']['accuracy']['value']:.4f} on test faces")
    if figures["cost"] is None:
        return 0
    megabytes = figures["cost"]["megabytes"]
    console.print(f"{megabytes:.2f} MB of at most {MOST_MEGABYTES:g} MB")
    return int(megabytes > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
