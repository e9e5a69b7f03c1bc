"""The time that a search takes is known after a tenth of it, whatever the machine."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.models.forecast import EXTRACTION, Forecast


def test_time_left_by_hand():
    forecast = Forecast({EXTRACTION: 100.0, "fit 0": 20.0, "fit 1": 20.0, "scores": 10.0})
    assert forecast.share_done == 0
    assert forecast.seconds_left == pytest.approx(0.15)
    forecast.add(EXTRACTION, 100.0, 0.01)  # found in a cache: nothing is learned from it
    assert forecast.seconds_left == pytest.approx(0.05)
    forecast.add("fit 0", 10.0, 2.0)
    # Its kind, then its family, then all: each at a fifth of a second for a unit.
    assert forecast.seconds_left == pytest.approx(0.2 * (10 + 20 + 10))
    forecast.add("fit 1", 10.0, 6.0)
    assert forecast.seconds_left == pytest.approx(0.2 * 10 + 0.6 * 10 + 0.4 * 10)
    assert forecast.share_done == pytest.approx(8.01 / (8.01 + 12))
    forecast.add("fit 0", 10.0, 2.0)
    forecast.add("fit 1", 10.0, 6.0)
    forecast.add("scores", 10.0, 0.0)
    assert forecast.seconds_left == 0
    assert forecast.share_done == 1


@pytest.mark.parametrize("seed", range(20))
def test_estimates_hold_after_a_tenth_though_every_kind_is_misjudged(seed):
    rng = np.random.default_rng(seed)
    kinds = ["preparation", "products", "machines 0", "machines 1", "machines 2", "scores"]
    costs = dict(zip(kinds, [3.0, 20.0, 60.0, 60.0, 60.0, 15.0]))
    machine = 10 ** rng.uniform(-4, -2)
    truth = {kind: machine * cost * 8 ** rng.uniform(-1, 1) for kind, cost in costs.items()}
    folds = 10
    whole = folds * sum(truth.values())
    forecast = Forecast({kind: folds * cost for kind, cost in costs.items()})
    spent = 0.0
    for _ in range(folds):
        for kind in kinds:
            forecast.add(kind, costs[kind], truth[kind])
            spent += truth[kind]
            if 0.1 <= spent / whole < 0.999:
                assert 0.5 < forecast.seconds_left / (whole - spent) < 2
