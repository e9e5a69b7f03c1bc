"""Cost of predictions: what is measured, not how fast it is."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from classic_fer.errors import DataError, MissingFileError
from classic_fer.evaluation.cost import BATCH, measure_cost


class Counter:
    """Notes the batches it gets, and how many BLAS threads it may use."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.threads: set[int] = set()

    def predict_proba(self, faces):
        self.sizes.append(len(faces))
        self.threads |= {pool["num_threads"] for pool in threadpool_info()}
        return np.ones((len(faces), 1))


def test_batches_of_one_and_sixty_four_on_one_thread(tmp_path):
    file = tmp_path / "model.skops"
    file.write_bytes(b"x" * 250_000)
    counter = Counter()
    cost = measure_cost(counter, np.zeros((5, 8, 8), np.uint8), file)
    assert set(counter.sizes) == {1, BATCH}
    assert counter.threads == {1}
    assert cost.megabytes == 0.25
    assert min(cost.ms_single, cost.ms_batch) > 0
    assert cost.to_dict()["megabytes"] == 0.25


def test_run_folder_stands_for_its_model(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"x" * 1000)
    assert measure_cost(Counter(), np.zeros((1, 8, 8), np.uint8), tmp_path).megabytes == 0.001


def test_missing_model_and_faces_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"no model file .*model\.skops"):
        measure_cost(Counter(), np.zeros((1, 8, 8), np.uint8), tmp_path)
    (tmp_path / "model.skops").write_bytes(b"x")
    with pytest.raises(DataError, match="no faces to measure"):
        measure_cost(Counter(), np.zeros((0, 8, 8), np.uint8), tmp_path)
