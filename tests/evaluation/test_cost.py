"""Cost of predictions: what is measured, not how fast it is."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import DataError, MissingFileError, ModelFileError
from classic_fer.evaluation import cost as module
from classic_fer.evaluation.cost import BATCH, PredictionCost, count_parameters, measure_cost
from classic_fer.models.persistence import save_model
from classic_fer.models.recognizer import make_recognizer


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (30, 32, 32)).astype(np.uint8)


@pytest.fixture(scope="module")
def recognizer(images):
    y = ["anger", "fear", "neutral"] * 10
    return make_recognizer("lbp", "linear-svm", features__lbp__grid=2).fit(images, y)


@pytest.fixture(scope="module")
def file(recognizer, tmp_path_factory):
    return save_model(recognizer, tmp_path_factory.mktemp("run") / "model.skops")


def test_a_model_is_measured_in_a_process_of_its_own(file, images, recognizer):
    cost = measure_cost(file.parent, images)
    assert cost.megabytes == file.stat().st_size / 1e6
    assert cost.parameters == count_parameters(recognizer)
    assert min(cost.ms_single, cost.ms_batch, cost.load_seconds) > 0
    assert cost.peak_megabytes is None or cost.peak_megabytes > 0
    assert PredictionCost(**cost.to_dict()) == cost


def test_batches_of_one_and_sixty_four_on_one_thread(monkeypatch, tmp_path, capsys):
    from threadpoolctl import threadpool_info

    sizes, threads = [], set()

    class Counter:
        n_parameters_ = 3

        def predict_proba(self, faces):
            sizes.append(len(faces))
            threads.update(pool["num_threads"] for pool in threadpool_info())
            return np.ones((len(faces), 1))

    def load(model, *, spec, n_jobs):
        assert (model, spec, n_jobs) == ("default", None, 1)
        return Counter()

    monkeypatch.setattr(module, "load_model", load)
    np.save(tmp_path / "faces.npy", np.zeros((BATCH, 8, 8), np.uint8))
    module._report("default", str(tmp_path / "faces.npy"))
    assert '"parameters": 3' in capsys.readouterr().out
    assert set(sizes) == {1, BATCH}
    assert threads == {1}


def test_learned_numbers_are_counted_once_each(recognizer):
    """LBP 2 x 2 cells of 59 bins: a mean, a scale and a fill for each, and 3 classes of weights."""
    d = recognizer.scaler_.mean_.size
    assert count_parameters(recognizer.clf_) == 3 * d + 3
    fill = count_parameters(recognizer.features_)
    assert count_parameters(recognizer) == 2 * d + 3 * d + 3 + fill
    assert count_parameters([recognizer.clf_, recognizer.clf_]) == 3 * d + 3
    quantised = [np.zeros((4, 5), np.int8), np.zeros(7, np.int32), np.zeros(3, bool)]
    assert count_parameters(quantised) == 20


def test_missing_models_and_faces_are_refused(file, images, tmp_path):
    with pytest.raises(MissingFileError, match=r"no model\.skops or model\.onnx in the folder"):
        measure_cost(tmp_path, images)
    with pytest.raises(DataError, match="no faces to measure"):
        measure_cost(file, images[:0])


def test_a_process_that_fails_says_why(file, images):
    with pytest.raises(ModelFileError, match=r"ParameterError.*leave out the spec 'ferplus'"):
        measure_cost(file, images, spec="ferplus")
