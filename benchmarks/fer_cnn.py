"""The bundled network ``fer-cnn``: trained on FER2013's Training part alone, with its model card.

    python benchmarks/fer_cnn.py --data fer2013.zip   # about an hour on one core with AMX
    python benchmarks/fer_cnn.py --toy --out DIR      # generated faces, seconds; for CI

Trains in the run folder ``--run`` and goes on there if it was stopped. Then writes
``classic_fer/models/bundled_models/fer-cnn.onnx``, ``fer_cnn.json`` beside this script,
``docs/fer_cnn_curves.png`` and ``docs/model_cards/fer-cnn.md`` from the template beside this script
(with ``--out``, all of them into that folder). What the recipe below owes to data was chosen on a
tenth cut from the training part; PublicTest and the other data sets are scored once the network is
trained.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from default_model import ROOT, confusions, figures_of, other_figures, unseen
from jinja2 import Environment, StrictUndefined
from rich.console import Console

from classic_fer.cnn.experiments import open_experiment
from classic_fer.cnn.job import TrainingJob
from classic_fer.cnn.run import TRAINING_FILE, run_job
from classic_fer.cnn.threads import set_threads
from classic_fer.cnn.training import training_parts
from classic_fer.evaluation.cost import measure_cost
from classic_fer.evaluation.holdout import evaluate
from classic_fer.evaluation.predictions_table import aligned_faces
from classic_fer.evaluation.result import environment
from classic_fer.models.bundled import NETWORK, bundled_file
from classic_fer.models.persistence import load_model

TEMPLATE = Path(__file__).with_name("fer_cnn_card.md")
MOST_MEGABYTES = 3.0
OTHER_DATA = ("ck48", "jaffe", "lfw-expressions")

RECIPE: dict[str, Any] = {
    "detector": "dlib",
    "arch": "resnet-small",
    "input_size": 40,
    "epochs": 75,
    "batch_size": 128,
    "lr": 0.1,
    "restore_best": False,
    "mirror": True,
    "half_precision": True,
    "seed": 0,
}
TOY = {"data": "generated", "detector": "none", "epochs": 2, "batch_size": 64}


@dataclass(frozen=True)
class Files:
    """Where everything goes."""

    model: Path
    figures: Path
    curves: Path
    card: Path

    @classmethod
    def of_the_package(cls) -> Files:
        """Those that are committed."""
        model = bundled_file(NETWORK)
        assert model is not None
        docs = ROOT / "docs"
        return cls(
            model,
            Path(__file__).with_suffix(".json"),
            docs / "fer_cnn_curves.png",
            docs / "model_cards" / "fer-cnn.md",
        )

    @classmethod
    def inside(cls, folder: Path) -> Files:
        """Other ones, in one folder."""
        folder.mkdir(parents=True, exist_ok=True)
        names = ("fer-cnn.onnx", "fer_cnn.json", "fer_cnn_curves.png", "fer-cnn.md")
        return cls(*(folder / name for name in names))


def write_card(figures: dict[str, Any], path: Path) -> None:
    """The model card, its figures filled into the template."""
    engine = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    engine.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    text = engine.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        figures, worst=confusions(figures["test"]["confusion"])
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def build(job: TrainingJob, run: Path, files: Files, *, jobs: int, others: bool) -> dict[str, Any]:
    """Train or go on, then score what was exported, and write; returns the figures."""
    aligned = job.align(job.load(), n_jobs=jobs)
    folder, finished = open_experiment(run, job)
    if not finished:
        with folder:
            run_job(job, aligned, folder, progress=_say)
    shutil.copyfile(run / "model.onnx", files.model)
    shutil.copyfile(run / "curves.png", files.curves)
    network = load_model(files.model)
    train, test = training_parts(aligned, job.training).protocol.folds[0]
    training, scored = aligned.subset(train), aligned.subset(test)
    figures = {
        "command": " ".join(["python", "benchmarks/fer_cnn.py", *sys.argv[1:]]),
        "train_command": job.command(),
        "training": {
            "dataset": training.name,
            "n": len(training),
            "classes": {name: int((training.y == name).sum()) for name in training.classes},
            "found": int(aligned_faces(training)["found"].sum()),
        },
        "facts": json.loads((run / TRAINING_FILE).read_text(encoding="utf-8")),
        "cost": measure_cost(files.model, aligned_faces(scored)).to_dict(),
        "test": figures_of(evaluate(network, scored)),
        "unseen": figures_of(evaluate(network, unseen(scored, training))),
        "others": other_figures(network, OTHER_DATA) if others else {},
        "environment": environment(),
    }
    files.figures.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_card(figures, files.card)
    return figures


def _say(done: int, total: int, epoch: Any) -> None:
    Console(stderr=True, highlight=False).print(
        f"epoch {done} of {total}: validation accuracy {epoch.validation_accuracy:.3f}"
    )


def main() -> int:
    """Build, print and check the size; returns 1 if the file is too large for the package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default="fer2013", help="FER2013: archive, CSV, or its name")
    parser.add_argument("--run", type=Path, default=Path("runs/fer-cnn"), help="of the training")
    parser.add_argument("--toy", action="store_true", help="generated faces; for CI")
    parser.add_argument("--jobs", type=int, default=-1, help="processes that align")
    parser.add_argument("--threads", type=int, default=1, help="that train")
    parser.add_argument("--out", type=Path, metavar="DIR", help="one folder for all files")
    options = parser.parse_args()
    if options.toy and options.out is None:
        parser.error("--toy needs --out DIR, so that the files of the package stay")
    set_threads(options.threads)
    recipe = RECIPE | (TOY if options.toy else {"data": options.data})
    files = Files.inside(options.out) if options.out else Files.of_the_package()
    run = options.out / "fer-cnn-run" if options.toy else options.run
    figures = build(
        TrainingJob.from_flags(recipe), run, files, jobs=options.jobs, others=not options.toy
    )
    console = Console(highlight=False)
    console.print(f"accuracy {figures['test']['scores']['accuracy']['value']:.4f} on test faces")
    cost = figures["cost"]
    console.print(f"{cost['megabytes']:.2f} MB of at most {MOST_MEGABYTES:g} MB")
    console.print(f"{cost['ms_batch']:.2f} ms a face in batches, one thread")
    return int(cost["megabytes"] > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
