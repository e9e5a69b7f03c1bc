"""Cells of a study are kept, and an interrupted study goes on."""

from __future__ import annotations

import numpy as np
import pytest

from classic_fer.errors import ParameterError
from classic_fer.studies.cells import run_cells

CELLS = [{"level": level, "repeat": repeat} for level in (0.1, 0.2) for repeat in (0, 1)]


def outcome(cell):
    return {"sum": cell["level"] + cell["repeat"], "not_known": np.nan, "pair": (1, 2)} | {
        "array": np.array([cell["level"]])
    }


def test_outcomes_are_in_the_order_of_the_cells_and_plain():
    found = run_cells(CELLS, outcome, settings={})
    assert [each["sum"] for each in found] == [0.1, 1.1, 0.2, 1.2]
    assert found[0]["not_known"] is None
    assert found[0]["pair"] == [1, 2]
    assert found[2]["array"].tolist() == [0.2]


def test_an_interrupted_study_does_only_what_is_left(tmp_path):
    done = []

    def interrupted(cell):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(cell)
        return outcome(cell)

    with pytest.raises(KeyboardInterrupt):
        run_cells(CELLS, interrupted, settings={"seed": 0}, out=tmp_path)
    assert done == CELLS[:3]
    later = []
    found = run_cells(
        CELLS,
        lambda cell: later.append(cell) or outcome(cell),
        settings={"seed": 0},
        out=tmp_path,
        resume=True,
    )
    assert later == CELLS[3:]
    whole = run_cells(CELLS, outcome, settings={"seed": 0})
    assert [each["sum"] for each in found] == [each["sum"] for each in whole]
    assert all((a["array"] == b["array"]).all() for a, b in zip(found, whole))


def test_cells_of_other_settings_are_refused(tmp_path):
    run_cells(CELLS, outcome, settings={"seed": 0}, out=tmp_path)
    with pytest.raises(ParameterError, match=r"seed differ.*was 0, is 1"):
        run_cells(CELLS, outcome, settings={"seed": 1}, out=tmp_path, resume=True)
    with pytest.raises(ParameterError, match="holds cells of an earlier run"):
        run_cells(CELLS, outcome, settings={"seed": 0}, out=tmp_path)


def test_a_damaged_cell_is_done_again(tmp_path):
    run_cells(CELLS, outcome, settings={}, out=tmp_path)
    (tmp_path / "cells" / "0002.npz").write_bytes(b"half a fi")
    again = []
    with pytest.warns(UserWarning, match=r"0002.npz is damaged .* this cell is computed again"):
        run_cells(
            CELLS,
            lambda cell: again.append(cell) or outcome(cell),
            settings={},
            out=tmp_path,
            resume=True,
        )
    assert again == [CELLS[1]]
