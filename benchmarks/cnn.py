"""The trainings of ``cnn_experiments.yaml`` as one table: learning rates, best or last weights.

    python benchmarks/cnn.py                        # FER2013; hours on two cores
    python benchmarks/cnn.py --epochs 8             # a shorter table, which says so
    python benchmarks/cnn.py --toy --out DIR        # generated faces, seconds; for CI

Writes ``cnn.json`` beside this script (or into DIR) and the run folders into ``--runs``. Needs the
extra ``cnn``. Epochs are chosen on a tenth of the training part; the scored part chooses nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from classic_fer.cnn.config import planned_jobs, read_config
from classic_fer.cnn.experiments import experiment_rows, open_experiment
from classic_fer.cnn.run import run_job
from classic_fer.cnn.threads import set_threads
from classic_fer.evaluation.result import environment
from classic_fer.reports.tables import rich_table
from classic_fer.reports.training import experiments_table

HERE = Path(__file__).parent
CONFIG = HERE / "cnn_experiments.yaml"

TOY = {"data": "generated", "detector": "none", "epochs": 1, "warmup": 0.0, "input_size": 24}


def main() -> None:
    """Train what is not trained yet, print the table and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", help="instead of that of the configuration file")
    parser.add_argument("--epochs", type=int, help="likewise")
    parser.add_argument("--threads", type=int, default=-1)
    parser.add_argument("--toy", action="store_true", help="generated faces; for CI")
    parser.add_argument("--runs", type=Path, default=Path("runs/cnn-experiments"))
    parser.add_argument("--out", type=Path, metavar="DIR", help="where cnn.json goes")
    options = parser.parse_args()
    flags: dict[str, Any] = dict(TOY) if options.toy else {}
    flags |= {
        name: value
        for name, value in {"data": options.data, "epochs": options.epochs}.items()
        if value is not None
    }
    place = (options.out or HERE) if not options.toy else (options.out or HERE) / "cnn-toy"
    runs = place / "runs" if options.toy else options.runs
    set_threads(options.threads)
    jobs = planned_jobs(read_config(CONFIG), flags)
    console = Console(highlight=False)
    for name, job in jobs.items():
        folder, finished = open_experiment(runs / name, job)
        if not finished:
            console.print(name)
            with folder:
                run_job(job, job.align(job.load()), folder)
    rows = experiment_rows(runs, jobs)
    figures = {"config": CONFIG.name, "changed": flags, "runs": rows, "environment": environment()}
    place.mkdir(parents=True, exist_ok=True)
    (place / "cnn.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    console.print(rich_table(experiments_table(rows)))


if __name__ == "__main__":
    main()
