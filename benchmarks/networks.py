"""Classical recognizers and networks on the same faces: accuracy, speed, size, memory.

    python benchmarks/networks.py                        # bundled models, HOG with a linear SVM
    python benchmarks/networks.py x.onnx --spec ferplus  # and a network of others
    python benchmarks/networks.py --toy --out DIR        # generated faces, seconds; for CI

FER2013 is scored on its public part, which none of these models was trained on; CK+48 and JAFFE as
a whole. HOG with a linear SVM (C = 0.1, not searched) is trained on FER2013's training part here,
and exported to ONNX. Costs are measured on faces of FER2013 (`classic_fer.evaluation.cost`), as
often as --rounds says; median and range are given. Writes ``networks.json``, ``networks.md`` and
``networks.png`` beside this script, or into DIR. Toy scores mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from classic_fer.cli.progress import tracked
from classic_fer.datasets import load_dataset
from classic_fer.datasets.dataset import Dataset
from classic_fer.evaluation.cost import BATCH, PredictionCost, measure_cost
from classic_fer.evaluation.model_comparison import ModelsOnData, ModelSource, compare_models
from classic_fer.evaluation.official_parts import official_parts
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.result import environment
from classic_fer.faces.align import align_faces
from classic_fer.models.bundled import DEFAULT_MODEL, NETWORK
from classic_fer.models.persistence import model_file
from classic_fer.models.search import grid_search
from classic_fer.onnx.export import export_recognizer
from classic_fer.onnx.recognizer import needs_spec
from classic_fer.reports.cost_figures import cost_figure
from classic_fer.reports.figures import save_figure

SEED = 0
DATA = ("fer2013", "ck48", "jaffe")
HEADINGS = {
    "fer2013": "FER2013 public",
    "ck48": "CK+48",
    "jaffe": "JAFFE",
    "generated": "generated faces",
}
SMALL = "hog, linear-svm"


def parts(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Training and test part; all faces as both where there are none."""
    found = official_parts(dataset.split, dataset.card.official_split)
    if found is None:
        return dataset, dataset
    return dataset.subset(found.train), dataset.subset(found.test)


def small_recognizer(training: Dataset, folder: Path, *, jobs: int) -> dict[str, Path]:
    """HOG with a linear SVM, as a model file and as a graph."""
    aligned = align_faces(training, detector="none", n_jobs=jobs)
    search = grid_search(
        aligned.faces,
        aligned.y,
        features="hog",
        clf="linear-svm",
        grid={"clf__C": [0.1]},
        cv=2,
        n_jobs=jobs,
    )
    model = search.save(folder / "hog.skops", alignment=aligned.alignment)
    graph = export_recognizer(search.best_estimator_, folder / "hog.onnx")
    return {SMALL: model, f"{SMALL} as ONNX": graph.file}


def figures_of(told: ModelsOnData) -> dict[str, Any]:
    """Scores of each model on one data set."""
    return {
        name: {
            "n": result.dataset["n"],
            "scores": {key: result.scores[key] for key in ("accuracy", "macro_f1")},
        }
        for name, result in told.results.items()
    }


def typical_cost(measured: list[dict[str, Any]]) -> dict[str, tuple[float, float, float]]:
    """Median, least and greatest of each cost."""
    known = {key: [each[key] for each in measured if each[key] is not None] for key in measured[0]}
    return {
        key: (statistics.median(values), min(values), max(values))
        for key, values in known.items()
        if values
    }


def table(figures: dict[str, Any]) -> str:
    """One row a model, as Markdown."""
    sets = list(figures["data"])
    names = list(figures["data"][sets[0]])
    head = [f"{HEADINGS.get(each, each)}: accuracy [95 %], macro-F1" for each in sets]
    costs = ["ms a face, single", "ms a face, 64 at once", "load s", "parameters", "MB", "peak MB"]
    lines = ["| model | " + " | ".join([*head, *costs]) + " |"]
    lines.append("|---" * (1 + len(head) + len(costs)) + "|")
    for name in names:
        cells = []
        for each in sets:
            scores = figures["data"][each][name]["scores"]
            low, high = scores["accuracy"]["ci95"]
            accuracy, f1 = scores["accuracy"]["value"], scores["macro_f1"]["value"]
            cells.append(f"{accuracy:.3f} [{low:.3f}, {high:.3f}], {f1:.3f}")
        cost = figures["costs"][name]
        for key, form in (
            ("ms_single", "{:.2f} ({:.2f}-{:.2f})"),
            ("ms_batch", "{:.2f} ({:.2f}-{:.2f})"),
            ("load_seconds", "{:.2f} ({:.2f}-{:.2f})"),
            ("parameters", "{:,.0f}"),
            ("megabytes", "{:.2f}"),
            ("peak_megabytes", "{:.0f}"),
        ):
            cells.append(form.format(*cost[key]) if key in cost else "-")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def run(
    models: dict[str, ModelSource], data: Sequence[str | None], jobs: int, rounds: int
) -> dict[str, Any]:
    """Scores on every data set, and costs on the first."""
    figures: dict[str, Any] = {"data": {}, "notes": {}, "costs": {}}
    for each in data:
        dataset = load_dataset(each, seed=SEED)
        _, test = parts(dataset)
        told = compare_models(
            models, test, with_costs=False, n_jobs=jobs, random_state=SEED, stage=tracked
        )
        figures["data"][dataset.name] = figures_of(told)
        figures["notes"][dataset.name] = told.warnings
        if figures["costs"]:
            continue
        few = test.subset(np.arange(len(test)) < BATCH)
        for name, model in models.items():
            faces = align_faces(few, alignment=model.recognizer.alignment_, n_jobs=1)
            measured = [
                measure_cost(model.path, aligned_faces(faces), spec=model.spec).to_dict()
                for _ in range(rounds)
            ]
            figures["costs"][name] = typical_cost(measured)
    return figures


def save(figures: dict[str, Any], folder: Path) -> None:
    """The three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "networks.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    command, first = figures["command"], next(iter(figures["data"]))
    text = (
        f"# Classical recognizers and networks on the same faces\n\n`{command}`\n\n"
        f"{table(figures)}\n![accuracy, speed and size](networks.png)\n\n"
        "Costs: CPU time of one thread from aligned faces to probabilities, features included; "
        f"medians of {figures['rounds']} rounds, with the range. load s and peak MB: of a fresh "
        "process, with the libraries that only this kind of model needs.\n"
    )
    (folder / "networks.md").write_text(text, encoding="utf-8")
    medians = {
        name: PredictionCost(**{"peak_megabytes": None, **{k: v[0] for k, v in cost.items()}})
        for name, cost in figures["costs"].items()
    }
    accuracy = {name: each["scores"]["accuracy"] for name, each in figures["data"][first].items()}
    save_figure(cost_figure(medians, accuracy), folder / "networks.png")


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", nargs="*", help="further run folders, .skops and .onnx files")
    parser.add_argument("--spec", help="of .onnx files that need one")
    parser.add_argument("--toy", action="store_true", help="generated faces; for CI")
    parser.add_argument("--jobs", type=int, default=-1, help="processes that align")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of the costs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the three files")
    options = parser.parse_args()
    data: Sequence[str | None] = [None] if options.toy else DATA
    training, _ = parts(load_dataset(data[0], seed=SEED))
    if options.toy:
        rows = np.random.default_rng(SEED).permutation(len(training))[:120]
        training = training.subset(np.sort(rows))
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(name) for name in (DEFAULT_MODEL, NETWORK)}
        paths |= small_recognizer(training, Path(folder), jobs=options.jobs)
        paths |= {Path(path).name: Path(path) for path in options.models}
        models = {
            name: ModelSource.load(
                path, options.spec if needs_spec(model_file(path)) else None, n_jobs=options.jobs
            )
            for name, path in paths.items()
        }
        rounds = 1 if options.toy else options.rounds
        figures = run(models, data, options.jobs, rounds)
    words = ["python", "benchmarks/networks.py", *sys.argv[1:]]
    figures |= {"command": " ".join(words), "rounds": rounds, "environment": environment()}
    Console(highlight=False, soft_wrap=True).print(table(figures))
    if options.out is not None or not options.toy:
        save(figures, options.out or Path(__file__).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
