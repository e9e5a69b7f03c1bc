"""Exported graphs: how they agree with Python on faces never seen, their size and their speed.

Recognizers are trained on one data set and compared with their graphs on others. Graph and Python
take turns on the same faces, in batches of 1 and of 64, on one thread; times are CPU time, the
median of the rounds.

    OMP_NUM_THREADS=1 python benchmarks/export.py    # $CLASSIC_FER_DATA or ../shared/datasets
    python benchmarks/export.py --toy                # generated faces, seconds; for CI
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.console import Console
from threadpoolctl import threadpool_limits

from classic_fer import align_faces, load_dataset, load_model
from classic_fer.models.recognizer import Recognizer, make_recognizer
from classic_fer.onnx.check import check_graph
from classic_fer.onnx.export import export_recognizer

RECOGNIZERS = (
    ("lbp", "svm"),
    ("lbp", "knn"),
    ("hog", "linear-svm"),
    ("hog:pca", "logistic"),
    ("lbp+hog", "krr"),
    ("lbp+hog+geometry", "lda"),
)
TRAIN, UNSEEN = "ck48.zip", ("jaffe.zip", "lfw-expressions.zip")
MOST = 800  # faces of a data set that are compared
BATCHES = (1, 64)


def known_data(name: str) -> str:
    """An archive in $CLASSIC_FER_DATA or ../shared/datasets."""
    beside = Path(__file__).parents[2] / "shared" / "datasets"
    return str(Path(os.environ.get("CLASSIC_FER_DATA", beside)) / name)


def unseen_faces(alignment: Any, *, toy: bool) -> NDArray:
    """Faces of other data than the recognizers were trained on, aligned alike."""
    parts = []
    for name in (None,) if toy else UNSEEN:
        data = load_dataset(known_data(name) if name else None, seed=1)
        rows = np.linspace(0, len(data) - 1, min(len(data), 20 if toy else MOST)).astype(int)
        aligned = align_faces(data.subset(np.unique(rows)), alignment=alignment)
        parts.append(aligned.faces)
    return np.concatenate(parts)


def milliseconds(function: Callable[[NDArray], Any], faces: NDArray, batch: int) -> float:
    """CPU time a face."""
    start = process_time()
    for first in range(0, len(faces), batch):
        function(faces[first : first + batch])
    return 1000 * (process_time() - start) / len(faces)


def graph_function(file: Path) -> Callable[[NDArray], Any]:
    """Probabilities of faces by a graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    fields = {"faces": "image", "landmarks": "landmarks"}
    names = [each.name for each in session.get_inputs()]

    def run(faces: NDArray) -> Any:
        inputs = {name: np.ascontiguousarray(faces[fields[name]]) for name in names}
        return session.run(["probabilities"], inputs)

    return run


def measured(
    name: str, recognizer: Recognizer, faces: NDArray, folder: Path, *, rounds: int
) -> dict[str, Any]:
    """Size, agreement and times of one graph."""
    written = export_recognizer(recognizer, folder / "graph.onnx")
    verdict = check_graph(recognizer, written.file, faces)
    graph = graph_function(written.file)
    times: dict[str, list[float]] = {}
    few = np.resize(faces, 64)
    for _ in range(rounds):
        for batch in BATCHES:
            for way, function in (("graph", graph), ("python", recognizer.predict_proba)):
                times.setdefault(f"{way}_{batch}", []).append(milliseconds(function, few, batch))
    return {
        "recognizer": name,
        "face": list(recognizer.image_shape_),
        "bytes": written.bytes,
        "operations": written.nodes,
        "opset": written.opset,
        "check": verdict.to_dict(),
        "milliseconds": {key: statistics.median(values) for key, values in times.items()},
        "milliseconds_range": {key: [min(v), max(v)] for key, v in times.items()},
        "rounds": rounds,
    }


def as_markdown(result: dict[str, Any]) -> str:
    """The table of docs/export.md."""
    lines = [
        "| recognizer | MB | operations | same label | largest difference "
        "| ms per face: graph, one by one | in batches of 64 | Python, one by one | of 64 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["graphs"]:
        check, ms = row["check"], row["milliseconds"]
        times = (f"{ms[key]:.2f}" for key in ("graph_1", "graph_64", "python_1", "python_64"))
        cells = (
            row["recognizer"],
            f"{row['bytes'] / 1e6:.2f}",
            str(row["operations"]),
            f"{check['same_label']} of {check['faces']}",
            f"{check['worst_difference']:.0e}",
            *times,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, export, compare, measure; write export.json and export.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--toy", action="store_true", help="few generated faces; for CI")
    parser.add_argument("--out", type=Path, help="folder; default: beside this script, --toy none")
    args = parser.parse_args()
    data = load_dataset(None if args.toy else known_data(TRAIN))
    if args.toy:
        data = data.subset(np.arange(0, len(data), max(1, len(data) // 40)))
    trained_on = align_faces(data, detector="dlib", landmarks="68")
    faces = unseen_faces(trained_on.alignment, toy=args.toy)
    rounds = 2 if args.toy else 5
    rows = []
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few toy faces: no calibration
        folder = Path(name)
        for features, clf in RECOGNIZERS:
            recognizer = make_recognizer(features, clf)
            recognizer.fit(trained_on.faces, trained_on.y, trained_on.groups)
            told = f"{features}, {clf}"
            rows.append(measured(told, recognizer, faces, folder, rounds=rounds))
            Console(stderr=True).print(rows[-1])
        if not args.toy:
            bundled = load_model("default")
            known = unseen_faces(bundled.alignment_, toy=False)
            rows.append(measured("bundled default", bundled, known, folder, rounds=rounds))
    result = {
        "command": " ".join(["python", "benchmarks/export.py", *sys.argv[1:]]),
        "trained_on": "generated" if args.toy else TRAIN,
        "compared_on": "generated" if args.toy else list(UNSEEN),
        "graphs": rows,
        "environment": {"onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
    }
    table = as_markdown(result)
    print(table)
    if args.out or not args.toy:
        out = args.out or Path(__file__).parent
        out.mkdir(parents=True, exist_ok=True)
        (out / "export.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        (out / "export.md").write_text(table, encoding="utf-8")
    if not all(row["check"]["passed"] for row in rows):
        raise SystemExit("a graph differs from its recognizer")


if __name__ == "__main__":
    main()
