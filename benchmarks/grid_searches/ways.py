"""The same grid search in four ways, and what one of them takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.feature import local_binary_pattern
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from classic_fer.models.block_store import BlockStore
from classic_fer.models.recognizer import make_recognizer
from classic_fer.models.search import GridSearch

__all__ = [
    "C_VALUES",
    "GAMMAS",
    "JOBS",
    "N_FOLDS",
    "OURS",
    "WAYS",
    "ScikitImageLBP",
    "peak_gigabytes",
    "run_alone",
]

Labels = NDArray[np.str_]
Images = NDArray[np.uint8]

N_VALUES = 2124  # 6 x 6 cells of 8 x 8 pixels, 59 labels
C_VALUES = [1.0, 10.0, 100.0]
GAMMAS = [gamma / N_VALUES for gamma in (0.25, 0.5, 1.0)]
N_FOLDS = 5
JOBS = 2
OURS = "classic_fer"


class ScikitImageLBP(TransformerMixin, BaseEstimator):
    """Square roots of the label frequencies in 6 x 6 cells, image by image."""

    def fit(self, X: Images, y: object = None) -> ScikitImageLBP:
        return self

    def transform(self, X: Images) -> NDArray[np.float64]:
        side = X.shape[1] // 6
        rows = []
        for image in X:
            codes = local_binary_pattern(image, 8, 1, "nri_uniform").astype(np.intp)
            cells = [
                np.bincount(codes[r : r + side, c : c + side].ravel(), minlength=59)
                for r in range(0, 6 * side, side)
                for c in range(0, 6 * side, side)
            ]
            rows.append(np.sqrt(np.concatenate(cells) / side**2))
        return np.stack(rows)


def _grid_search(steps: list[Any], X: NDArray, y: Labels, folds: Any) -> GridSearchCV:
    """GridSearchCV of a pipeline that ends with an SVC."""
    grid = {"svc__C": C_VALUES, "svc__gamma": GAMMAS}
    return GridSearchCV(make_pipeline(*steps), grid, cv=folds, n_jobs=JOBS).fit(X, y)


def plain(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    steps = [ScikitImageLBP(), StandardScaler(), SVC(break_ties=True)]
    return _grid_search(steps, images, y, folds)


def features_once(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    steps = [StandardScaler(), SVC(break_ties=True)]
    return _grid_search(steps, ScikitImageLBP().transform(images), y, folds)


def intelex(images: Images, y: Labels, folds: Any) -> GridSearchCV:
    from sklearnex.svm import SVC as IntelexSVC

    steps = [StandardScaler(), IntelexSVC(break_ties=True)]
    return _grid_search(steps, ScikitImageLBP().transform(images), y, folds)


def ours(images: Images, y: Labels, folds: Any) -> GridSearch:
    recognizer = make_recognizer("lbp", "svm", scaler=StandardScaler(), calibration=None)
    grid = {"clf__C": C_VALUES, "clf__gamma": GAMMAS}
    search = GridSearch(recognizer, grid, cv=folds, n_jobs=JOBS)
    return search.fit_store(BlockStore(images, cache=False), y)


WAYS: dict[str, Callable[[Images, Labels, Any], GridSearchCV]] = {
    "plain": plain,
    "features once": features_once,
    "scikit-learn-intelex": intelex,
    OURS: ours,
}


def measure(way: str, images: Images, y: Labels) -> dict[str, Any]:
    """One search in this process: seconds, peak memory, best parameters and all scores."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    few = np.concatenate([np.flatnonzero(y == label)[:6] for label in np.unique(y)])
    WAYS[way](images[few], y[few], StratifiedKFold(2))  # loads and compiles what is needed
    start = perf_counter()
    search = WAYS[way](images, y, list(folds.split(images, y)))
    seconds = perf_counter() - start
    return {
        "seconds": seconds,
        "peak_gigabytes": peak_gigabytes(),
        "best": {name.rpartition("__")[2]: value for name, value in search.best_params_.items()},
        "scores": [search.cv_results_[f"split{k}_test_score"].tolist() for k in range(N_FOLDS)],
    }


def peak_gigabytes() -> float | None:
    """Peak resident memory of this process, without its workers; None where it is not told."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e9


def run_alone(way: str, file: Path) -> dict[str, Any]:
    """`measure` of the faces in an .npz file, in a new process."""
    print(f"{file.stem} faces: {way}", file=sys.stderr, flush=True)
    code = "import sys; from grid_searches.ways import main; main(*sys.argv[1:])"
    command = [sys.executable, "-c", code, way, str(file)]
    folder = Path(__file__).parents[1]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=folder)
    return json.loads(done.stdout)


def main(way: str, file: str) -> None:
    """Print what `measure` finds out, as JSON."""
    print(json.dumps(measure(way, **np.load(file))))
